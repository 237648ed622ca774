"""A plan says what a build needs, without a network, a download or a file written."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import UserError, load
from geneperson.pipeline.plan import plan
from helpers import GENEPERSON_CONFIGS


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Fail on any connection; give the hub's cache, which is empty."""

    def refuse(*args: object) -> None:
        raise AssertionError("a plan wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(text: str) -> dict[str, str]:
    """The plan's lines by their first word."""
    return {line.split()[0]: line.split(maxsplit=1)[-1] for line in text.splitlines()}


def test_the_papers_set(no_network: Path) -> None:
    cfg = load(GENEPERSON_CONFIGS / "sdxl.yml")
    text = plan(cfg)
    found = entries(text)
    assert found["identities"].startswith("6641 (6641 train, 0 test) of ")
    assert "7 x 6 cells of 256 x 128" in found["canvases"]
    assert found["images"].startswith(f"{6641 * 42} if no cell is rejected, ")
    assert found["backgrounds"].startswith(f"at most {6 * 9 * 20}, 20 for each")
    for key in ("BASE", "VAE", "POSE_CONTROLNET", "EDGE_CONTROLNET"):
        assert found[f"{key}:"] == f"{cfg.DIFFUSION[key]}, main"
    assert text.count("to be fetched from the hub") == 4
    assert "licence: CreativeML Open RAIL++-M" in text and "licence: MIT" in text
    assert found["MATTING:"] == "u2net"
    assert found["download"].startswith("12.1 GB")
    assert found["memory"].startswith("14 GB of the GPU (computed)")
    assert found["disk"].startswith("3.35 GB for every cell's image, 1.81 GB for backgrounds")
    assert not no_network.exists()


def hours(text: str) -> float:
    return float(text.split()[0])


def test_hours_are_computed_for_a_named_gpu() -> None:
    """The paper's set: 6,641 canvases of 911 TFLOP at 0.4 of a GPU's peak."""
    cfg = load(GENEPERSON_CONFIGS / "sdxl.yml")
    found = entries(plan(cfg, gpu="a100", workers=8))
    assert "not measured: no GPU on this machine" in plan(cfg)
    assert hours(found["drawing"]) == pytest.approx(6641 * 911 / (312 * 0.4) / 3600, rel=0.01)
    assert "911 TFLOP a canvas, computed for A100 at 40%" in found["drawing"]
    assert hours(found["painting"]) == pytest.approx(1080 * 416 / (312 * 0.4) / 3600, abs=0.06)
    cutting = re.search(r"([\d.]+) hours with 8 workers \(1.19 s a cell", found["cutting"])
    assert cutting and float(cutting[1]) == pytest.approx(6641 * 42 * 1.19 / 8 / 3600, rel=0.01)
    assert found["bound"].startswith("by       the GPU")
    eight = entries(plan(cfg, gpu="RTX 4090", gpus=8, workers=1))
    assert hours(eight["drawing"]) == pytest.approx(6641 * 911 / (165 * 0.4) / 8 / 3600, rel=0.02)
    assert "cutting out" in eight["bound"]
    with pytest.raises(UserError, match="--gpu is 'abacus': use one of H200, H100, A100"):
        plan(cfg, gpu="abacus")


def test_kept_canvases_and_cells_left_out_are_planned() -> None:
    overrides = ["KEEP_CANVASES", "True", "QUALITY.KEEP", "0.5"]
    found = entries(plan(load(GENEPERSON_CONFIGS / "sdxl.yml", overrides)))
    assert found["images"] == f"{6641 * 21} if no cell is rejected"
    assert "14.62 GB for canvases" in found["disk"]


def test_matting_is_timed_where_its_model_is(tiny_cfg: CfgNode) -> None:
    assert re.search(r"cutting out .*s a cell, measured on CPU\)", plan(tiny_cfg))


def test_a_plan_names_the_loras_that_are_absent(tiny_cfg: CfgNode) -> None:
    one = ["DIFFUSION.LORA.LIGHTING", "owner/name/lora.safetensors"]
    text = plan(load(GENEPERSON_CONFIGS / "sdxl.yml", one))
    assert entries(text)["note"] == (
        "Absent of the paper's three LoRAs: enhancement, style (DIFFUSION.LORA)."
    )
    assert "note" not in entries(plan(tiny_cfg)), "it has all three"


def test_a_union_network_takes_the_place_of_two() -> None:
    union = "xinsir/controlnet-union-sdxl-1.0"
    text = plan(load(GENEPERSON_CONFIGS / "sdxl.yml", ["DIFFUSION.UNION_CONTROLNET", union]))
    assert union in text and "openpose" not in text


def test_what_lies_in_the_cache_is_not_fetched(no_network: Path) -> None:
    snapshot = no_network / "models--madebyollin--sdxl-vae-fp16-fix" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    text = plan(load(GENEPERSON_CONFIGS / "sdxl.yml"))
    assert f"sdxl-vae-fp16-fix, {'a' * 40}\n    in the hub's cache; licence: MIT" in text
    assert text.count("to be fetched from the hub") == 3


def test_local_models(tiny_cfg: CfgNode) -> None:
    text = plan(tiny_cfg)
    assert text.count("    local; licence: ") == 7
    assert "LORA.STYLE: style.safetensors, sha256:" in text
    assert "identities     5 (3 train, 2 test)" in text


def test_the_procedural_route_is_measured(cfg: CfgNode) -> None:
    found = entries(plan(cfg, workers=2))
    assert found["models"] == "none" and "backgrounds" not in found
    assert "measured on 6 canvases" in found["disk"]
    time = r"\d+\.\d minutes with 2 workers \(\d+\.\d\d s a canvas each\)"
    assert re.fullmatch(time, found["time"])
    assert "with 5 workers" in entries(plan(cfg, workers=64))["time"], "one for each identity"
    with pytest.raises(UserError, match=r"--gpus: SYNTHESIS\.NAME .* draws in the --work"):
        plan(cfg, gpus=2)


def test_the_disk_of_a_plan_is_that_of_the_set(cfg: CfgNode, pristine: Path) -> None:
    images = list(pristine.rglob("*_*.jpg"))
    found = re.fullmatch(r"(\S+) GB for (\d+) images .*", entries(plan(cfg))["disk"])
    assert found and int(found[2]) == len(images)
    size = sum(image.stat().st_size for image in images)
    assert float(found[1]) * 1e9 == pytest.approx(size, rel=0.25)


def test_the_full_size_procedural_set() -> None:
    text = plan(load(GENEPERSON_CONFIGS / "procedural.yml", ["SCENES.POOL_SIZE", "1"]))
    assert "identities     6641 (6641 train, 0 test)" in text


def test_settings_that_no_build_can_use(tiny_cfg: CfgNode) -> None:
    for key, value, message in (
        ("SYNTHESIS.NAME", "crayons", "use one of procedural, diffusion"),
        ("DIFFUSION.BASE", "", "must name models"),
        ("DIFFUSION.BASE", "nothing", "no such file or folder"),
        ("IDENTITIES.TRAIN", 10**10, "outfits"),
        ("DIFFUSION.STEPS", 0, "DIFFUSION.STEPS is 0"),
    ):
        cfg = tiny_cfg.clone()
        cfg.merge_from_list([key, value])
        with pytest.raises(UserError, match=message):
            plan(cfg)
