"""Cutting people out of the canvas's cells with U2Net, found and fetched by rembg.

The model is always named, because rembg's own default may not be used commercially without a
licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..errors import UserError
from ..extras import require
from ..model_sources import UNKNOWN, digest
from .batching import open_batched
from .onnx_providers import (
    WHAT,
    OutOfMemoryError,
    Provider,
    RunError,
    check_place,
    errors_of_a_run,
    find_providers,
    session_options,
    uses_cuda,
)
from .saliency import INPUTS, U2NET, SaliencyNetwork

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession
    from yacs.config import CfgNode

_LICENCES = {
    "u2net": "Apache-2.0",
    "u2netp": "Apache-2.0",
    "u2net_human_seg": "Apache-2.0",
    "bria-rmbg": "not for commercial use without a paid licence of its maker",
}


@dataclass(frozen=True, kw_only=True)
class MattingSettings:
    """What cuts people out.

    Attributes:
        model: a model of rembg by name, or a local ``.onnx`` file.
        provider: "auto", "cuda" or "cpu".
        batch_size: cells at once on a GPU, at least 1.
        device: index of the GPU, the one that draws.
    """

    model: str
    provider: str
    batch_size: int
    device: int = 0

    @classmethod
    def from_config(cls, cfg: CfgNode) -> MattingSettings:
        """Read ``cfg.MATTING``."""
        values = cfg.MATTING
        _, _, index = cfg.DIFFUSION.DEVICE.partition("cuda:")
        return cls(
            model=values.MODEL,
            provider=values.PROVIDER,
            batch_size=values.BATCH_SIZE,
            device=int(index) if index.isdecimal() else 0,
        )

    def is_on_disk(self) -> bool:
        """Return whether the model can be used without a network; False also without rembg."""
        if Path(self.model).suffix == ".onnx":
            return Path(self.model).expanduser().is_file()
        try:
            require("onnxruntime", WHAT)  # first: without it, importing rembg ends the program
            require("rembg", WHAT)
        except UserError:
            return False
        model = _known_models().get(self.model)
        return model is not None and model.resolve_existing(f"{model.name()}.onnx") is not None


def software() -> dict[str, str]:
    """Return the versions of the packages that cut out."""
    import onnxruntime  # from one of two distributions, so it is asked for its version itself

    return {"rembg": metadata.version("rembg"), "onnxruntime": onnxruntime.__version__}


class Matting:
    """One session. On a GPU it takes cells in batches; on a CPU one by one, on one thread.

    On a CPU a batch is no faster than its cells, and takes half a gigabyte for each of them.

    Args:
        settings: model and provider.

    Raises:
        UserError: rembg, the model or the provider is missing.
    """

    def __init__(self, settings: MattingSettings) -> None:
        require("onnxruntime", WHAT)  # first: without it, importing rembg ends the program
        require("rembg", WHAT)
        self._model = settings.model
        known = _known_models()
        path = Path(settings.model).expanduser()
        is_file = path.suffix == ".onnx"
        if is_file and not path.is_file():
            raise UserError(f"MATTING.MODEL is {settings.model!r}: no such file")
        if not is_file and settings.model not in known:
            raise UserError(
                f"MATTING.MODEL is {settings.model!r}: use a local .onnx file or one of "
                + ", ".join(sorted(known))
            )
        providers = find_providers(settings.provider, settings.device)
        self.provider: str = "CUDA" if uses_cuda(providers) else "CPU"
        self._network: SaliencyNetwork | _RembgModel
        try:
            if not is_file:
                path = Path(known[settings.model].download_models())
            self._file = path
            takes = U2NET if is_file else INPUTS.get(settings.model)
            if takes is None:
                self._network = _RembgModel(settings.model, providers)
            else:
                at_once = settings.batch_size if uses_cuda(providers) else 1
                session, at_once = open_batched(path, providers, at_once, takes.side)
                self._network = SaliencyNetwork(session, takes, at_once)
        except UserError:
            raise
        except Exception as error:  # pooch, requests, onnxruntime and the disk raise their own
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"MATTING.MODEL {settings.model!r} cannot be loaded: {reason}; rembg fetches its "
                "models once, into ~/.rembg (U2NET_HOME)"
            ) from error

    @property
    def is_on_gpu(self) -> bool:
        """Whether the session runs on a GPU."""
        return self.provider == "CUDA"

    def describe(self) -> dict[str, str]:
        """Return the model's name, revision and licence, for the provenance of a data set."""
        return {
            "name": Path(self._model).name,
            "revision": f"sha256:{digest(self._file)}",
            "licence": licence(self._model),
        }

    def alphas(self, cells: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Find the person in each cell.

        Args:
            cells: (h, w, 3) uint8 each.

        Returns:
            (h, w) uint8 each, 0 = background, 255 = person.

        Raises:
            UserError: the memory is too small for one cell, or the model cannot be run.
        """
        try:
            return self._network.alphas(cells)
        except OutOfMemoryError as error:
            raise UserError(
                "not even one cell can be cut out in the memory that is left: set "
                "MATTING.PROVIDER cpu, DIFFUSION.BATCH_SIZE 1 or DIFFUSION.CPU_OFFLOAD True"
            ) from error
        except RunError as error:
            raise UserError(
                f"MATTING.MODEL {self._model!r} cannot be run: {error}; use u2net, or a .onnx file "
                "with its input and output"
            ) from error


class _RembgModel:
    """A model whose masks are rembg's own work, one by one."""

    def __init__(self, model: str, providers: Sequence[Provider]) -> None:
        from rembg import new_session

        self._session: BaseSession = new_session(
            model, sess_opts=session_options(), providers=list(providers)
        )
        check_place(self._session.inner_session, providers)

    def alphas(self, cells: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Find the person in each cell; see :meth:`Matting.alphas`."""
        from rembg import remove

        with errors_of_a_run():
            masks = [
                remove(Image.fromarray(cell), session=self._session, only_mask=True)
                for cell in cells
            ]
        return [np.asarray(mask, np.uint8) for mask in masks]


def _known_models() -> dict[str, type[BaseSession]]:
    """Return rembg's models that need no click and no extra file, and cut out whole people."""
    from rembg.sessions import sessions, sessions_names_downloadable

    return {
        name: sessions[name]
        for name in sessions_names_downloadable
        if name not in ("sam", "u2net_cloth_seg") and not name.endswith("_custom")
    }


def licence(model: str) -> str:
    """Return the licence of one of rembg's models, as its authors state it."""
    return _LICENCES.get(model, UNKNOWN)
