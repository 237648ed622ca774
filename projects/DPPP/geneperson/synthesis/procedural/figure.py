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
from .folds import DEPTH as FOLD_DEPTH
from .hairdo import Hairdo
from .outfit import Outfit
from .person import Person
from .physique import build
from .surfaces import DepthBuffer
from .visible import SAMPLES, Visible, look

if TYPE_CHECKING:
    from ...prompting.prompts import Identity

# Neutral key light: upper left, from the camera's side.
_LIGHT = np.array((-0.36, -0.55, 0.75), np.float32)
_LIGHT /= np.linalg.norm(_LIGHT)
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
        self._outfit = Outfit(person)
        self._hairdo = Hairdo(
            person, head_scale=world.head_scale, back_depth=self._outfit.back_depth
        )
        self._carried = Carried(person, self._outfit, seeding.rng(identity.seed, "carried"))
        self._colors = atlas.colors()
        folds, weave = atlas.folds()
        self._folds = FOLD_DEPTH * folds, world.cloth_noise * weave

    def draw(
        self, pose: Pose, image: np.ndarray, alpha: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Draw the person into one cell.

        Args:
            pose: a pose with depth.
            image: (h, w, 3) uint8 backdrop, drawn over.
            alpha: (h, w) uint8, all 0; becomes the coverage, 0..255.
            rng: folds the clothes.
        """
        height, width = alpha.shape[0] * SAMPLES, alpha.shape[1] * SAMPLES
        stance = self._carried.hold(stand(pose, height, self._build, self._world.leg_scale))
        buffer = DepthBuffer(height, width, stance.turn)
        self._outfit.draw(buffer, stance)
        head = self._hairdo.draw(buffer, stance)
        self._carried.draw(buffer, stance, head)
        seen = look(buffer, rng)
        person = self._shade(seen, height)
        image, alpha = image[seen.bounds], alpha[seen.bounds]
        alpha[:] = person[:, :, 3]
        clear = cv2.merge([255 - alpha] * 3)
        cv2.add(person[:, :, :3], cv2.multiply(image, clear, scale=1.0 / 255.0), dst=image)

    def _shade(self, seen: Visible, height: int) -> np.ndarray:
        """(h, w, 4) uint8 premultiplied RGB and coverage of the part of a cell with the body.

        Args:
            seen: the body.
            height: of the buffer.
        """
        shade = _AMBIENT + _DIFFUSE * np.maximum(_LIGHT @ seen.normal, 0.0)
        shade -= 0.10 * np.maximum(seen.normal[1], 0.0)  # less light comes from the ground
        shade = 1.0 + (shade - 1.0) * self._world.shading
        shade *= 1.0 - _OCCLUSION * _occlusion(seen, height)
        texels = self._colors.take(seen.texel, axis=0)
        folds, weave = (layer.take(seen.fold) for layer in self._folds)
        strength = texels[:, 3]
        shade *= 1.0 + folds * strength
        weave *= strength > 0.0
        colors = np.clip(texels[:, :3] * shade[:, None] + weave[:, None], 0.0, 255.0)
        colors *= seen.share[:, None]
        points = np.empty((len(colors), 4), np.uint8)
        points[:, :3] = colors + 0.5
        points[:, 3] = 255.0 * seen.share + 0.5
        packed = points.view(np.uint32)[:, 0]  # one number is moved faster than four
        person = np.zeros((*seen.depth.shape, 4), np.uint8)
        for layer in seen.layers:
            part = np.zeros(seen.depth.shape, np.uint32)
            part.ravel()[seen.pixels[layer]] = packed[layer]
            cv2.add(person, part.view(np.uint8).reshape(person.shape), dst=person)
        return person


def _occlusion(seen: Visible, height: int) -> np.ndarray:
    """(P,) 0..1: how far a point is behind its surroundings on the body."""
    size = height // SAMPLES // 24 | 1
    covered = seen.covered.astype(np.float32)
    depth = seen.depth * covered
    around = cv2.blur(depth, (size, size)) / np.maximum(cv2.blur(covered, (size, size)), 1e-3)
    return np.clip((around.take(seen.pixels) - seen.depths) * (28.0 / height), 0.0, 1.0)
