"""The parts that scenes are made of: sky, ground, house fronts, trees, cars, lamps, paving.

Lengths are in meters: x from the middle, distances from the camera.
"""

from __future__ import annotations

import cv2
import numpy as np

from .stage import FRONT, Color, Span, Stage, noise_tile


def sky(stage: Stage, top: Color = (118, 164, 218), low: Color = (206, 220, 232)) -> None:
    """Fill the picture with a sky that fades from ``top`` to ``low``, with clouds."""
    share = np.linspace(0.0, 1.0, stage.height)[:, None] ** 0.7
    above, below = np.array(top, np.float32), np.array(low, np.float32)
    if stage.lit:  # after sunset
        above, below = 0.40 * above, 0.50 * below
    column = above * (1.0 - share) + below * share
    stage.image[:] = column[:, None, :]
    drift = int(stage.rng.integers(256))
    clouds = cv2.resize(
        np.roll(noise_tile(3), drift, 1)[::4, ::8],
        (stage.width, stage.height),
        interpolation=cv2.INTER_CUBIC,
    )
    stage.image += 18.0 * np.clip(cv2.GaussianBlur(clouds, (0, 0), 6), -0.4, 2.0)[:, :, None]


def ground(stage: Stage, color: Color, strength: float, seed: int) -> None:
    """Fill the picture below the horizon; ``strength`` and ``seed`` are those of its grain."""
    top = max(0, int(stage.horizon))
    stage.image[top:] = color
    stage.grain(strength, seed)


def facade(
    stage: Stage,
    across: Span,
    *,
    high: float,
    distance: float,
    wall: np.ndarray,
    glass: np.ndarray,
    frame: np.ndarray,
    floors: int,
    columns: int,
) -> None:
    """Paint a front with rows of windows.

    Args:
        stage: what is painted on.
        across: (left, right) of the front.
        high: its height.
        distance: from the camera.
        wall: color of the wall.
        glass: color of the windows by day.
        frame: color of their frames.
        floors: rows of windows.
        columns: windows in a row.
    """
    stage.box(across, (0.0, high), distance, wall)
    course = stage.uniform(0.22, 0.5)
    for low in np.arange(course, high, course):  # courses of the wall
        stage.box(across, (low, low + 0.035), distance, wall * 0.9)
    floor, bay = high / floors, (across[1] - across[0]) / columns
    for row in range(floors):
        for column in range(columns):
            left, low = across[0] + column * bay, row * floor
            on = stage.rng.uniform() < 0.45
            shade = glass * stage.uniform(0.8, 1.25)
            wide, up = (left + 0.2 * bay, left + 0.8 * bay), (low + 0.28 * floor, low + 0.8 * floor)
            around = (wide[0] - 0.06 * bay, wide[1] + 0.06 * bay)
            stage.box(around, (low + 0.24 * floor, low + 0.84 * floor), distance, frame)
            stage.box(wide, up, distance, shade, (235, 190, 110) if on else None)
            if not (on and stage.lit):  # sky in the upper pane, a bar between the panes
                stage.box(wide, (low + 0.56 * floor, up[1]), distance, 0.7 * shade + 62.0)
                middle = 0.5 * (wide[0] + wide[1])
                stage.box((middle - 0.03, middle + 0.03), up, distance, wall * 0.8)


def tree(stage: Stage, x: float, distance: float, high: float) -> None:
    """Paint a tree in the style's leaves."""
    rng = stage.rng
    bark = stage.pick((92, 70, 52), (110, 92, 76))
    stage.box((x - 0.035 * high, x + 0.035 * high), (0.0, 0.55 * high), distance, bark)
    leaf = stage.pick(*stage.style.leaves)
    scale = stage.scale(distance)
    stage.shade((x - 0.25 * high, x + 0.25 * high), (distance - 0.8, distance + 0.4), 0.72)
    for size in np.linspace(0.16, 0.03, 46):  # big dark masses first, small lit leaves on top
        dx, dy = rng.normal(0.0, 0.16, 2) * high
        cx, cy = stage.point(x + dx, 0.74 * high + 0.8 * dy, distance)
        radius = max(1, int(size * high * scale))
        shade = leaf * (1.18 - 3.2 * size + 0.25 * rng.uniform()) * (1.0 + 0.7 * dy / high)
        center = (int(cx), int(cy))
        cv2.circle(stage.image, center, radius, tuple(float(c) for c in shade), -1, cv2.LINE_AA)
        cv2.circle(stage.glow, center, radius, (0.0, 0.0, 0.0), -1)


def lamp_post(stage: Stage, x: float, distance: float) -> None:
    """Paint a lamp post, whose lamp glows at night."""
    stage.box((x - 0.05, x + 0.05), (0.0, 3.4), distance, (70, 72, 76))
    stage.box((x - 0.22, x + 0.22), (3.3, 3.55), distance, (225, 222, 205), (255, 220, 150))


def car(stage: Stage, x: float, distance: float) -> None:
    """Paint a car seen from its side, with its shadow."""
    stage.shade((x - 2.0, x + 2.0), (distance - 0.5, distance + 0.5), 0.55)
    paint = stage.pick((150, 30, 34), (46, 60, 100), (190, 192, 196), (40, 42, 46), (222, 222, 220))
    stage.box((x - 2.0, x + 2.0), (0.28, 0.85), distance, paint)
    cabin = [(-1.3, 0.85), (1.35, 0.85), (0.9, 1.4), (-0.85, 1.4)]
    stage.polygon([stage.point(x + dx, up, distance) for dx, up in cabin], paint * 0.9)
    glass = [(-1.05, 0.88), (1.1, 0.88), (0.8, 1.32), (-0.75, 1.32)]
    stage.polygon([stage.point(x + dx, up, distance) for dx, up in glass], (58, 70, 80))
    for wheel in (-1.25, 1.25):
        cx, cy = stage.point(x + wheel, 0.32, distance)
        radius = max(2, int(0.32 * stage.scale(distance)))
        cv2.circle(stage.image, (int(cx), int(cy)), radius, (28.0, 28.0, 30.0), -1, cv2.LINE_AA)


def tiles(stage: Stage, size: float, line: Color, near: float = 4.5, far: float = 14.0) -> None:
    """Paint the joints of a paved floor."""
    z = near
    while z < far:
        stage.slab((-9.0, 9.0), (z, z + 0.025 * size * z / FRONT), line)
        z += size
    for x in np.arange(-9.0, 9.0, size):
        stage.slab((x, x + 0.03 * size), (near, far), line)
