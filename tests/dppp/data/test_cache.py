"""The cache changes where pixels come from, and nothing else."""

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from PIL import Image

from dppp import UserError
from dppp.data import build_train_loader, cache
from dppp.data.cache import DecodedImages, choose_reader
from dppp.data.images import num_pixels, read_image

RAM = ("DATALOADER.CACHE", "ram")


def batches(cfg: CfgNode, phase: int = 0, epoch: int = 0) -> list[dict]:
    """Two epochs of three batches and the beginning of a third."""
    loader = build_train_loader(cfg)
    loader.batch_sampler.start_at(phase, epoch)
    return list(itertools.islice(loader, 7))


def assert_equal(one: list[dict], two: list[dict]) -> None:
    for mine, other in zip(one, two, strict=True):
        assert mine["img_paths"] == other["img_paths"]
        for key in ("images", "targets", "camids"):
            assert torch.equal(mine[key], other[key]), key


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("place", [(0, 0), (2, 5)], ids=["at the start", "in phase 2"])
def test_batches_are_the_same_with_and_without(
    quickstart: Callable[..., CfgNode], workers: int, place: tuple[int, int]
) -> None:
    several = ("DATALOADER.NUM_WORKERS", workers)
    plain = batches(quickstart(), *place)
    assert_equal(batches(quickstart(*several, *RAM), *place), plain)
    assert_equal(batches(quickstart(*several), *place), plain)


@pytest.mark.parametrize("workers", [0, 2])
def test_each_file_is_read_once(
    quickstart: Callable[..., CfgNode], own_root: Path, workers: int
) -> None:
    loader = build_train_loader(quickstart("DATALOADER.NUM_WORKERS", workers, *RAM))
    for image in (own_root / "GenePersonToy" / "bounding_box_train").iterdir():
        image.unlink()
    assert len(list(itertools.islice(loader, 4))) == 4


def test_images_of_all_sizes_and_kinds(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    turned = Image.Exif()
    turned[0x0112] = 6
    paths = []
    for number, (mode, exif) in enumerate(itertools.product(("RGB", "L"), (None, turned))):
        noise = random.integers(0, 256, (30 + number, 20, 3), dtype=np.uint8)
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(noise).convert(mode).save(path, **({"exif": exif} if exif else {}))
        paths.append(str(path))
    decoded = DecodedImages(paths, [3 * num_pixels(path) for path in paths])
    for path in [*paths, *paths]:
        assert np.array_equal(np.asarray(decoded(path)), np.asarray(read_image(path)))


def test_what_does_not_fit_is_read_from_files(
    quickstart: Callable[..., CfgNode],
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache, "free_memory", lambda: 500_000)
    loader = build_train_loader(quickstart(*RAM))
    assert loader.dataset.read is read_image
    (line,) = warnings
    assert line == (
        "DATALOADER.CACHE ram: 60 images, 1 MB decoded, do not fit in 0 MB; read from files instead"
    )


def test_free_memory_is_below_the_machines() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert 0 < cache.free_memory() < total


def test_an_unknown_cache_is_refused() -> None:
    with pytest.raises(UserError, match=r"DATALOADER.CACHE is 'disk'; allowed: \"\" and ram"):
        choose_reader("disk", [])


@pytest.mark.parametrize("kept", [10, 300, -50], ids=["no header", "no pixels", "cut off"])
def test_an_unreadable_image_is_named_before_training(
    quickstart: Callable[..., CfgNode], own_root: Path, kept: int
) -> None:
    image = min((own_root / "GenePersonToy" / "bounding_box_train").iterdir())
    image.write_bytes(image.read_bytes()[:kept])
    with pytest.raises(UserError, match=f"{image.name}: cannot be read as an image"):
        build_train_loader(quickstart(*RAM))
