"""From a pose to the positions of body parts, with one person's proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...posing.skeletons import (
    BODY_HEIGHT,
    GROUND,
    L_ANKLE,
    L_EAR,
    L_HIP,
    L_SHOULDER,
    NECK,
    R_ANKLE,
    R_EAR,
    R_HIP,
    R_SHOULDER,
    Pose,
    view_matrix,
)
from .physique import Build

_RIGHT = (R_SHOULDER, R_HIP)
_LEFT = (L_SHOULDER, L_HIP)


@dataclass(frozen=True, kw_only=True)
class Stance:
    """One person in one pose, in pixels of the drawing buffer (x right, y down, z to the camera).

    Attributes:
        joints: (18, 3).
        axes: (3, 3) rows are the unit vectors left, up and forward of the body.
        turn: (cosine, sine) of the azimuth.
        unit: pixels per body height.
        head: (3,) center of the head.
    """

    joints: np.ndarray
    axes: np.ndarray
    turn: tuple[float, float]
    unit: float
    head: np.ndarray

    @property
    def neck(self) -> np.ndarray:
        """(3,) base of the neck."""
        return self.joints[NECK]

    @property
    def pelvis(self) -> np.ndarray:
        """(3,) point between the hips."""
        return 0.5 * (self.joints[R_HIP] + self.joints[L_HIP])

    def offset(self, left: float, up: float, forward: float) -> np.ndarray:
        """Convert a vector of the body frame from body heights to pixels, (3,)."""
        return np.array((left, up, forward)) @ self.axes * self.unit

    def along(self, vector: np.ndarray, axis: int) -> float:
        """Return a vector's component along left (0), up (1) or forward (2), in body heights."""
        return float(vector @ self.axes[axis]) / self.unit


def stand(pose: Pose, height: int, build: Build, leg_scale: float) -> Stance:
    """Put a person of this build into a pose.

    The pose is that of an average adult. Shoulders and hips are widened about the spine, legs are
    lengthened from the ground up, and everything is scaled about the ground point between the feet.

    Args:
        pose: a pose with depth.
        height: height of the buffer in pixels; its width follows from the pose's aspect.
        build: the person's proportions.
        leg_scale: leg length of the world's bodies relative to natural ones.
    """
    unit = BODY_HEIGHT * height
    joints = pose.joints.astype(np.float64) * (height * pose.aspect, height, height)
    matrix = view_matrix(pose.azimuth_deg, pose.pitch_deg)
    axes = (matrix * np.array([[1.0], [-1.0], [1.0]])).T  # y down
    for pair, width in ((0, build.shoulders), (1, build.hips)):
        right, left = _RIGHT[pair], _LEFT[pair]
        apart = 0.5 * (joints[left] - joints[right]) * (width - 1.0)
        joints[left : left + 3] += apart
        joints[right : right + 3] -= apart
    if leg_scale != 1.0:
        _lengthen_legs(joints, leg_scale, axes[1])
    ground = np.array((0.5 * height * pose.aspect, GROUND * height, 0.0))
    joints = ground + (joints - ground) * build.stature
    unit *= build.stature
    ears = 0.5 * (joints[R_EAR] + joints[L_EAR])
    azimuth = math.radians(pose.azimuth_deg)
    return Stance(
        joints=joints,
        axes=axes,
        turn=(math.cos(azimuth), math.sin(azimuth)),
        unit=unit,
        head=ears,
    )


def _lengthen_legs(joints: np.ndarray, scale: float, up: np.ndarray) -> None:
    lowest = min(joints[R_ANKLE] @ up, joints[L_ANKLE] @ up)
    for hip in (R_HIP, L_HIP):
        joints[hip + 1 : hip + 3] = joints[hip] + (joints[hip + 1 : hip + 3] - joints[hip]) * scale
    sunk = min(joints[R_ANKLE] @ up, joints[L_ANKLE] @ up)
    joints += (lowest - sunk) * up
