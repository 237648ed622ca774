"""One pose of a pose file: its JSON entry, read with checks and written."""

from __future__ import annotations

import numpy as np

from .measure import guess_azimuth
from .skeletons import JOINT_NAMES, NUM_JOINTS, VIEWS, Pose, view_name

MIN_JOINTS = 8  # fewer drawn joints say too little about a person
_KEYS = ("view", "azimuth_deg", "pitch_deg", "joints", "hidden")
_LEAST, _MOST = -0.5, 1.5  # of x, y and z: a hand may leave the cell


def write_entry(pose: Pose) -> dict:
    """Spell a pose as JSON, with four decimals: a hundredth of a pixel."""
    joints = {}
    for name, point in zip(JOINT_NAMES, pose.joints, strict=True):
        known = point[np.isfinite(point)]
        if len(known):
            joints[name] = [round(float(number), 4) for number in known]
    hidden = [
        name for name, seen in zip(JOINT_NAMES, pose.visible, strict=True)
        if name in joints and not seen
    ]  # fmt: skip
    return {
        "view": pose.view,
        "azimuth_deg": pose.azimuth_deg,
        "pitch_deg": pose.pitch_deg,
        "joints": joints,
        "hidden": hidden,
    }


def read_entry(entry: object, aspect: float, wrong: list[str]) -> Pose | None:
    """Read one entry, or write down what is wrong with it and give None."""
    if not isinstance(entry, dict) or not isinstance(entry.get("joints"), dict):
        wrong.append("an object with 'joints' is expected")
        return None
    wrong += [f"unknown key '{key}'" for key in entry if key not in _KEYS]
    joints = _read_joints(entry["joints"], wrong)
    visible = np.isfinite(joints[:, 0])
    hidden = entry.get("hidden", [])
    if isinstance(hidden, list) and all(name in entry["joints"] for name in map(str, hidden)):
        visible &= [name not in hidden for name in JOINT_NAMES]
    else:
        wrong.append("'hidden' must be a list of names of this pose's joints")
    if not wrong and visible.sum() < MIN_JOINTS:
        wrong.append(f"{visible.sum()} drawn joints, at least {MIN_JOINTS} are needed")
    view, azimuth = entry.get("view"), entry.get("azimuth_deg")
    pitch = entry.get("pitch_deg", 0.0)
    if view is not None and view not in VIEWS:
        wrong.append(f"view {view!r} is none of {', '.join(VIEWS)}")
    if azimuth is not None and not is_number(azimuth, -360.0, 360.0):
        wrong.append(f"azimuth_deg {azimuth!r} is not in -360..360")
    if not is_number(pitch, 0.0, 45.0):
        wrong.append(f"pitch_deg {pitch!r} is not in 0..45")
    if wrong:
        return None
    if azimuth is None and view is not None:
        azimuth = 45.0 * VIEWS.index(view)
    elif azimuth is None:
        seen = np.where(visible[:, None], joints[:, :2], np.nan)
        azimuth = guess_azimuth(seen * (aspect, 1.0))
    elif view not in (None, view_name(azimuth)):
        wrong.append(f"azimuth_deg {azimuth} is the view {view_name(azimuth)!r}, not {view!r}")
        return None
    return Pose(joints, visible, float(azimuth), view_name(azimuth), float(pitch), float(aspect))


def _read_joints(found: dict, wrong: list[str]) -> np.ndarray:
    """(18, 3) float32, NaN where nothing is said."""
    joints = np.full((NUM_JOINTS, 3), np.nan, np.float32)
    lengths = set()
    for name, point in found.items():
        if name not in JOINT_NAMES:
            wrong.append(f"unknown joint '{name}', use {', '.join(JOINT_NAMES)}")
        elif not isinstance(point, list) or len(point) not in (2, 3):
            wrong.append(f"{name} must be [x, y] or [x, y, z]")
        elif not all(is_number(number, _LEAST, _MOST) for number in point):
            wrong.append(f"{name} has something else than numbers in {_LEAST}..{_MOST}")
        else:
            joints[JOINT_NAMES.index(name), : len(point)] = point
            lengths.add(len(point))
    if len(lengths) > 1:
        wrong.append("z must be given for all joints or for none")
    return joints


def is_number(value: object, least: float, most: float) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
    )
