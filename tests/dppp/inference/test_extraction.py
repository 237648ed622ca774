"""A folder of images as features: resuming, number formats, and images that cannot be read."""

import copy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dppp
from dppp.inference import Embedder, extract, load_features, search
from dppp.inference.extraction import embed_files


def test_a_stopped_extraction_resumes(embedder: Embedder, gallery: Path, tmp_path: Path) -> None:
    folder = gallery.with_name("bounding_box_train")
    whole = extract(embedder, folder, tmp_path / "whole.npz", shard_size=16)

    class Stops:
        """The model, until its third batch."""

        def __init__(self) -> None:
            self.batches = 0

        def __getattr__(self, name: str) -> object:
            return getattr(embedder, name)

        def embed_pixels(self, pixels: list) -> np.ndarray:
            self.batches += 1
            if self.batches == 3:
                raise KeyboardInterrupt
            return embedder.embed_pixels(pixels)

    with pytest.raises(KeyboardInterrupt):
        extract(Stops(), folder, tmp_path / "f.npz", shard_size=16)
    kept = sorted((tmp_path / "f.npz.partial").iterdir())
    assert [path.name for path in kept] == ["000000.npz", "000001.npz"]
    written = [path.stat().st_mtime_ns for path in kept]
    with pytest.raises(dppp.UserError, match="was started with other"):
        extract(embedder, folder, tmp_path / "f.npz", half=True, shard_size=16)
    bf16 = copy.copy(embedder)
    bf16.precision = "bf16"
    with pytest.raises(dppp.UserError, match="another model, precision or number format"):
        extract(bf16, folder, tmp_path / "f.npz", shard_size=16)
    assert [path.stat().st_mtime_ns for path in kept] == written
    again = extract(embedder, folder, tmp_path / "f.npz", shard_size=16)
    np.testing.assert_array_equal(again.features, whole.features)
    assert again.paths == whole.paths and not (tmp_path / "f.npz.partial").exists()
    with pytest.raises(dppp.UserError, match=r"f\.npz: holds features of .* precision"):
        extract(bf16, folder, tmp_path / "f.npz", shard_size=16)


def test_a_file_says_its_precision(embedder: Embedder, gallery: Path, tmp_path: Path) -> None:
    bf16 = copy.copy(embedder)
    bf16.precision = "bf16"
    extract(bf16, gallery, tmp_path / "bf16.npz")
    features = load_features(tmp_path / "bf16.npz")
    assert features.precision == "bf16"
    assert search(embed_files(embedder, features.files()[:1]), features, 3)  # one model: they fit
    with np.load(tmp_path / "bf16.npz") as saved:
        older = {key: value for key, value in saved.items() if key != "precision"}
    np.savez(tmp_path / "older.npz", **older)
    assert load_features(tmp_path / "older.npz").precision == "fp32"


def test_float16_and_images_that_cannot_be_read(
    embedder: Embedder, gallery: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted(gallery.glob("*.jpg"))[:2]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    features = extract(embedder, folder, half=True)
    assert features.features.dtype == np.float16 and len(features.paths) == 2
    (line,) = features.skipped
    assert line.startswith("broken.jpg: ")


def test_damaged_exif_is_a_line(embedder: Embedder, tmp_path: Path) -> None:
    """An orientation, and a number whose bytes are missing."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    exif += b"\x9a\x82\x0b\0\x01\0\0\0\xff\xff\0\0" + b"\0" * 4
    Image.new("RGB", (64, 128)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (64, 128)).save(tmp_path / "b.jpg")
    features = extract(embedder, tmp_path)
    assert "b.jpg" in features.paths and len(features.paths) + len(features.skipped) == 2
