"""Everything a build needs, resolved from the settings, checked and refused once.

``build``, ``plan`` and ``rebuild`` begin with :meth:`BuildSpec.from_config`. Nothing after it reads
the configuration, or the vocabulary and pose files that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yacs.config import CfgNode

from .. import config
from ..compositing.gate import PictureRules
from ..compositing.matting import MattingSettings
from ..compositing.quality import QualityLimits
from ..posing.canvas import Grid
from ..posing.files import poses_for, require_depth
from ..posing.skeletons import Pose
from ..prompting import outfits, prompts, vocabulary
from ..prompting.light import LightSettings
from ..prompting.prompts import Identity
from ..prompting.vocabulary import Vocabulary
from ..synthesis import Route, Synthesizer, get_route
from ..worlds.catalogue import get_world
from ..worlds.world import World
from .provenance import describe


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """One build. It can be pickled, so a worker process needs nothing else.

    Attributes:
        seed: root of every random draw.
        num_train: identities to train on.
        num_test: held-out identities.
        excluded: outfits that are not used.
        twins: share of prompts that differ from the one before in one word.
        words: the vocabulary.
        grid: the canvas.
        poses: one skeleton per cell.
        world: the camera world.
        route: how people and backgrounds are drawn.
        matting: what cuts people out; None if the route knows its own alpha.
        light: in which light people are drawn.
        pool_size: background pictures per scene and lighting.
        camera_effects: whether images are seen through their scene's camera.
        limits: which cells and candidates are accepted.
        picture: what is asked of the pictures, and of the likeness of identities.
        jpeg_quality: of the written images, 1..100.
        keep_canvases: whether canvases stay on disk, for ``refine``.
        settings: what decides about the content of the set, as recorded in ``dataset.json``.
    """

    seed: int
    num_train: int
    num_test: int
    excluded: frozenset[tuple[str, ...]]
    twins: float
    words: Vocabulary
    grid: Grid
    poses: tuple[Pose, ...]
    world: World
    route: Route
    matting: MattingSettings | None
    light: LightSettings
    pool_size: int
    camera_effects: bool
    limits: QualityLimits
    picture: PictureRules
    jpeg_quality: int
    keep_canvases: bool
    settings: dict[str, Any]

    @classmethod
    def from_config(cls, cfg: CfgNode) -> BuildSpec:
        """Resolve the settings.

        Raises:
            UserError: settings that no build can use.
        """
        config.check(cfg)
        world, route, grid = get_world(cfg.WORLD), get_route(cfg), Grid.from_config(cfg)
        aspect = grid.cell_width / grid.cell_height
        poses = poses_for(cfg.POSES.FILE, grid.num_cells, world.pitch_deg, aspect)
        if route.needs_depth:
            require_depth(poses, cfg.POSES.FILE, route=route.name)
        words = vocabulary.load(cfg.VOCABULARY.FILE)
        outfits.check_capacity(words, cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST)
        return cls(
            seed=cfg.SEED,
            num_train=cfg.IDENTITIES.TRAIN,
            num_test=cfg.IDENTITIES.TEST,
            excluded=prompts.excluded_outfits(words, cfg.IDENTITIES.EXCLUDE, cfg.IDENTITIES.TWINS),
            twins=cfg.IDENTITIES.TWINS,
            words=words,
            grid=grid,
            poses=tuple(poses),
            world=world,
            route=route,
            matting=MattingSettings.from_config(cfg) if route.needs_matting else None,
            light=LightSettings.from_config(cfg),
            pool_size=cfg.SCENES.POOL_SIZE,
            camera_effects=cfg.CAMERA.EFFECTS,
            limits=QualityLimits.from_config(cfg),
            picture=PictureRules.from_config(cfg),
            jpeg_quality=cfg.JPEG_QUALITY,
            keep_canvases=cfg.KEEP_CANVASES,
            settings=describe(cfg, words=words, route=route),
        )

    @property
    def num_identities(self) -> int:
        """Identities of the whole set."""
        return self.num_train + self.num_test

    def identities(self) -> Iterator[Identity]:
        """Yield the identities of the build as their first canvas shows them, candidate 0 first."""
        for identity in prompts.identities(self.words, self.seed, self.excluded, self.twins):
            yield self.drawings(identity)[0]

    def drawings(self, identity: Identity) -> list[Identity]:
        """Return an identity once for each of its canvases, under the light it is drawn in."""
        return self.light.drawings(identity, self.seed)

    @property
    def num_cells(self) -> int:
        """Cells of all canvases of one identity."""
        return self.grid.num_cells * self.light.per_identity

    def pose(self, cell: int) -> Pose:
        """Return the skeleton of a cell; every canvas of an identity has the same."""
        return self.poses[cell % self.grid.num_cells]

    def build_synthesizer(self, *, offline: bool = False) -> Synthesizer:
        """Load what draws.

        Args:
            offline: fetch nothing; a model that is not on this machine is an error.

        Raises:
            UserError: a package, model or device cannot be used.
        """
        return self.route.build(
            grid=self.grid, poses=self.poses, world=self.world, seed=self.seed, offline=offline
        )
