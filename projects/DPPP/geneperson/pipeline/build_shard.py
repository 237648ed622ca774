"""Drawing a part of a set, for job arrays; ``build`` draws what is missing and publishes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from yacs.config import CfgNode

from ..dataset import layout
from ..errors import UserError
from .build import draw
from .crew import Resources
from .folder import begin, disk_trouble, nothing_empty_after_failure, refuse_foreign
from .production import Demand
from .progress import Progress
from .shard import Shard
from .spec import BuildSpec
from .staging import Staging


def build_shard(
    cfg: CfgNode,
    output: str | Path,
    shard: Shard,
    resources: Resources,
    *,
    accept_code_change: bool = False,
) -> int:
    """Draw a shard's candidates into the staging folder; ``build`` publishes them.

    A shard ends when it has drawn its share of the identities.

    Args:
        cfg: settings, the same for all shards.
        output: folder of the data set, the same for all shards.
        shard: which part.
        resources: what it may use.
        accept_code_change: as for ``build``.

    Returns:
        The number of its accepted candidates on disk.

    Raises:
        UserError: as ``build``; or the shard is running already.
    """
    spec, output = BuildSpec.from_config(cfg), Path(output)

    def owns(index: int) -> bool:
        return shard.owns(index // spec.route.batch_size)

    with disk_trouble(output):
        refuse_foreign(output)
        staging = Staging(output)
        if (output / layout.DATASET).exists():
            raise UserError(f"{output} holds a finished set; choose another --output")
        with staging.lock(shard), nothing_empty_after_failure(output, staging):
            begin(staging, spec.settings, accept_code_change=accept_code_change, owns=owns)
            own = filter(owns, staging.indices())
            accepted = sum(bool(staging.read(index).images) for index in own)
            demand = Demand(missing=shard.share(spec.num_identities) - accepted)
            progress = Progress(accepted, accepted + max(0, demand.missing))
            drawn = draw(
                staging, demand, spec=spec, output=output, resources=resources, shard=shard
            )
            with closing(drawn), progress:
                while demand.missing > 0:
                    candidate = next(drawn, None)
                    if candidate is None:
                        break  # build, which sees all shards, says that the outfits are used up
                    record = staging.write(candidate)
                    demand.missing -= bool(record.images)
                    progress.count(record, is_new=True)
            return progress.num_accepted
