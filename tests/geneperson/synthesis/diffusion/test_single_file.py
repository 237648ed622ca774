"""A base model that is one file draws what the same model draws from its folder."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from geneperson import UserError
from geneperson.model_sources import describe_models
from geneperson.pipeline.plan import plan
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis import get_route
from geneperson.synthesis.diffusion.sdxl import load_pipeline
from geneperson.synthesis.diffusion.settings import DiffusionSettings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model as a folder and as a file; diffusers tells its encoders apart by width."""
    import tiny_models as tiny  # brings torch and diffusers
    from tiny_single_file import save_single_file

    folder = tmp_path_factory.mktemp("single")
    sdxl = tiny.save_sdxl(folder / "sdxl", widths=(24, 40))
    save_single_file(folder / "photo.safetensors", sdxl)
    return folder


@pytest.fixture(scope="module")
def config_only(base: Path) -> Path:
    """What a user without the weights' folder has: its small text files."""
    weights = shutil.ignore_patterns("*.safetensors")
    return Path(shutil.copytree(base / "sdxl", base / "config", ignore=weights))


@pytest.fixture
def cfg(tiny_cfg: CfgNode, base: Path, config_only: Path) -> CfgNode:
    """The file, with the base model's own VAE, without a network."""
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.BASE = str(base / "photo.safetensors")
    cfg.DIFFUSION.BASE_CONFIG = str(config_only)
    cfg.DIFFUSION.VAE = ""
    return cfg


def weights(cfg: CfgNode) -> dict[str, torch.Tensor]:
    pipe, _ = load_pipeline(DiffusionSettings.from_config(cfg), offline=True)
    networks = ("unet", "vae", "text_encoder", "text_encoder_2")
    return {
        f"{name}.{key}": value
        for name in networks
        for key, value in getattr(pipe, name).state_dict().items()
    }


def test_the_file_holds_every_weight_of_the_folder(cfg: CfgNode, base: Path) -> None:
    from_file = weights(cfg)
    cfg.DIFFUSION.BASE = str(base / "sdxl")
    from_folder = weights(cfg)
    assert from_file.keys() == from_folder.keys() and len(from_file) > 400
    assert all(torch.equal(from_file[key], from_folder[key]) for key in from_file)


def test_it_draws_the_same_picture(cfg: CfgNode, base: Path) -> None:
    """With LoRAs and ControlNets, and a VAE of the settings' in place of the file's own."""
    cfg.DIFFUSION.VAE = str(base / "sdxl" / "vae")
    people = list(islice(prompts.identities(vocabulary.load(), 0), 1))
    pictures = []
    for location in ("photo.safetensors", "sdxl"):
        cfg.DIFFUSION.BASE = str(base / location)
        synthesizer = BuildSpec.from_config(cfg).build_synthesizer(offline=True)
        pictures.append(synthesizer.characters(people)[0].image)
    # the weights lie elsewhere in memory, which can change the last bits of a product
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1
    assert pictures[0].std() > 5


def test_file_and_configuration_are_recorded(cfg: CfgNode, base: Path) -> None:
    models = describe_models(get_route(cfg).model_sources())
    assert models["BASE"]["name"] == "photo.safetensors"
    assert models["BASE_CONFIG"]["name"] == "config"
    recorded = BuildSpec.from_config(cfg).settings["configuration"]["DIFFUSION"]
    assert (recorded["BASE"], recorded["BASE_CONFIG"]) == ("photo.safetensors", "config")
    text = plan(cfg)
    assert "  BASE: photo.safetensors, sha256:" in text and "  BASE_CONFIG: config, " in text
    cfg.DIFFUSION.BASE = str(base / "sdxl")
    assert "BASE_CONFIG" not in describe_models(get_route(cfg).model_sources())


def test_a_file_of_the_hub_is_known_to_be_missing(
    cfg: CfgNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    cfg.DIFFUSION.BASE = "someone/photos/photo.safetensors@v2"
    source = get_route(cfg).model_sources()["DIFFUSION.BASE"]
    assert (source.location, source.file, source.revision) == (
        "someone/photos", "photo.safetensors", "v2",
    )  # fmt: skip
    assert not source.is_on_disk()
    with pytest.raises(UserError, match=r"DIFFUSION\.BASE: cannot load someone/photos: "):
        load_pipeline(DiffusionSettings.from_config(cfg), offline=True)


def test_a_file_of_the_hub_is_loaded_from_its_cache(
    cfg: CfgNode, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and configuration have revisions of their own."""
    cache, commits = tmp_path / "cache", {"photos": "a" * 40, "config": "b" * 40}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    for name, revision in (("photos", "v2"), ("config", "main")):
        repository = cache / f"models--someone--{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / revision).write_text(commits[name])
    snapshots = {
        name: cache / f"models--someone--{name}" / "snapshots" / commit
        for name, commit in commits.items()
    }
    snapshots["photos"].mkdir(parents=True)
    shutil.copy(base / "photo.safetensors", snapshots["photos"])
    shutil.copytree(base / "config", snapshots["config"])
    expected = weights(cfg)
    cfg.DIFFUSION.BASE = "someone/photos/photo.safetensors@v2"
    cfg.DIFFUSION.BASE_CONFIG = "someone/config"
    assert all(torch.equal(expected[key], value) for key, value in weights(cfg).items())
    models = describe_models(get_route(cfg).model_sources())
    assert models["BASE"]["revision"] == commits["photos"]
    assert models["BASE_CONFIG"]["revision"] == commits["config"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", r"BASE is a single file.*set DIFFUSION\.BASE_CONFIG to a model in diffusers' format"),
        ("{tmp}", r"BASE_CONFIG: cannot load .*needs the \.json and \.txt files"),
        ("someone/config", r"BASE_CONFIG: cannot load someone/config: .*, or the hub once"),
        ("{edge}", r"BASE_CONFIG: cannot load "),
    ],
)
def test_without_a_configuration_one_line_says_what_is_needed(
    cfg: CfgNode,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    message: str,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    cfg.DIFFUSION.BASE_CONFIG = config.format(tmp=tmp_path, edge=models / "edge")
    with pytest.raises(UserError, match=message) as error:
        load_pipeline(DiffusionSettings.from_config(cfg), offline=True)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["unet", "style", "half"])
def test_a_file_that_is_no_whole_model_is_one_line(
    cfg: CfgNode, base: Path, models: Path, tmp_path: Path, name: str
) -> None:
    whole = base / "photo.safetensors"
    path = {
        "unet": base / "sdxl" / "unet" / "diffusion_pytorch_model.safetensors",
        "style": models / "loras" / "style.safetensors",
        "half": tmp_path / "half.safetensors",
    }[name]
    if name == "half":
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    cfg.DIFFUSION.BASE = str(path)
    with pytest.raises(UserError, match=r"DIFFUSION\.BASE: cannot load .*whole model") as error:
        load_pipeline(DiffusionSettings.from_config(cfg), offline=True)
    assert "\n" not in str(error.value)
