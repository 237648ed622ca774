"""Pose files: skeletons as JSON that users can read, write and extend.

::

    {"format": 1, "aspect": 0.5, "poses": [
      {"view": "right", "azimuth_deg": 90.0, "pitch_deg": 0.0,
       "joints": {"nose": [0.71, 0.16, 0.0], "neck": [0.55, 0.24, 0.0], ...},
       "hidden": ["left_eye", "left_ear"]}]}

``aspect`` is width / height of the cell that x and y (0..1 from the top left) refer to. ``joints``
have OpenPose's names; leave out a joint that is not seen. Either all joints of a pose have a third
number, z towards the camera in cell heights, or none has. ``hidden`` joints have a position but are
not drawn. All keys of a pose except ``joints`` are optional: the view then follows from the
azimuth, or the azimuth from the view, or both from the joints.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import write_atomic
from .entries import is_number, read_entry, write_entry
from .skeletons import NUM_JOINTS, Pose, walking_poses

FORMAT = 1
_KEYS = ("format", "aspect", "poses")
_MAX_PROBLEMS = 8  # listed in one message


def poses_for(path: str | Path, count: int, pitch_deg: float, aspect: float) -> list[Pose]:
    """Return one pose for each cell.

    From a file with more poses than cells, evenly spread ones are taken.

    Args:
        path: pose file; empty means the built-in walk.
        count: number of cells.
        pitch_deg: downward pitch of the camera for the built-in walk; poses of a file keep theirs.
        aspect: width / height of a cell.

    Raises:
        UserError: the file is missing or not valid, or has fewer poses than cells.
    """
    if not str(path):
        return walking_poses(count, pitch_deg, aspect)
    poses = load_poses(path)
    if len(poses) < count:
        raise UserError(
            f"poses {path}: {len(poses)} poses for {count} cells; add {count - len(poses)}, or set "
            f"CANVAS.COLUMNS and CANVAS.ROWS to at most {len(poses)} cells"
        )
    return [refit(poses[cell * len(poses) // count], aspect) for cell in range(count)]


def require_depth(poses: Sequence[Pose], path: str | Path, *, route: str) -> None:
    """Refuse poses that a route which draws bodies in space cannot use.

    Args:
        poses: what the file holds.
        path: of the file.
        route: name of the route.

    Raises:
        UserError: a pose lacks a joint or its depth.
    """
    num_flat = sum(not pose.has_depth for pose in poses)
    if num_flat:
        raise UserError(
            f"poses {path}: SYNTHESIS.NAME {route} needs x, y and z of all {NUM_JOINTS} joints, "
            f"but {num_flat} of {len(poses)} poses lack some; use another route or other poses"
        )


def refit(pose: Pose, aspect: float) -> Pose:
    """Move a pose into a cell of another width / height; the body keeps its proportions."""
    joints = pose.joints.copy()
    joints[:, 0] = 0.5 + (joints[:, 0] - 0.5) * (pose.aspect / aspect)
    return dataclasses.replace(pose, joints=joints, aspect=aspect)


def save_poses(path: str | Path, poses: Sequence[Pose]) -> None:
    """Write a pose file, with four decimals, in the first pose's aspect.

    Raises:
        UserError: the file cannot be written.
    """
    aspect = poses[0].aspect
    content = {
        "format": FORMAT,
        "aspect": aspect,
        "poses": [write_entry(refit(pose, aspect)) for pose in poses],
    }
    # One line per joint instead of one per number.
    text = re.sub(
        r"\[[^][{}]*]", lambda found: " ".join(found[0].split()), json.dumps(content, indent=2)
    )
    text = text.replace("[ ", "[").replace(" ]", "]")
    try:
        write_atomic(Path(path), (text + "\n").encode())
    except OSError as error:
        raise UserError(f"cannot write the poses {path}: {error.strerror}") from error


def load_poses(path: str | Path) -> list[Pose]:
    """Read and check a pose file.

    Raises:
        UserError: the file is missing or not valid; the message lists its problems.
    """
    where = f"poses {path}"
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=_without_repeats)
    except OSError as error:
        raise UserError(
            f"{where}: {error.strerror}; set POSES.FILE to a JSON file of poses"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not valid JSON ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f'{where}: must be an object with "format": {FORMAT}')
    problems = [f"unknown key '{key}'" for key in content if key not in _KEYS]
    aspect: Any = content.get("aspect")
    entries = content.get("poses")
    if not is_number(aspect, 0.1, 10.0):
        problems.append("'aspect' must be width / height of a cell, 0.1..10")
        aspect = 1.0
    if not isinstance(entries, list) or not entries:
        problems.append("'poses' must be a list of at least one pose")
        entries = []
    poses = []
    for number, entry in enumerate(entries, start=1):
        of_entry: list[str] = []
        if pose := read_entry(entry, aspect, of_entry):
            poses.append(pose)
        problems += [f"pose {number}: {problem}" for problem in of_entry]
    if problems:
        more = [f"{len(problems) - _MAX_PROBLEMS} more"] if len(problems) > _MAX_PROBLEMS else []
        raise UserError(f"{where}: {'; '.join(problems[:_MAX_PROBLEMS] + more)}")
    return poses


def _without_repeats(pairs: list[tuple[str, object]]) -> dict:
    """Build a JSON object; json itself silently takes the last of a repeated key."""
    names = [name for name, _ in pairs]
    content = dict(pairs)
    if len(content) < len(names):
        repeated = next(name for name in content if names.count(name) > 1)
        raise ValueError(f"key '{repeated}' is repeated in one object")
    return content
