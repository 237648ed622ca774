"""Every transform of FastReID that a config can switch on, on current torchvision and Pillow."""

import numpy as np
import pytest
import torch
from PIL import Image

from dppp import UserError
from dppp.config import load_config
from dppp.data.transforms import build_transforms, to_tensor


@pytest.fixture
def picture() -> Image.Image:
    gradient = np.linspace(60, 200, 96 * 32 * 3).reshape(96, 32, 3)
    return Image.fromarray(gradient.astype(np.uint8))


@pytest.mark.parametrize(
    "opts",
    [
        ("INPUT.AUTOAUG.ENABLED", True, "INPUT.AUTOAUG.PROB", 1.0),
        ("INPUT.AUGMIX.ENABLED", True, "INPUT.AUGMIX.PROB", 1.0),
        ("INPUT.AFFINE.ENABLED", True),
        ("INPUT.AFFINE.ENABLED", True, "INPUT.AUGMIX.ENABLED", True, "INPUT.AUGMIX.PROB", 0.0),
        ("INPUT.RPT.ENABLED", True),
        ("INPUT.CROP.ENABLED", True, "INPUT.CROP.SIZE", [96, 32]),
    ],
    ids=lambda opts: opts[0].split(".")[1],
)
def test_transforms(picture: Image.Image, opts: tuple[object, ...]) -> None:
    off = ("MODEL.DEVICE", "cpu", "INPUT.SIZE_TRAIN", [96, 32], "INPUT.SIZE_TEST", [96, 32])
    transforms = build_transforms(load_config("", [*off, *opts]), is_train=True)
    plain = to_tensor(picture)
    results = [transforms(picture) for _ in range(150)]  # RandomPatch collects 100 first
    for pixels in results:
        assert pixels.dtype == torch.uint8
        assert pixels.shape == (3, 96, 32)
        assert 0 <= pixels.min() <= pixels.max() <= 255
    assert max((pixels.int() - plain).abs().max() for pixels in results) > 10
    if "INPUT.AFFINE.ENABLED" in opts:
        assert any((pixels[:, 0, 0] == 0).all() for pixels in results)  # rotated out of the corner


def test_grayscale_has_its_probability_and_comes_before_augmix(picture: Image.Image) -> None:
    size = ("MODEL.DEVICE", "cpu", "INPUT.SIZE_TRAIN", [96, 32], "INPUT.SIZE_TEST", [96, 32])
    mixed = ("INPUT.AUGMIX.ENABLED", True, "INPUT.AUGMIX.PROB", 0.0)
    colored = Image.merge("RGB", [picture.getchannel(0), *[Image.new("L", picture.size, 90)] * 2])
    gray = to_tensor(colored.convert("L").convert("RGB"))
    torch.manual_seed(0)
    for opts in ((), mixed):
        cfg = load_config("", [*size, *opts, "INPUT.GRAYSCALE_PROB", 0.25])
        transforms = build_transforms(cfg, is_train=True)
        results = [transforms(colored) for _ in range(400)]
        is_gray = [torch.equal(pixels, gray) for pixels in results]
        assert 60 < sum(is_gray) < 140  # 100 +- 4 standard deviations
        others = [pixels for pixels, lost in zip(results, is_gray, strict=True) if not lost]
        assert all(torch.equal(pixels, to_tensor(colored)) for pixels in others)
    assert torch.equal(build_transforms(cfg, is_train=False)(colored), to_tensor(colored))


@pytest.mark.parametrize("probability", [-0.1, 1.5])
def test_a_probability_that_is_none(probability: float) -> None:
    with pytest.raises(UserError, match=rf"GRAYSCALE_PROB is {probability}; it must be 0 to 1"):
        load_config("", ["MODEL.DEVICE", "cpu", "INPUT.GRAYSCALE_PROB", probability])


def test_random_erasing_fills_in_fractions(picture: Image.Image) -> None:
    off = ("MODEL.DEVICE", "cpu", "INPUT.SIZE_TRAIN", [96, 32])
    erasing = ("INPUT.REA.ENABLED", True, "INPUT.REA.PROB", 0.5, "INPUT.REA.VALUE", [1.5, 2.5, 3.5])
    transforms = build_transforms(load_config("", [*off, *erasing]), is_train=True)
    results = [transforms(picture) for _ in range(20)]
    assert all(pixels.dtype == torch.float32 for pixels in results)
    erased = [bool((pixels == 2.5).any()) for pixels in results]
    assert any(erased) and not all(erased)


def test_pixels_of_a_picture_and_of_an_array(picture: Image.Image) -> None:
    expected = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    assert torch.equal(to_tensor(picture), expected)
    assert torch.equal(to_tensor(np.array(picture)), expected)


def test_test_images_are_not_rotated(picture: Image.Image) -> None:
    opts = ["MODEL.DEVICE", "cpu", "INPUT.SIZE_TEST", [96, 32], "INPUT.AFFINE.ENABLED", True]
    transforms = build_transforms(load_config("", opts), is_train=False)
    assert torch.equal(transforms(picture), to_tensor(picture))
