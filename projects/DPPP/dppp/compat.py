"""What makes fastreid 1.4.0 import and run on today's Python, torch and NumPy, and without CUDA.

Only names that upstream imports and that are gone are provided, and only while fastreid is being
imported. Everything else is overridden in our own classes, not patched:

| upstream line (fastreid 1.4.0)                         | why it fails                         | our answer |
| ------------------------------------------------------ | ------------------------------------ | ---------- |
| data/build.py:11 ``from torch._six import ...``        | torch >= 2.0 has no ``torch._six``   | here       |
| data/build.py:12, evaluation/testing.py:5 ``Mapping``  | Python >= 3.10 keeps it in ``.abc``  | here       |
| evaluation/rank.py:10, roc.py:16 the Cython warnings   | our ranking needs no compiling       | here       |
| data/data_utils.py ``DataLoaderX``                     | ``torch.cuda.Stream`` on a CPU       | data/loaders.py |
| data/build.py:16 ``_root``                             | read once, when it is imported       | data/loaders.py |
| evaluation/reid_evaluation.py ``_compile_dependencies``| runs ``make``, exits where it fails  | evaluation/evaluator.py |
| engine/train_loop.py ``AMPTrainer``                    | asserts CUDA                         | engine/step.py |
| engine/train_loop.py:106 ``except: logger.exception``  | a traceback for a user's mistake     | engine/trainer.py |
| solver/build.py ``ContiguousParams``                   | torch >= 2.0 sets gradients to None: the flat copy never moves | engine/phases.py |
| engine/launch.py ``_distributed_worker``               | asserts CUDA, NCCL only              | tools/train_net.py |
| utils/checkpoint.py ``torch.load``                     | ``weights_only`` left to the default | engine/checkpoint.py |
"""

import collections
import collections.abc
import importlib
import importlib.metadata
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

FASTREID_VERSION = "1.4.0"
_MEND = f"run: pip install --no-deps fastreid=={FASTREID_VERSION}"


def require_fastreid() -> None:
    """Raise an ImportError of one line, with the command that mends it, unless 1.4.0 is there."""
    try:
        version = importlib.metadata.version("fastreid")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(
            f"dppp needs fastreid {FASTREID_VERSION}, not installed; {_MEND}"
        ) from None
    if version != FASTREID_VERSION:
        raise ImportError(f"dppp needs fastreid {FASTREID_VERSION}, found {version}; {_MEND}")


@contextmanager
def _names_upstream_expects() -> Iterator[None]:
    """Provide ``collections.Mapping`` and ``torch._six`` for as long as the block lasts."""
    six = types.ModuleType("torch._six")
    six.string_classes = (str, bytes)
    sys.modules["torch._six"] = six
    collections.Mapping = collections.abc.Mapping
    try:
        yield
    finally:
        del collections.Mapping
        del sys.modules["torch._six"]


def import_fastreid() -> None:
    """Import the fastreid modules that need help; any later ``import fastreid...`` then works."""
    require_fastreid()
    with _names_upstream_expects(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cython (rank|roc) evaluation")
        for name in ("data", "evaluation", "evaluation.roc", "modeling", "engine"):
            importlib.import_module(f"fastreid.{name}")
