"""compat.py leaves nothing behind, and names the command that installs the right fastreid."""

import collections
import importlib.metadata
import subprocess
import sys

import pytest

import dppp
from dppp import compat


def test_patches_are_gone_after_the_import() -> None:
    assert dppp.DPPPTrainer
    assert not hasattr(collections, "Mapping")
    assert "torch._six" not in sys.modules


def test_fastreid_imports_by_itself_after_dppp() -> None:
    code = "import dppp; import fastreid.engine, fastreid.evaluation.rank, fastreid.data.build"
    run = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True
    )
    assert run.returncode == 0, run.stderr.decode()


def test_what_a_training_does_not_use_is_not_imported() -> None:
    code = (
        "import gc, sys, dppp; import fastreid.evaluation.reid_evaluation as upstream\n"
        "print(gc.isenabled(), {'scipy', 'sklearn', 'gdown', 'matplotlib'} & set(sys.modules))\n"
        "import sklearn.metrics; print(upstream.metrics.roc_curve is sklearn.metrics.roc_curve)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.splitlines() == ["True set()", "True"], run.stderr


@pytest.mark.parametrize("installed", ["1.3.0", None])
def test_another_fastreid_is_refused_with_the_command(
    monkeypatch: pytest.MonkeyPatch, installed: str | None
) -> None:
    def version(name: str) -> str:
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(ImportError, match=r"pip install --no-deps fastreid==1\.4\.0") as caught:
        compat.require_fastreid()
    assert "\n" not in str(caught.value)
