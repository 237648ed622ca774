"""The diffusion route from settings to a finished set, with real models, stops and mistakes."""

from __future__ import annotations

import json
import logging
import multiprocessing
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch
from stopping import alive, start, wait_until
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.contact_sheet import PER_ROW
from geneperson.dataset.layout import STAGING, IdentityRow, ImageRow, read_rows
from geneperson.model_sources import digest
from geneperson.pipeline.backgrounds import folder_of
from geneperson.pipeline.drawer import Drawer
from geneperson.pipeline.provenance import code_digest
from geneperson.pipeline.spec import BuildSpec
from geneperson.pipeline.staging import Staging
from geneperson.worlds.lighting import LIGHTINGS, NEUTRAL, NEUTRAL_PROMPT, get_lighting
from geneperson.worlds.scenes import SCENES

pytestmark = pytest.mark.usefixtures("one_thread")

ROLES = {
    "BASE": "sdxl",
    "VAE": "vae",
    "POSE_CONTROLNET": "pose",
    "EDGE_CONTROLNET": "edge",
    "LORA.ENHANCEMENT": "enhancement.safetensors",
    "LORA.LIGHTING": "lighting.safetensors",
    "LORA.STYLE": "style.safetensors",
    "MATTING": "oval.onnx",
}


@pytest.fixture
def cfg(picky_cfg: CfgNode) -> CfgNode:
    return picky_cfg.clone()


def content(folder: Path) -> dict:
    return json.loads((folder / "dataset.json").read_text())


def test_a_set_by_real_models_is_whole(drawn: Path) -> None:
    assert verify(drawn) == []
    assert not (drawn / STAGING).exists()
    dataset = content(drawn)
    assert dataset["identities"] == {"train": 3, "test": 2}
    for row in read_rows(drawn, ImageRow, []):
        assert cv2.imread(str(drawn / row.file)).shape == (64, 32, 3)


def test_the_record_names_every_model_and_program(drawn: Path, models: Path) -> None:
    dataset = content(drawn)
    recorded = dataset["models"]
    assert recorded.pop("synthesis") == "diffusion"
    assert {key: model["name"] for key, model in recorded.items()} == ROLES
    assert recorded["LORA.STYLE"]["licence"] == "openrail"  # its card is next to it
    places = {"LORA.STYLE": models / "loras" / "style.safetensors", "BASE": models / "sdxl"}
    for key, path in places.items():
        assert recorded[key]["revision"] == f"sha256:{digest(path)}"
    assert len({model["revision"] for model in recorded.values()}) == len(ROLES)
    assert all(model["licence"] for model in recorded.values())
    programs = {"geneperson", "torch", "diffusers", "transformers", "peft", "rembg", "onnxruntime"}
    assert programs <= dataset["software"].keys()
    assert dataset["software"]["torch"] == torch.__version__.split("+")[0]


def test_the_card_shows_the_models_and_what_they_mean(drawn: Path) -> None:
    card = " ".join((drawn / "README.md").read_text().split())
    assert "No real person's image was used" in card
    assert "trained by others on images from the web" in card
    assert "toy" not in card
    for role, model in content(drawn)["models"].items():
        if role != "synthesis":
            row = f"| {role} | {model['name']} | {model['revision']} | {model['licence']} |"
            assert row in card


def test_every_drawn_cell_is_an_image_or_a_reject(drawn: Path) -> None:
    dataset, images = content(drawn), read_rows(drawn, ImageRow, [])
    people = {row.pid: row.candidate for row in read_rows(drawn, IdentityRow, [])}
    rejects = [json.loads(line) for line in (drawn / "rejects.jsonl").read_text().splitlines()]
    cells = [(people[row.pid], row.cell) for row in images]
    cells += [(reject["candidate"], reject["cell"]) for reject in rejects]
    num_candidates = sum(dataset["candidates"].values())
    assert sorted(cells) == [(one, cell) for one in range(num_candidates) for cell in range(4)]
    assert len(cells) == dataset["cells"]["drawn"]
    assert Counter(row["reason"] for row in rejects) == dataset["cells"]["rejected"]
    assert set(dataset["cells"]["rejected"]) >= {"too large", "too few good cells"}
    assert dataset["candidates"]["rejected"] > 0
    for reject in rejects:
        assert reject["pid"] == next(
            (pid for pid, one in people.items() if one == reject["candidate"]), 0
        )


def test_the_sheet_has_a_row_for_each_reason(drawn: Path) -> None:
    sheet = cv2.imread(str(drawn / "rejects.jpg"))
    num_reasons = len(content(drawn)["cells"]["rejected"])
    assert sheet.shape[0] % num_reasons == 0 and sheet.shape[0] // num_reasons > 64
    assert sheet.shape[1] >= PER_ROW * 32


@pytest.mark.parametrize("file", ["rejects.jsonl", "rejects.jpg"])
def test_verify_looks_at_the_rejects(drawn: Path, tmp_path: Path, file: str) -> None:
    output = Path(shutil.copytree(drawn, tmp_path / "set"))
    (output / file).write_bytes((output / file).read_bytes() + b"\n")
    assert verify(output) == [f"{file}: altered, its sha256 differs from that in dataset.json"]
    (output / file).unlink()
    assert verify(output) == [f"{file}: missing"]


def test_first_identity_of_a_bigger_set_is_that_of_a_small_one(
    drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    """Batches have fixed members: one identity alone is drawn with its usual neighbor."""
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 1, 0
    build(cfg, tmp_path / "small")
    images = read_rows(tmp_path / "small", ImageRow, [])
    assert images and {row.pid for row in images} == {1}
    for row in images:
        assert (tmp_path / "small" / row.file).read_bytes() == (drawn / row.file).read_bytes()


def test_resuming_with_another_model_is_refused(cfg: CfgNode, models: Path, tmp_path: Path) -> None:
    """A folder of the same name, with other weights in it."""
    spec, staging = BuildSpec.from_config(cfg), Staging(tmp_path / "set")
    staging.root.mkdir(parents=True)
    staging.open(spec.settings | {"code_sha256": [code_digest()]})
    staging.keep_models(Drawer(spec).models())
    cfg.DIFFUSION.POSE_CONTROLNET = str(shutil.copytree(models / "edge", tmp_path / "pose"))
    with pytest.raises(UserError, match=r"other models \(POSE_CONTROLNET changed\).*delete"):
        build(cfg, tmp_path / "set")


def test_only_the_backgrounds_that_images_show_are_painted(
    drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    """Not those of identities that share the last batch, or that workers had begun."""
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST, cfg.SCENES.POOL_SIZE = 1, 0, 20
    cfg.QUALITY.MAX_AREA = 0.6  # the next candidate would be accepted, too
    build(cfg, tmp_path / "set", workers=2)
    for output in (drawn, tmp_path / "set"):
        shown = {row.background for row in read_rows(output, ImageRow, [])}
        painted = [path.stem.rpartition("_")[0] for path in folder_of(output).iterdir()]
        assert sorted(painted) == sorted(shown)
        assert len(painted) < len(SCENES) * len(LIGHTINGS)
    sheet = cv2.imread(str(drawn / "backgrounds.jpg"))
    assert sheet.shape[1] > 9 * 160


@pytest.mark.parametrize("mode", ["relight", "drawn"])
def test_the_light_that_was_drawn_is_the_prompts(
    drawn: Path, cfg: CfgNode, tmp_path: Path, mode: str
) -> None:
    if mode == "drawn":
        cfg.LIGHT.MODE, cfg.LIGHT.PER_IDENTITY = mode, 2
        cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 2, 0
        drawn = tmp_path / "set"
        build(cfg, drawn)
        assert verify(drawn) == []
    prompts = {row.pid: row.prompt for row in read_rows(drawn, IdentityRow, [])}
    for row in read_rows(drawn, ImageRow, []):
        if mode == "relight":
            assert row.drawn_lighting == NEUTRAL and NEUTRAL_PROMPT in prompts[row.pid]
            continue
        assert row.drawn_lighting == row.lighting
        in_prompt = get_lighting(row.lighting).prompt in prompts[row.pid]
        assert in_prompt is row.file.endswith("_00.jpg")  # the identity's first canvas


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
def test_a_finished_set_is_not_taken_for_one_of_another_model(
    drawn: Path, cfg: CfgNode, models: Path, tmp_path: Path
) -> None:
    other = tmp_path / "edge"
    shutil.copytree(models / "pose", other)  # other weights under the same folder name
    assert build(cfg, drawn)["digest"] == content(drawn)["digest"]
    cfg.DIFFUSION.EDGE_CONTROLNET = str(other)
    with pytest.raises(UserError, match=r"with another DIFFUSION\.EDGE_CONTROLNET"):
        build(cfg, drawn)


def test_stopped_three_times_and_finished(drawn: Path, cfg: CfgNode, tmp_path: Path) -> None:
    """Killed among the backgrounds, Ctrl-C there, terminated among the people: the same set."""
    config, output = tmp_path / "tiny.yml", tmp_path / "set"
    config.write_text(cfg.dump())
    scenes, staged = folder_of(output), output / STAGING / "identities"

    def stop(when: Callable[[], bool], signal_number: int) -> tuple[int, str]:
        log = tmp_path / "log"
        process = start(config, output, log)
        wait_until(when, process)
        process.send_signal(signal_number)
        status = process.wait(timeout=60)
        deadline = time.monotonic() + 20
        while alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(process.pid), "workers outlived the build"
        assert not (output / "dataset.json").exists()
        return status, log.read_text()

    stop(lambda: len(list(scenes.glob("*.png"))) >= 1, signal.SIGKILL)
    painted = {path.name: path.stat().st_ino for path in scenes.glob("*.png")}
    assert painted and len(painted) < len(list(folder_of(drawn).iterdir()))
    assert verify(output) == [".build: unfinished build; run the same build command again"]

    status, log = stop(lambda: len(list(scenes.glob("*.png"))) > len(painted), signal.SIGINT)
    assert status == 130 and "Traceback" not in log
    assert log.strip().splitlines()[-1].startswith("stopped; run the same command")
    assert painted.items() <= {path.name: path.stat().st_ino for path in scenes.iterdir()}.items()

    stop(lambda: staged.is_dir() and any(staged.glob("*/record.json")), signal.SIGTERM)
    assert not multiprocessing.active_children()
    build(cfg, output)
    assert content(output) == content(drawn)
    assert verify(output) == []


def test_log_and_card_name_the_loras_that_are_absent(
    cfg: CfgNode, drawn: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST, cfg.QUALITY.MAX_AREA = 1, 0, 0.6
    cfg.DIFFUSION.LORA.ENHANCEMENT = cfg.DIFFUSION.LORA.STYLE = ""
    with caplog.at_level(logging.INFO, "geneperson"):
        build(cfg, tmp_path / "set")
    note = "Absent of the paper's three LoRAs: enhancement, style (DIFFUSION.LORA)."
    assert note in caplog.messages
    assert note in (tmp_path / "set" / "README.md").read_text()
    assert "Absent" not in (drawn / "README.md").read_text()


def broken(models: Path, folder: Path, part: str) -> Path:
    """A copy of a model with one file cut in half."""
    copy = Path(shutil.copytree(models / part.split("/")[0], folder / "broken"))
    path = copy / part.partition("/")[2]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return copy


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("DIFFUSION.BASE", "{tmp}", "DIFFUSION.BASE: cannot load .*empty"),
        ("DIFFUSION.VAE", "{tmp}", "DIFFUSION.VAE: cannot load .*empty"),
        ("DIFFUSION.POSE_CONTROLNET", "{tmp}", "DIFFUSION.POSE_CONTROLNET: cannot load .*empty"),
        ("DIFFUSION.LORA.STYLE", "{tmp}", "DIFFUSION.LORA.STYLE: cannot load .*empty"),
        ("DIFFUSION.BASE", "sdxl/unet/diffusion_pytorch_model.safetensors", "BASE: cannot load"),
        ("DIFFUSION.BASE", "sdxl/text_encoder/model.safetensors", "BASE: cannot load"),
        ("DIFFUSION.BASE", "sdxl/model_index.json", "BASE: cannot load"),
        (
            "DIFFUSION.EDGE_CONTROLNET",
            "edge/diffusion_pytorch_model.safetensors",
            "DIFFUSION.EDGE_CONTROLNET: cannot load",
        ),
        ("DIFFUSION.LORA.LIGHTING", "{models}/oval.onnx", r"only \.safetensors files are read"),
        ("DIFFUSION.LORA.LIGHTING", "{models}/edge", "DIFFUSION.LORA.LIGHTING: cannot load"),
        ("DIFFUSION.BASE", "someone/nothing", "DIFFUSION.BASE: cannot load someone/nothing"),
        ("DIFFUSION.BASE", "nothing", "no such file or folder, and not a hub name"),
        ("DIFFUSION.BASE", "", "must name models"),
        ("DIFFUSION.DEVICE", "abacus", "DIFFUSION.DEVICE is 'abacus'"),
        ("DIFFUSION.CPU_OFFLOAD", "True", "DIFFUSION.CPU_OFFLOAD needs a GPU"),
        ("DIFFUSION.VARIANT", "fp16", "DIFFUSION.BASE: cannot load"),
        ("DIFFUSION.VAE", "{models}/oval.onnx", r"only \.safetensors files are read"),
        ("DIFFUSION.VAE", "{models}/loras/style.safetensors", "DIFFUSION.VAE names a single file"),
        ("DIFFUSION.BASE", "~nobody/x", "no such file or folder, and not a hub name"),
        ("MATTING.MODEL", "sam", "MATTING.MODEL is 'sam'"),
        ("MATTING.MODEL", "u3net", "MATTING.MODEL is 'u3net': use a local .onnx file or one of"),
        ("MATTING.MODEL", "{tmp}/none.onnx", "none.onnx': no such file"),
    ],
)
def test_models_that_cannot_be_used(
    cfg: CfgNode,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    value: str,
    message: str,
) -> None:
    """Each is one line, and leaves nothing behind."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "empty").mkdir()
    if "/" in value and (models / value).is_file():
        value = str(broken(models, tmp_path, value))
    cfg.merge_from_list([key, value.format(tmp=tmp_path / "empty", models=models)])
    with pytest.raises(UserError, match=message) as error:
        build(cfg, tmp_path / "set")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "set").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_no_gpu_where_one_is_asked_for(cfg: CfgNode, tmp_path: Path) -> None:
    cfg.DIFFUSION.DEVICE = "cuda"
    with pytest.raises(UserError, match=r"DIFFUSION.DEVICE is 'cuda': .*; use auto or cpu"):
        build(cfg, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_build_that_fails_where_we_are_says_why_and_leaves_the_folder(
    cfg: CfgNode, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cfg.QUALITY.EMBEDDER = str(models / "oval.onnx")
    cfg.QUALITY.MIN_SAME_PERSON = 0.5
    with pytest.raises(UserError, match=r"QUALITY.EMBEDDER .* must take one input"):
        build(cfg, ".")
    assert tmp_path.is_dir() and not list(tmp_path.iterdir())


def test_a_picture_the_vae_cannot_decode_stops_the_build(
    cfg: CfgNode, models: Path, tmp_path: Path
) -> None:
    """The first background shows it, so nothing is left behind."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(models / "sdxl" / "vae")
    with torch.no_grad():
        vae.decoder.conv_out.bias.fill_(float("nan"))
    vae.save_pretrained(tmp_path / "vae")
    cfg.DIFFUSION.VAE = str(tmp_path / "vae")
    with pytest.raises(UserError, match="black picture"):
        build(cfg, tmp_path / "set")
    assert not (tmp_path / "set").exists()
