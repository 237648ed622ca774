"""FastReID's samplers on GenePerson: those that work give whole batches, the others are refused."""

import itertools
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fastreid.config import CfgNode

from dppp import UserError
from dppp.data import build_train_loader


@pytest.fixture
def uneven(
    quickstart: Callable[..., CfgNode],
    data_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., CfgNode]:
    """GenePersonToy with 1, 2, 3, ... images of its ten identities, 6 at most: 45 in all."""
    root = tmp_path / "datasets"
    shutil.copytree(data_root / "GenePersonToy", root / "GenePersonToy")
    monkeypatch.setenv("FASTREID_DATASETS", str(root))
    seen = Counter()
    for path in sorted((root / "GenePersonToy" / "bounding_box_train").iterdir()):
        pid = int(path.name.split("_")[0])
        seen[pid] += 1
        if seen[pid] > pid:
            path.unlink()
    small = ("SOLVER.IMS_PER_BATCH", 8, "DATALOADER.NUM_INSTANCE", 2)
    return lambda *opts: quickstart(*small, *opts)


SAMPLERS = {  # name: identities in a batch of 8, NUM_INSTANCE 2
    "TrainingSampler": range(1, 9),
    "ImbalancedDatasetSampler": range(1, 9),
    "NaiveIdentitySampler": [4],
    "BalancedIdentitySampler": [4],
}
HARD = "HardIdentitySampler"  # needs a model: tests/dppp/engine/test_hard_batches.py


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_give_whole_and_repeatable_batches(
    uneven: Callable[..., CfgNode], name: str
) -> None:
    loader = build_train_loader(uneven("DATALOADER.SAMPLER_TRAIN", name))
    assert len(loader.dataset) == 45
    epochs = [list(itertools.islice(loader.batch_sampler, 20)) for _ in range(2)]
    assert epochs[0] == epochs[1]
    assert epochs[0][:5] != epochs[0][5:10]  # 45 // 8 batches make an epoch
    pids = [item[1] for item in loader.dataset.img_items]
    for batch in epochs[0]:
        assert len(batch) == 8
        assert len({pids[index] for index, _ in batch}) in SAMPLERS[name]
    batch = next(iter(loader))
    assert batch["images"].shape == (8, 3, 64, 32)
    assert len(batch["targets"].unique()) in SAMPLERS[name]


def test_imbalanced_sampler_draws_identities_alike(uneven: Callable[..., CfgNode]) -> None:
    name = ("DATALOADER.SAMPLER_TRAIN", "ImbalancedDatasetSampler")
    loader = build_train_loader(uneven(*name))
    pids = [item[1] for item in loader.dataset.img_items]
    drawn = Counter(
        pids[index] for batch in itertools.islice(loader.batch_sampler, 500) for index, _ in batch
    )
    assert len(drawn) == 10
    assert max(drawn.values()) < 1.5 * min(drawn.values())  # 4000 draws, 1 to 6 images each


@pytest.mark.parametrize("name", ["SetReWeightSampler", "RandomSampler"])
def test_other_samplers_are_refused_with_those_that_work(
    uneven: Callable[..., CfgNode], name: str
) -> None:
    with pytest.raises(UserError, match=", ".join([*SAMPLERS, HARD])) as caught:
        build_train_loader(uneven("DATALOADER.SAMPLER_TRAIN", name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("instances", [0, 3])
@pytest.mark.parametrize("name", ["NaiveIdentitySampler", HARD])
def test_identity_samplers_that_would_hang(
    uneven: Callable[..., CfgNode], name: str, instances: int
) -> None:
    sampler = ("DATALOADER.SAMPLER_TRAIN", name, "DATALOADER.NUM_INSTANCE", instances)
    with pytest.raises(UserError, match=f"NUM_INSTANCE {instances}"):
        build_train_loader(uneven(*sampler))
