"""A small real data set and small real models, made once, for the tests that look at them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from yacs.config import CfgNode

from geneperson import build, get_cfg


@pytest.fixture(scope="session")
def small_cfg() -> CfgNode:
    """Settings of a set that is built in a second: 3 + 2 identities, 6 views each."""
    cfg = get_cfg()
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 3, 2
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS = 3, 2
    cfg.CANVAS.CELL_SIZE = (128, 64)
    cfg.SCENES.POOL_SIZE = 1
    return cfg


@pytest.fixture
def cfg(small_cfg: CfgNode) -> CfgNode:
    """A copy of the settings that a test may change."""
    return small_cfg.clone()


@pytest.fixture(scope="session")
def pristine(small_cfg: CfgNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set itself; not to be changed."""
    output = tmp_path_factory.mktemp("set") / "pristine"
    build(small_cfg, output)
    return output


@pytest.fixture
def dataset(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the set that a test may spoil."""
    return Path(shutil.copytree(pristine, tmp_path / "dataset"))


@contextmanager
def _on_one_thread() -> Iterator[None]:
    import rembg  # noqa: F401 - first: its own import sets torch's number of threads
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Keep torch on one thread: faster for small networks, and the same on every machine."""
    with _on_one_thread():
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of small random models in the real formats; not to be changed."""
    import tiny_models as tiny  # brings torch and diffusers

    folder = tmp_path_factory.mktemp("models")
    sdxl = tiny.save_sdxl(folder / "sdxl")
    tiny.save_controlnet(folder / "pose", seed=1)
    tiny.save_controlnet(folder / "edge", seed=2)
    tiny.save_union_controlnet(folder / "union")
    for seed, role in enumerate(("enhancement", "lighting", "style")):
        tiny.save_lora(folder / "loras" / f"{role}.safetensors", sdxl, seed)
    (folder / "loras" / "README.md").write_text("---\nlicense: openrail\n---\n")
    tiny.save_matting(folder / "oval.onnx")
    return folder


@pytest.fixture(scope="session")
def tiny_cfg(models: Path) -> CfgNode:
    """Settings of a set that those models draw in seconds: 3 + 2 identities, 4 views each."""
    cfg = get_cfg()
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 3, 2
    cfg.CANVAS.COLUMNS, cfg.CANVAS.ROWS = 2, 2
    cfg.CANVAS.CELL_SIZE = (64, 32)
    cfg.POSES.LIMB_WIDTH = 1
    cfg.SCENES.POOL_SIZE = 1
    cfg.CAMERA.EFFECTS = False
    cfg.SYNTHESIS.NAME = "diffusion"
    cfg.DIFFUSION.BASE, cfg.DIFFUSION.VARIANT = str(models / "sdxl"), ""
    cfg.DIFFUSION.VAE = str(models / "sdxl" / "vae")
    cfg.DIFFUSION.POSE_CONTROLNET = str(models / "pose")
    cfg.DIFFUSION.EDGE_CONTROLNET = str(models / "edge")
    for role in ("ENHANCEMENT", "LIGHTING", "STYLE"):
        cfg.DIFFUSION.LORA[role] = str(models / "loras" / f"{role.lower()}.safetensors")
    cfg.DIFFUSION.STEPS, cfg.DIFFUSION.EDGE_END = 1, 1.0
    cfg.DIFFUSION.MIN_CELL, cfg.DIFFUSION.MEGAPIXELS = (16, 16), (0.0, 1.0)
    cfg.DIFFUSION.BACKGROUND_SIZE = (32, 32)
    cfg.DIFFUSION.DEVICE, cfg.DIFFUSION.DTYPE = "cpu", "fp32"
    cfg.MATTING.MODEL, cfg.MATTING.PROVIDER = str(models / "oval.onnx"), "cpu"
    return cfg


@pytest.fixture(scope="session")
def picky_cfg(tiny_cfg: CfgNode) -> CfgNode:
    """Limits that some of the small models' cells pass and some do not."""
    cfg = tiny_cfg.clone()
    cfg.QUALITY.MAX_AREA = 0.306
    cfg.QUALITY.MIN_CELLS = 2
    return cfg


@pytest.fixture(scope="session")
def drawn(picky_cfg: CfgNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The set of the picky settings, by one worker and undisturbed; not to be changed."""
    output = tmp_path_factory.mktemp("drawn") / "set"
    with _on_one_thread():
        build(picky_cfg, output)
    return output
