"""Facts on the real data sets that FastReID's loaders lack: home pages, counts, a withdrawal."""

import logging
import re
from dataclasses import dataclass

from fastreid.data.datasets.bases import ImageDataset
from fastreid.utils.logger import log_first_n

from ...errors import UserError
from ...log import LOGGER_NAME
from .counts import Counts, warn_if_different


@dataclass(frozen=True, kw_only=True)
class RealSource:
    """A set that FastReID reads: its folder, its home page, its published counts by part."""

    folder: str
    described: str
    known: dict[str, Counts]
    notice: str = ""
    # FastReID searches the whole path, not the name, for <identity>_c<camera>.
    searches_path: bool = False


REAL_SOURCES = {
    "Market1501": RealSource(
        folder="Market-1501-v15.09.15",
        described="zheng-lab.cecs.anu.edu.au",
        searches_path=True,
        known={
            "train": Counts(images=12_936, identities=751, cameras=6),
            "query": Counts(images=3_368, identities=750, cameras=6),
            # 750 people, and pid 0 for all distractors
            "gallery": Counts(images=15_913, identities=751, cameras=6),
        },
    ),
    "DukeMTMC": RealSource(
        folder="DukeMTMC-reID",
        described="github.com/layumi/DukeMTMC-reID_evaluation",
        searches_path=True,
        known={
            "train": Counts(images=16_522, identities=702, cameras=8),
            "query": Counts(images=2_228, identities=702, cameras=8),
            "gallery": Counts(images=17_661, identities=1_110, cameras=8),
        },
        notice="DukeMTMC-reID was withdrawn by its owners and should no longer be used; report "
        "results on another set as well, or instead",
    ),
    "MSMT17": RealSource(
        # FastReID leaves list_val.txt out of the training part, whose size is not published.
        folder="MSMT17_V1",
        described="www.pkuvmc.com",
        known={
            "query": Counts(images=11_659, identities=3_060, cameras=15),
            "gallery": Counts(images=82_161, identities=3_060, cameras=15),
        },
    ),
}


def refuse_misleading_path(name: str, root: str) -> None:
    """Refuse a path that FastReID's loader would take for every image's labels."""
    match = re.search(r"[-\d]+_c\d", root)
    if match and name in REAL_SOURCES and REAL_SOURCES[name].searches_path:
        raise UserError(
            f"data set {name}: FastReID's loader takes {match[0]!r} in the path {root} for the "
            "identity and camera of every image; rename that folder"
        )


def warn_about(name: str, dataset: ImageDataset, parts: list[str]) -> None:
    """Log a withdrawal by the owners and counts that differ, each once per process.

    Args:
        name: the data set's in FastReID's registry.
        dataset: the data set.
        parts: which of "train", "query", "gallery" the run reads.
    """
    source = REAL_SOURCES.get(name)
    if source is None:
        return
    if source.notice:
        log_first_n(logging.WARNING, source.notice, name=LOGGER_NAME, key="message")
    for part in parts:
        if part in source.known:
            warn_if_different(name, part, getattr(dataset, part), source.known[part])
