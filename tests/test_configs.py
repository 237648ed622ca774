"""Every shipped config loads; what the README and CI call exists."""

from pathlib import Path

import pytest

import geneperson
from dppp.config import flatten, load_config
from dppp.defaults import LOSSES
from helpers import ROOT

TRAINING = sorted(p for d in ("DPPP", "Baselines") for p in (ROOT / "configs" / d).rglob("*.yml"))
GENERATION = sorted((ROOT / "configs" / "GenePerson").rglob("*.yml"))


@pytest.mark.parametrize("path", TRAINING, ids=lambda p: p.stem)
def test_training_config_loads(path: Path) -> None:
    load_config(str(path), ["MODEL.DEVICE", "cpu"])


@pytest.mark.parametrize("path", GENERATION, ids=lambda p: p.stem)
def test_generation_config_loads(path: Path) -> None:
    geneperson.load(path)


def test_base_yml_is_the_defaults() -> None:
    assert geneperson.load(ROOT / "configs" / "GenePerson" / "Base.yml") == geneperson.get_cfg()


def test_the_papers_recipe() -> None:
    cfg = load_config(str(ROOT / "configs" / "DPPP" / "vit_b16.yml"), ["MODEL.DEVICE", "cpu"])
    solver, dppp = cfg.SOLVER, cfg.MODEL.DPPP
    assert (dppp.CLIP_NAME, dppp.CLIP_PRETRAINED) == ("ViT-B-16-quickgelu", "openai")
    assert (solver.BASE_LR, solver.BASE_LR * solver.HEADS_LR_FACTOR) == (5e-6, pytest.approx(5e-5))
    assert (tuple(solver.PHASE_EPOCHS), list(solver.STEPS), solver.GAMMA) == (
        (20, 20),
        [14, 19],
        0.1,
    )
    assert (solver.IMS_PER_BATCH, cfg.DATALOADER.NUM_INSTANCE) == (64, 8)
    assert (dppp.NUM_STYLE_TOKENS, dppp.NUM_STYLE_WORDS) == (24, 6)
    assert (dppp.DESTYLIZATION_RESIDUAL, dppp.DETACH_INVERSION_INPUT) == (False, False)
    assert (dppp.LOSSES, dppp.PROMPTS.STRATEGY, tuple(dppp.PHASES)) == (
        LOSSES,
        "style-content",
        (1, 2),
    )
    assert (cfg.INPUT.CJ.PROB, cfg.INPUT.CJ.CONTRAST, cfg.INPUT.CJ.BRIGHTNESS) == (1.0, 0.5, 0.0)
    assert list(cfg.INPUT.SIZE_TRAIN) == [256, 128]
    assert cfg.DATASETS.TESTS == ("Market1501", "DukeMTMC")


@pytest.mark.parametrize("path", sorted((ROOT / "configs/DPPP/sources").glob("*.yml")))
def test_a_row_of_table_3_is_the_baseline_on_its_data_or_has_a_dagger(path: Path) -> None:
    with_pdm = path.stem.endswith("_dagger")
    like = "vit_b16.yml" if with_pdm else "ablations/baseline.yml"
    own, other = (
        flatten(load_config(str(ROOT / "configs/DPPP" / name), [])) for name in (path, like)
    )
    differing = {key for key in own if own[key] != other[key]}
    assert {key for key in differing if not key.startswith("DATASETS.")} == {"OUTPUT_DIR"}


def test_packages_keep_to_themselves() -> None:
    """Stage 1 never imports stage 2 or FastReID, nor stage 2 stage 1 or diffusers."""
    for package, others in (
        ("geneperson", ("dppp", "fastreid")),
        ("dppp", ("geneperson", "diffusers")),
    ):
        for path in (ROOT / "projects" / "DPPP" / package).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                words = line.split()
                if words[:1] in (["import"], ["from"]):
                    assert words[1].split(".")[0] not in others, f"{path}: {line}"


def test_ci_calls_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
