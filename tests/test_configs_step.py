"""Every training config builds and takes one step in each of its phases, with a small model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from dppp import DPPPTrainer
from dppp.config import load_config
from helpers import CONFIGS, SMALL, TOY

TRAINING = sorted(p for d in ("DPPP", "Baselines") for p in (CONFIGS / d).rglob("*.yml"))
ABLATIONS = sorted((CONFIGS / "DPPP" / "ablations").glob("*.yml"))
SMALLEST = (
    *SMALL, *TOY,
    "MODEL.DPPP.CLIP_NAME", "DPPP-Tiny-8-quickgelu",
    "MODEL.DPPP.CLIP_PRETRAINED", "",
    "MODEL.BACKBONE.PRETRAIN", False,
    "DATALOADER.NUM_INSTANCE", 2,
    "SOLVER.IMS_PER_BATCH", 8,
)  # fmt: skip
OWN = {
    "clip_vit_b16": ("MODEL.BACKBONE.FEAT_DIM", 128),  # the small CLIP's
    "mgn_R50": ("INPUT.SIZE_TRAIN", [96, 32], "INPUT.SIZE_TEST", [96, 32]),  # cut into parts
}


@pytest.mark.parametrize("path", TRAINING, ids=lambda p: p.stem)
def test_one_step_in_each_phase(
    path: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    cfg = load_config(str(path), [*SMALLEST, *OWN.get(path.stem, ()), "OUTPUT_DIR", str(tmp_path)])
    trainer = DPPPTrainer(cfg)
    for phase in trainer.phases:
        trainer.enter_phase(phase)
        before = [p.clone() for p in trainer.raw_model.parameters() if p.requires_grad]
        trainer.one_step(phase)
        after = [p for p in trainer.raw_model.parameters() if p.requires_grad]
        changed = any(not torch.equal(b, a) for b, a in zip(before, after, strict=True))
        assert changed == (cfg.SOLVER.BASE_LR > 0)  # untrained.yml has 0


def _leaves(node: dict, prefix: str = "") -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda p: p.stem)
def test_an_ablation_differs_in_one_key(path: Path) -> None:
    content = yaml.safe_load(path.read_text())
    assert content.pop("_BASE_") == "../vit_b16.yml"
    assert content.pop("OUTPUT_DIR") == f"logs/dppp/ablations/{path.stem}"
    # two rows of Table V also leave out what the paper does not train for them, and a run in which
    # nothing is learned is short
    more = {
        "table5_generic": {"LOSSES"},
        "table5_content": {"PHASES"},
        "untrained": {"LOSSES", "SOLVER.PHASE_EPOCHS"},
    }.get(path.stem, set())
    keys = {key.removeprefix("MODEL.DPPP.") for key in _leaves(content)}
    assert more < keys and len(keys) == 1 + len(more)


def test_the_generic_row_of_table_5_trains_no_pseudo_word(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    path = CONFIGS / "DPPP" / "ablations" / "table5_generic.yml"
    trainer = DPPPTrainer(load_config(str(path), [*SMALLEST, "OUTPUT_DIR", str(tmp_path)]))
    assert [phase.name for phase in trainer.phases] == ["phase 1"]
    trained = {n.split(".")[0] for n, p in trainer.raw_model.named_parameters() if p.requires_grad}
    assert trained == {"towers", "final_head", "projected_head"}


def test_each_row_of_the_papers_tables_has_a_config() -> None:
    names = {path.stem for path in ABLATIONS}
    assert {f"table4_{row}" for row in "abcde"} <= names
    assert {f"table5_{name}" for name in ("generic", "content", "style_content")} <= names
    assert {f"table6_k{k:02d}" for k in (4, 6, 8, 10, 12)} | {"table6_no_filter"} <= names
