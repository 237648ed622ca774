"""Pose files: skeletons as JSON that people can read, write and extend.

::

    {"format": 1, "aspect": 0.5, "poses": [
      {"view": "right", "azimuth_deg": 90.0, "pitch_deg": 0.0,
       "joints": {"nose": [0.71, 0.16, 0.0], "neck": [0.55, 0.24, 0.0], ...},
       "hidden": ["left_eye", "left_ear"]}]}

``aspect`` is width / height of the cell that x and y (0..1 from the top left) belong to. ``joints``
have OpenPose's names; a joint that is not seen is left out. All joints of a pose have a third
number, z towards the camera in cell heights, or none has. ``hidden`` joints have a place but are
not drawn. Every key of a pose but ``joints`` may be left out: the view then follows from the
azimuth, or the azimuth from the view, or both from the joints.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..files import write_atomic
from .entries import is_number, read_entry, write_entry
from .skeletons import NUM_JOINTS, Pose, walking_poses

FORMAT = 1
_KEYS = ("format", "aspect", "poses")
_MAX_PROBLEMS = 8  # named in one message


def poses_for(path: str | Path, count: int, pitch_deg: float, aspect: float) -> list[Pose]:
    """One pose for each of `count` cells.

    Of a file with more poses than cells, `count` evenly spread ones are taken.

    Args:
        path: pose file; empty means the built-in walk.
        count: number of cells.
        pitch_deg: downward pitch of the camera for the built-in walk; a file's poses keep theirs.
        aspect: width / height of a cell.

    Raises:
        UserError: no such file, wrong content, or fewer poses than cells.
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


def require_depth(poses: Sequence[Pose], path: str | Path) -> None:
    """Refuse poses that people cannot be drawn from by formula.

    Raises:
        UserError: a pose lacks a joint or its depth.
    """
    num_flat = sum(not pose.has_depth for pose in poses)
    if num_flat:
        raise UserError(
            f"poses {path}: SYNTHESIS.NAME procedural needs x, y and z of all {NUM_JOINTS} joints, "
            f"but {num_flat} of {len(poses)} poses lack some; use diffusion, or other poses"
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
    # one line for a joint, not one for each of its numbers
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
        UserError: no such file, no JSON, or wrong content; its problems in one message.
    """
    where = f"poses {path}"
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=_without_repeats)
    except OSError as error:
        raise UserError(f"{where}: {error.strerror}; give a JSON file of poses") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not a JSON text ({error})") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f'{where}: an object with "format": {FORMAT} is expected')
    problems = [f"unknown key '{key}'" for key in content if key not in _KEYS]
    aspect, entries = content.get("aspect"), content.get("poses")
    if not is_number(aspect, 0.1, 10.0):
        problems.append("'aspect' must be width / height of a cell, 0.1..10")
        aspect = 1.0
    if not isinstance(entries, list) or not entries:
        problems.append("'poses' must be a list of at least one pose")
        entries = []
    poses = []
    for number, entry in enumerate(entries, start=1):
        wrong: list[str] = []
        poses.append(read_entry(entry, aspect, wrong))
        problems += [f"pose {number}: {problem}" for problem in wrong]
    if problems:
        more = [f"{len(problems) - _MAX_PROBLEMS} more"] if len(problems) > _MAX_PROBLEMS else []
        raise UserError(f"{where}: {'; '.join(problems[:_MAX_PROBLEMS] + more)}")
    return poses


def _without_repeats(pairs: list[tuple[str, object]]) -> dict:
    """Build a JSON object; of a key that stands twice, json would silently take the last."""
    names = [name for name, _ in pairs]
    content = dict(pairs)
    if len(content) < len(names):
        twice = next(name for name in content if names.count(name) > 1)
        raise ValueError(f"'{twice}' stands twice in one object")
    return content
