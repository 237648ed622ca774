"""Skeletons from a user's images, found with RTMO; see ``detector``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from ..errors import UserError
from .detector import PoseDetector
from .entries import MIN_JOINTS
from .measure import guess_azimuth, standing
from .skeletons import BODY_HEIGHT, GROUND, NUM_JOINTS, Pose, view_name

DEFAULT_MODEL = "rtmo-m"
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_MIN_SIDE = 64  # pixels; smaller images are useless, and resizing a very flat one takes much memory
_ASPECT = 0.5  # of the cell that poses are fitted into
_MARGIN = 0.03  # of the cell, kept free around raised or spread arms


class _UnusableError(Exception):
    """Why no pose can be extracted from an image."""


def extract_poses(path: str | Path, model: str = DEFAULT_MODEL) -> tuple[list[Pose], list[str]]:
    """Extract one pose from every image that shows exactly one upright person.

    Args:
        path: an image, or a folder whose images are read in the order of their names.
        model: "rtmo-s", "rtmo-m" or "rtmo-l", which are fetched once, or a local .onnx file.

    Returns:
        Poses without depth, and one line for each image without a usable pose.

    Raises:
        UserError: there are no images, no usable pose, or rtmlib or the model is missing.
    """
    images = _images(Path(path))
    detector = PoseDetector(model, "--model")
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


def fit_person(people: Sequence[np.ndarray]) -> Pose:
    """Fit the one person of an image into a cell, as tall and on the same ground as the walk.

    Args:
        people: (18, 2) x and y in pixels of what the detector found, NaN where it saw no joint.

    Raises:
        _UnusableError: not exactly one person with enough joints, or the person is not upright.
    """
    found = [person for person in people if np.isfinite(person[:, 0]).sum() >= MIN_JOINTS]
    if len(found) != 1:
        raise _UnusableError(f"{len(found)} people found" if found else "no person found")
    points = found[0]
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


def _images(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"images {path}: no such file or folder")
    images = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
    if not images:
        raise UserError(f"images {path}: no image in this folder ({', '.join(_SUFFIXES)})")
    return images


def _pose_of(image: Path, detector: PoseDetector) -> Pose:
    try:
        with Image.open(image) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _UnusableError("cannot be read as an image") from error
    if min(pixels.shape[:2]) < _MIN_SIDE:
        raise _UnusableError(f"smaller than {_MIN_SIDE} pixels")
    return fit_person(detector.people(pixels))
