"""Names of files to write, and lists of images to read."""

import os
from pathlib import Path

from ..data.datasets.folders import image_names
from ..errors import UserError


def require_suffix(path: str | os.PathLike, *suffixes: str) -> Path:
    """``path``, or a UserError where it ends in none of ``suffixes``."""
    path = Path(path)
    if path.suffix not in suffixes:
        raise UserError(f"{path}: the name of this file must end in {' or '.join(suffixes)}")
    return path


def list_images(source: str | os.PathLike) -> tuple[Path, list[str]]:
    """The images of a folder and the folders in it, or those a text file lists, a path a line.

    Returns:
        An absolute folder (of a list: the present one), and paths relative to it (of a list: as
        written), with forward slashes; a folder's by name.

    Raises:
        UserError: there is no image, or a listed file is not there.
    """
    source = Path(source)
    if source.is_dir():
        root = source.resolve()
        found = [Path(at, name) for at, _, _ in os.walk(root) for name in image_names(at)]
        paths = sorted(path.relative_to(root).as_posix() for path in found)
    elif source.is_file() and source.suffix == ".txt":
        root, paths = Path.cwd(), _read_list(source)
    else:
        raise UserError(f"{source}: neither a folder of images nor a .txt file that lists them")
    if not paths:
        raise UserError(f"{source}: no .jpg, .jpeg or .png image in it")
    return root, paths


def _read_list(source: Path) -> list[str]:
    try:
        lines = source.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise UserError(f"{source}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(lines, start=1):
        if line.strip() and not Path(line.strip()).is_file():
            raise UserError(f"{source}, line {number}: no file {line.strip()!r}")
    return [line.strip() for line in lines if line.strip()]
