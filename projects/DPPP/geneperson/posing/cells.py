"""Which skeleton stands in which cell of the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..worlds.catalogue import get_world
from .files import poses_for
from .skeletons import Pose

if TYPE_CHECKING:
    from yacs.config import CfgNode


def cell_poses(cfg: CfgNode) -> list[Pose]:
    """One pose a cell: the built-in walk seen by the world's cameras, or the user's file."""
    height, width = cfg.CANVAS.CELL_SIZE
    num_cells = cfg.CANVAS.COLUMNS * cfg.CANVAS.ROWS
    return poses_for(cfg.POSES.FILE, num_cells, get_world(cfg.WORLD).pitch_deg, width / height)
