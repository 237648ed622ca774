"""Counted operations against those of the matrix products, and of a whole batch."""

from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode
from torch.utils.flop_counter import FlopCounterMode

from dppp.config import load_config
from dppp.modeling.build import build_model
from dppp.reproduce import compute, runs
from helpers import DPPP_CONFIGS, SMALL

PHASE_1, PHASE_2 = "after phase 1", "after phase 2"


@pytest.fixture(autouse=True)
def _data(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))


def config(*opts: object) -> CfgNode:
    given = map(str, (*SMALL, "MODEL.DPPP.CLIP_PRETRAINED", "", *opts))
    return load_config(str(DPPP_CONFIGS / "testbed.yml"), list(given))


def test_what_is_counted_for_four_images_holds_for_a_batch(data_root: Path) -> None:
    """The attention of a whole step is fused here, which recomputes a little of it."""
    images = len(list((data_root / "GenePersonToy" / "bounding_box_train").iterdir()))
    cfg = config("MODEL.HEADS.NUM_CLASSES", 10)
    model = build_model(cfg)
    model.start_phase(1)
    model.train()
    batch = {
        "images": 255 * torch.rand(16, 3, *cfg.INPUT.SIZE_TRAIN),
        "targets": torch.arange(16) // 4,
    }
    with FlopCounterMode(display=False) as counter:
        sum(model(batch).values()).backward()
    steps = images // 16
    counted = compute.flops_until(cfg, PHASE_1)
    assert counted == pytest.approx(steps * counter.get_total_flops(), rel=0.01)


def test_epochs_and_phases_add_up() -> None:
    once, twice = (config("SOLVER.PHASE_EPOCHS", (n, 3)) for n in (1, 2))
    first = compute.flops_until(once, PHASE_1)
    assert compute.flops_until(twice, PHASE_1) == pytest.approx(2 * first)
    three = compute.flops_until(once, PHASE_2) - first
    longer = config("SOLVER.PHASE_EPOCHS", (1, 6))
    assert compute.flops_until(longer, PHASE_2) == pytest.approx(first + 2 * three)
    assert 0 < three / 3 < first  # the encoder of phase 2 has no backward pass


def test_the_text_losses_cost_more_than_none() -> None:
    plain = config("MODEL.DPPP.LOSSES", ("L1_ReID",))
    assert compute.flops_until(plain, PHASE_1) < compute.flops_until(config(), PHASE_1)


def test_data_that_cannot_be_trained_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(runs.NotAvailableError, match=r"images are fewer than .* 4096"):
        compute.flops_until(config("SOLVER.IMS_PER_BATCH", 4096), PHASE_1)
    monkeypatch.setenv("FASTREID_DATASETS", str(tmp_path))
    with pytest.raises(runs.NotAvailableError, match=r"^GenePersonToy$"):
        compute.flops_until(config(), PHASE_1)
