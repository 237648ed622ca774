"""Counts that differ from the published ones are logged, those that agree are not."""

from collections.abc import Callable

from fastreid.data.datasets.bases import ImageDataset

Loader = Callable[..., ImageDataset]


def test_counts_that_differ_are_logged_once_in_a_line(load: Loader, warnings: list[str]) -> None:
    for _ in range(2):
        load("PersonXVisDA", ["challenge_datasets/personX/image_train/0001_c12s1_24.jpg"])
    (line,) = warnings
    assert (
        "1 images (published: 20,280), 1 identities (published: 700), 1 cameras (published: 6)"
        in line
    )
    assert line.startswith("data set PersonXVisDA, train: ") and "\n" not in line


def test_counts_that_agree_are_not_logged(load: Loader, warnings: list[str]) -> None:
    """FineGPR's subset: 1,150 people by 4 cameras."""
    load("FineGPRSubset", [
        f"FineGPR_Dataset/FineGPR_subset/{pid:04d}_c{camera:02d}_w03_l05_p03.jpg"
        for pid in range(1, 1151) for camera in (1, 10, 19, 28)
    ])  # fmt: skip
    assert warnings == []
