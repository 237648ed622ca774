"""Names of files to write, and lists of images to read."""

import os
from pathlib import Path

from ..data.datasets.folders import image_names
from ..errors import UserError


def require_suffix(path: str | os.PathLike, *suffixes: str) -> Path:
    """Return ``path``; raise a UserError if it ends in none of ``suffixes``."""
    path = Path(path)
    if path.suffix not in suffixes:
        raise UserError(f"{path}: the name of this file must end in {' or '.join(suffixes)}")
    return path


def list_images(source: str | os.PathLike) -> tuple[Path, list[str]]:
    """List the images of a folder, recursively, or of a text file with one path per line.

    Returns:
        An absolute folder and paths relative to it, sorted, with forward slashes; for a text file
        the working folder and the paths as written.

    Raises:
        UserError: there is no image, or a listed file is missing.
    """
    source = Path(source)
    if source.is_dir():
        root = source.resolve()
        images = [Path(at, name) for at, _, _ in os.walk(root) for name in image_names(at)]
        paths = sorted(path.relative_to(root).as_posix() for path in images)
    elif source.is_file() and source.suffix == ".txt":
        root, paths = Path.cwd(), _read_list(source)
    else:
        raise UserError(f"{source}: neither a folder of images nor a .txt file that lists them")
    if not paths:
        raise UserError(f"{source}: holds no .jpg, .jpeg or .png image")
    return root, paths


def _read_list(source: Path) -> list[str]:
    try:
        lines = source.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise UserError(f"{source}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(lines, start=1):
        if line.strip() and not Path(line.strip()).is_file():
            raise UserError(f"{source}, line {number}: {line.strip()!r} does not exist")
    return [line.strip() for line in lines if line.strip()]
