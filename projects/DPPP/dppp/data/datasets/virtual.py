"""The virtual training sets of Tables II and III, and ClonedPerson, in FastReID's registry.

This module describes each set; published.py reads it. The layouts are those stated by the owners
and by independent loaders; datasets/README.md shows them.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastreid.data.datasets import DATASET_REGISTRY

from ...defaults import UNREALPERSON_ALL_PARTS, UNREALPERSON_PARTS
from ...errors import UserError
from .counts import Counts
from .published import NOT_STATED, PublishedDataset, Source, by_name

_PERSONX_NAME = by_name(r"(?P<pid>\d+)_c(?P<camera>\d+)s.+")
_PERSONX_PAGE = "github.com/sxzrt/Instructions-of-the-PersonX-dataset"
_PERSONX_TERMS = "code under MIT; ask its owners about the images"
_FINEGPR = Source(
    roots=("FineGPR_Dataset", "FineGPR", "."),
    train=("FineGPR",),
    instead=("FineGPR/[0-9]*",),
    pattern=by_name(r"(?P<pid>\d+)_c(?P<camera>\d+)_w\d+_l\d+_p\d+"),
    example="FineGPR/0001/0001_c01_w01_l01_p01",
    described="github.com/JeremyXSC/FineGPR",
    terms="for research only, not to be passed on or used commercially",
    known={"train": Counts(images=2_028_600, identities=1_150, cameras=36)},
)

SOURCES = {
    "SyRI": Source(
        # The second number is a camera or an illumination; the owners do not say which.
        roots=("SyRI-cropped", "SyRI/SyRI_random_cropped", "SyRI_random_cropped", "SyRI", "syri"),
        train=(".",),
        instead=("bounding_box_train",),
        pattern=by_name(r"(?P<pid>\d+)_(?P<camera>\d+)_.+"),
        example="PERSON_CAMERA_FRAME",
        described="github.com/swbak/SyRI",
        terms=NOT_STATED,
        # of the published crops; Table II counts all renders
        known={"train": Counts(images=56_000, identities=100)},
    ),
    "PersonX": Source(
        # Table II counts 273,456: both halves of all six backgrounds. "query" holds copies.
        roots=("PersonX_v1", "PersonX/PersonX_v1", "PersonX", "personx"),
        train=("[1-6]/bounding_box_train", "[1-6]/bounding_box_test"),
        pattern=_PERSONX_NAME,
        example="1/bounding_box_train/0004_c1s1_01",
        described=_PERSONX_PAGE,
        terms=_PERSONX_TERMS,
        known={"train": Counts(images=273_456, identities=1_266, cameras=6)},
    ),
    "PersonXSubset": Source(
        roots=("PersonX", "PersonX/subset1", "subset1", "personx"),
        train=("bounding_box_train",),
        query=("query",),
        gallery=("bounding_box_test",),
        pattern=_PERSONX_NAME,
        example="bounding_box_train/0001_c12s1_01",
        described=_PERSONX_PAGE,
        terms=_PERSONX_TERMS,
        known={
            "train": Counts(images=9_840, identities=410, cameras=6),
            "query": Counts(images=5_136, identities=856, cameras=6),
            "gallery": Counts(images=30_816, identities=856, cameras=6),
        },
    ),
    "PersonXVisDA": Source(
        roots=("challenge_datasets/personX", "personX"),
        train=("image_train",),
        pattern=_PERSONX_NAME,
        example="image_train/0001_c3s1_24",
        described="github.com/Simon4Yan/VisDA2020",
        terms="for non-commercial research and education, not to be passed on",
        known={"train": Counts(images=20_280, identities=700, cameras=6)},
    ),
    "RandPerson": Source(
        # Cameras are numbered within a scene; old names have the camera before the scene.
        roots=(
            "randperson_subset",
            "RandPerson/randperson_subset",
            "randperson/randperson_subset",
            "RandPerson/images/subset/randperson_subset",
            "randperson/images/subset",
        ),
        train=(".",),
        instead=("randperson_subset",),
        pattern=by_name(r"(?P<pid>\d+)(?=.*_s(?P<scene>\d+))(?=.*_c(?P<camera>\d+))_.+"),
        camera=("scene", "camera"),
        example="000000_s00_c00_f000264",
        described="github.com/VideoObjectSearch/RandPerson",
        terms="repository under Apache-2.0; ask its owners about the images",
        # The published 8,000 people and 19 cameras are of all 1,801,816 images, not of the subset.
        known={"train": Counts(images=132_145)},
    ),
    "FineGPR": _FINEGPR,
    "FineGPRSubset": dataclasses.replace(
        # A set of its own: its images are copies of the full set's.
        _FINEGPR,
        train=("FineGPR_subset",),
        instead=(),
        example="FineGPR_subset/0001_c01_w03_l05_p03",
        known={"train": Counts(images=4_600, identities=1_150, cameras=4)},
    ),
    "ClonedPerson": Source(
        # Cameras are numbered within a scene; the owners' own loader ignores the scene.
        roots=("clonedperson", "ClonedPerson"),
        train=("train",),
        query=("test/query",),
        gallery=("test/gallery",),
        pattern=by_name(r"(?P<pid>-?\d+)_s(?P<scene>\d+)_c(?P<camera>\d+)_f.+"),
        camera=("scene", "camera"),
        example="train/700000_s02_c00_f023389",
        described="github.com/Yanan-Wang-cs/ClonedPerson",
        terms=NOT_STATED,
        known={"all": Counts(images=887_766, identities=5_621)},
    ),
}

for _name, _source in SOURCES.items():
    DATASET_REGISTRY.register(
        type(_name, (PublishedDataset,), {"dataset_name": _name, "source": _source})
    )


@DATASET_REGISTRY.register()
class UnrealPerson(PublishedDataset):
    """Parts unreal_vX.Y: environment X, version Y of the people.

    (Y, person) is the same person in all environments, (X, camera) the same camera in all versions.

    Args:
        root: FastReID's data root.
        parts: the parts to train on (DATASETS.UNREALPERSON_PARTS).
        kwargs: FastReID's.

    Raises:
        UserError: unknown part.
        DataNotFoundError: a part has no image.
    """

    dataset_name = "UnrealPerson"
    source = Source(
        roots=("UnrealPerson", "unreal", "unrealperson", "UnrealPerson/unrealperson", "."),
        train=("unreal_v*/images",),
        pattern=re.compile(
            r"unreal_v(?P<environment>\d)\.(?P<version>\d)/images/(?P<pid>\d+)_c(?P<camera>\d+)_.+",
            re.ASCII,
        ),
        person=("version", "pid"),
        camera=("environment", "camera"),
        example="unreal_v3.1/images/333_c001_78",
        described="github.com/FlyHighest/UnrealPerson",
        terms="repository under Apache-2.0; ask its owners about the images",
    )

    def __init__(
        self, root: str = "datasets", parts: Sequence[str] = UNREALPERSON_PARTS, **kwargs: Any
    ) -> None:
        unknown = [part for part in parts if part not in UNREALPERSON_ALL_PARTS]
        if unknown or not parts:
            raise UserError(
                f"DATASETS.UNREALPERSON_PARTS has {unknown or 'no part'}; "
                f"allowed: {', '.join(UNREALPERSON_ALL_PARTS)}"
            )
        # Only the counts of the whole set are published.
        whole = set(parts) == set(UNREALPERSON_ALL_PARTS)
        self.source = dataclasses.replace(
            self.source,
            train=tuple(f"{part}/images" for part in parts),
            known={"train": Counts(images=1_256_381, identities=6_799)} if whole else {},
        )
        super().__init__(root, **kwargs)
        present = {Path(path).parts[-3] for path, _, _ in self.train}
        for part in parts:
            if part not in present:
                home = Path(self.train[0][0]).parents[2]
                raise self.not_found(home / part)
