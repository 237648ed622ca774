"""The diffusion route draws with real networks, small ones: what changes a picture and what not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from yacs.config import CfgNode

from geneperson import UserError, load
from geneperson.model_sources import describe_models
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.canvas import Grid
from geneperson.prompting import prompts, vocabulary
from geneperson.prompting.prompts import Identity
from geneperson.synthesis import get_route
from geneperson.synthesis.diffusion.synthesizer import DiffusionSynthesizer
from geneperson.worlds import scenes
from helpers import GENEPERSON_CONFIGS

pytestmark = pytest.mark.usefixtures("one_thread")

TOLERANCE = 2  # grey levels by which a batch's arithmetic may differ
PLACE = ("street", "day", 0)


@pytest.fixture(scope="module")
def settings(tiny_cfg: CfgNode) -> CfgNode:
    """Small cells; two steps, so that the scheduler's own noise is in the pictures."""
    cfg = tiny_cfg.clone()
    cfg.CANVAS.CELL_SIZE = (32, 16)
    cfg.DIFFUSION.STEPS = 2
    cfg.DIFFUSION.BATCH_SIZE = 4
    return cfg


@pytest.fixture
def cfg(settings: CfgNode) -> CfgNode:
    return settings.clone()


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return list(islice(prompts.identities(vocabulary.load(), 0), 5))


def loaded(cfg: CfgNode) -> DiffusionSynthesizer:
    synthesizer = BuildSpec.from_config(cfg).build_synthesizer()
    assert isinstance(synthesizer, DiffusionSynthesizer)
    return synthesizer


@pytest.fixture(scope="module")
def synthesizer(settings: CfgNode) -> DiffusionSynthesizer:
    return loaded(settings)


@pytest.fixture(scope="module")
def plain(synthesizer: DiffusionSynthesizer, people: list[Identity]) -> np.ndarray:
    """The first person as the settings say."""
    return synthesizer.characters(people[:1])[0].image


def distance(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference in grey levels."""
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def test_a_canvas_of_the_grids_size_without_alpha(
    settings: CfgNode, synthesizer: DiffusionSynthesizer, people: list[Identity]
) -> None:
    canvases = synthesizer.characters(people[:2])
    for canvas in canvases:
        assert canvas.image.shape == (*Grid.from_config(settings).size, 3)
        assert canvas.image.dtype == np.uint8 and canvas.alpha is None
        assert canvas.image.std() > 5


def test_a_batch_draws_what_single_calls_draw(
    synthesizer: DiffusionSynthesizer, people: list[Identity], plain: np.ndarray
) -> None:
    """Five people are more than one batch of four."""
    together = [canvas.image for canvas in synthesizer.characters(people)]
    alone = [synthesizer.characters([one])[0].image for one in people]
    assert len(together) == 5
    assert all(distance(a, b) <= TOLERANCE for a, b in zip(together, alone, strict=True))
    assert all(distance(plain, other) > 20 for other in together[1:])


def test_equal_arguments_give_equal_bytes_in_any_order_of_calls(
    settings: CfgNode, synthesizer: DiffusionSynthesizer, people: list[Identity]
) -> None:
    other = loaded(settings)
    background = other.background(*PLACE)
    batch = [canvas.image for canvas in other.characters(people[:2])]
    again = [canvas.image for canvas in synthesizer.characters(people[:2])]
    assert np.array_equal(batch, again)
    assert np.array_equal(background, synthesizer.background(*PLACE))
    after = [canvas.image for canvas in synthesizer.characters(people[:2])]
    assert np.array_equal(batch, after), "a background switched something off"


def test_seed_and_prompt_make_the_person(
    synthesizer: DiffusionSynthesizer, people: list[Identity], plain: np.ndarray
) -> None:
    first, second = people[:2]
    for changed in (
        replace(first, seed=first.seed + 1),
        replace(first, prompt=second.prompt),
        replace(first, negative_prompt="hat"),
    ):
        assert distance(plain, synthesizer.characters([changed])[0].image) > 0


def test_a_prompt_longer_than_the_encoder_reads_keeps_its_end(
    synthesizer: DiffusionSynthesizer, people: list[Identity], cfg: CfgNode
) -> None:
    """The sheet's words come after 77 tokens of the person's, and still count."""
    long = replace(people[0], prompt=", ".join(["red"] * 90) + f", {prompts.SHEET}")
    before = synthesizer.characters([long])[0].image
    cfg.DIFFUSION.EXTRA_PROMPT = "blue"
    assert distance(before, loaded(cfg).characters([long])[0].image) > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DIFFUSION.LORA.ENHANCEMENT", ""),
        ("DIFFUSION.LORA.LIGHTING", ""),
        ("DIFFUSION.LORA.STYLE", ""),
        ("DIFFUSION.LORA.STYLE_WEIGHT", 0.1),
        ("DIFFUSION.POSE_SCALE", 0.2),
        ("DIFFUSION.EDGE_SCALE", 1.5),
        ("DIFFUSION.EDGE_CONTROLNET", "{models}/pose"),
        ("POSES.LIMB_WIDTH", 3),
        ("DIFFUSION.EXTRA_PROMPT", "film grain"),
        ("DIFFUSION.NEGATIVE_EXTRA", "cartoon"),
        ("DIFFUSION.GUIDANCE", 2.0),
        ("DIFFUSION.STEPS", 1),
    ],
)
def test_every_setting_changes_the_picture(
    cfg: CfgNode, models: Path, people: list[Identity], plain: np.ndarray, key: str, value: object
) -> None:
    value = value.format(models=models) if isinstance(value, str) else value
    cfg.merge_from_list([key, value])
    assert distance(plain, loaded(cfg).characters(people[:1])[0].image) > 0


def test_the_encoder_reads_every_word_that_sdxl_yml_adds() -> None:
    """CLIP reads 75 tokens between start and end, and cuts off what is more."""
    from open_clip.tokenizer import SimpleTokenizer

    values = load(GENEPERSON_CONFIGS / "sdxl.yml").DIFFUSION
    for text in (
        f"{prompts.SHEET}, {values.EXTRA_PROMPT}",
        values.NEGATIVE_EXTRA,
        f"{scenes.NEGATIVE_PROMPT}, {values.NEGATIVE_EXTRA}",
    ):
        assert len(SimpleTokenizer().encode(text)) <= 75
    assert "photograph" in values.EXTRA_PROMPT and "illustration" in values.NEGATIVE_EXTRA


def test_every_skeleton_counts(
    settings: CfgNode, people: list[Identity], plain: np.ndarray
) -> None:
    spec = BuildSpec.from_config(settings)
    turned = replace(spec, poses=(*spec.poses[:-1], spec.poses[0]))
    other = turned.build_synthesizer()
    assert distance(plain, other.characters(people[:1])[0].image) > 0


def test_decoding_by_slices_changes_nothing(
    cfg: CfgNode, synthesizer: DiffusionSynthesizer, people: list[Identity]
) -> None:
    sliced = [canvas.image for canvas in synthesizer.characters(people[:2])]
    cfg.DIFFUSION.VAE_SLICING = False
    whole = [canvas.image for canvas in loaded(cfg).characters(people[:2])]
    assert all(distance(a, b) <= TOLERANCE for a, b in zip(sliced, whole, strict=True))


def test_decoding_by_tiles_never_decodes_the_whole(cfg: CfgNode, people: list[Identity]) -> None:
    """Neither a canvas nor a background, whose model has the same VAE."""
    cfg.CANVAS.CELL_SIZE, cfg.DIFFUSION.BACKGROUND_SIZE = (64, 32), (128, 64)
    largest = {}
    for tiling in (False, True):
        cfg.DIFFUSION.VAE_TILING = tiling
        synthesizer = loaded(cfg)
        sides: list[int] = []
        synthesizer._pipe.vae.decoder.register_forward_pre_hook(
            lambda _, inputs, sides=sides: sides.append(max(inputs[0].shape[2:]))
        )
        assert synthesizer.characters(people[:1])[0].image.shape == (128, 64, 3)
        assert synthesizer.background(*PLACE).shape == (128, 64, 3)
        largest[tiling] = max(sides)
        assert len(sides) == 2 or tiling
    assert largest == {False: 64, True: 32}, "the small VAE was made for 32 values a side"


def test_union_network_draws_with_both_maps(
    cfg: CfgNode, models: Path, people: list[Identity], plain: np.ndarray
) -> None:
    cfg.DIFFUSION.UNION_CONTROLNET = str(models / "union")
    cfg.DIFFUSION.POSE_CONTROLNET = cfg.DIFFUSION.EDGE_CONTROLNET = ""
    both = loaded(cfg)
    picture = both.characters(people[:1])[0].image
    assert picture.shape == plain.shape and picture.std() > 5
    models_in_use = describe_models(get_route(cfg).model_sources())
    assert models_in_use["UNION_CONTROLNET"]["name"] == "union"
    assert not {"POSE_CONTROLNET", "EDGE_CONTROLNET"} & models_in_use.keys()
    for key in ("POSE_SCALE", "EDGE_SCALE"):
        other = cfg.clone()
        other.DIFFUSION[key] = 1.7
        drawn = loaded(other).characters(people[:1])[0].image
        assert distance(picture, drawn) > 0


def test_larger_canvas_is_shrunk_to_the_grid(
    cfg: CfgNode, people: list[Identity], plain: np.ndarray
) -> None:
    cfg.DIFFUSION.SCALE = 2.0
    drawn: list[torch.Tensor] = []
    larger = loaded(cfg)
    with hooked(larger, lambda sample: drawn.append(sample.shape)):
        picture = larger.characters(people[:1])[0].image
    height, width = Grid.from_config(cfg).size
    assert picture.shape == plain.shape == (height, width, 3)
    factor = 2  # by which the small VAE shrinks; SDXL's is 8
    assert drawn[0][2:] == (2 * height // factor, 2 * width // factor)


def test_half_precision_draws_and_keeps_its_networks(cfg: CfgNode, people: list[Identity]) -> None:
    """With one small cell, because many CPUs are slow in it."""
    cfg.CANVAS.COLUMNS = cfg.CANVAS.ROWS = 1
    cfg.IDENTITIES.TEST, cfg.QUALITY.MIN_CELLS = 0, 1
    cfg.DIFFUSION.BACKGROUND_SIZE = (16, 16)
    plain = loaded(cfg).characters(people[:1])[0].image
    cfg.DIFFUSION.DTYPE = "bf16"
    half = loaded(cfg)
    before = dtypes(half)
    assert set(before.values()) == {torch.bfloat16}
    first = half.characters(people[:1])[0].image
    assert half.background(*PLACE).dtype == np.uint8
    assert dtypes(half) == before
    assert np.array_equal(half.characters(people[:1])[0].image, first)
    assert 0 < np.abs(first.astype(float) - plain).mean() < 10


def dtypes(synthesizer: DiffusionSynthesizer) -> dict[str, torch.dtype]:
    """The number format of every weight."""
    networks = {
        name: part
        for name, part in synthesizer._pipe.components.items()
        if isinstance(part, torch.nn.Module)
    }
    return {
        f"{name}.{key}": weight.dtype
        for name, network in networks.items()
        for key, weight in network.named_parameters()
    }


def test_backgrounds(
    cfg: CfgNode, synthesizer: DiffusionSynthesizer, people: list[Identity]
) -> None:
    """They differ by place, light and number, and neither LoRAs nor people have a part in them."""
    picture = synthesizer.background(*PLACE)
    assert picture.shape == (*cfg.DIFFUSION.BACKGROUND_SIZE, 3) and picture.dtype == np.uint8
    for other in (("park", "day", 0), ("street", "night", 0), ("street", "day", 1)):
        assert distance(picture, synthesizer.background(*other)) > 0
    for role in ("ENHANCEMENT", "LIGHTING", "STYLE"):
        cfg.DIFFUSION.LORA[role] = ""
    assert np.array_equal(loaded(cfg).background(*PLACE), picture)
    cfg.DIFFUSION.NEGATIVE_EXTRA = "cartoon"
    assert distance(loaded(cfg).background(*PLACE), picture) > 0
    cfg.DIFFUSION.NEGATIVE_EXTRA, cfg.SEED = "", 1
    assert distance(loaded(cfg).background(*PLACE), picture) > 0
    cfg.DIFFUSION.BACKGROUND_SIZE = (32, 64)
    assert loaded(cfg).background(*PLACE).shape == (32, 64, 3)


@contextmanager
def hooked(synthesizer: DiffusionSynthesizer, look: Callable) -> Iterator[None]:
    """Show every batch that goes into the denoiser."""
    handle = synthesizer._pipe.unet.register_forward_pre_hook(
        lambda network, inputs: look(inputs[0]) and None
    )
    try:
        yield
    finally:
        handle.remove()


def full_above(num_pictures: int) -> Callable[[torch.Tensor], None]:
    """Run out of memory like CUDA; a batch has each picture twice, with and without its prompt."""

    def look(sample: torch.Tensor) -> None:
        if len(sample) > 2 * num_pictures:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee ...")

    return look


def test_too_little_memory_halves_the_batch(
    settings: CfgNode, people: list[Identity], caplog: pytest.LogCaptureFixture
) -> None:
    frugal = loaded(settings)
    expected = [canvas.image for canvas in frugal.characters(people)]
    with caplog.at_level(logging.WARNING, "geneperson"), hooked(frugal, full_above(2)):
        drawn = [canvas.image for canvas in frugal.characters(people)]
        drawn_again = frugal.characters(people[:3])
    assert len(drawn) == 5 and len(drawn_again) == 3
    assert all(distance(a, b) <= TOLERANCE for a, b in zip(drawn, expected, strict=True))
    warnings = [record.message for record in caplog.records if "memory" in record.message]
    assert len(warnings) == 1 and "DIFFUSION.BATCH_SIZE 2" in warnings[0]
    assert get_route(settings).batch_size == 4, "batches keep their members"


def test_one_picture_that_does_not_fit_is_one_line(
    synthesizer: DiffusionSynthesizer, settings: CfgNode, people: list[Identity]
) -> None:
    frugal = loaded(settings)
    with hooked(frugal, full_above(0)):
        with pytest.raises(UserError, match=r"one canvas does not fit .*CPU_OFFLOAD") as error:
            frugal.characters(people[:2])
        assert "\n" not in str(error.value)
        with pytest.raises(UserError, match=r"one background does not fit .*BACKGROUND_SIZE"):
            frugal.background(*PLACE)
    picture = frugal.characters(people[:1])[0].image
    assert np.array_equal(picture, synthesizer.characters(people[:1])[0].image), "LoRAs are on"


def test_overflowing_vae_is_one_line(cfg: CfgNode, models: Path, tmp_path: Path) -> None:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(models / "sdxl" / "vae")
    with torch.no_grad():
        vae.decoder.conv_out.bias.fill_(float("nan"))
    vae.save_pretrained(tmp_path / "vae")
    cfg.DIFFUSION.VAE = str(tmp_path / "vae")
    black = loaded(cfg)
    people = list(islice(prompts.identities(vocabulary.load(), 0), 1))
    for draw in (lambda: black.characters(people), lambda: black.background(*PLACE)):
        with pytest.raises(UserError, match=r"black picture.*DTYPE bf16.*fp16-fix"):
            draw()
