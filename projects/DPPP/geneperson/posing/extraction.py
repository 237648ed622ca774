"""Skeletons from a user's images, found with controlnet_aux's OpenPose network.

Only the body network is loaded; hands and faces are too small to be drawn in a cell. OpenPose's
license from CMU allows non-commercial use only.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from ..errors import UserError
from ..extras import require
from .entries import MIN_JOINTS
from .measure import guess_azimuth, standing
from .skeletons import BODY_HEIGHT, GROUND, NUM_JOINTS, Pose, view_name

if TYPE_CHECKING:
    from controlnet_aux.open_pose import OpenposeDetector, PoseResult

DEFAULT_MODEL = "lllyasviel/Annotators"
WHAT = "the poses command"
_WEIGHTS = "body_pose_model.pth"
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_RESOLUTION = 512  # shorter side of the image that the detector gets
_MIN_SIDE = 64  # pixels; smaller images are useless, and resizing a very flat one takes much memory
_ASPECT = 0.5  # of the cell that poses are fitted into
_MARGIN = 0.03  # of the cell, kept free around raised or spread arms


class _UnusableError(Exception):
    """Why no pose can be extracted from an image."""


def extract_poses(path: str | Path, model: str = DEFAULT_MODEL) -> tuple[list[Pose], list[str]]:
    """Extract one pose from every image that shows exactly one upright person.

    Args:
        path: an image, or a folder whose images are read in the order of their names.
        model: hub name ("owner/name", a revision after "@") or local folder with
            body_pose_model.pth.

    Returns:
        Poses without depth, and one line for each image without a usable pose.

    Raises:
        UserError: there are no images, no usable pose, or controlnet_aux or the model is missing.
    """
    images = _images(Path(path))
    detector = _load_detector(model)
    poses, skipped = [], []
    for image in tqdm(images, desc="poses", unit="image", disable=None, leave=False):
        try:
            poses.append(_pose_of(image, detector))
        except _UnusableError as reason:
            skipped.append(f"{image.name}: {reason}, skipped")
    if not poses:
        more = f"; {len(skipped) - 3} more" if len(skipped) > 3 else ""
        raise UserError(f"no pose found in {path} ({'; '.join(skipped[:3])}{more})")
    return poses, skipped


def fit_person(people: Sequence[PoseResult], height: int, width: int) -> Pose:
    """Fit the one person of an image into a cell, as tall and on the same ground as the walk.

    Args:
        people: what the detector found, x and y in 0..1 of the image.
        height: of the image in pixels.
        width: of the image in pixels.

    Raises:
        _UnusableError: not exactly one person with enough joints, or the person is not upright.
    """
    found = [person for person in map(_points, people) if len(_seen(person)) >= MIN_JOINTS]
    if len(found) != 1:
        raise _UnusableError(f"{len(found)} people found" if found else "no person found")
    points = found[0] * (width, height)
    measured = standing(points)
    if measured is None:
        raise _UnusableError("no upright person found")
    ground, tall = measured
    left, top = np.nanmin(points, axis=0)
    right = np.nanmax(points[:, 0])
    scale = min(
        BODY_HEIGHT / tall,
        (1.0 - 2.0 * _MARGIN) * _ASPECT / (right - left),
        (GROUND - _MARGIN) / (ground - top),
    )
    joints = np.full((NUM_JOINTS, 3), np.nan, np.float32)
    joints[:, 0] = 0.5 + (points[:, 0] - 0.5 * (left + right)) * scale / _ASPECT
    joints[:, 1] = GROUND + (points[:, 1] - ground) * scale
    azimuth = guess_azimuth(points)
    visible = np.isfinite(joints[:, 0])
    return Pose(
        joints=joints,
        visible=visible,
        azimuth_deg=azimuth,
        view=view_name(azimuth),
        aspect=_ASPECT,
    )


def _points(person: PoseResult) -> np.ndarray:
    """(18, 2) x and y of a person's joints, NaN where the detector saw none."""
    keypoints = person.body.keypoints
    unseen = (np.nan, np.nan)
    return np.array([unseen if point is None else (point.x, point.y) for point in keypoints])


def _seen(points: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.isfinite(points[:, 0]))


def _images(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"images {path}: no such file or folder")
    images = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    if not images:
        raise UserError(f"images {path}: no image in this folder ({', '.join(_SUFFIXES)})")
    return images


def _pose_of(image: Path, detector: OpenposeDetector) -> Pose:
    from controlnet_aux.util import resize_image

    try:
        with Image.open(image) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _UnusableError("cannot be read as an image") from error
    height, width = pixels.shape[:2]
    if min(height, width) < _MIN_SIDE:
        raise _UnusableError(f"smaller than {_MIN_SIDE} pixels")
    people = detector.detect_poses(resize_image(pixels, _RESOLUTION))
    return fit_person(people, height, width)


def _load_detector(model: str) -> OpenposeDetector:
    """Load the body network alone, on a GPU if there is one."""
    open_pose = _open_pose()
    import torch

    weights = _weights(model)
    try:
        # torch loads only tensors (its default since 2.6), so the file cannot run code.
        body = open_pose.Body(str(weights))
    except (OSError, EOFError, KeyError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"--model {model}: {weights.name} is not OpenPose's body network ({reason})"
        ) from error
    return open_pose.OpenposeDetector(body.to("cuda" if torch.cuda.is_available() else "cpu"))


def _open_pose() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about parts of it that are not used here
        return require("controlnet_aux.open_pose", WHAT)


def _weights(model: str) -> Path:
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / _WEIGHTS).is_file():
            raise UserError(f"--model {model}: this folder has no {_WEIGHTS}")
        return folder / _WEIGHTS
    from huggingface_hub import hf_hub_download

    name, _, revision = model.partition("@")
    try:
        return Path(hf_hub_download(name, _WEIGHTS, revision=revision or None))
    except Exception as error:  # hub, network and disk each raise their own errors
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"--model {model}: no such folder, and {_WEIGHTS} cannot be fetched from the hub "
            f"({reason})"
        ) from error
