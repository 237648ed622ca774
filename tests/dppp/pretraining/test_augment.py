"""What is done to images in pretraining."""

import numpy as np

from dppp.pretraining.augment import augment


def test_images_are_shifted_by_a_few_pixels() -> None:
    image = np.zeros((32, 16, 3), np.uint8)
    image[16, 8] = 255
    rng, seen = np.random.default_rng(0), set()
    for shown in augment([image] * 300, rng):
        assert shown.shape == image.shape and shown.dtype == np.uint8
        ((row, column),) = np.argwhere(shown.any(axis=2))
        seen.add((row - 16, column - 8))
    assert {offset for pair in seen for offset in pair} == set(range(-4, 5)) and len(seen) > 60


def test_colors_change_by_a_tenth_and_stay_in_order() -> None:
    grey = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 1, 3))
    images = augment([np.ascontiguousarray(grey)] * 200, np.random.default_rng(0))
    middle = images[:, 128, 0].astype(float)
    assert 90 < middle.min() < 112 and 145 < middle.max() < 170
    ratios = middle[:, 0] / middle[:, 2]  # the cast of red against blue
    assert 0.8 < ratios.min() < 0.9 and 1.1 < ratios.max() < 1.25
    assert (np.diff(images.astype(int), axis=1) >= 0).all()


def test_the_same_random_numbers_give_the_same_images() -> None:
    image = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    one, two = (augment([image] * 4, np.random.default_rng(5)) for _ in range(2))
    assert (one == two).all() and not (one[0] == one[1]).all()
