"""A stopped and resumed run ends with the same bytes; one that would not is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from fastreid.engine.train_loop import HookBase
from PIL import Image

import dppp
from dppp import DPPPTrainer, UserError
from dppp.config import load_config
from dppp.engine import evaluate
from dppp.engine.resume import same_test
from dppp.modeling.positions import resample_positions
from helpers import DPPP_CONFIGS, SMALL, FinishedRun

Config = Callable[..., CfgNode]

EPOCHS = ("SOLVER.PHASE_EPOCHS", (2, 2), "SOLVER.CHECKPOINT_PERIOD", 1, "SOLVER.WARMUP_ITERS", 2)


class Stop(HookBase):
    """Ends the run as a kill would, before the step ``at``."""

    def __init__(self, at: int) -> None:
        self.at = at

    def before_step(self) -> None:
        if self.trainer.iter == self.at:
            raise KeyboardInterrupt


def train(cfg: CfgNode, resume: bool = False, stop_at: int | None = None) -> DPPPTrainer:
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(resume)
    if stop_at is not None:
        trainer.register_hooks([Stop(stop_at)])
    trainer.train()
    return trainer


def weights(trainer: DPPPTrainer) -> dict[str, torch.Tensor]:
    return trainer.raw_model.state_dict()


def assert_equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    assert not [key for key in one if not torch.equal(one[key], two[key])]


@pytest.fixture(scope="module")
def uninterrupted(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> DPPPTrainer:
    """Train with ``EPOCHS`` once, without a stop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTREID_DATASETS", str(data_root))
        opts = [*SMALL, *EPOCHS, "OUTPUT_DIR", str(tmp_path_factory.mktemp("whole"))]
        return train(load_config(str(DPPP_CONFIGS / "quickstart.yml"), opts))


# Three steps an epoch: steps 0-2 and 3-5 are phase 1, 6-8 and 9-11 phase 2.
@pytest.mark.parametrize("stop_at", [4, 6, 10], ids=["in phase 1", "at the boundary", "in phase 2"])
def test_stopped_and_resumed_equals_uninterrupted(
    quickstart: Config, uninterrupted: DPPPTrainer, stop_at: int
) -> None:
    cfg = quickstart(*EPOCHS)
    with pytest.raises(KeyboardInterrupt):
        train(cfg, stop_at=stop_at)
    resumed = train(cfg, resume=True)
    assert resumed.start_epoch == stop_at // 3
    assert_equal(weights(uninterrupted), weights(resumed))
    assert list(resumed.results) == ["phase 1", "phase 2"]
    assert resumed.results == uninterrupted.results


def test_resumed_with_a_cache_equals_uninterrupted(
    quickstart: Config, uninterrupted: DPPPTrainer
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(quickstart(*EPOCHS), stop_at=4)
    cached = ("DATALOADER.CACHE", "ram", "DATALOADER.NUM_WORKERS", 2)
    assert_equal(weights(uninterrupted), weights(train(quickstart(*EPOCHS, *cached), resume=True)))


def test_worker_processes_do_not_change_the_result(
    quickstart: Config, pristine_run: FinishedRun
) -> None:
    with_workers = train(quickstart("DATALOADER.NUM_WORKERS", 2))
    assert_equal(weights(pristine_run.trainer), weights(with_workers))


def test_phase_2_from_a_file_equals_going_straight_through(
    quickstart: Config, tmp_path: Path, pristine_run: FinishedRun
) -> None:
    train(quickstart("OUTPUT_DIR", str(tmp_path / "1"), "MODEL.DPPP.PHASES", (1,)))
    second = train(
        quickstart(
            "OUTPUT_DIR", str(tmp_path / "2"), "MODEL.DPPP.PHASES", (2,),
            "MODEL.WEIGHTS", str(tmp_path / "1" / "model_final.pth"),
        )
    )  # fmt: skip
    assert second.raw_model.phase == 2
    assert_equal(weights(pristine_run.trainer), weights(second))


@pytest.mark.parametrize(
    "opts",
    [
        ("MODEL.DPPP.PHASES", (2,)),
        ("MODEL.DPPP.LOSSES", ("L2_ReID", "L2_SupCon")),
        ("SOLVER.PHASE_EPOCHS", (0, 1)),
    ],
    ids=str,
)
def test_phase_2_alone_needs_a_file(quickstart: Config, opts: tuple[object, ...]) -> None:
    """Else P_s would learn from the texts of a random f_theta."""
    with pytest.raises(UserError, match=r"begins with phase 2.*MODEL\.WEIGHTS FILE"):
        train(quickstart(*opts))


def test_phase_2_needs_a_file_of_a_run_that_trained_content_words(
    quickstart: Config, tmp_path: Path
) -> None:
    first, second = ("OUTPUT_DIR", str(tmp_path / "1")), ("OUTPUT_DIR", str(tmp_path / "2"))
    opts = ("SOLVER.PHASE_EPOCHS", (1, 1), "DATASETS.TESTS", ())
    train(quickstart(*first, *opts, "MODEL.DPPP.LOSSES", ("L1_ReID",)))
    given = ("MODEL.WEIGHTS", str(tmp_path / "1" / "model_final.pth"))
    with pytest.raises(UserError, match="trained no content words") as caught:
        train(quickstart(*second, *opts, *given, "MODEL.DPPP.PHASES", (2,)))
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="trained no content words"):
        train(quickstart(*second, *opts, *given, "MODEL.DPPP.LOSSES", ("L1_ReID", "L2_SupCon")))
    train(quickstart(*second, *opts, *given, "MODEL.DPPP.LOSSES", ("L2_ReID",)))
    saved = torch.load(tmp_path / "2" / "model_final.pth", weights_only=True)["architecture"]
    assert saved["content_words"] is False
    trainer = train(quickstart(*second, *opts, *given))  # both phases: phase 1 trains them
    assert trainer.raw_model.has_content_words


@pytest.mark.parametrize(
    ("opts", "says"),
    [
        (("MODEL.DPPP.TEMPERATURE", 0.1), r"MODEL\.DPPP\.TEMPERATURE 0.07, not 0.1"),
        (("INPUT.CJ.CONTRAST", 0.2), r"INPUT\.CJ\.CONTRAST"),
        (("SEED", 5), "SEED 0, not 5"),
        (("SOLVER.PHASE_EPOCHS", (9, 1)), "SOLVER.PHASE_EPOCHS"),
    ],
)
@pytest.mark.usefixtures("finished_run")
def test_resuming_with_other_settings_is_refused(
    quickstart: Config, opts: tuple[object, ...], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        train(quickstart(*opts), resume=True)


def test_a_finished_run_has_nothing_to_do(quickstart: Config, finished_run: FinishedRun) -> None:
    again = train(quickstart(), resume=True)
    assert again.start_epoch == 2
    assert_equal(weights(finished_run.trainer), weights(again))
    assert again.results == finished_run.trainer.results


def test_scores_of_another_ranking_are_dropped(quickstart: Config, tmp_path: Path) -> None:
    cfg = quickstart(*EPOCHS, "OUTPUT_DIR", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        train(cfg, stop_at=7)  # phase 1 is scored
    faster = quickstart(*EPOCHS, "OUTPUT_DIR", str(tmp_path), "TEST.IMS_PER_BATCH", 8)
    other = quickstart(*EPOCHS, "OUTPUT_DIR", str(tmp_path), "TEST.AQE.ENABLED", True)
    bf16 = quickstart(*EPOCHS, "OUTPUT_DIR", str(tmp_path), "TEST.PRECISION", "bf16")
    assert list(resumed(faster).results) == ["phase 1"]
    assert list(resumed(bf16).results) == []
    assert list(resumed(other).results) == []
    assert list(train(other, resume=True).results) == ["phase 2"]


def test_a_run_older_than_a_key_keeps_its_scores(quickstart: Config) -> None:
    cfg = quickstart()
    older = cfg.clone()
    older.defrost()
    del older.TEST["PRECISION"]
    assert same_test(older.dump(), cfg)
    assert not same_test(older.dump(), quickstart("TEST.PRECISION", "bf16"))


def resumed(cfg: CfgNode) -> DPPPTrainer:
    trainer = DPPPTrainer(cfg)
    trainer.resume_or_load(True)
    return trainer


def test_a_foreign_checkpoint_cannot_be_resumed(quickstart: Config, tmp_path: Path) -> None:
    torch.save({"model": {}, "epoch": 1}, tmp_path / "model_0001.pth")
    (tmp_path / "last_checkpoint").write_text("model_0001.pth")
    with pytest.raises(UserError, match="not written by"):
        train(quickstart(), resume=True)


@pytest.mark.usefixtures("finished_run")
def test_other_clip_weights_are_explained(quickstart: Config, tmp_path: Path) -> None:
    path = str(tmp_path / "model_final.pth")
    with pytest.raises(UserError, match=r"MODEL\.PIXEL_MEAN"):
        evaluate(quickstart("MODEL.WEIGHTS", path, "MODEL.PIXEL_MEAN", [127.5, 127.5, 127.5]))


def test_inference_needs_no_text_side(quickstart: Config, finished_run: FinishedRun) -> None:
    path = finished_run.folder / "model_inference.pth"
    saved = torch.load(path, weights_only=True)
    assert saved["architecture"]["inference_only"]
    parts = {key.split(".")[0] + "." + key.split(".")[1] for key in saved["model"] if "." in key}
    assert parts == {"towers.visual", "destylization.mlp"}
    results = evaluate(quickstart("MODEL.WEIGHTS", str(path)))
    assert results == finished_run.trainer.results["phase 2"]
    with pytest.raises(UserError, match="train from a whole one"):
        train(quickstart("MODEL.WEIGHTS", str(path)))


def text_of(trainer: DPPPTrainer) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in weights(trainer).items() if k.startswith("towers.text.")}


@pytest.mark.usefixtures("finished_run")
def test_checkpoints_have_no_text_tower_and_need_that_of_their_clip(
    quickstart: Config, tmp_path: Path
) -> None:
    path = tmp_path / "model_phase1.pth"
    saved = torch.load(path, weights_only=True)
    assert saved["architecture"]["text_tower"]
    assert not [key for key in saved["model"] if key.startswith("towers.text.")]
    second = ("MODEL.DPPP.PHASES", (2,), "MODEL.WEIGHTS", str(path))
    evaluate(quickstart(*second, "MODEL.DPPP.CLIP_PRETRAINED", ""))
    with pytest.raises(UserError, match=r"model_phase1\.pth: .*another text tower; set MODEL\.DP"):
        train(quickstart(*second, "MODEL.DPPP.CLIP_PRETRAINED", ""))
    with pytest.raises(UserError, match="another text tower"):
        resumed(quickstart("MODEL.DPPP.CLIP_PRETRAINED", ""))


def test_a_text_tower_that_no_weights_bring_is_in_the_file(
    quickstart: Config, pristine_run: FinishedRun, tmp_path: Path
) -> None:
    """An older checkpoint is whole; what its text tower was goes with what is trained from it."""
    random = DPPPTrainer(quickstart("MODEL.DPPP.CLIP_PRETRAINED", ""))
    assert weights(random).keys() == random.raw_model.checkpoint_state().keys()
    saved = torch.load(pristine_run.folder / "model_phase1.pth", weights_only=True)
    del saved["architecture"]["text_tower"]
    for name, tower in (("same", text_of(pristine_run.trainer)), ("other", text_of(random))):
        path = tmp_path / f"{name}.pth"
        torch.save({**saved, "model": {**saved["model"], **tower}}, path)
        trainer = DPPPTrainer(quickstart("MODEL.DPPP.PHASES", (2,), "MODEL.WEIGHTS", str(path)))
        trainer.resume_or_load(False)
        assert_equal(text_of(trainer), tower)
        trainer.checkpointer.save(name)
        again = torch.load(path, weights_only=True)
        kept = {k: v for k, v in again["model"].items() if k.startswith("towers.text.")}
        assert_equal(kept, tower if name == "other" else {})
        trainer.resume_or_load(False)  # from the file just written
        assert_equal(text_of(trainer), tower)


@pytest.mark.usefixtures("finished_run")
def test_another_image_size_resamples_the_positions(quickstart: Config, tmp_path: Path) -> None:
    size = ("INPUT.SIZE_TRAIN", [80, 32], "INPUT.SIZE_TEST", [80, 32])
    evaluate(quickstart("MODEL.WEIGHTS", str(tmp_path / "model_final.pth"), *size))


def test_resampling_keeps_a_plane_a_plane() -> None:
    """Positions that grow linearly down the grid still do; across they stay the same."""
    rows = torch.arange(8.0).repeat_interleave(4)[:, None]
    new = resample_positions(torch.cat([torch.tensor([[99.0]]), rows]), [8, 4], [16, 8])
    assert new[0, 0] == 99
    grid = new[1:, 0].reshape(16, 8)
    assert torch.allclose(grid[:, :1].expand(-1, 8), grid, atol=1e-5)
    steps = grid[3:13, 0].diff()
    assert torch.allclose(steps, torch.full_like(steps, 0.5), atol=1e-4)


@pytest.mark.usefixtures("finished_run")
def test_weights_of_another_shape_or_model_are_refused(quickstart: Config, tmp_path: Path) -> None:
    path = str(tmp_path / "model_final.pth")
    with pytest.raises(UserError, match=r"style_aggregation\.tokens of shape \(24, 160\)"):
        evaluate(quickstart("MODEL.WEIGHTS", path, "MODEL.DPPP.NUM_STYLE_TOKENS", 30))
    torch.save({"model": {"backbone.conv1.weight": torch.zeros(1)}}, path)
    with pytest.raises(UserError, match=r"model_final\.pth: is not of a CLIPDPPP"):
        evaluate(quickstart("MODEL.WEIGHTS", path))


RESIDUAL = "MODEL.DPPP.DESTYLIZATION_RESIDUAL"


@pytest.fixture(scope="module")
def literal_run(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run whose destylization projector has no residual; not to be changed."""
    folder = tmp_path_factory.mktemp("literal")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTREID_DATASETS", str(data_root))
        opts = [*SMALL, RESIDUAL, False, "OUTPUT_DIR", str(folder)]
        trainer = train(load_config(str(DPPP_CONFIGS / "quickstart.yml"), opts))
    return FinishedRun(folder=folder, trainer=trainer)


def test_a_file_knows_how_its_projector_is_used(
    quickstart: Config, pristine_run: FinishedRun, literal_run: FinishedRun
) -> None:
    """Equal names and shapes, other features: the file says which, or another use is refused."""
    picture, digests = Image.new("RGB", (32, 64), "teal"), []
    for run, residual in ((pristine_run, True), (literal_run, False)):
        network = run.trainer.raw_model.eval()
        assert network.destylization.residual is residual
        for file in ("model_final.pth", "model_inference.pth"):
            model = dppp.load(run.folder / file, device="cpu")
            assert model.model.network.destylization.residual is residual
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
        own = torch.nn.functional.normalize(network(pixels)).detach().numpy()
        np.testing.assert_allclose(model.embed([picture]), own, atol=1e-5)
        digests.append(model.digest)
        says = rf"has \S+RESIDUAL = {residual}, the config has {not residual};"
        other = (RESIDUAL, not residual, "MODEL.WEIGHTS", str(run.folder / "model_final.pth"))
        with pytest.raises(UserError, match=says):
            evaluate(quickstart(*other))
    assert len(set(digests)) == 2


def test_phase_2_of_either_kind_starts_from_a_phase_1_file(
    quickstart: Config, tmp_path: Path
) -> None:
    first = ("OUTPUT_DIR", str(tmp_path / "1"), "MODEL.DPPP.PHASES", (1,))
    train(quickstart(*first, "MODEL.DPPP.DESTYLIZATION_RESIDUAL", False))
    second = ("MODEL.DPPP.PHASES", (2,), "MODEL.WEIGHTS", str(tmp_path / "1" / "model_final.pth"))
    trainer = DPPPTrainer(quickstart(*second, "MODEL.DPPP.DESTYLIZATION_RESIDUAL", True))
    trainer.resume_or_load(False)
    v_g = torch.randn(3, trainer.raw_model.towers.feature_dim)
    assert torch.equal(trainer.raw_model.destylization(v_g), v_g)


def test_a_file_that_is_older_than_the_key_is_literal(
    literal_run: FinishedRun, tmp_path: Path
) -> None:
    digests = {}
    kinds = {"old": {}, "literal": {RESIDUAL: False}, "residual": {RESIDUAL: True}}
    for name, facts in kinds.items():
        saved = torch.load(literal_run.folder / "model_inference.pth", weights_only=True)
        del saved["architecture"][RESIDUAL]
        saved["architecture"] |= facts
        torch.save(saved, tmp_path / f"{name}.pth")
        model = dppp.load(tmp_path / f"{name}.pth", device="cpu")
        assert model.model.network.destylization.residual is (name == "residual")
        digests[name] = model.digest
    assert digests["old"] == digests["literal"] != digests["residual"]


@pytest.mark.usefixtures("finished_run")
def test_a_file_that_does_not_say_its_phase_is_refused(quickstart: Config, tmp_path: Path) -> None:
    saved = torch.load(tmp_path / "model_inference.pth", weights_only=True)
    del saved["model"]["_extra_state"]
    torch.save(saved, tmp_path / "damaged.pth")
    with pytest.raises(UserError, match=r"damaged\.pth: .*has _extra_state .*, the file nothing"):
        dppp.load(tmp_path / "damaged.pth", device="cpu")
