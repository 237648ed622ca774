"""One data set by its name: FastReID's, DPPP's, or a folder that the config lists."""

import os

from fastreid.config import CfgNode
from fastreid.data.datasets.bases import ImageDataset

from ...errors import DataNotFoundError, UserError
from .counts import cameras_by_identity
from .folders import registered
from .geneperson import register_geneperson
from .market_style import register_market_style
from .published import PublishedDataset
from .real import REAL_SOURCES, refuse_misleading_path, tell_about
from .virtual import UnrealPerson


def data_root() -> str:
    """The folder of all data sets: FASTREID_DATASETS, or ``datasets`` as FastReID has it."""
    return os.getenv("FASTREID_DATASETS") or "datasets"


def load_dataset(cfg: CfgNode, name: str, **kwargs) -> ImageDataset:
    """A registered data set, or a folder of GENEPERSON_DIRS or MARKET_STYLE_DIRS.

    Raises:
        UserError: the name is unknown, or it is a test set on which nothing can be scored.
        DataNotFoundError: the files are not there.
    """
    register_geneperson(cfg.DATASETS.GENEPERSON_DIRS)
    register_market_style(cfg.DATASETS.MARKET_STYLE_DIRS)
    kind = registered(name)
    if kind is None:
        raise UserError(
            f"DATASETS: no data set {name!r}; it is none of FastReID's or DPPP's, nor in "
            f"DATASETS.GENEPERSON_DIRS {tuple(cfg.DATASETS.GENEPERSON_DIRS)} or "
            f"DATASETS.MARKET_STYLE_DIRS {tuple(cfg.DATASETS.MARKET_STYLE_DIRS)}"
        )
    tested = name in cfg.DATASETS.TESTS
    if tested and issubclass(kind, PublishedDataset) and kind.is_for_training_alone():
        raise UserError(f"DATASETS.TESTS: {name} has no query and no gallery; only train on it")
    if kind is UnrealPerson:
        kwargs["parts"] = tuple(cfg.DATASETS.UNREALPERSON_PARTS)
    refuse_misleading_path(name, data_root())
    # With COMBINEALL, the training part is more than the owners'.
    parts = [] if kwargs.get("combineall") else ["train"]
    parts += ["query", "gallery"] if tested else []
    dataset = _open(name, kind, parts, kwargs)
    if tested:
        require_test_images(name, dataset)
    tell_about(name, dataset, parts)
    return dataset


def require_test_images(name: str, dataset: ImageDataset) -> None:
    """Refuse a test set on which nothing can be scored.

    One query that another camera saw in the gallery is enough: the evaluator tells how many count.

    Raises:
        UserError: no query, no gallery, or no query with a match by another camera.
    """
    for part, images in (("query", dataset.query), ("gallery", dataset.gallery)):
        if not images:
            raise UserError(
                f"DATASETS.TESTS: {name} has no {part} image; a set of geneperson's is built with "
                "held-out identities (--test-identities), a folder of your own needs query and "
                "bounding_box_test"
            )
    cameras = cameras_by_identity(dataset.gallery)
    if not any(cameras[pid] - {camera} for _, pid, camera in dataset.query):
        raise UserError(
            f"DATASETS.TESTS: of {name}'s {len(dataset.query)} queries none shows a person whom "
            "another camera sees in the gallery, so nothing can be scored; a person's images in "
            "query and gallery need different cameras (_c1, _c2 in the names)"
        )


def _open(name: str, kind: type[ImageDataset], parts: list[str], kwargs: dict) -> ImageDataset:
    """The data set; what FastReID's loaders raise becomes a line about the set."""
    try:
        dataset = kind(root=data_root(), **kwargs)
        for part in parts:
            getattr(dataset, part)  # some loaders read a part when it is first asked for
        return dataset
    except UserError:
        raise
    except (RuntimeError, AssertionError, OSError) as error:  # its ways to miss a file
        if isinstance(error, AssertionError) and "not found" not in str(error):
            raise _refused(name) from None
        source = REAL_SOURCES.get(name)
        home = f" ({source.folder}, described at {source.described})" if source else ""
        raise DataNotFoundError(
            f"data set {name}: {error}; set FASTREID_DATASETS to the folder that holds it{home}"
        ) from None
    except (AttributeError, IndexError, ValueError):  # its ways to read no number in a name
        raise _refused(name) from None


def _refused(name: str) -> UserError:
    return UserError(
        f"data set {name}: FastReID's loader refuses a file name in it, by a rule of that set (as "
        "identities up to 1501 in Market1501); keep only the set's own files there, or list your "
        "own folder in DATASETS.MARKET_STYLE_DIRS"
    )
