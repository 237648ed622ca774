"""Make fastreid 1.4.0 import and run on current Python, torch and NumPy, and without CUDA.

Only removed names that upstream imports are provided, and only while fastreid is being imported.
Everything else is overridden in our own classes, not patched:

    upstream (fastreid 1.4.0)                     why it fails; our answer
    --------------------------------------------  --------------------------------------------
    data/build.py:11          torch._six          torch >= 2.0 has none; here
    data/build.py:12          Mapping             Python >= 3.10 has it in collections.abc; here
    evaluation/testing.py:5   Mapping             the same
    evaluation/rank.py:14     Cython warning      our ranking needs no compiling; here
    evaluation/roc.py:18      Cython warning      the same
    data/build.py:27          _root               read once, at import; data/loaders.py
    data/data_utils.py:148    DataLoaderX         a CUDA stream on a CPU; data/loaders.py
    data/transforms/functional.py:46 ByteStorage  deprecated by torch; data/transforms.py
    data/transforms/build.py:81  RandomAffine     torchvision renamed the arguments;
                                                  data/transforms.py
    data/samplers/triplet_sampler.py:122          SetReWeightSampler never gives a batch;
                                                  refused in data/loaders.py
    data/samplers/triplet_sampler.py:242          permutes all identities for each batch;
                                                  data/identity_sampler.py
    evaluation/reid_evaluation.py:15  sklearn     a tenth of the time of all imports, for the ROC
                                                  curve alone; here, imported when it is used
    evaluation/reid_evaluation.py:128             runs make or exits; evaluation/evaluator.py
    utils/compute_dist.py:68  features.cuda()     re-ranking on a CPU; evaluation/reranking.py
    engine/train_loop.py:304  AMPTrainer          asserts CUDA; engine/step.py
    engine/train_loop.py:150  logger.exception    a traceback for any mistake; engine/trainer.py
    engine/defaults.py:111    seed_all_rng()      seeds from the clock, and logs that number as the
                                                  run's; engine/setup.py
    solver/build.py:180       contiguous=True     torch >= 2.0 sets gradients to None, and the
                                                  flat copy never moves; engine/optimizer.py
    solver/build.py:304, engine/hooks.py          MODEL.FREEZE_LAYERS freezes what only begins with
                              LayerFreeze         the name, and anew after --resume;
                                                  engine/hooks.py
    solver/build.py:328       T_max               0 where warm-up ends within the last epoch, and
                                                  the cosine divides by it; engine/phases.py
    modeling/backbones/regnet/    regnet, effnet  read YAML from the working folder; refused in
                                                  modeling/build.py
    utils/events.py:221       CommonMetricPrinter divides by zero if written twice; engine/hooks.py
    utils/checkpoint.py:216   torch.load          weights_only left open; engine/checkpoint.py
    modeling/meta_arch/baseline.py:130, mgn.py:256  sub_ normalizes a batch in place, twice with
                                                  TEST.FLIP; modeling/build.py gives a copy
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
from importlib.machinery import ModuleSpec
from typing import Any

FASTREID_VERSION = "1.4.0"
_INSTALL = f"run: pip install --no-deps fastreid=={FASTREID_VERSION}"


def require_fastreid() -> None:
    """Raise an ImportError of one line, with the install command, unless 1.4.0 is installed."""
    try:
        version = importlib.metadata.version("fastreid")
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(
            f"dppp needs fastreid {FASTREID_VERSION}, not installed; {_INSTALL}", name="fastreid"
        ) from None
    if version != FASTREID_VERSION:
        raise ImportError(
            f"dppp needs fastreid {FASTREID_VERSION}, found {version}; {_INSTALL}", name="fastreid"
        )


@contextmanager
def _names_upstream_expects() -> Iterator[None]:
    """Provide ``collections.Mapping`` and ``torch._six`` during the block."""
    six = types.ModuleType("torch._six")
    vars(six)["string_classes"] = (str, bytes)
    sys.modules["torch._six"] = six
    vars(collections)["Mapping"] = collections.abc.Mapping
    try:
        yield
    finally:
        del vars(collections)["Mapping"]
        del sys.modules["torch._six"]


class _SklearnMetrics(types.ModuleType):
    """``sklearn.metrics``, imported when a name of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("sklearn.metrics"), name)


@contextmanager
def _sklearn_when_used() -> Iterator[None]:
    """Let ``from sklearn import metrics`` import nothing yet during the block."""
    if "sklearn" in sys.modules:
        yield
        return
    sklearn = types.ModuleType("sklearn")
    sklearn.__spec__ = ModuleSpec("sklearn", loader=None)  # whoever looks for packages asks for it
    vars(sklearn)["metrics"] = _SklearnMetrics("sklearn.metrics")
    sys.modules["sklearn"] = sklearn
    try:
        yield
    finally:
        del sys.modules["sklearn"]


def import_fastreid() -> None:
    """Import the fastreid modules that need these names; later imports of fastreid then work."""
    require_fastreid()
    with _names_upstream_expects(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cython (rank|roc) evaluation")
        importlib.import_module("fastreid.data")
        with _sklearn_when_used():
            importlib.import_module("fastreid.evaluation.rank")
        for name in ("evaluation.roc", "modeling", "engine"):
            importlib.import_module(f"fastreid.{name}")
