"""Finding people's joints in pictures with RTMO, a one-stage network, through rtmlib.

rtmlib and RTMO's published weights are under Apache-2.0. rtmlib asks for two distributions of
OpenCV that would overwrite the headless one, so it is installed without its dependencies, all of
which are here.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from ..extras import require
from .skeletons import L_SHOULDER, NECK, R_SHOULDER

if TYPE_CHECKING:
    from rtmlib import RTMO

INSTALL = "pip install --no-deps rtmlib"
# Published weights by name -> rtmlib's word for them; rtmlib fetches them into ~/.cache/rtmlib.
PUBLISHED = {"rtmo-s": "lightweight", "rtmo-m": "balanced", "rtmo-l": "performance"}
_SIZE = (640, 640)  # (height, width) of a network that does not state it
_MIN_PERSON = 0.5  # score from which a person counts
_MIN_JOINT = 0.4  # score from which a joint is seen


class PoseDetector:
    """One network on one thread.

    Args:
        model: a name of ``PUBLISHED``, or a local ``.onnx`` file of RTMO for bodies of 17 joints.
        key: the setting or argument that names it, for messages.
        providers: of onnxruntime, in order of preference, each a name or a name with its options.

    Raises:
        UserError: rtmlib is missing, or the model cannot be fetched, read or used.
    """

    def __init__(
        self,
        model: str,
        key: str,
        providers: Sequence[str | tuple[str, dict[str, str]]] = ("CPUExecutionProvider",),
    ) -> None:
        runtime = require("onnxruntime", key)
        rtmlib = require("rtmlib", key, install=INSTALL)
        path = Path(model).expanduser()
        if model in PUBLISHED:
            source = rtmlib.Body.RTMO_MODE[PUBLISHED[model]]["pose"]
            trouble, hint = "cannot be fetched", "give a local .onnx file, or check the network"
        elif path.is_file():
            source = str(path)
            trouble, hint = "is not RTMO", "give an .onnx file of RTMO for bodies of 17 joints"
        else:
            raise UserError(
                f"{key} {model}: no such file; use a local .onnx file of RTMO or one of "
                + ", ".join(PUBLISHED)
            )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it reports what it loads
                self._network: RTMO = rtmlib.RTMO(
                    source, _SIZE, score_thr=_MIN_PERSON, to_openpose=True
                )
            # rtmlib's own session takes all cores, in every worker
            self._network.session = runtime.InferenceSession(
                self._network.onnx_model, options, providers=list(providers)
            )
            # which would go on with the CPU after an error of the GPU
            self._network.session.disable_fallback()
            height, width = self._network.session.get_inputs()[0].shape[2:]
            if isinstance(height, int) and isinstance(width, int):
                self._network.model_input_size = (height, width)
            self.people(np.full((64, 32, 3), 128, np.uint8))
        except Exception as error:  # rtmlib, onnxruntime, the network and the disk raise their own
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UserError(f"{key} {model}: {trouble} ({reason}); {hint}") from error

    def people(self, picture: np.ndarray) -> list[np.ndarray]:
        """Find everyone in a picture.

        Args:
            picture: (h, w, 3) uint8, RGB.

        Returns:
            (18, 2) x and y in pixels of each person's joints, in OpenPose's order; NaN where a
            joint was not seen.
        """
        points, scores = self._network(np.ascontiguousarray(picture[:, :, ::-1]))
        found = np.where(scores[:, :, None] >= _MIN_JOINT, points, np.nan).astype(np.float64)
        for person in found:  # rtmlib's neck needs both shoulders; from the side one is hidden
            shoulders = person[[R_SHOULDER, L_SHOULDER]]
            seen = np.isfinite(shoulders[:, 0])
            if seen.sum() == 1:
                person[NECK] = shoulders[seen][0]
        return [person for person in found if np.isfinite(person).any()]
