"""What makes up a camera world: its cameras, their framing, bodies and backgrounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .cameras import Camera
from .scenes import SCENES


@dataclass(frozen=True, kw_only=True)
class World:
    """One camera world.

    Attributes:
        name: as in the configuration.
        cameras: scene name -> camera.
        pitch_deg: how far the cameras look down.
        scale: (lowest, highest) size of the person relative to the size drawn in the cell.
        shift: (x, y) largest shift of the person, as shares of width and height.
        head_scale: size of heads relative to natural proportions.
        girth: width of torso and limbs relative to natural proportions.
        leg_scale: leg length relative to natural proportions (the torso takes the difference).
        scene_style: palette and layouts of the procedural scenes, named after the first world that
            has them.
        shading: strength of the light and dark on the drawn body, 0..1.
        cloth_noise: grain of the cloth, in grey levels of 255.
    """

    name: str
    cameras: Mapping[str, Camera]
    pitch_deg: float
    scale: tuple[float, float]
    shift: tuple[float, float]
    head_scale: float
    girth: float
    leg_scale: float
    scene_style: str
    shading: float
    cloth_noise: float


# What may occlude a person in each scene.
_OCCLUDERS = {
    "street": ("post", "bin", "car"),
    "commercial": ("post", "bin", "wall"),
    "park": ("post", "bin", "hedge"),
    "field": ("post", "hedge"),
    "residential": ("post", "bin", "hedge", "wall", "car"),
    "indoor": ("post", "bin", "wall"),
}


def cameras_of(
    *looks: Camera, jpeg: Sequence[int], occlusion: Sequence[float]
) -> Mapping[str, Camera]:
    """Return each scene's camera.

    Args:
        *looks: one per scene, in the order of ``SCENES``.
        jpeg: quality of each camera's compression.
        occlusion: probability of an occlusion for each camera.
    """
    return {
        scene: replace(look, jpeg=quality, occlusion=often, occluders=_OCCLUDERS[scene])
        for scene, look, quality, often in zip(SCENES, looks, jpeg, occlusion, strict=True)
    }
