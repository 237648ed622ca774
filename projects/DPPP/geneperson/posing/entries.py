"""One pose of a pose file: its JSON entry, read with checks and written."""

from __future__ import annotations

import numpy as np

from .measure import guess_azimuth
from .skeletons import JOINT_NAMES, NUM_JOINTS, VIEWS, Pose, view_name

MIN_JOINTS = 8  # with fewer visible joints a pose is not usable
_KEYS = ("view", "azimuth_deg", "pitch_deg", "joints", "hidden")
_LOWEST, _HIGHEST = -0.5, 1.5  # of x, y and z: a hand may reach outside the cell


def write_entry(pose: Pose) -> dict:
    """Return a pose as JSON data, with four decimals: a hundredth of a pixel."""
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


def read_entry(entry: object, aspect: float, problems: list[str]) -> Pose | None:
    """Read one entry.

    Args:
        entry: the entry as JSON gave it.
        aspect: width / height of the cell that the joints belong to.
        problems: an empty list; what is wrong with the entry is appended to it.

    Returns:
        The pose, or None if there are problems.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("joints"), dict):
        problems.append("must be an object with 'joints'")
        return None
    problems += [f"unknown key '{key}'" for key in entry if key not in _KEYS]
    joints = _read_joints(entry["joints"], problems)
    visible = _read_visible(entry, joints, problems)
    _check_direction(entry, problems)
    if problems:
        return None
    azimuth, view = _azimuth(entry, joints, visible, aspect), entry.get("view")
    if view not in (None, view_name(azimuth)):
        problems.append(f"azimuth_deg {azimuth} is the view {view_name(azimuth)!r}, not {view!r}")
        return None
    return Pose(
        joints=joints,
        visible=visible,
        azimuth_deg=float(azimuth),
        view=view_name(azimuth),
        pitch_deg=float(entry.get("pitch_deg", 0.0)),
        aspect=float(aspect),
    )


def _read_joints(places: dict, problems: list[str]) -> np.ndarray:
    """(18, 3) float32, NaN where the entry has no number."""
    joints = np.full((NUM_JOINTS, 3), np.nan, np.float32)
    lengths = set()
    for name, point in places.items():
        if name not in JOINT_NAMES:
            problems.append(f"unknown joint '{name}', use {', '.join(JOINT_NAMES)}")
        elif not isinstance(point, list) or len(point) not in (2, 3):
            problems.append(f"{name} must be [x, y] or [x, y, z]")
        elif not all(is_number(number, _LOWEST, _HIGHEST) for number in point):
            problems.append(f"{name} must hold numbers in {_LOWEST}..{_HIGHEST} only")
        else:
            joints[JOINT_NAMES.index(name), : len(point)] = point
            lengths.add(len(point))
    if len(lengths) > 1:
        problems.append("z must be given for all joints or for none")
    return joints


def _read_visible(entry: dict, joints: np.ndarray, problems: list[str]) -> np.ndarray:
    """(18,) bool: the joints that have a place and are not hidden."""
    visible = np.isfinite(joints[:, 0])
    hidden = entry.get("hidden", [])
    if isinstance(hidden, list) and all(name in entry["joints"] for name in map(str, hidden)):
        visible &= [name not in hidden for name in JOINT_NAMES]
    else:
        problems.append("'hidden' must be a list of names of this pose's joints")
    if not problems and visible.sum() < MIN_JOINTS:
        problems.append(f"{visible.sum()} visible joints, at least {MIN_JOINTS} are needed")
    return visible


def _check_direction(entry: dict, problems: list[str]) -> None:
    """Check the view and the two angles, each by itself."""
    view, azimuth = entry.get("view"), entry.get("azimuth_deg")
    pitch = entry.get("pitch_deg", 0.0)
    if view is not None and view not in VIEWS:
        problems.append(f"view {view!r} is not one of {', '.join(VIEWS)}")
    if azimuth is not None and not is_number(azimuth, -360.0, 360.0):
        problems.append(f"azimuth_deg {azimuth!r} is not in -360..360")
    if not is_number(pitch, 0.0, 45.0):
        problems.append(f"pitch_deg {pitch!r} is not in 0..45")


def _azimuth(entry: dict, joints: np.ndarray, visible: np.ndarray, aspect: float) -> float:
    """Return the entry's azimuth; without one, that of its view, or a guess from its joints."""
    if entry.get("azimuth_deg") is not None:
        return entry["azimuth_deg"]
    if entry.get("view") is not None:
        return 45.0 * VIEWS.index(entry["view"])
    seen = np.where(visible[:, None], joints[:, :2], np.nan)
    return guess_azimuth(seen * (aspect, 1.0))


def is_number(value: object, lowest: float, highest: float) -> bool:
    """Tell whether a JSON value is a number in a range, ends included."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return lowest <= value <= highest
