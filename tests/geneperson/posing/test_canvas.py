"""The grid and its two condition images."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from geneperson import get_cfg, load
from geneperson.posing.canvas import COLORS, LIMBS, Grid, SkeletonStyle, edge_map, skeleton_map
from geneperson.posing.skeletons import (
    L_EAR,
    L_EYE,
    NECK,
    NOSE,
    R_EAR,
    R_EYE,
    walking_poses,
)
from helpers import GENEPERSON_CONFIGS

GRID = Grid(columns=7, rows=6, cell_height=256, cell_width=128)


def test_the_papers_canvas() -> None:
    assert GRID.num_cells == 42
    assert GRID.size == (1536, 896)


def test_boxes_tile_the_canvas() -> None:
    covered = np.zeros(GRID.size, int)
    for cell in range(GRID.num_cells):
        top, left, bottom, right = GRID.box(cell)
        covered[top:bottom, left:right] += 1
    assert (covered == 1).all()
    with pytest.raises(IndexError):
        GRID.box(42)


def test_crop_gives_the_cells_in_order() -> None:
    grid = Grid(columns=3, rows=2, cell_height=4, cell_width=5)
    canvas = np.zeros((*grid.size, 3), np.uint8)
    for cell in range(grid.num_cells):
        top, left, bottom, right = grid.box(cell)
        canvas[top:bottom, left:right] = cell
    cells = grid.crop(canvas)
    assert [set(cell.ravel().tolist()) for cell in cells] == [{cell} for cell in range(6)]
    assert all(cell.shape == (4, 5, 3) for cell in cells)
    with pytest.raises(ValueError, match="the grid needs"):
        grid.crop(canvas[1:])


def test_edges_lie_on_the_grid_lines_and_nowhere_else() -> None:
    edges = edge_map(GRID)
    assert edges.shape == (1536, 896, 3) and edges.dtype == np.uint8
    rows, columns = np.nonzero(edges[:, :, 0])

    def from_line(position: np.ndarray, period: int, size: int) -> np.ndarray:
        nearest = np.round(position / period) * period
        inner = (nearest > 0) & (nearest < size)
        return np.where(inner, np.abs(position - nearest), 1000)

    assert (np.minimum(from_line(rows, 256, 1536), from_line(columns, 128, 896)) <= 3).all()
    for row in range(1, 6):
        assert edges[row * 256 - 3 : row * 256 + 3].max(axis=(0, 2)).mean() > 250
    for column in range(1, 7):
        assert edges[:, column * 128 - 3 : column * 128 + 3].max(axis=(1, 2)).mean() > 250


def test_skeletons_use_openposes_colors_and_stay_in_their_cells() -> None:
    made = walking_poses(42)
    picture = skeleton_map(GRID, made)
    known = {(0, 0, 0), *COLORS, *(tuple(int(0.6 * c) for c in color) for color in COLORS)}
    found = {tuple(color) for color in np.unique(picture.reshape(-1, 3), axis=0).tolist()}
    assert found <= known
    for pose, cell in zip(made, GRID.crop(picture), strict=True):
        assert cell.any()
        if pose.view in ("front", "back"):  # from the side a shoulder may lie over the neck
            x, y = (pose.joints[NECK, :2] * (128, 256)).round().astype(int)
            assert tuple(cell[y, x].tolist()) == COLORS[NECK]
    assert len(LIMBS) == 17 and len(COLORS) == 18


def test_hidden_joints_are_not_drawn() -> None:
    back = walking_poses(2)[1]
    picture = skeleton_map(Grid(columns=1, rows=1, cell_height=256, cell_width=128), [back])
    nose = np.array(COLORS[0])
    assert not (picture == nose).all(axis=2).any()


def test_another_number_of_poses_than_cells_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 poses"):
        skeleton_map(GRID, walking_poses(3))


def whole_discs(style: SkeletonStyle, view: str) -> list[bool]:
    """Whether each disc of a face is whole, for all poses of a view at 256 x 128."""
    alone = np.zeros((64, 64), np.uint8)
    cv2.circle(alone, (32, 32), style.face_radius, 255, thickness=-1)
    made = walking_poses(42)
    found = []
    for pose, cell in zip(made, GRID.crop(skeleton_map(GRID, made, style)), strict=True):
        for joint in (NOSE, R_EYE, L_EYE, R_EAR, L_EAR):
            if pose.view == view and pose.visible[joint]:
                drawn = (cell == COLORS[joint]).all(axis=2).sum()
                found.append(bool(drawn == (alone > 0).sum()))
    return found


@pytest.mark.parametrize("view", ["front", "back"])
def test_the_discs_of_a_face_do_not_overlap(view: str) -> None:
    """As sdxl.yml draws them. In a profile the eyes themselves are 2 pixels apart."""
    style = SkeletonStyle.from_config(load(GENEPERSON_CONFIGS / "sdxl.yml"))
    assert style.limb_width == 6
    found = whole_discs(style, view)
    assert found and all(found)
    if view == "front":
        assert not all(whole_discs(replace(style, face_radius=6), view))


def test_a_radius_of_zero_is_the_limbs_half_width() -> None:
    cfg = get_cfg()
    cfg.POSES.LIMB_WIDTH = 7
    assert SkeletonStyle.from_config(cfg) == SkeletonStyle(
        limb_width=7, joint_radius=7, face_radius=7
    )
    cfg.POSES.JOINT_RADIUS, cfg.POSES.FACE_RADIUS = 3, 1
    style = SkeletonStyle.from_config(cfg)
    assert (style.limb_width, style.joint_radius, style.face_radius) == (7, 3, 1)


def test_limbs_joints_and_faces_have_widths_of_their_own() -> None:
    pose, grid = walking_poses(42)[0], Grid(columns=1, rows=1, cell_height=256, cell_width=128)
    plain = SkeletonStyle()
    nose, neck = (pose.joints[[NOSE, NECK], 1] * 256).round().astype(int)

    def drawn(style: SkeletonStyle) -> np.ndarray:
        return skeleton_map(grid, [pose], style).any(axis=2)

    above, below = np.s_[: nose - 4], np.s_[neck + 12 :]
    for changed, face_changes, body_changes in (
        (replace(plain, face_radius=2), True, False),
        (replace(plain, joint_radius=9), False, True),
        (replace(plain, limb_width=9), False, True),
    ):
        other = drawn(changed)
        assert (other[above] != drawn(plain)[above]).any() == face_changes
        assert (other[below] != drawn(plain)[below]).any() == body_changes


def test_cells_become_the_canvas_that_they_were_cropped_from() -> None:
    grid = Grid(columns=3, rows=2, cell_height=4, cell_width=5)
    for shape in (grid.size, (*grid.size, 3)):
        canvas = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        assert np.array_equal(grid.assemble(grid.crop(canvas)), canvas)
