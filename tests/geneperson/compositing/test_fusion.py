"""Person and background become one picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geneperson.compositing.fusion import decontaminate, fuse
from geneperson.worlds.catalogue import get_world
from geneperson.worlds.lighting import LIGHTINGS, Lighting, get_lighting, relight

STILL = replace(get_world("source"), scale=(1.0, 1.0), shift=(0.0, 0.0))
NIGHT = get_lighting("night")


def _stream() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def background() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (256, 128, 3)).astype(np.uint8)


@pytest.fixture
def person() -> tuple[np.ndarray, np.ndarray]:
    """A green figure with soft edges that was drawn on magenta."""
    alpha = np.zeros((256, 128), np.uint8)
    alpha[30:240, 44:84] = 255
    alpha = cv2.blur(alpha, (3, 3))
    weight = alpha[:, :, None] / 255.0
    image = weight * (40, 150, 60) + (1.0 - weight) * (255, 0, 255)
    return image.round().astype(np.uint8), alpha


@pytest.mark.parametrize("lighting", LIGHTINGS, ids=lambda lighting: lighting.name)
def test_without_a_person_the_background_stays(background: np.ndarray, lighting: Lighting) -> None:
    empty = np.zeros((256, 128), np.uint8)
    image = np.full((256, 128, 3), 90, np.uint8)
    fused = fuse(
        image, empty, background, lighting=lighting, world=get_world("source"), rng=_stream()
    )
    assert (fused == background).all()


def test_full_coverage_gives_the_relit_person(background: np.ndarray) -> None:
    alpha = np.full((256, 128), 255, np.uint8)
    image = np.random.default_rng(2).integers(0, 256, (256, 128, 3)).astype(np.uint8)
    fused = fuse(image, alpha, background, lighting=NIGHT, world=STILL, rng=_stream())
    assert (fused == relight(image, NIGHT, alpha)).all()


def test_no_halo_of_the_old_background(
    person: tuple[np.ndarray, np.ndarray], background: np.ndarray
) -> None:
    image, alpha = person
    black = np.zeros_like(background)
    fused = fuse(
        image, alpha, black, lighting=get_lighting("overcast"), world=STILL, rng=_stream()
    ).astype(int)
    # Every pixel is a mixture of green and black, so red and blue stay well below green.
    seen = fused[alpha > 0]
    assert seen.max() > 100
    assert (seen[:, 0] <= 0.5 * seen[:, 1] + 6).all()
    assert (seen[:, 2] <= 0.7 * seen[:, 1] + 6).all()


def test_decontamination_keeps_solid_pixels(person: tuple[np.ndarray, np.ndarray]) -> None:
    image, alpha = person
    cleaned = decontaminate(image, alpha)
    assert (cleaned[alpha == 255] == image[alpha == 255]).all()
    edge = (alpha > 0) & (alpha < 250)
    assert np.abs(cleaned[edge].astype(int) - (40, 150, 60)).max() <= 2


def test_the_ground_below_the_feet_is_darker(person: tuple[np.ndarray, np.ndarray]) -> None:
    image, alpha = person
    white = np.full((256, 128, 3), 200, np.uint8)
    fused = fuse(image, alpha, white, lighting=get_lighting("noon"), world=STILL, rng=_stream())
    assert fused[241:245, 54:74].mean() < 180.0
    assert (fused[5:20, 5:20] == 200).all()


@pytest.mark.parametrize("lighting", LIGHTINGS, ids=lambda lighting: lighting.name)
def test_feet_have_a_shadow_in_every_light(
    person: tuple[np.ndarray, np.ndarray], lighting: Lighting
) -> None:
    image, alpha = person
    white = np.full((256, 128, 3), 200, np.uint8)
    fused = fuse(image, alpha, white, lighting=lighting, world=STILL, rng=_stream())
    assert fused[241:244, 54:74].mean() < 180.0


def test_each_foot_has_its_own_shadow_but_a_hand_has_none() -> None:
    """A step seen from above: the farther foot is higher in the picture, a hand higher still."""
    alpha = np.zeros((256, 128), np.uint8)
    alpha[30:160, 44:84] = 255
    alpha[160:240, 46:60] = 255  # nearer leg
    alpha[160:220, 68:82] = 255  # farther leg
    alpha[100:150, 100:110] = 255  # hand
    image = np.full((256, 128, 3), 90, np.uint8)
    white = np.full((256, 128, 3), 200, np.uint8)
    fused = fuse(image, alpha, white, lighting=get_lighting("overcast"), world=STILL, rng=_stream())
    assert fused[241:244, 50:56].mean() < 185.0
    assert fused[221:224, 72:78].mean() < 185.0
    assert fused[160:190, 62:66].mean() > 196.0  # between the legs
    assert (fused[152:200, 100:110] >= 198).all()


def test_framing_moves_the_person_but_keeps_the_feet(person: tuple[np.ndarray, np.ndarray]) -> None:
    image, alpha = person
    world = get_world("shifted")
    black = np.zeros((256, 128, 3), np.uint8)
    light = get_lighting("overcast")
    boxes = set()
    for seed in range(30):
        fused = fuse(
            image, alpha, black, lighting=light, world=world, rng=np.random.default_rng(seed)
        )
        rows, columns = np.nonzero(fused[:, :, 1] > 40)
        boxes.add((rows.min(), rows.max(), columns.min(), columns.max()))
        assert rows.max() < 255
    assert len(boxes) > 20


def test_the_inputs_are_not_changed(
    person: tuple[np.ndarray, np.ndarray], background: np.ndarray
) -> None:
    image, alpha = person
    before = image.copy(), alpha.copy(), background.copy()
    fuse(image, alpha, background, lighting=NIGHT, world=get_world("shifted"), rng=_stream())
    assert all(
        (now == then).all() for now, then in zip((image, alpha, background), before, strict=True)
    )


@pytest.mark.parametrize("margin", [0, 1, 20])
def test_the_drawn_cell_stays_as_it_was(margin: int) -> None:
    """Also where the person fills the whole cell; on a cluster, the cell cannot be written."""
    rng = np.random.default_rng(0)
    person = rng.integers(0, 256, (128, 64, 3), np.uint8)
    alpha = np.zeros((128, 64), np.uint8)
    alpha[margin : 128 - margin, margin : 64 - margin] = 255
    alpha[margin : 128 - margin, margin] = 128
    before = person.copy()
    person.setflags(write=False)
    alpha.setflags(write=False)
    decontaminate(person, alpha)
    assert np.array_equal(person, before)
