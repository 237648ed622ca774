"""SOMAset: a folder per person and, in it, a folder per outfit; the nesting is checked."""

import glob
import re
from pathlib import Path

from fastreid.data.datasets import DATASET_REGISTRY

from ...errors import UserError
from .counts import Counts
from .folders import image_names
from .published import NOT_STATED, Item, PublishedDataset, Source

_SPLIT_NAMES = ("train", "val", "test", "query", "gallery")
_PERSON, _OUTFIT, _WRAPPED, _TOO_DEEP = 1, 2, 3, 4  # folders between the root and the images


@DATASET_REGISTRY.register()
class SOMAset(PublishedDataset):
    """A person in several outfits is one identity. The folder's name is the person: 7 is not 007.

    The images may be in PERSON/OUTFIT, as an independent loader has it, in one folder that wraps
    these, or in PERSON only.

    Args:
        root: FastReID's data root.
        kwargs: FastReID's.

    Raises:
        DataNotFoundError: no image in any of the source's folders.
        UserError: it is not clear which folders are people.
    """

    dataset_name = "SOMAset"
    source = Source(
        roots=("SOMAset/SOMAset", "SOMAset", "somaset", "soma/soma", "soma"),
        train=("*", "*/*"),
        pattern=re.compile(r"(?P<pid>[^/]+)/.+"),
        camera=(),
        example="PERSON/OUTFIT/IMAGE",
        described="arxiv.org/abs/1701.03153",
        terms=NOT_STATED,
        known={"train": Counts(images=100_000, identities=50)},
    )

    def _training(self, root: Path) -> list[Item]:
        return super()._training(_above_the_people(root))

    def _identity(self, match: re.Match) -> str:
        return match["pid"]


def _above_the_people(root: Path) -> Path:
    """Return ``root``, or the one folder in it that wraps the set.

    Raises:
        UserError: images at several depths or an unknown one, all below one folder, or below one
            that is named like a split: the first folder may not be a person's then, and many
            people would become one identity.
    """
    folders_at = {depth: _folders_of_images(root, depth) for depth in range(_TOO_DEEP + 1)}
    depths = [depth for depth, folders in folders_at.items() if folders]
    if not depths:
        return root
    if len(depths) > 1 or depths[0] not in (_PERSON, _OUTFIT, _WRAPPED):
        places = ", ".join(str(root / folders_at[depth][0]) for depth in depths)
        raise _unclear(root, f"images are in {places}")
    folders = folders_at[depths[0]]
    if depths[0] == _WRAPPED:
        wrapping = sorted({folder.parts[0] for folder in folders})
        if len(wrapping) > 1:
            raise _unclear(root, f"the set is in {len(wrapping)} folders, such as {wrapping[0]}")
        root = root / wrapping[0]
        folders = [folder.relative_to(wrapping[0]) for folder in folders]
    splits = [folder.parts[0] for folder in folders if folder.parts[0].lower() in _SPLIT_NAMES]
    if splits:
        raise _unclear(root, f"{root / splits[0]} is named like a split, not like a person")
    if len({folder.parts[0] for folder in folders}) == 1:
        raise _unclear(root, f"all images are below {root / folders[0].parts[0]}, as of one person")
    return root


def _folders_of_images(root: Path, depth: int) -> list[Path]:
    """Return the folders ``depth`` levels below ``root`` that hold images, relative to it."""
    pattern = "/".join("*" * depth) or "."
    return [Path(f) for f in sorted(glob.glob(pattern, root_dir=root)) if image_names(root / f)]


def _unclear(root: Path, what: str) -> UserError:
    return UserError(
        f"data set SOMAset: {what}; it is not clear which folders are people; arrange all "
        f"images as {root}/PERSON/OUTFIT/IMAGE.jpg"
    )
