"""Random camera worlds, "world-1", "world-2" and so on, each drawn from its number.

They vary what differs between real data sets: sensors, framing, camera height, bodies and grain.
The held-out worlds "shifted" and "unseen" are excluded: their camera pitch, backgrounds, body
proportions and shading are outside the sampled ranges. Sensor quality and framing may overlap.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .. import seeding
from .cameras import Camera
from .scenes import SCENES
from .world import World, cameras_of


@lru_cache(maxsize=64)
def random_world(name: str, number: int) -> World:
    """Draw the camera world of a number, always the same."""
    rng = seeding.rng(0, "domain", number)
    uniform = rng.uniform
    hardness = uniform(0.0, 1.0)  # good sensors in one world, poor ones in another
    looks = [_camera(rng, hardness) for _ in SCENES]
    return World(
        name=name,
        cameras=cameras_of(
            *looks,
            jpeg=[int(rng.integers(40, 95)) for _ in SCENES],
            occlusion=[round(uniform(0.0, 0.18), 3) for _ in SCENES],
        ),
        pitch_deg=round(uniform(2.0, 14.0), 1),
        scale=(round(uniform(0.78, 0.92), 3), round(uniform(0.95, 1.06), 3)),
        shift=(round(uniform(0.04, 0.12), 3), round(uniform(0.01, 0.05), 3)),
        head_scale=round(uniform(0.95, 1.07), 3),
        girth=round(uniform(0.95, 1.04), 3),
        leg_scale=round(uniform(0.96, 1.04), 3),
        scene_style="source",
        shading=round(uniform(0.6, 0.95), 3),
        cloth_noise=round(uniform(3.0, 9.0), 2),
    )


def _camera(rng: np.random.Generator, hardness: float) -> Camera:
    uniform = rng.uniform
    red, green, blue = (round(uniform(0.88, 1.12), 3) for _ in range(3))
    return Camera(
        resolution=round(uniform(0.9, 1.0) - hardness * uniform(0.1, 0.55), 3),
        blur=round(hardness * uniform(0.0, 1.2), 3),
        noise=round(uniform(1.0, 3.0) + hardness * uniform(0.0, 8.0), 2),
        cast=(red, green, blue),
        contrast=round(uniform(0.82, 1.16), 3),
        gamma=round(uniform(0.86, 1.18), 3),
        saturation=round(uniform(0.65, 1.15), 3),
        black=round(hardness * uniform(0.0, 14.0), 1),
    )
