"""Cameras, and the two worlds they make."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geneperson import UserError
from geneperson.worlds.cameras import Camera
from geneperson.worlds.catalogue import WORLDS, get_world
from geneperson.worlds.occlusion import THINGS
from geneperson.worlds.scenes import SCENES


@pytest.fixture
def picture() -> np.ndarray:
    ramp = np.linspace(30.0, 220.0, 64)[None, :, None] * np.ones((128, 1, 3))
    ramp[::2] *= 0.8
    return ramp.astype(np.uint8)


def _detail(image: np.ndarray) -> float:
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())


def test_the_same_stream_gives_the_same_picture(picture: np.ndarray) -> None:
    camera = get_world("source").cameras["street"]
    one = camera.apply(picture, np.random.default_rng(1))
    assert (one == camera.apply(picture, np.random.default_rng(1))).all()
    assert (one != camera.apply(picture, np.random.default_rng(2))).any()
    assert one.dtype == np.uint8 and one.shape == picture.shape


def test_blur_and_resolution_take_detail_away(picture: np.ndarray) -> None:
    stream = np.random.default_rng(0)
    plain = _detail(Camera().apply(picture, stream))
    assert _detail(Camera(blur=1.5).apply(picture, stream)) < 0.5 * plain
    assert _detail(Camera(resolution=0.4).apply(picture, stream)) < 0.5 * plain


def test_cast_and_black_level() -> None:
    grey = np.full((32, 16, 3), 100, np.uint8)
    red, _, blue = (
        Camera(cast=(1.2, 1.0, 0.8)).apply(grey, np.random.default_rng(0)).mean(axis=(0, 1))
    )
    assert red > blue + 20.0
    dark = np.zeros((32, 16, 3), np.uint8)
    assert Camera(black=20.0).apply(dark, np.random.default_rng(0)).min() >= 15


def _blockiness(image: np.ndarray) -> float:
    """Steps across the borders of 8 x 8 blocks against the steps within them."""
    steps = np.abs(np.diff(image.astype(float), axis=1)).mean(axis=(0, 2))
    return steps[7::8].mean() / np.delete(steps, np.s_[7::8]).mean()


@pytest.fixture
def rough() -> np.ndarray:
    """Mottled in all scales, so that a JPEG encoder has something to lose."""
    rng = np.random.default_rng(5)
    layers = [cv2.resize(rng.normal(0.0, 30.0, (size, size, 3)), (64, 128)) for size in (4, 12, 40)]
    return np.clip(128.0 + sum(layers), 0.0, 255.0).astype(np.uint8)


def test_jpeg_leaves_blocks_and_loses_detail(rough: np.ndarray) -> None:
    plain = Camera().apply(rough, np.random.default_rng(0))
    seen = {q: Camera(jpeg=q).apply(rough, np.random.default_rng(0)) for q in (95, 60, 15)}
    lost = {q: np.abs(image.astype(float) - plain).mean() for q, image in seen.items()}
    assert 0.0 < lost[95] < lost[60] < lost[15]
    assert _blockiness(seen[15]) > 1.3 * _blockiness(plain)
    assert _blockiness(seen[95]) < 1.1 * _blockiness(plain)
    sizes = {q: len(cv2.imencode(".jpg", image[:, :, ::-1])[1]) for q, image in seen.items()}
    assert sizes[15] < 0.7 * sizes[95]


def test_jpeg_keeps_red_red() -> None:
    red = np.zeros((64, 32, 3), np.uint8)
    red[:, :, 0] = 200
    seen = Camera(jpeg=60).apply(red, np.random.default_rng(0)).astype(int)
    assert np.abs(seen - Camera().apply(red, np.random.default_rng(0))).max() < 6
    # Grey detail is kept better than colored detail of the same strength: luma is not halved.
    stripes = 120 + 60 * (np.arange(32) % 2)[None, :, None] * np.ones((64, 1, 1))
    grey, blue = np.repeat(stripes, 3, 2), np.full((64, 32, 3), 120.0)
    blue[:, :, 2] = stripes[:, :, 0]
    kept = [
        np.abs(np.diff(Camera(jpeg=80).apply(p.astype(np.uint8), np.random.default_rng(0))
                       .astype(float)[:, :, 2], axis=1)).mean()
        for p in (grey, blue)
    ]  # fmt: skip
    assert kept[0] > 2.0 * kept[1]


def test_any_quality_is_within_the_range(rough: np.ndarray) -> None:
    for quality in (1, 100):
        for seed in range(10):
            assert Camera(jpeg=quality).apply(rough, np.random.default_rng(seed)).shape == (
                rough.shape
            )


def test_occlusion_comes_as_often_as_it_is_set(picture: np.ndarray) -> None:
    off = Camera(resolution=0.8, noise=3.0)
    on = replace(off, occlusion=0.3, occluders=("wall",))
    covered = 0
    for seed in range(600):
        skipped = np.random.default_rng(seed)
        skipped.random()  # whether there is an occlusion
        changed = on.apply(picture, np.random.default_rng(seed)) != off.apply(picture, skipped)
        covered += bool(changed.any())
    assert 0.24 < covered / 600 < 0.36


def test_something_always_occludes_at_probability_one(picture: np.ndarray) -> None:
    plain = np.full_like(picture, (70, 150, 70))
    for seed in range(40):
        seen = Camera(occlusion=1.0).apply(plain, np.random.default_rng(seed)).astype(int)
        changed = (np.abs(seen - np.median(seen, axis=(0, 1))) > 12).any(axis=2)
        assert 0.01 < changed.mean() < 0.40


def test_the_thing_is_seen_through_the_lens() -> None:
    """The occluding thing is blurred like everything else: it is in front of the lens."""
    plain = np.full((256, 128, 3), 120, np.uint8)
    sharp = Camera(occlusion=1.0, occluders=("wall",))
    soft = replace(sharp, resolution=0.3, blur=2.0)
    one, other = (c.apply(plain, np.random.default_rng(1)) for c in (sharp, soft))
    assert _detail(other) < 0.7 * _detail(one)


def test_without_compression_and_occlusion_nothing_is_drawn_for_them(picture: np.ndarray) -> None:
    """A camera without the two takes nothing from the stream for them."""
    camera = Camera(
        resolution=0.8,
        blur=0.6,
        noise=5.0,
        cast=(1.05, 1.0, 0.9),
        contrast=1.1,
        gamma=1.1,
        saturation=0.8,
        black=10.0,
    )
    rng = np.random.default_rng(3)
    camera.apply(picture, rng)
    drawn = np.random.default_rng(3)
    drawn.uniform(size=6)
    drawn.standard_normal((128, 64), np.float32)
    drawn.standard_normal((65, 33, 3), np.float32)
    assert rng.bit_generator.state == drawn.bit_generator.state
    # With them, the compression draws last: the noise underneath is the same.
    compressed = replace(camera, jpeg=100)
    near = camera.apply(picture, np.random.default_rng(3)).astype(int)
    assert np.abs(compressed.apply(picture, np.random.default_rng(3)) - near).mean() < 4.0


def test_each_world_has_a_camera_for_every_scene_and_they_differ() -> None:
    for world in WORLDS.values():
        assert set(world.cameras) == set(SCENES)
        assert len(set(world.cameras.values())) == len(SCENES)
    cameras = [camera for world in WORLDS.values() for camera in world.cameras.values()]
    assert len(set(cameras)) == len(cameras)


def test_the_shifted_world_is_noisier_blurrier_and_higher() -> None:
    source, shifted = get_world("source"), get_world("shifted")
    assert shifted.pitch_deg > source.pitch_deg + 5.0
    noise = [np.mean([camera.noise for camera in d.cameras.values()]) for d in (source, shifted)]
    assert noise[1] > 2.0 * noise[0]
    often = [np.mean([c.occlusion for c in d.cameras.values()]) for d in (source, shifted)]
    assert often[1] > 1.5 * often[0] and max(c.occlusion for c in source.cameras.values()) <= 0.12
    assert all(35 <= camera.jpeg <= 60 for camera in shifted.cameras.values())
    assert all(camera.jpeg == 0 or camera.jpeg >= 60 for camera in source.cameras.values())
    assert max(c.resolution for c in shifted.cameras.values()) < min(
        c.resolution for c in source.cameras.values()
    )


def test_the_words_for_a_picture_are_those_of_its_camera() -> None:
    assert Camera().quality == ("sharp",)
    poor = Camera(resolution=0.4, blur=1.0, noise=9.0, cast=(1.1, 1.0, 0.9), saturation=0.6)
    assert poor.quality == ("low resolution", "blurry", "grainy", "faded", "warm")
    assert Camera(noise=5.0, cast=(0.9, 1.0, 1.1)).quality == ("cold",)


def test_occluders_suit_the_scene() -> None:
    for world in WORLDS.values():
        for scene, camera in world.cameras.items():
            assert camera.occluders and set(camera.occluders) <= set(THINGS)
            assert "car" not in camera.occluders or scene in ("street", "residential")
        assert not {"hedge", "car"} & set(world.cameras["indoor"].occluders)


def test_an_unknown_world_is_refused() -> None:
    with pytest.raises(UserError, match=r"'mars'.*source, shifted, unseen"):
        get_world("mars")
