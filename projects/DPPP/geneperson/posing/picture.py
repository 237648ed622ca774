"""A picture of skeletons, for checking a pose file by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..errors import UserError
from ..files import write_atomic
from .canvas import Grid, skeleton_map
from .files import refit
from .skeletons import NUM_JOINTS, Pose

_COLUMNS = 7  # as on the paper's canvas
_CELL_HEIGHT = 256  # pixels
_BLANK = Pose(
    joints=np.full((NUM_JOINTS, 3), np.nan, np.float32),
    visible=np.zeros(NUM_JOINTS, bool),
    azimuth_deg=0.0,
    view="",
)


def draw_poses(poses: Sequence[Pose], path: str | Path) -> None:
    """Write a PNG with the poses in rows, each with its number from 1 and its view.

    Args:
        poses: at least one; all are shown in the first pose's aspect.
        path: file to write.

    Raises:
        UserError: the file cannot be written.
    """
    aspect = poses[0].aspect
    columns = min(_COLUMNS, len(poses))
    grid = Grid(
        columns=columns,
        rows=math.ceil(len(poses) / columns),
        cell_height=_CELL_HEIGHT,
        cell_width=round(_CELL_HEIGHT * aspect),
    )
    blanks = [_BLANK] * (grid.num_cells - len(poses))
    picture = skeleton_map(grid, [refit(pose, aspect) for pose in poses] + blanks)
    for cell, pose in enumerate(poses):
        top, left, _, _ = grid.box(cell)
        text, place = f"{cell + 1} {pose.view}", (left + 4, top + 12)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (200, 200, 200))
    _, png = cv2.imencode(".png", picture[:, :, ::-1])
    try:
        write_atomic(Path(path), png.tobytes())
    except OSError as error:
        raise UserError(f"cannot write the picture {path}: {error.strerror}") from error
