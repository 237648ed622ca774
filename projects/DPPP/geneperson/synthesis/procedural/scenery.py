"""Six procedural scenes, each a function that paints its stage from back to front.

A scene is painted in neutral light, softened as by a lens and relit. Its own lamps are added last,
so that windows and signs glow at night.
"""

from __future__ import annotations

import numpy as np

from ...worlds.lighting import Lighting
from .scene_parts import car, facade, ground, lamp_post, sky, tiles, tree
from .scene_styles import SCENE_STYLES
from .stage import FRONT, Stage, develop


def paint_scene(
    scene: str, lighting: Lighting, style: str, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Paint one picture of a scene.

    Args:
        scene: one of :data:`geneperson.worlds.scenes.SCENES`.
        lighting: what it is lit by.
        style: palette and layouts, by their name in ``scene_styles.SCENE_STYLES``.
        size: (height, width) in pixels.
        rng: source of every random choice.

    Returns:
        (height, width, 3) uint8, lit.
    """
    height, width = size
    look = SCENE_STYLES[style]
    stage = Stage(
        image=np.empty((height, width, 3), np.float32),
        glow=np.zeros((height, width, 3), np.float32),
        horizon=rng.uniform(*look.horizon) * height,
        rng=rng,
        style=look,
        lit=lighting.lamp > 0.0 or lighting.exposure < 0.7,
    )
    _PAINTERS[scene](stage)
    return develop(stage, lighting)


def _street(stage: Stage) -> None:
    sky(stage)
    uniform = stage.uniform
    back = uniform(13.0, 17.0)
    ground(stage, stage.pick((112, 112, 114), (98, 98, 102)), 0.10, 1)
    x = -12.0
    while x < 12.0:
        wide = uniform(4.0, 7.0)
        wall = stage.pick(
            (150, 110, 88), (186, 172, 150), (140, 140, 144), (170, 128, 96), (120, 92, 80)
        )
        facade(
            stage,
            (x, x + wide),
            high=uniform(8.0, 15.0),
            distance=back,
            wall=wall,
            glass=np.array((78, 92, 108), np.float32),
            frame=wall * 1.18,
            floors=int(uniform(3, 5)),
            columns=int(uniform(2, 5)),
        )
        x += wide
    stage.slab((-20.0, 20.0), (back - 2.2, back), stage.pick((166, 162, 156)))
    stage.grain(0.02, 1)
    stage.slab((-20.0, 20.0), (back - 2.35, back - 2.2), (196, 194, 190))
    for _ in range(2):
        if stage.rng.uniform() < 0.7:
            car(stage, uniform(-5.0, 5.0), back - uniform(3.0, 4.5))
    if stage.style.road == "zebra":
        for x in np.arange(-8.0, 8.0, 1.0):
            stage.slab((x, x + 0.5), (6.3, 9.0), (206, 206, 202))
    elif stage.style.road == "bays":
        for x in np.arange(-9.0 + uniform(0.0, 2.0), 9.0, 2.5):
            stage.slab((x, x + 0.12), (7.0, 11.0), (214, 210, 200))
    else:
        for x in np.arange(-9.0, 9.0, 2.4):
            stage.slab((x + uniform(0, 0.2), x + 1.4), (8.0, 8.25), (208, 206, 196))
    kerb = uniform(5.0, 6.6)
    stage.slab((-9.0, 9.0), (3.5, kerb), stage.pick((172, 166, 158), (156, 150, 146)))
    stage.slab((-9.0, 9.0), (kerb, kerb + 0.18), (206, 204, 198))
    stage.grain(0.05, 2)
    for x in (uniform(-3.5, -0.8), uniform(0.8, 3.5)):
        if stage.rng.uniform() < 0.6:
            lamp_post(stage, x, uniform(8.0, 11.0))


_SIGNS = (
    (196, 40, 44), (34, 92, 160), (232, 170, 40), (36, 122, 82), (150, 60, 130), (30, 32, 38),
)  # fmt: skip


def _commercial(stage: Stage) -> None:
    sky(stage)
    uniform = stage.uniform
    back = uniform(8.5, 11.0)
    ground(stage, stage.pick((188, 178, 166), (164, 160, 158), (176, 150, 130)), 0.06, 4)
    tiles(stage, uniform(0.5, 0.9), stage.pick((138, 132, 126)), 4.0, back)
    x = -8.0 + uniform(0.0, 2.0)
    wall = stage.pick((120, 116, 114), (166, 150, 134), (90, 92, 98))
    stage.box((-12.0, 12.0), (0.0, 12.0), back, wall)
    while x < 8.0:
        wide = uniform(2.2, 3.6)
        sign = stage.pick(*_SIGNS)
        frame = stage.pick((54, 54, 58), (110, 82, 60), (200, 200, 200))
        stage.box((x, x + wide - 0.15), (0.0, 2.6), back, frame)
        glass = stage.pick((120, 138, 146), (92, 108, 120), (160, 160, 150))
        stage.box((x + 0.12, x + wide - 0.27), (0.35, 2.4), back, glass, (240, 214, 160))
        for _ in range(5):  # goods in the window
            gx, wide_good = uniform(x + 0.2, x + wide - 0.8), uniform(0.15, 0.5)
            good = stage.pick(
                (190, 60, 70), (230, 220, 200), (60, 80, 120), (200, 160, 90), (70, 110, 80)
            )
            stage.box((gx, gx + wide_good), (0.4, uniform(0.7, 1.7)), back, good, good * 0.7)
        stage.box((x - 0.02, x + wide - 0.13), (2.6, 3.2), back, sign, sign * 1.1)
        if stage.rng.uniform() < 0.5:  # awning
            out = back - 0.9
            end = x + wide - 0.15
            corners = ((x, 2.65, back), (end, 2.65, back), (end, 2.2, out), (x, 2.2, out))
            stage.polygon([stage.point(*corner) for corner in corners], sign * 0.85)
        x += wide


def _park(stage: Stage) -> None:
    sky(stage)
    uniform = stage.uniform
    lawn = stage.pick((104, 138, 64), (88, 124, 56), (120, 146, 76))
    ground(stage, lawn, 0.16, 5)
    for _ in range(9):
        tree(stage, uniform(-14.0, 14.0), uniform(22.0, 34.0), uniform(6.0, 10.0))
    bend, wide = uniform(-2.5, 2.5), uniform(1.2, 2.2)
    path = stage.pick((186, 172, 146), (168, 164, 158), (150, 132, 112))
    left, right = [], []
    for z in np.linspace(4.0, 26.0, 24):
        middle = bend * ((z - FRONT) / 9.0) ** 2 + 0.1 * bend
        left.append(stage.point(middle - wide, 0.0, z))
        right.append(stage.point(middle + wide, 0.0, z))
    stage.polygon(left + right[::-1], path)
    stage.grain(0.07, 6)
    for _ in range(4):
        side = 1.0 if stage.rng.uniform() < 0.5 else -1.0
        tree(stage, side * uniform(1.4, 5.5), uniform(9.0, 16.0), uniform(4.0, 7.0))
    if stage.rng.uniform() < 0.5:  # bench
        x, z = uniform(-2.5, 1.5), uniform(8.5, 11.0)
        wood = stage.pick((126, 88, 56))
        stage.box((x, x + 1.6), (0.42, 0.52), z, wood)
        stage.box((x, x + 1.6), (0.60, 0.95), z, wood * 0.9)
        for leg in (x + 0.1, x + 1.4):
            stage.box((leg, leg + 0.08), (0.0, 0.5), z, (60, 60, 62))
    if stage.rng.uniform() < 0.4:
        lamp_post(stage, uniform(-3.0, 3.0), uniform(9.0, 13.0))


def _field(stage: Stage) -> None:
    sky(stage, (104, 158, 222), (214, 226, 234))
    uniform = stage.uniform
    base = max(stage.horizon, 0.0)
    for layer in range(2):  # hills
        across = np.linspace(0.0, stage.width, 40)
        phase, lift = uniform(0.0, 6.0), uniform(0.05, 0.12) * stage.height
        waves = 0.7 + 0.5 * np.sin(across / stage.width * uniform(3.0, 7.0) + phase)
        crest = base - lift * waves * (1.2 - 0.5 * layer)
        far = layer == 0
        colors = ((120, 142, 130), (134, 150, 150)) if far else ((94, 124, 80), (110, 130, 84))
        hill = stage.pick(*colors)
        outline = list(zip(across, crest, strict=True))
        stage.polygon([*outline, (stage.width, base + 9), (0.0, base + 9)], hill)
    crop = stage.pick((150, 158, 78), (186, 168, 96), (118, 144, 66), (170, 150, 84))
    ground(stage, crop, 0.22, 8)
    if stage.rng.uniform() < 0.6:  # furrows towards the horizon
        for x in np.arange(-16.0, 16.0, uniform(0.8, 1.3)):
            stage.slab((x, x + 0.22), (4.0, 45.0), crop * 0.82)
    if stage.rng.uniform() < 0.6:
        track = stage.pick((164, 140, 106), (148, 128, 102))
        x = uniform(-0.8, 0.8)
        stage.slab((x - 0.9, x + 0.9), (3.5, 60.0), track)
    stage.grain(0.12, 9)
    for _ in range(3):
        tree(stage, uniform(-16.0, 16.0), uniform(28.0, 45.0), uniform(4.0, 8.0))


def _residential(stage: Stage) -> None:
    sky(stage)
    uniform = stage.uniform
    ground(stage, stage.pick((110, 142, 74), (124, 140, 84)), 0.14, 10)
    back = uniform(12.0, 15.0)
    x = -13.0 + uniform(0.0, 3.0)
    while x < 12.0:
        wide, high = uniform(5.0, 7.0), uniform(3.0, 5.6)
        wall = stage.pick(
            (222, 208, 184), (206, 190, 170), (168, 96, 74), (196, 204, 206), (230, 226, 214)
        )
        facade(
            stage,
            (x, x + wide),
            high=high,
            distance=back,
            wall=wall,
            glass=np.array((92, 108, 122), np.float32),
            frame=np.array((236, 234, 228), np.float32),
            floors=1 if high < 4.2 else 2,
            columns=3,
        )
        roof = stage.pick((118, 62, 48), (84, 80, 82), (140, 84, 58))
        eaves = [(x - 0.4, high), (x + wide + 0.4, high)]
        ridge = [(x + wide - 1.0, high + 2.0), (x + 1.0, high + 2.0)]
        stage.polygon([stage.point(cx, up, back) for cx, up in eaves + ridge], roof)
        left = x + wide * uniform(0.3, 0.6)
        door = stage.pick((110, 50, 44), (52, 74, 92), (92, 64, 44))
        stage.box((left, left + 0.9), (0.0, 2.05), back, door)
        x += wide + uniform(0.6, 1.8)
    hedge = uniform(9.5, 10.8)
    tree(stage, uniform(-5.0, 5.0), hedge + 1.0, uniform(3.5, 5.5))
    if stage.rng.uniform() < 0.5:
        green = stage.pick((58, 92, 48), (70, 100, 54))
        high = uniform(0.7, 1.2)
        stage.box((-12.0, 12.0), (0.0, high), hedge, green)
        for _ in range(140):  # twigs
            x, low = uniform(-4.0, 4.0), uniform(0.0, high)
            stage.box((x, x + 0.12), (low, low + 0.09), hedge, green * uniform(0.7, 1.4))
        stage.shade((-12.0, 12.0), (hedge - 0.5, hedge), 0.75)
    else:
        fence = stage.pick((226, 224, 216), (140, 104, 72), (172, 168, 160))
        for x in np.arange(-8.0, 8.0, 0.22):
            stage.box((x, x + 0.15), (0.0, 1.0), hedge, fence * stage.uniform(0.93, 1.05))
    far = uniform(7.4, 8.6)
    pavement = stage.pick((178, 174, 168), (150, 146, 144), (176, 156, 140))
    stage.slab((-12.0, 12.0), (3.5, far), pavement)
    stage.grain(0.05, 11)


def _indoor(stage: Stage) -> None:
    uniform = stage.uniform
    back = uniform(9.0, 12.5)
    wall = stage.pick((220, 214, 200), (196, 204, 208), (212, 196, 176), (176, 184, 178))
    stage.image[:] = stage.pick((232, 230, 226))
    floor = stage.pick((176, 168, 156), (150, 146, 144), (164, 126, 92), (196, 194, 190))
    ground(stage, floor, 0.04, 12)
    tiles(stage, uniform(0.5, 1.0), stage.pick((136, 128, 118)), 4.0, back)
    half = uniform(2.6, 4.2)
    stage.box((-half, half), (0.0, 3.2), back, wall)
    for side in (-1.0, 1.0):  # side walls, towards the camera
        for high, color in ((3.2, wall * (0.9 if side < 0 else 0.8)), (0.14, wall * 0.55)):
            corners = ((0.0, back), (high, back), (high, 3.5), (0.0, 3.5))
            stage.polygon([stage.point(side * half, up, z) for up, z in corners], color)
    for x in np.arange(-half + 0.4, half - 1.0, uniform(1.5, 2.2)):
        kind = stage.rng.uniform()
        if kind < 0.45:
            door = stage.pick((140, 92, 58), (92, 104, 112), (186, 180, 170))
            stage.box((x - 0.07, x + 0.97), (0.0, 2.17), back, door * 0.7)
            stage.box((x, x + 0.9), (0.0, 2.1), back, door)
        elif kind < 0.75:
            picture = stage.pick((70, 110, 150), (190, 120, 70), (90, 140, 90), (200, 60, 70))
            stage.box((x, x + 1.0), (1.2, 1.95), back, (60, 56, 52))
            stage.box((x + 0.07, x + 0.93), (1.27, 1.88), back, picture, picture * 0.5)
    stage.box((-half, half), (0.0, 0.14), back, wall * 0.55)
    for z in np.arange(5.0, back, 2.2):  # ceiling lamps
        lamp = ((-0.5, z), (0.5, z), (0.5, z + 0.9), (-0.5, z + 0.9))
        stage.polygon(
            [stage.point(x, 3.15, far) for x, far in lamp], (250, 248, 240), (250, 235, 205)
        )


_PAINTERS = {
    "street": _street,
    "commercial": _commercial,
    "park": _park,
    "field": _field,
    "residential": _residential,
    "indoor": _indoor,
}
