"""One person, ready to be drawn in any pose; textures and profiles are made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ... import seeding
from ...posing.skeletons import Pose
from ...worlds.world import World
from . import palette
from .anatomy import stand
from .atlas import Atlas
from .carried import Carried
from .hairdo import Hairdo
from .outfit import Outfit
from .person import Person
from .physique import build
from .surfaces import DepthBuffer

if TYPE_CHECKING:
    from ...prompting.prompts import Identity

_SUPERSAMPLING = 2
# Neutral key light: upper left, from the camera's side.
_LIGHT = np.array((-0.36, -0.55, 0.75), np.float32)
_AMBIENT, _DIFFUSE = 0.64, 0.43
_OCCLUSION = 0.30  # how dark a crease gets


class Figure:
    """Draws one identity.

    Args:
        identity: its attributes and seed determine the person's looks.
        world: its bodies and shading are used.
    """

    def __init__(self, identity: Identity, world: World) -> None:
        words = identity.attributes
        rng = seeding.rng(identity.seed, "figure")
        atlas = Atlas()
        self._world = world
        self._build = build(words, rng, world.girth)
        person = Person(
            words=words,
            build=self._build,
            skin=palette.skin(words["skin_color"]) * rng.uniform(0.97, 1.03),
            rng=rng,
            atlas=atlas,
        )
        self._outfit = Outfit(person, grain=world.cloth_noise)
        self._hairdo = Hairdo(
            person, head_scale=world.head_scale, back_depth=self._outfit.back_depth
        )
        self._carried = Carried(person, self._outfit, seeding.rng(identity.seed, "carried"))
        self._colors = atlas.colors()

    def draw(self, pose: Pose, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw the person in one cell.

        Args:
            pose: a pose with depth.
            height: of the cell in pixels.
            width: of the cell in pixels.

        Returns:
            (height, width, 3) float32 RGB 0..255, premultiplied by the coverage, and
            (height, width) float32 coverage 0..1.
        """
        tall, wide = height * _SUPERSAMPLING, width * _SUPERSAMPLING
        buffer = DepthBuffer(tall, wide)
        stance = self._carried.hold(stand(pose, tall, self._build, self._world.leg_scale))
        self._outfit.draw(buffer, stance)
        head = self._hairdo.draw(buffer, stance)
        self._carried.draw(buffer, stance, head)
        layers = self._shade(buffer)
        layers = cv2.resize(layers, (width, height), interpolation=cv2.INTER_AREA)
        return layers[:, :, :3], layers[:, :, 3]

    def _shade(self, buffer: DepthBuffer) -> np.ndarray:
        """(H, W, 4) float32 premultiplied RGB and coverage of the supersampled buffer."""
        height, width = buffer.depth.shape
        layers = np.zeros((height, width, 4), np.float32)
        seen = np.flatnonzero(buffer.texel >= 0)
        normal = buffer.normal.reshape(3, -1)[:, seen]
        facing = np.maximum(_LIGHT @ normal, 0.0) / np.linalg.norm(_LIGHT)
        shade = _AMBIENT + _DIFFUSE * facing
        shade -= 0.10 * np.maximum(normal[1], 0.0)  # less light comes from the ground
        shade = 1.0 + (shade - 1.0) * self._world.shading
        shade *= 1.0 - _OCCLUSION * _occlusion(buffer).ravel()[seen]
        flat = layers.reshape(-1, 4)
        flat[seen, :3] = np.minimum(
            self._colors[buffer.texel.ravel()[seen]] * shade[:, None], 255.0
        )
        flat[seen, 3] = 1.0
        return layers


def _occlusion(buffer: DepthBuffer) -> np.ndarray:
    """(H, W) 0..1: how far a point is behind its surroundings on the body."""
    height = buffer.depth.shape[0]
    size = height // 24 | 1
    covered = (buffer.texel >= 0).astype(np.float32)
    depth = np.where(buffer.texel >= 0, buffer.depth, np.float32(0.0))
    around = cv2.blur(depth, (size, size)) / np.maximum(cv2.blur(covered, (size, size)), 1e-3)
    return np.clip((around - depth) * (28.0 / height), 0.0, 1.0)
