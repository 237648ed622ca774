"""Camera worlds: "source" to train in, "shifted" to choose settings by, "unseen" to report.

All differences between them are fields of :class:`World`. Their people come from the same
vocabulary, so that only the world around them changes. "world-1", "world-2" and so on are random
worlds, for training in many. Nothing may be chosen by scores in "unseen": it stands for the cameras
that nobody has seen, and its values were fixed before anything was tried on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import UserError
from .cameras import Camera
from .random_worlds import random_world
from .world import World, cameras_of

SOURCE = World(
    name="source",
    cameras=cameras_of(
        Camera(resolution=0.90, noise=2.5, cast=(1.0, 1.0, 1.0)),
        Camera(resolution=0.80, noise=3.0, cast=(1.04, 1.0, 0.95), contrast=1.05),
        Camera(blur=0.6, noise=2.0, cast=(0.97, 1.02, 0.98)),
        Camera(resolution=0.75, noise=3.0, cast=(1.0, 1.01, 0.97), gamma=0.94),
        Camera(blur=0.5, noise=4.0, cast=(0.97, 0.99, 1.05), contrast=0.95),
        Camera(resolution=0.85, noise=4.0, cast=(1.05, 1.0, 0.93), gamma=1.06, saturation=0.92),
        jpeg=(80, 70, 0, 85, 75, 60),
        occlusion=(0.08, 0.12, 0.06, 0.0, 0.10, 0.05),
    ),
    pitch_deg=6.0,
    scale=(0.90, 1.05),
    shift=(0.06, 0.018),
    head_scale=1.0,
    girth=1.0,
    leg_scale=1.0,
    scene_style="source",
    shading=0.8,
    cloth_noise=5.0,
)

SHIFTED = World(
    name="shifted",
    cameras=cameras_of(
        Camera(
            resolution=0.42,
            blur=0.8,
            noise=8.0,
            cast=(0.93, 1.0, 1.08),
            contrast=0.82,
            saturation=0.72,
            black=14.0,
        ),
        Camera(
            resolution=0.55,
            blur=0.6,
            noise=10.0,
            cast=(1.10, 1.0, 0.86),
            contrast=1.12,
            gamma=1.12,
            saturation=1.15,
        ),
        Camera(
            resolution=0.38,
            blur=1.0,
            noise=6.0,
            cast=(0.94, 1.06, 0.94),
            contrast=0.88,
            saturation=0.75,
            black=10.0,
        ),
        Camera(
            resolution=0.50,
            blur=1.2,
            noise=7.0,
            cast=(1.06, 1.03, 0.88),
            contrast=1.15,
            gamma=0.86,
            saturation=0.8,
        ),
        Camera(
            resolution=0.40,
            blur=0.9,
            noise=11.0,
            cast=(0.92, 0.98, 1.12),
            contrast=0.85,
            gamma=1.1,
            saturation=0.65,
        ),
        Camera(
            resolution=0.48,
            blur=0.8,
            noise=12.0,
            cast=(1.04, 1.06, 0.84),
            contrast=0.95,
            gamma=1.18,
            saturation=0.8,
        ),
        jpeg=(45, 40, 55, 60, 50, 35),
        occlusion=(0.15, 0.20, 0.12, 0.05, 0.15, 0.10),
    ),
    pitch_deg=22.0,
    scale=(0.78, 0.98),
    shift=(0.11, 0.045),
    head_scale=1.10,
    girth=1.05,
    leg_scale=0.95,
    scene_style="shifted",
    shading=1.0,
    cloth_noise=9.0,
)

UNSEEN = World(
    name="unseen",
    cameras=cameras_of(
        Camera(
            resolution=0.50,
            blur=0.4,
            noise=5.0,
            cast=(1.16, 1.0, 0.84),
            contrast=1.22,
            gamma=1.26,
            saturation=1.28,
        ),
        Camera(
            resolution=0.36,
            blur=1.3,
            noise=9.0,
            cast=(0.84, 1.0, 1.15),
            contrast=0.78,
            gamma=0.80,
            saturation=0.58,
            black=20.0,
        ),
        Camera(
            resolution=0.60,
            blur=0.5,
            noise=13.0,
            cast=(1.02, 1.14, 0.86),
            contrast=1.20,
            gamma=1.22,
            saturation=1.20,
        ),
        Camera(
            resolution=0.34,
            blur=0.7,
            noise=7.0,
            cast=(1.14, 0.88, 1.06),
            contrast=0.90,
            gamma=0.78,
            saturation=0.60,
            black=16.0,
        ),
        Camera(
            resolution=0.45,
            blur=1.4,
            noise=14.0,
            cast=(0.86, 1.10, 0.98),
            contrast=1.18,
            gamma=1.30,
            saturation=0.55,
        ),
        Camera(
            resolution=0.55,
            blur=0.6,
            noise=6.0,
            cast=(1.10, 0.92, 0.80),
            contrast=0.80,
            gamma=0.82,
            saturation=1.32,
            black=18.0,
        ),
        jpeg=(38, 30, 26, 42, 34, 28),
        occlusion=(0.20, 0.12, 0.18, 0.08, 0.22, 0.16),
    ),
    pitch_deg=-6.0,
    scale=(0.70, 0.90),
    shift=(0.13, 0.055),
    head_scale=0.92,
    girth=1.09,
    leg_scale=1.05,
    scene_style="unseen",
    shading=0.5,
    cloth_noise=12.0,
)

WORLDS: Mapping[str, World] = {world.name: world for world in (SOURCE, SHIFTED, UNSEEN)}


def get_world(name: str) -> World:
    """Return a camera world by its name (configuration key ``WORLD``).

    Raises:
        UserError: the name is unknown.
    """
    if match := re.fullmatch(r"world-([1-9]\d{0,8})", name):
        return random_world(name, int(match[1]))
    if name not in WORLDS:
        raise UserError(
            f"WORLD is {name!r}: use one of {', '.join(WORLDS)}, or world-1, world-2 ..."
        )
    return WORLDS[name]
