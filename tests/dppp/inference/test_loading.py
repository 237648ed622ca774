"""From a file to a model that embeds: every checkpoint of a run, its config, and other files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastreid.config import CfgNode
from PIL import Image

import dppp


def test_every_checkpoint_of_a_run_gives_the_same_features(
    quickstart: Callable[..., CfgNode], trained: Path, gallery: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(quickstart("OUTPUT_DIR", str(trained)).dump())
    pictures = [Image.open(path) for path in sorted(gallery.glob("*.jpg"))[:3]]
    sources = [trained / "model_inference.pth", trained / "model_final.pth", config]
    first, *others = [dppp.load(source, device="cpu").embed(pictures) for source in sources]
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-6)


def test_files_that_are_no_model(tmp_path: Path) -> None:
    with pytest.raises(dppp.UserError, match="no such file"):
        dppp.load(tmp_path / "nowhere.pth")
    (tmp_path / "bad.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(dppp.UserError, match=r"bad\.pth: cannot be read"):
        dppp.load(tmp_path / "bad.pth")


def test_a_clip_without_such_weights() -> None:
    with pytest.raises(dppp.UserError, match=r"'none' is neither a file.*procedural"):
        dppp.load("DPPP-Tiny-8-quickgelu:none")
