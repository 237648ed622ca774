"""Whole small runs: both phases, their checkpoints, and what they do not change."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fastreid.config import CfgNode
from fastreid.utils.env import seed_all_rng

from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.engine import evaluate
from helpers import FinishedRun

Config = Callable[..., CfgNode]


def train(cfg: CfgNode, resume: bool = False) -> DPPPTrainer:
    seed_all_rng(cfg.SEED)
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume)
    trainer.train()
    return trainer


def state(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["model"]


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    return {key for key in before if not torch.equal(before[key], after[key])}


def test_both_phases_table_and_checkpoints(finished_run: FinishedRun) -> None:
    folder = finished_run.folder
    table = json.loads((folder / "summary.json").read_text())["results_percent"]
    assert list(table) == ["GenePersonToy", "GenePersonToyShifted"]
    for rows in table.values():
        assert list(rows) == ["chance", "after phase 1", "after phase 2"]
        assert all(0 <= rows[r][s] <= 100 for r in rows for s in ("Rank-1", "Rank-5", "mAP"))
    assert finished_run.trainer.max_iter == 2 * (60 // 16)

    one, two = state(folder / "model_phase1.pth"), state(folder / "model_phase2.pth")
    # Phase 2 trains P_s, its BNNeck and its classifier; the state also says which phase it is.
    own = {k for k in two if k.startswith(("destylization.", "content_head."))}
    assert changed(one, two) == own | {"_extra_state"}
    assert not (folder / "model_final.pth.tmp").exists()


def test_text_tower_is_untouched_and_the_visual_one_trains(
    quickstart: Config, tmp_path: Path
) -> None:
    cfg = quickstart()
    seed_all_rng(cfg.SEED)
    trainer = DPPPTrainer(cfg)
    before = {k: v.clone() for k, v in trainer.raw_model.state_dict().items()}
    trainer.resume_or_load(False)
    trainer.train()
    moved = changed(before, trainer.raw_model.state_dict())
    assert not [k for k in moved if k.startswith("towers.text.")]
    assert [k for k in moved if k.startswith("towers.visual.")]
    assert [k for k in moved if k.startswith("style_inversion.")]


def test_same_seed_same_bytes(
    quickstart: Config, tmp_path: Path, pristine_run: FinishedRun
) -> None:
    one = pristine_run.trainer.raw_model.state_dict()
    two = train(quickstart("OUTPUT_DIR", str(tmp_path / "2"))).raw_model.state_dict()
    other = train(quickstart("OUTPUT_DIR", str(tmp_path / "3"), "SEED", 1)).raw_model.state_dict()
    assert not changed(one, two)
    assert changed(one, other)


def test_learning_rates_of_the_two_groups(quickstart: Config) -> None:
    cfg = quickstart("SOLVER.BASE_LR", 5e-6, "SOLVER.HEADS_LR_FACTOR", 10.0)
    trainer = DPPPTrainer(cfg)
    rates = {group["name"]: group["lr"] for group in trainer.optimizer.param_groups}
    assert rates["visual"] == 5e-6
    assert math.isclose(rates["new"], 5e-5)
    visual = {
        id(p) for g in trainer.optimizer.param_groups if g["name"] == "visual" for p in g["params"]
    }
    assert visual == {id(p) for p in trainer.raw_model.towers.visual.parameters()}


def test_schedule_starts_anew_in_each_phase(quickstart: Config) -> None:
    trainer = DPPPTrainer(quickstart("SOLVER.PHASE_EPOCHS", (3, 3), "SOLVER.STEPS", (1,)))
    rates = []
    for phase in trainer.phases:
        trainer.enter_phase(phase)
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.optimizer.step()
        trainer.scheduler["lr_sched"].step()
        rates.append(trainer.optimizer.param_groups[0]["lr"])
    # the encoder's in phase 1; P_s's, ten times that, in phase 2
    assert rates == pytest.approx([1e-4, 1e-5, 1e-3, 1e-4])


def test_evaluation_alone_gives_the_same_scores(
    quickstart: Config, finished_run: FinishedRun
) -> None:
    for phase in ("phase1", "phase2"):
        results = evaluate(
            quickstart("MODEL.WEIGHTS", str(finished_run.folder / f"model_{phase}.pth"))
        )
        expected = finished_run.trainer.results[phase.replace("phase", "phase ")]
        assert results["GenePersonToy"]["mAP"] == pytest.approx(expected["GenePersonToy"]["mAP"])


def test_a_loss_that_is_not_finite_stops_before_the_step(quickstart: Config) -> None:
    trainer = DPPPTrainer(quickstart())
    trainer.raw_model.towers.visual.proj.data[0, 0] = math.nan
    before = trainer.raw_model.content_inversion.mlp[0].weight.clone()
    with pytest.raises(FloatingPointError, match=r"phase 1, step 0.*loss_l1_supcon nan"):
        trainer.train()
    assert torch.equal(trainer.raw_model.content_inversion.mlp[0].weight, before)


def test_missing_test_sets_are_reported(quickstart: Config, tmp_path: Path) -> None:
    cfg = quickstart("DATASETS.TESTS", ("GenePersonToy", "MSMT17"), "MODEL.DPPP.PHASES", (1,))
    train(cfg)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary["results_percent"]) == ["GenePersonToy"]
    assert summary["not_available"] == ["MSMT17"]
    with pytest.raises(UserError, match=r"no test set is available .*MSMT17"):
        evaluate(quickstart("DATASETS.TESTS", ("MSMT17",), "MODEL.WEIGHTS", "any.pth"))


def test_training_without_any_test_set(quickstart: Config, tmp_path: Path) -> None:
    train(quickstart("DATASETS.TESTS", ("MSMT17",), "MODEL.DPPP.PHASES", (1,)))
    assert (tmp_path / "model_final.pth").exists()


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "cannot be read"), (b"not a checkpoint", "cannot be read")]
)
def test_a_damaged_checkpoint_is_refused(
    quickstart: Config, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=says):
        evaluate(quickstart("MODEL.WEIGHTS", str(path)))


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (["MODEL.DPPP.NOPE", "1"], "MODEL.DPPP.NOPE"),
        (["SOLVER.IMS_PER_BATCH", "many"], "SOLVER.IMS_PER_BATCH"),
        (["MODEL.DEVICE", "warp"], "MODEL.DEVICE"),
        (["SEED"], "odd length"),
    ],
)
def test_wrong_settings_are_one_line(opts: tuple[object, ...], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        load_config("", opts)
    assert "\n" not in str(caught.value)


def test_numbers_to_watch_are_written(finished_run: FinishedRun) -> None:
    folder = finished_run.folder
    rows = [json.loads(line) for line in (folder / "metrics.json").read_text().splitlines()]
    seen = set().union(*rows)
    for name in (
        "total_loss loss_l1_id loss_l1_tri loss_l1_supcon loss_tri_txt loss_l2_id loss_l2_supcon "
        "weight_l1_supcon lr_visual lr_new data_time images_per_sec attention_entropy match_share"
    ).split():
        assert name in seen, name
    entropies = [row["attention_entropy"] for row in rows if "attention_entropy" in row]
    assert all(0 <= value <= math.log(24) for value in entropies)
    assert list(folder.glob("events.out.tfevents.*"))


def test_bf16_on_a_cpu_trains_and_is_off_by_default(
    quickstart: Config, pristine_run: FinishedRun
) -> None:
    mixed = train(quickstart("SOLVER.AMP.ENABLED", True, "DATASETS.TESTS", ()))
    one, two = pristine_run.trainer.raw_model.state_dict(), mixed.raw_model.state_dict()
    assert changed(one, two)
    assert all(torch.isfinite(value).all() for value in two.values())
    with pytest.raises(UserError, match="fp16 needs CUDA"):
        quickstart("SOLVER.AMP.ENABLED", True, "SOLVER.AMP.DTYPE", "fp16")


def test_flip_test_is_normalized_once(quickstart: Config) -> None:
    """A left-right symmetric image has the same feature flipped: their mean is the feature."""
    model = DPPPTrainer(quickstart("TEST.FLIP.ENABLED", True)).raw_model.eval()
    half = torch.randint(0, 256, (1, 3, 64, 16)).float()
    batch = {"images": torch.cat([half, half.flip(3)], dim=3)}
    with torch.no_grad():
        plain = model(batch)
        batch["images"] = batch["images"].flip(dims=[3])  # as fastreid's inference_on_dataset does
        assert torch.allclose(model(batch), plain, atol=1e-5)


def test_the_schedule_that_is_used(quickstart: Config, tmp_path: Path) -> None:
    """Warm-up from a tenth and the step at epoch 1, in each phase anew (3 steps an epoch)."""
    opts = ("SOLVER.PHASE_EPOCHS", (2, 2), "SOLVER.STEPS", (1,), "SOLVER.WARMUP_ITERS", 1)
    train(quickstart(*opts))
    rows = [json.loads(line) for line in (tmp_path / "metrics.json").read_text().splitlines()]
    rates = [row["lr_new"] for row in rows if "lr_new" in row]
    assert rates == pytest.approx([1e-4, 1e-3, 1e-3, 1e-4, 1e-4, 1e-4] * 2)


def test_optimizer_follows_the_config(quickstart: Config) -> None:
    cfg = quickstart(
        "SOLVER.WEIGHT_DECAY", 0.1, "SOLVER.WEIGHT_DECAY_NORM", 0.2,
        "SOLVER.WEIGHT_DECAY_BIAS", 0.3,
        "SOLVER.CLIP_GRADIENTS.ENABLED", True, "SOLVER.SCHED", "CosineAnnealingLR",
        "SOLVER.PHASE_EPOCHS", (3, 5),
    )  # fmt: skip
    trainer = DPPPTrainer(cfg)
    decays = {group["weight_decay"] for group in trainer.optimizer.param_groups}
    assert decays == {0.1, 0.2, 0.3}
    assert "GradientClip" in type(trainer.optimizer).__name__
    trainer.enter_phase(trainer.phases[1])
    assert trainer.scheduler["lr_sched"].T_max == 5
    assert all(group["lr"] == 1e-3 for group in trainer.optimizer.param_groups)
