"""Where onnxruntime runs a model: on a GPU that really works, or on the CPU.

onnxruntime lists CUDA whenever it was built with it. If a library of CUDA, the driver or the GPU is
missing, it runs on the CPU all the same and raises no error. So a GPU counts here only after a
convolution has run on it.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..extras import require

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions

logger = logging.getLogger(__name__)

WHAT = "cutting people out"
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
Provider = str | tuple[str, dict[str, str]]  # a name, or a name with its options
_INSTALL = 'pip install "onnxruntime-gpu[cuda,cudnn]" in place of onnxruntime'
# An ONNX model, y = Conv(x, x) for x of shape (1, 1, 1, 1), written with onnx.helper.
_CONV = (
    b'\x08\x06:N\n\x0f\n\x01x\n\x01x\x12\x01y"\x04Conv\x12\x01gZ\x1b\n\x01x\x12\x16\n\x14\x08\x01'
    b"\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01b\x1b\n\x01y\x12\x16\n\x14"
    b"\x08\x01\x12\x10\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01\n\x02\x08\x01B\x04\n\x00\x10\x0b"
)
# Of onnxruntime's arena, of CUDA and of its libraries, in lower case.
_OUT_OF_MEMORY = ("failed to allocate", "available memory of", "out of memory", "alloc_failed")


def find_providers(name: str, device: int = 0) -> list[Provider]:
    """Return onnxruntime's providers in order of preference, the CPU's last.

    Args:
        name: "auto", "cuda" or "cpu".
        device: index of the GPU.

    Raises:
        UserError: CUDA is asked for and cannot be used.
    """
    runtime = require("onnxruntime", WHAT)
    if name == "cpu":
        return [CPU]
    if CUDA not in runtime.get_available_providers():
        if name == "cuda":
            raise UserError(
                "MATTING.PROVIDER is 'cuda', but this onnxruntime has no CUDA: "
                f"{_INSTALL}, or set it to cpu"
            )
        return [CPU]
    if _runs_on_cuda(device):
        return [_cuda(device), CPU]
    if name == "cuda":
        raise UserError(
            f"MATTING.PROVIDER is 'cuda', but onnxruntime cannot use GPU {device}: {_INSTALL}, "
            "check the driver, or set it to cpu"
        )
    return [CPU]


def uses_cuda(providers: Sequence[Provider]) -> bool:
    """Return whether the first of ``find_providers`` is a GPU."""
    return providers[0] != CPU


def session_options() -> SessionOptions:
    """Return options of a session on one thread: more workers, not more threads, use more cores."""
    options = require("onnxruntime", WHAT).SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options


def open_session(model: str | bytes, providers: Sequence[Provider]) -> InferenceSession:
    """Open a model where ``find_providers`` says, or not at all.

    Args:
        model: path of an ONNX file, or its content.
        providers: what ``find_providers`` returned.

    Raises:
        UserError: it was to run on a GPU and would run on the CPU.
    """
    runtime = require("onnxruntime", WHAT)
    session = runtime.InferenceSession(model, session_options(), providers=list(providers))
    check_place(session, providers)
    return session


def check_place(session: InferenceSession, providers: Sequence[Provider]) -> None:
    """Check that an open session runs where ``find_providers`` says, and keep it there.

    Raises:
        UserError: it was to run on a GPU and would run on the CPU.
    """
    session.disable_fallback()  # which would go on with the CPU after an error of the GPU
    if uses_cuda(providers) and session.get_providers()[0] != CUDA:
        raise UserError(
            "the GPU works, but onnxruntime opened the model on the CPU: free memory of the GPU, "
            "or set MATTING.PROVIDER cpu"
        )


class RunError(Exception):
    """onnxruntime cannot run a model; the message is one line."""


class OutOfMemoryError(RunError):
    """The memory is too small for what was to be run at once."""


@contextlib.contextmanager
def errors_of_a_run() -> Iterator[None]:
    """Raise whatever onnxruntime raises, which has no class of its own, as ``RunError``."""
    try:
        yield
    except Exception as error:
        text = " ".join(str(error).split())
        is_memory = any(words in text.lower() for words in _OUT_OF_MEMORY)
        raise (OutOfMemoryError if is_memory else RunError)(text[:200]) from error


def _cuda(device: int) -> tuple[str, dict[str, str]]:
    options = {
        "device_id": str(device),
        "cudnn_conv_algo_search": "HEURISTIC",  # the default times algorithms: not repeatable
        "arena_extend_strategy": "kSameAsRequested",  # no more memory than needed, beside torch
    }
    return CUDA, options


@cache
def _runs_on_cuda(device: int) -> bool:
    """Run a convolution on a GPU; log a warning, once, if it does not run there."""
    import torch  # noqa: F401  loads the libraries of CUDA that onnxruntime looks for

    runtime: Any = require("onnxruntime", WHAT)
    with contextlib.redirect_stdout(io.StringIO()):  # both report failures there
        if hasattr(runtime, "preload_dlls"):  # 1.21 and later: those that torch does not load
            runtime.preload_dlls()
        session = runtime.InferenceSession(_CONV, session_options(), providers=[_cuda(device)])
    session.disable_fallback()
    reason = "its own messages are above"
    if session.get_providers()[0] == CUDA:
        try:
            with errors_of_a_run():
                session.run(None, {"x": np.ones((1, 1, 1, 1), np.float32)})
            return True
        except RunError as error:  # cuDNN is missing, or memory
            reason = str(error)
    logger.warning(
        "this onnxruntime has CUDA, but cannot use GPU %d (%s); MATTING.PROVIDER auto is the CPU "
        "here: %s, or check the driver",
        device,
        reason,
        _INSTALL,
    )
    return False
