"""A data set by its name: one of FastReID's or DPPP's, or a folder that the config lists."""

import os
from typing import Any

from fastreid.config import CfgNode
from fastreid.data.datasets.bases import ImageDataset

from ...errors import DataNotFoundError, UserError
from .counts import cameras_by_identity
from .folders import registered
from .geneperson import register_geneperson
from .market_style import register_market_style
from .published import PublishedDataset
from .real import REAL_SOURCES, refuse_misleading_path, warn_about
from .virtual import UnrealPerson


def data_root() -> str:
    """Return the folder of all data sets: FASTREID_DATASETS, or ``datasets`` as in FastReID."""
    return os.getenv("FASTREID_DATASETS") or "datasets"


def load_dataset(cfg: CfgNode, name: str, **kwargs: Any) -> ImageDataset:
    """Open a registered data set, or a folder of GENEPERSON_DIRS or MARKET_STYLE_DIRS.

    Args:
        cfg: the run's.
        name: of the data set.
        kwargs: FastReID's (``combineall`` and so on).

    Raises:
        UserError: the name is unknown, or it is a test set on which nothing can be scored.
        DataNotFoundError: the files are missing.
    """
    register_geneperson(cfg.DATASETS.GENEPERSON_DIRS)
    register_market_style(cfg.DATASETS.MARKET_STYLE_DIRS)
    kind = registered(name)
    if kind is None:
        raise UserError(
            f"DATASETS: no data set {name!r}; it is not one of FastReID's or DPPP's, and not in "
            f"DATASETS.GENEPERSON_DIRS {tuple(cfg.DATASETS.GENEPERSON_DIRS)} or "
            f"DATASETS.MARKET_STYLE_DIRS {tuple(cfg.DATASETS.MARKET_STYLE_DIRS)}"
        )
    tested = name in cfg.DATASETS.TESTS
    if tested and issubclass(kind, PublishedDataset) and kind.is_for_training_alone():
        raise UserError(f"DATASETS.TESTS: {name} has no query and no gallery; only train on it")
    if kind is UnrealPerson:
        kwargs["parts"] = tuple(cfg.DATASETS.UNREALPERSON_PARTS)
    refuse_misleading_path(name, data_root())
    # With COMBINEALL, the training part is larger than the published one.
    parts = [] if kwargs.get("combineall") else ["train"]
    parts += ["query", "gallery"] if tested else []
    dataset = _open(name, kind, parts, kwargs)
    if tested:
        require_test_images(name, dataset)
    warn_about(name, dataset, parts)
    return dataset


def require_test_images(name: str, dataset: ImageDataset) -> None:
    """Refuse a test set on which nothing can be scored.

    One query with a match by another camera is enough: the evaluator logs how many there are.

    Raises:
        UserError: no query, no gallery, or no query with a match by another camera.
    """
    for part, images in (("query", dataset.query), ("gallery", dataset.gallery)):
        if not images:
            raise UserError(
                f"DATASETS.TESTS: {name} has no {part} image; build a generated set with held-out "
                "identities (--test-identities), and put query and bounding_box_test into a folder "
                "of your own"
            )
    cameras = cameras_by_identity(dataset.gallery)
    if not any(cameras[pid] - {camera} for _, pid, camera in dataset.query):
        raise UserError(
            f"DATASETS.TESTS: none of {name}'s {len(dataset.query)} queries has a gallery image of "
            "its identity by another camera, so nothing can be scored; an identity's images in "
            "query and gallery need different cameras (_c1, _c2 in the names)"
        )


def _open(name: str, kind: type[ImageDataset], parts: list[str], kwargs: dict) -> ImageDataset:
    """Open the data set; an error of FastReID's loader becomes one line that names the set."""
    try:
        dataset = kind(root=data_root(), **kwargs)
        for part in parts:
            getattr(dataset, part)  # some loaders read a part on first access
        return dataset
    except UserError:
        raise
    except (RuntimeError, AssertionError, OSError) as error:  # how it reports a missing file
        if isinstance(error, AssertionError) and "not found" not in str(error):
            raise _refused(name) from None
        source = REAL_SOURCES.get(name)
        home = f" ({source.folder}; home page {source.described})" if source else ""
        raise DataNotFoundError(
            f"data set {name}: {error}; set FASTREID_DATASETS to the folder that holds it{home}"
        ) from None
    except (AttributeError, IndexError, ValueError):  # how it fails on a file name
        raise _refused(name) from None


def _refused(name: str) -> UserError:
    return UserError(
        f"data set {name}: FastReID's loader refuses a file name in it by a rule of that set (such "
        "as identities up to 1501 in Market1501); keep only the set's own files in its folder, or "
        "list your own folder in DATASETS.MARKET_STYLE_DIRS"
    )
