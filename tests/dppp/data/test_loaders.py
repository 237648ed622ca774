"""Loaders: what is in a batch, sets that mix, and what is refused because it cannot work."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from PIL import Image

from dppp import UserError
from dppp.data import build_test_loader, build_train_loader
from dppp.errors import one_line


def test_two_sets_keep_their_identities_apart(
    quickstart: Callable[..., CfgNode], own_root: Path
) -> None:
    shutil.copytree(own_root / "GenePersonToy", own_root / "Copy")
    cfg = quickstart(
        "DATASETS.GENEPERSON_DIRS", ("GenePersonToy", "Copy"),
        "DATASETS.NAMES", ("GenePersonToy", "Copy"),
    )  # fmt: skip
    assert build_train_loader(cfg).dataset.num_classes == 20


def test_mixes_with_fastreids_market1501(
    quickstart: Callable[..., CfgNode], own_root: Path
) -> None:
    market = own_root / "Market-1501-v15.09.15"
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        (market / folder).mkdir(parents=True)
        for index, source in enumerate((own_root / "GenePersonToy" / folder).iterdir()):
            shutil.copy(
                source, market / folder / f"{index % 5 + 2:04d}_c{index % 6 + 1}s1_000451_03.jpg"
            )
    cfg = quickstart("DATASETS.NAMES", ("GenePersonToy", "Market1501"))
    loader = build_train_loader(cfg)
    assert loader.dataset.num_classes == 15
    assert next(iter(loader))["images"].shape == (16, 3, 64, 32)


def test_batches_hold_whole_identities(quickstart: Callable[..., CfgNode]) -> None:
    batch = next(iter(build_train_loader(quickstart())))
    assert batch["images"].dtype == torch.float32
    assert batch["images"].max() > 1  # FastReID's scale, 0..255
    assert torch.unique(batch["targets"], return_counts=True)[1].tolist() == [4] * 4


def test_test_loader_gives_queries_first(quickstart: Callable[..., CfgNode]) -> None:
    loader, num_query = build_test_loader(quickstart(), "GenePersonToy")
    paths = [path for batch in loader for path in batch["img_paths"]]
    assert all("/query/" in path for path in paths[:num_query])
    assert all("/bounding_box_test/" in path for path in paths[num_query:])
    assert len(paths) == 24


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("SOLVER.IMS_PER_BATCH", 18), "not a multiple of DATALOADER.NUM_INSTANCE 4"),
        (("SOLVER.IMS_PER_BATCH", 48), "needs 12 identities"),
        (("SOLVER.IMS_PER_BATCH", 64), "fewer than SOLVER.IMS_PER_BATCH"),
        (("DATALOADER.SAMPLER_TRAIN", "None"), "SAMPLER_TRAIN"),
        (("DATASETS.NAMES", ("GenePersonToyShifted",)), "Shifted has no training image"),
        (
            ("DATASETS.NAMES", ("GenePersonToy", "GenePersonToyShifted")),
            "Shifted has no training image",
        ),
        (("DATASETS.NAMES", ()), "NAMES is empty"),
        (
            (
                "TEST.PRECISE_BN.ENABLED",
                True,
                "MODEL.META_ARCHITECTURE",
                "Baseline",
                "MODEL.LOSSES.PROTOTYPE.SCALE",
                1.0,
            ),
            "would move the prototypes",
        ),
    ],
)
def test_what_would_hang_or_do_nothing_is_refused(
    quickstart: Callable[..., CfgNode], opts: tuple[object, ...], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        build_train_loader(quickstart(*opts))


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_takes_no_random_number_from_the_model(
    quickstart: Callable[..., CfgNode], workers: int
) -> None:
    """A run that resumes opens its batches elsewhere than one that never stopped."""
    loader = build_train_loader(quickstart("DATALOADER.NUM_WORKERS", workers))
    before = torch.get_rng_state()
    next(iter(loader))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_truncated_image_is_named_in_one_line(
    quickstart: Callable[..., CfgNode], own_root: Path, workers: int
) -> None:
    for image in (own_root / "GenePersonToy" / "bounding_box_train").iterdir():
        image.write_bytes(image.read_bytes()[:300])
    loader = build_train_loader(quickstart("DATALOADER.NUM_WORKERS", workers))
    with pytest.raises(UserError) as caught:
        next(iter(loader))
    message = one_line(caught.value)
    assert message.startswith(str(own_root / "GenePersonToy" / "bounding_box_train"))
    assert "cannot be read as an image" in message


def test_an_image_of_too_many_pixels_is_named_in_one_line(
    quickstart: Callable[..., CfgNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = build_train_loader(quickstart("DATALOADER.NUM_WORKERS", 0))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match=r"jpg: cannot be read as an image .*decompression bomb"):
        next(iter(loader))


def test_test_images_are_not_augmented(quickstart: Callable[..., CfgNode]) -> None:
    size = ("INPUT.SIZE_TRAIN", [128, 64], "INPUT.SIZE_TEST", [128, 64])
    loader, _ = build_test_loader(quickstart(*size), "GenePersonToy")
    batch = next(iter(loader))
    with Image.open(batch["img_paths"][0]) as image:
        expected = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()  # 128 x 64 on disk
    assert torch.equal(batch["images"][0], expected)


def test_fewer_classes_than_identities_are_refused(quickstart: Callable[..., CfgNode]) -> None:
    """As in a config that another run has saved."""
    with pytest.raises(UserError, match=r"NUM_CLASSES is 4, but .* have 10 training identities"):
        build_train_loader(quickstart("MODEL.HEADS.NUM_CLASSES", 4))
    build_train_loader(quickstart("MODEL.HEADS.NUM_CLASSES", 10))


@pytest.mark.parametrize("pastes", [True, False])
def test_patches_of_a_workers_own_images_are_named(
    quickstart: Callable[..., CfgNode], caplog: pytest.LogCaptureFixture, pastes: bool
) -> None:
    build_train_loader(quickstart("INPUT.RPT.ENABLED", pastes))
    assert any("depend on DATALOADER.NUM_WORKERS" in line for line in caplog.messages) == pastes
