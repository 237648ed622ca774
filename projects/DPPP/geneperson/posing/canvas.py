"""The canvas: a grid of cells that shows one identity in every pose, and its two condition images.

The diffusion route gives the edge map (Canny) and the skeleton map (OpenPose's colors) to its two
ControlNets. Cropping turns the finished canvas into one image per cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .skeletons import Pose

if TYPE_CHECKING:
    from yacs.config import CfgNode

# OpenPose's 17 limbs and 18 colors (RGB), as ControlNet's pose model was trained on them.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10),
    (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
COLORS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
_LIMB_DIMMING = 0.6  # OpenPose draws limbs at 60 % brightness, joints at 100 %
_FACE = frozenset((0, 14, 15, 16, 17))  # nose, eyes, ears


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Equal cells, ``columns`` x ``rows``, numbered row by row from the top left."""

    columns: int
    rows: int
    cell_height: int
    cell_width: int

    @classmethod
    def from_config(cls, cfg: CfgNode) -> Grid:
        """Read the grid from the settings."""
        height, width = cfg.CANVAS.CELL_SIZE
        return cls(
            columns=cfg.CANVAS.COLUMNS,
            rows=cfg.CANVAS.ROWS,
            cell_height=height,
            cell_width=width,
        )

    @property
    def num_cells(self) -> int:
        """Number of cells."""
        return self.columns * self.rows

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas in pixels."""
        return self.rows * self.cell_height, self.columns * self.cell_width

    def box(self, cell: int) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) of a cell in pixels, bottom and right exclusive."""
        if not 0 <= cell < self.num_cells:
            raise IndexError(f"cell {cell} is outside the grid of {self.num_cells} cells")
        row, column = divmod(cell, self.columns)
        top, left = row * self.cell_height, column * self.cell_width
        return top, left, top + self.cell_height, left + self.cell_width

    def crop(self, canvas: np.ndarray) -> list[np.ndarray]:
        """Return the cells of a (H, W[, C]) canvas in cell order, each a view of the canvas."""
        if canvas.shape[:2] != self.size:
            raise ValueError(f"canvas is {canvas.shape[:2]}, the grid needs {self.size}")
        boxes = map(self.box, range(self.num_cells))
        return [canvas[top:bottom, left:right] for top, left, bottom, right in boxes]

    def assemble(self, cells: Sequence[np.ndarray]) -> np.ndarray:
        """Return the (H, W[, C]) canvas of cells in cell order: the reverse of ``crop``."""
        rows = [cells[start : start + self.columns] for start in range(0, len(cells), self.columns)]
        return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)


@dataclass(frozen=True, kw_only=True)
class SkeletonStyle:
    """How thick a skeleton is drawn, in pixels of the grid; the defaults are OpenPose's.

    Attributes:
        limb_width: half width of a limb.
        joint_radius: radius of a joint's disc.
        face_radius: the same for nose, eyes and ears, which are a few pixels apart; also the most
            that the lines between them may have as half width.
    """

    limb_width: int = 4
    joint_radius: int = 4
    face_radius: int = 4

    @classmethod
    def from_config(cls, cfg: CfgNode) -> SkeletonStyle:
        """Read the style from the settings; a radius of 0 there means the limbs' half width."""
        width = cfg.POSES.LIMB_WIDTH
        return cls(
            limb_width=width,
            joint_radius=cfg.POSES.JOINT_RADIUS or width,
            face_radius=cfg.POSES.FACE_RADIUS or width,
        )


OPENPOSE_STYLE = SkeletonStyle()


def edge_map(grid: Grid) -> np.ndarray:
    """Draw the Canny edges of the cell borders, (H, W, 3) uint8, white on black."""
    height, width = grid.size
    lines = np.full((height, width), 255, np.uint8)
    for row in range(1, grid.rows):
        y = row * grid.cell_height
        lines[y - 1 : y + 1] = 0
    for column in range(1, grid.columns):
        x = column * grid.cell_width
        lines[:, x - 1 : x + 1] = 0
    edges = cv2.Canny(lines, 100, 200)
    return np.repeat(edges[:, :, None], 3, axis=2)


def skeleton_map(
    grid: Grid, poses: Sequence[Pose], style: SkeletonStyle = OPENPOSE_STYLE
) -> np.ndarray:
    """Draw one skeleton per cell on black, (H, W, 3) uint8, limbs as ellipses, joints as discs.

    Args:
        grid: the canvas.
        poses: one per cell.
        style: how thick limbs and joints are.
    """
    if len(poses) != grid.num_cells:
        raise ValueError(f"{len(poses)} poses for a grid of {grid.num_cells} cells")
    canvas = np.zeros((*grid.size, 3), np.uint8)
    for cell, pose in enumerate(poses):
        top, left, bottom, right = grid.box(cell)
        _draw_skeleton(canvas[top:bottom, left:right], pose, style)
    return canvas


def _draw_skeleton(cell: np.ndarray, pose: Pose, style: SkeletonStyle) -> None:
    height, width = cell.shape[:2]
    points = (pose.joints[:, :2] * (width, height)).tolist()
    for (start, end), color in zip(LIMBS, COLORS, strict=False):  # 17 limbs, 18 colors
        if not (pose.visible[start] and pose.visible[end]):
            continue
        (x0, y0), (x1, y1) = points[start], points[end]
        center = (round((x0 + x1) / 2), round((y0 + y1) / 2))
        half_length = int(math.hypot(x1 - x0, y1 - y0) / 2)
        angle = int(math.degrees(math.atan2(y1 - y0, x1 - x0)))
        half_width = style.limb_width
        if {start, end} <= _FACE:
            half_width = min(half_width, style.face_radius)
        polygon = cv2.ellipse2Poly(center, (half_length, half_width), angle, 0, 360, 1)
        cv2.fillConvexPoly(cell, np.array(polygon), [int(c * _LIMB_DIMMING) for c in color])
    for joint in np.flatnonzero(pose.visible):
        x, y = points[int(joint)]
        radius = style.face_radius if joint in _FACE else style.joint_radius
        cv2.circle(cell, (round(x), round(y)), radius, COLORS[joint], thickness=-1)
