"""Six scenes, the pool of their pictures, and who is seen where."""

from __future__ import annotations

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson.pipeline.spec import BuildSpec
from geneperson.synthesis import Synthesizer
from geneperson.worlds.lighting import LIGHTINGS, NEUTRAL
from geneperson.worlds.scenes import SCENES, PictureCache, Place, crop, deal


@pytest.fixture
def synthesizer(cfg: CfgNode) -> Synthesizer:
    return BuildSpec.from_config(cfg).build_synthesizer()


def test_every_scene_in_every_light_can_be_drawn(synthesizer: Synthesizer) -> None:
    pictures = {
        (scene, lighting.name): synthesizer.background(scene, lighting.name, 0)
        for scene in SCENES
        for lighting in LIGHTINGS
    }
    for picture in pictures.values():
        assert picture.dtype == np.uint8 and picture.shape == (144, 160, 3)
        assert picture.std() > 5.0
    for scene in SCENES:
        assert pictures[scene, "night"].mean() < 0.8 * pictures[scene, "day"].mean()


def test_pictures_are_repeatable_and_vary(synthesizer: Synthesizer, cfg: CfgNode) -> None:
    again = BuildSpec.from_config(cfg).build_synthesizer()
    one = synthesizer.background("park", "day", 0)
    assert (again.background("park", "day", 0) == one).all()
    assert np.abs(synthesizer.background("park", "day", 1).astype(int) - one).mean() > 5.0


@pytest.mark.parametrize("world", ["shifted", "unseen"])
def test_a_world_that_is_tested_in_has_other_scenes(
    synthesizer: Synthesizer, cfg: CfgNode, world: str
) -> None:
    cfg.WORLD = world
    other = BuildSpec.from_config(cfg).build_synthesizer()
    for scene in SCENES:
        ours = synthesizer.background(scene, "day", 0).astype(int)
        assert np.abs(other.background(scene, "day", 0) - ours).mean() > 5.0


class _CountingPainter:
    def __init__(self) -> None:
        self.asked = []

    def background(self, scene: str, lighting: str, index: int) -> np.ndarray:
        self.asked.append((scene, lighting, index))
        ramp = np.add.outer(np.arange(288), np.arange(320)) % 256
        return np.repeat(ramp[:, :, None], 3, axis=2).astype(np.uint8)


def test_each_picture_is_painted_once_and_cropped_at_random() -> None:
    painter, pictures = _CountingPainter(), PictureCache()
    rng = np.random.default_rng(0)
    crops = [
        crop(pictures.get(Place(scene=0, lighting=0, picture=number % 2), painter), (256, 128), rng)
        for number in range(20)
    ]
    assert painter.asked == [("street", "day", 0), ("street", "day", 1)]
    assert all(crop.shape == (256, 128, 3) and crop.dtype == np.uint8 for crop in crops)
    assert len({crop.tobytes() for crop in crops}) == 20


def test_the_pictures_in_memory_are_bounded_and_the_oldest_goes_first() -> None:
    painter, size = _CountingPainter(), 288 * 320 * 3
    pictures = PictureCache(max_bytes=2 * size)
    for number in (0, 1, 0, 2, 0, 1):  # 2 takes the place of 1, and 1 that of 2
        pictures.get(Place(scene=0, lighting=0, picture=number), painter)
    assert [number for _, _, number in painter.asked] == [0, 1, 2, 1]


@pytest.mark.parametrize("num_images", [1, 2, 3, 4, 16, 42, 60])
def test_identities_are_seen_in_three_scenes_and_three_lights(num_images: int) -> None:
    for seed in range(20):
        places = deal([NEUTRAL] * num_images, np.random.default_rng(seed))
        assert len(places) == num_images
        for kind, number in ((0, len(SCENES)), (1, len(LIGHTINGS))):
            kinds = {place[kind] for place in places}
            assert kinds <= set(range(number))
            assert len(kinds) >= min(3, num_images)


def test_no_image_has_no_place() -> None:
    assert deal([], np.random.default_rng(0)) == []


@pytest.mark.parametrize("num_images", [4, 16, 42])
def test_indoors_there_is_no_fog_and_no_noon_sun(num_images: int) -> None:
    indoor = SCENES.index("indoor")
    seen = set()
    for seed in range(50):
        for scene, lighting in deal([NEUTRAL] * num_images, np.random.default_rng(seed)):
            if scene == indoor:
                seen.add(LIGHTINGS[lighting].name)
    assert seen == {one.name for one in LIGHTINGS} - {"fog", "noon"}


def test_an_image_keeps_the_lighting_that_it_was_drawn_under() -> None:
    for name in ("night", "fog"):
        places = deal([name] * 42, np.random.default_rng(0))
        assert {LIGHTINGS[lighting].name for _, lighting in places} == {name}
        scenes = {SCENES[scene] for scene, _ in places}
        assert scenes == set(SCENES) - ({"indoor"} if name == "fog" else set())
