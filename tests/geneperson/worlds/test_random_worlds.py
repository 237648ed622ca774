"""Random camera worlds: many, each its own, none like the one that is tested in."""

import numpy as np
import pytest

from geneperson import UserError
from geneperson.worlds.catalogue import get_world
from geneperson.worlds.scenes import SCENES

WORLDS = [get_world(f"world-{number}") for number in range(1, 41)]


def test_a_number_always_gives_the_same_world() -> None:
    assert get_world("world-7") == get_world("world-7") == WORLDS[6]
    assert WORLDS[6].name == "world-7"


def test_worlds_and_their_cameras_differ() -> None:
    cameras = [camera for world in WORLDS for camera in world.cameras.values()]
    assert len(set(cameras)) == len(cameras) == len(WORLDS) * len(SCENES)
    for name in ("pitch_deg", "head_scale", "girth", "shading", "cloth_noise"):
        values = [getattr(world, name) for world in WORLDS]
        assert np.std(values) > 0.1 * (max(values) - min(values)) > 0


def test_values_stay_where_they_mean_something() -> None:
    for world in WORLDS:
        assert 0 < world.scale[0] < world.scale[1] < 1.2 and max(world.shift) < 0.2
        for camera in world.cameras.values():
            assert 0.2 < camera.resolution <= 1 and 0 <= camera.blur < 2 and 0 < camera.noise < 13
            assert 35 <= camera.jpeg <= 95 and 0 <= camera.occlusion <= 0.2


def test_none_is_like_the_worlds_that_are_tested_in() -> None:
    shifted, unseen = get_world("shifted"), get_world("unseen")
    for world in [*WORLDS, get_world("source")]:
        assert world.pitch_deg < shifted.pitch_deg - 5 and world.shading < shifted.shading
        assert world.girth < shifted.girth and world.head_scale < shifted.head_scale
        assert world.pitch_deg > unseen.pitch_deg + 5 and world.shading > unseen.shading
        assert world.girth < unseen.girth and world.head_scale > unseen.head_scale
        assert world.scene_style not in (shifted.scene_style, unseen.scene_style)


def test_the_worlds_that_are_tested_in_are_not_like_each_other() -> None:
    shifted, unseen = get_world("shifted"), get_world("unseen")
    assert unseen.pitch_deg < shifted.pitch_deg - 5 and unseen.shading < shifted.shading
    assert unseen.head_scale < shifted.head_scale and unseen.girth > shifted.girth
    assert not set(shifted.cameras.values()) & set(unseen.cameras.values())
    assert unseen.scene_style != shifted.scene_style


@pytest.mark.parametrize("name", ["world", "world-", "world-0", "world-01", "world-x", "world--1"])
def test_a_world_without_a_number_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"WORLD is '{name}'.*world-1"):
        get_world(name)
