"""Cameras, and the two worlds they make."""

from __future__ import annotations

import numpy as np
import pytest

from geneperson import UserError
from geneperson.cameras import Camera
from geneperson.domains import DOMAINS, get_domain
from geneperson.scenes import SCENES


@pytest.fixture
def picture() -> np.ndarray:
    ramp = np.linspace(30.0, 220.0, 64)[None, :, None] * np.ones((128, 1, 3))
    ramp[::2] *= 0.8
    return ramp.astype(np.uint8)


def _detail(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())


def test_the_same_stream_gives_the_same_picture(picture):
    camera = get_domain("source").cameras["street"]
    one = camera.apply(picture, np.random.default_rng(1))
    assert (one == camera.apply(picture, np.random.default_rng(1))).all()
    assert (one != camera.apply(picture, np.random.default_rng(2))).any()
    assert one.dtype == np.uint8 and one.shape == picture.shape


def test_blur_and_resolution_take_detail_away(picture):
    stream = np.random.default_rng(0)
    plain = _detail(Camera().apply(picture, stream))
    assert _detail(Camera(blur=1.5).apply(picture, stream)) < 0.5 * plain
    assert _detail(Camera(resolution=0.4).apply(picture, stream)) < 0.5 * plain


def test_cast_and_black_level():
    grey = np.full((32, 16, 3), 100, np.uint8)
    red, _, blue = (
        Camera(cast=(1.2, 1.0, 0.8)).apply(grey, np.random.default_rng(0)).mean(axis=(0, 1))
    )
    assert red > blue + 20.0
    dark = np.zeros((32, 16, 3), np.uint8)
    assert Camera(black=20.0).apply(dark, np.random.default_rng(0)).min() >= 15


def test_each_world_has_a_camera_for_every_scene_and_they_differ():
    for domain in DOMAINS.values():
        assert set(domain.cameras) == set(SCENES)
        assert len(set(domain.cameras.values())) == len(SCENES)
    assert not set(get_domain("source").cameras.values()) & set(
        get_domain("shifted").cameras.values()
    )


def test_the_shifted_world_is_noisier_blurrier_and_higher():
    source, shifted = get_domain("source"), get_domain("shifted")
    assert shifted.pitch_deg > source.pitch_deg + 5.0
    noise = [np.mean([camera.noise for camera in d.cameras.values()]) for d in (source, shifted)]
    assert noise[1] > 2.0 * noise[0]
    assert max(c.resolution for c in shifted.cameras.values()) < min(
        c.resolution for c in source.cameras.values()
    )


def test_an_unknown_world_is_refused():
    with pytest.raises(UserError, match=r"'mars'.*source, shifted"):
        get_domain("mars")
