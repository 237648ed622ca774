"""Features of images and sentences: the evaluator's, of length 1, and what has none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastreid.config import CfgNode
from PIL import Image

import dppp
from dppp.data import build_test_loader
from dppp.inference import Embedder, from_config


def test_features_have_length_1_and_do_not_depend_on_the_batch(
    embedder: Embedder, gallery: Path
) -> None:
    pictures = [Image.open(path) for path in sorted(gallery.glob("*.jpg"))[:3]]
    features = embedder.embed(pictures)
    assert features.shape == (3, 128) and features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(embedder.embed(pictures[:1])[0], features[0], atol=1e-5)


def test_embed_equals_the_evaluators_features(
    quickstart: Callable[..., CfgNode], trained: Path
) -> None:
    cfg = quickstart("MODEL.WEIGHTS", str(trained / "model_final.pth"))
    loader, _ = build_test_loader(cfg, "GenePersonToy")
    batch = next(iter(loader))
    embedder = from_config(cfg)
    theirs = embedder.model.network(batch).numpy()
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    ours = embedder.embed([Image.open(path) for path in batch["img_paths"]])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_bf16_gives_nearly_the_same_features(
    embedder: Embedder, trained: Path, gallery: Path
) -> None:
    bf16 = dppp.load(trained / "model_inference.pth", device="cpu", precision="bf16")
    pictures = [Image.open(path) for path in sorted(gallery.glob("*.jpg"))[:3]]
    ours, exact = bf16.embed(pictures), embedder.embed(pictures)
    assert ours.dtype == np.float32 and bf16.digest == embedder.digest
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-5)
    assert 1e-5 < np.abs(ours - exact).max() and (ours * exact).sum(axis=1).min() > 0.99
    with pytest.raises(dppp.UserError, match="precision is 'fp8'; allowed: fp32, bf16"):
        dppp.load(trained / "model_inference.pth", precision="fp8")


def test_what_cannot_be_embedded(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 128)
    with pytest.raises(dppp.UserError, match=r"embed\(\[image\]\)"):
        embedder.embed(Image.new("RGB", (64, 128)))
    with pytest.raises(dppp.UserError, match="transparent"):
        embedder.embed([Image.new("RGBA", (64, 128), (0, 0, 0, 0))])


def test_sentences_need_a_model_with_a_text_side(embedder: Embedder) -> None:
    with pytest.raises(dppp.UserError, match=r"no text side.*procedural"):
        embedder.embed_texts(["a man"])
    clip = dppp.load("DPPP-Tiny-8-quickgelu:procedural", device="cpu")
    assert clip.embed_texts(["a man", "a woman"]).shape == (2, clip.feature_dim)
    with pytest.raises(dppp.UserError, match="is empty"):
        clip.embed_texts(["a man", " "])
    with pytest.raises(dppp.UserError, match=r"embed_texts\(\[sentence\]\)"):
        clip.embed_texts("a man")
