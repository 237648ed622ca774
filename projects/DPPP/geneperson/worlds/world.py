"""What makes a camera world: its cameras, how they frame people, bodies and backgrounds."""

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
        scale: (lowest, highest) size of the person against the size drawn in the cell.
        shift: (x, y) largest shift of the person, as shares of width and height.
        head_scale: size of heads against natural proportions.
        girth: width of torso and limbs against natural proportions.
        leg_scale: leg length against natural proportions (the torso takes the difference).
        scene_style: which palette and layouts the procedural scenes use.
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


# What may stand before the person in each scene.
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
    """Each scene's camera from its look, its compression and how often its view is blocked."""
    return {
        scene: replace(look, jpeg=quality, occlusion=often, occluders=_OCCLUDERS[scene])
        for scene, look, quality, often in zip(SCENES, looks, jpeg, occlusion, strict=True)
    }
