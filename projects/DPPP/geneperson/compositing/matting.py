"""Cutting people out of the canvas's cells with U2Net, through rembg.

The model is always named, because rembg's own default may not be used commercially without a
licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..errors import UserError
from ..extras import require
from ..model_sources import UNKNOWN, digest

if TYPE_CHECKING:
    from rembg.sessions.base import BaseSession
    from yacs.config import CfgNode

WHAT = "cutting people out"
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
    """

    model: str
    provider: str

    @classmethod
    def from_config(cls, cfg: CfgNode) -> MattingSettings:
        """Read ``cfg.MATTING``."""
        return cls(model=cfg.MATTING.MODEL, provider=cfg.MATTING.PROVIDER)


def software() -> dict[str, str]:
    """Return the versions of the packages that cut out."""
    import onnxruntime  # from one of two distributions, so it is asked for its version itself

    return {"rembg": metadata.version("rembg"), "onnxruntime": onnxruntime.__version__}


class Matting:
    """One rembg session on one thread: more workers, not more threads, use more cores.

    Args:
        settings: model and provider.

    Raises:
        UserError: rembg, the model or the provider is missing.
    """

    def __init__(self, settings: MattingSettings) -> None:
        require("onnxruntime", WHAT)  # first: without it, importing rembg ends the program
        require("rembg", WHAT)
        from rembg.sessions import sessions_names_downloadable

        model = settings.model
        known = [name for name in sessions_names_downloadable if _finds_people(name)]
        path = Path(model).expanduser()
        is_file = path.suffix == ".onnx"
        if is_file and not path.is_file():
            raise UserError(f"MATTING.MODEL is {model!r}: no such file")
        if not is_file and model not in known:
            raise UserError(
                f"MATTING.MODEL is {model!r}: use a local .onnx file or one of "
                + ", ".join(sorted(known))
            )
        providers = find_providers(settings.provider)
        self._model = model
        self._session = _new_session(model, path if is_file else None, providers)
        self._file = Path(self._session.download_models(model_path=str(path)))
        self.provider: str = self._session.inner_session.get_providers()[0]

    @property
    def is_on_gpu(self) -> bool:
        """Whether the session runs on a GPU."""
        return self.provider != "CPUExecutionProvider"

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
        """
        return [self._alpha(cell) for cell in cells]

    def _alpha(self, cell: np.ndarray) -> np.ndarray:
        from rembg import remove

        mask = remove(Image.fromarray(cell), session=self._session, only_mask=True)
        return np.asarray(mask, np.uint8)


def _finds_people(name: str) -> bool:
    """Exclude models that need a click or an extra file, or that cut clothes into three."""
    return name not in ("sam", "u2net_cloth_seg") and not name.endswith("_custom")


def licence(model: str) -> str:
    """Return the licence of one of rembg's models, as its authors state it."""
    return _LICENCES.get(model, UNKNOWN)


def find_providers(name: str) -> list[str]:
    """Return onnxruntime's providers in order of preference.

    Args:
        name: "auto", "cuda" or "cpu".

    Raises:
        UserError: CUDA is asked for and not available.
    """
    available = require("onnxruntime", WHAT).get_available_providers()
    has_cuda = "CUDAExecutionProvider" in available
    if name == "cuda" and not has_cuda:
        raise UserError(
            "MATTING.PROVIDER is 'cuda', but this onnxruntime has no CUDA: install "
            "onnxruntime-gpu in its place, or set it to cpu"
        )
    if has_cuda and name != "cpu":
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def _new_session(model: str, path: Path | None, providers: list[str]) -> BaseSession:
    """Open the session; rembg fetches a model of its own that is not on this machine yet."""
    import onnxruntime
    from rembg import new_session
    from rembg.sessions.u2net_custom import U2netCustomSession

    class LocalFile(U2netCustomSession):
        """A file anywhere.

        rembg reads only its own folder, as a server must; here the user's own configuration names
        the file.
        """

        @classmethod
        def download_models(cls, *args: Any, **kwargs: Any) -> str:
            """Return the path that was given; nothing is downloaded."""
            return str(kwargs["model_path"])

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        if path is not None:
            return LocalFile(model, options, providers=providers, model_path=str(path))
        return new_session(model, sess_opts=options, providers=providers)
    except Exception as error:  # pooch, requests, onnxruntime and the disk raise their own
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"MATTING.MODEL {model!r} cannot be loaded: {reason}; rembg fetches its models once, "
            "into ~/.rembg (U2NET_HOME)"
        ) from error
