"""Walking skeletons: a small three-dimensional gait model, one pose for every canvas cell.

Frames. Body frame: x to the person's left, y up from the ground, z forward; unit = body height.
View frame: x right and y down in the cell (0..1 each), z towards the camera in cell heights.
The projection is orthographic with a camera that looks down by ``pitch_deg``; a surveillance camera
is far from the person, so the perspective within one body is a pixel or two at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NUM_JOINTS = 18  # OpenPose's COCO order
NOSE, NECK, R_SHOULDER, R_ELBOW, R_WRIST, L_SHOULDER, L_ELBOW, L_WRIST = range(8)
R_HIP, R_KNEE, R_ANKLE, L_HIP, L_KNEE, L_ANKLE, R_EYE, L_EYE, R_EAR, L_EAR = range(8, 18)
LEGS = ((R_HIP, R_KNEE, R_ANKLE), (L_HIP, L_KNEE, L_ANKLE))
ARMS = ((R_SHOULDER, R_ELBOW, R_WRIST), (L_SHOULDER, L_ELBOW, L_WRIST))
FACE = (NOSE, R_EYE, L_EYE, R_EAR, L_EAR)
JOINT_NAMES = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip

# In the order of rising azimuth, 45 degrees each; "left" and "right" are the viewer's.
VIEWS = ("front", "front-right", "right", "back-right", "back", "back-left", "left", "front-left")

# Bones of the average adult, in body heights.
THIGH_LENGTH = 0.238
SHANK_LENGTH = 0.236
LEG_LENGTH = THIGH_LENGTH + SHANK_LENGTH  # hip to ankle
UPPER_ARM_LENGTH = 0.168
FOREARM_LENGTH = 0.142

BODY_HEIGHT = 0.86  # of the cell height, crown to ground
GROUND = 0.945  # y of the ground line in the cell

# Outward directions of the face joints (left, up, forward); a joint is seen if it faces the camera.
_FACE_NORMALS = {
    NOSE: (0.0, 0.0, 1.0),
    R_EYE: (-0.35, 0.0, 0.94),
    L_EYE: (0.35, 0.0, 0.94),
    R_EAR: (-1.0, 0.0, -0.1),
    L_EAR: (1.0, 0.0, -0.1),
}
_HIDDEN_BELOW = -0.15  # cosine between a face joint's normal and the direction to the camera


@dataclass(frozen=True, kw_only=True)
class Pose:
    """One skeleton as the camera sees it.

    Attributes:
        joints: (18, 3) float32; x, y in 0..1 of the cell (y down), z in cell heights, + towards the
            camera. NaN where unknown: z of a flat skeleton, all three of an unseen joint.
        visible: (18,) bool; False for face joints turned away and for joints not found.
        azimuth_deg: 0 faces the camera, 90 faces the viewer's right, 180 shows the back.
        view: name of the nearest of eight views; "right" faces the viewer's right.
        pitch_deg: how far the camera looks down.
        aspect: width / height of the cell the joints were fitted into.
    """

    joints: np.ndarray
    visible: np.ndarray
    azimuth_deg: float
    view: str
    pitch_deg: float = 0.0
    aspect: float = 0.5

    @property
    def has_depth(self) -> bool:
        """Whether all 18 joints are known in three dimensions, as procedural drawing needs."""
        return bool(np.isfinite(self.joints).all())


def view_name(azimuth_deg: float) -> str:
    """Return the name of the 45-degree sector around an azimuth."""
    return VIEWS[round((azimuth_deg % 360.0) / 45.0) % 8]


def walking_poses(count: int = 42, pitch_deg: float = 0.0, aspect: float = 0.5) -> list[Pose]:
    """Return poses of a walk whose azimuths are spread evenly over the circle.

    Gait phases follow the golden ratio, so that neighboring azimuths are at different phases and
    any few of the poses still cover the gait cycle.

    Args:
        count: number of poses, at least 1.
        pitch_deg: downward pitch of the camera, 0..45.
        aspect: width / height of a cell.
    """
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    return [
        walking_pose(360.0 * i / count, (0.13 + i * golden) % 1.0, pitch_deg, aspect)
        for i in range(count)
    ]


def walking_pose(
    azimuth_deg: float, phase: float, pitch_deg: float = 0.0, aspect: float = 0.5
) -> Pose:
    """Return the pose at one phase (0..1) of the gait cycle, fitted into its cell."""
    body = body_joints(phase)
    view = body @ view_matrix(azimuth_deg, pitch_deg).T  # x right, y up, z to the camera
    # The ground line is fixed; the middle of the silhouette is centered.
    middle = 0.5 * (view[:, 0].min() + view[:, 0].max())
    joints = np.empty((NUM_JOINTS, 3), np.float32)
    joints[:, 0] = 0.5 + (view[:, 0] - middle) * BODY_HEIGHT / aspect
    joints[:, 1] = GROUND - 0.5 * _toe_drop(pitch_deg) - view[:, 1] * BODY_HEIGHT
    joints[:, 2] = view[:, 2] * BODY_HEIGHT
    return Pose(
        joints=joints,
        visible=_visible(azimuth_deg),
        azimuth_deg=azimuth_deg,
        view=view_name(azimuth_deg),
        pitch_deg=pitch_deg,
        aspect=aspect,
    )


def view_matrix(azimuth_deg: float, pitch_deg: float) -> np.ndarray:
    """Return the (3, 3) rotation from the body frame to (right, up, to the camera)."""
    a, p = math.radians(azimuth_deg), math.radians(pitch_deg)
    turn = np.array(
        [[math.cos(a), 0.0, math.sin(a)], [0.0, 1.0, 0.0], [-math.sin(a), 0.0, math.cos(a)]]
    )
    # Looking down, what is nearer the camera appears lower, and what is higher is nearer.
    look = np.array(
        [[1.0, 0.0, 0.0], [0.0, math.cos(p), -math.sin(p)], [0.0, math.sin(p), math.cos(p)]]
    )
    return look @ turn


def body_joints(phase: float) -> np.ndarray:
    """Return the (18, 3) joints of the walking body: body frame, height 1, lowest foot at y = 0."""
    swing = 2.0 * math.pi * phase
    joints = np.zeros((NUM_JOINTS, 3))
    pelvis_yaw = math.radians(5.0) * math.sin(swing)  # left hip forward with the left leg
    chest_yaw = -math.radians(7.0) * math.sin(swing)
    pelvis = np.array([0.0, 0.515, 0.0])
    neck = pelvis + _offset(0.0, 0.315, 0.012)
    joints[NECK] = neck
    for side, hip, shoulder, sign, stride in (
        ("left", L_HIP, L_SHOULDER, 1.0, math.sin(swing)),
        ("right", R_HIP, R_SHOULDER, -1.0, -math.sin(swing)),
    ):
        lift = math.cos(swing) if side == "left" else -math.cos(swing)
        joints[hip] = pelvis + _yawed((sign * 0.054, -0.005, 0.0), pelvis_yaw)
        _leg(joints, hip, stride, lift)
        joints[shoulder] = neck + _yawed((sign * 0.108, -0.018, 0.0), chest_yaw)
        _arm(joints, shoulder, -stride, sign)
    head = neck + _offset(0.0, 0.095, 0.012)
    joints[NOSE] = head + _offset(0.0, -0.004, 0.062)
    for eye, ear, sign in ((L_EYE, L_EAR, 1.0), (R_EYE, R_EAR, -1.0)):
        joints[eye] = head + _offset(sign * 0.019, 0.013, 0.052)
        joints[ear] = head + _offset(sign * 0.045, 0.004, -0.002)
    joints[:, 1] += 0.042 - min(joints[L_ANKLE, 1], joints[R_ANKLE, 1])
    return joints


def _offset(left: float, up: float, forward: float) -> np.ndarray:
    return np.array((left, up, forward))


def _leg(joints: np.ndarray, hip: int, stride: float, lift: float) -> None:
    thigh = math.radians(3.0 + 19.0 * stride)
    knee = math.radians(5.0 + 42.0 * max(0.0, lift) ** 1.5)  # bends while the leg swings forward
    joints[hip + 1] = joints[hip] + _swung(THIGH_LENGTH, thigh)
    joints[hip + 2] = joints[hip + 1] + _swung(SHANK_LENGTH, thigh - knee)


def _arm(joints: np.ndarray, shoulder: int, stride: float, sign: float) -> None:
    upper = math.radians(-2.0 + 19.0 * stride)
    elbow = math.radians(16.0 + 16.0 * max(0.0, stride))
    joints[shoulder + 1] = (
        joints[shoulder] + _swung(UPPER_ARM_LENGTH, upper) + (sign * 0.022, 0.0, 0.0)
    )
    joints[shoulder + 2] = joints[shoulder + 1] + _swung(FOREARM_LENGTH, upper + elbow)


def _swung(length: float, angle: float) -> np.ndarray:
    """Return a bone that hangs down, turned forward by ``angle`` radians."""
    return np.array([0.0, -length * math.cos(angle), length * math.sin(angle)])


def _yawed(offset: tuple[float, float, float], yaw: float) -> np.ndarray:
    """Turn about the vertical; a positive yaw brings the left side forward."""
    x, y, z = offset
    return np.array([x * math.cos(yaw) - z * math.sin(yaw), y, x * math.sin(yaw) + z])


def _toe_drop(pitch_deg: float) -> float:
    """Return the room below the ankles for a foot that points at a camera looking down."""
    return 0.11 * math.sin(math.radians(pitch_deg))


def _visible(azimuth_deg: float) -> np.ndarray:
    visible = np.ones(NUM_JOINTS, bool)
    to_camera = np.linalg.inv(view_matrix(azimuth_deg, 0.0))[:, 2]
    for joint, normal in _FACE_NORMALS.items():
        visible[joint] = float(np.dot(normal, to_camera)) > _HIDDEN_BELOW
    return visible
