"""Training a small CLIP on generated pairs: true captions, exact resuming, an honest record."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from torch import nn

from dppp import UserError
from dppp.modeling import build_clip
from dppp.pretraining import (
    Pairs,
    Recipe,
    measure_zero_shot,
    pretrain,
    read_pairs,
    write_weights,
)
from dppp.pretraining.captions import caption, full_caption, mirrored

SIZE = (64, 32)  # the text tower takes most of the time then
STATISTICS = {
    "pixel_mean": torch.tensor([120.0, 115.0, 105.0]),
    "pixel_std": torch.tensor([68.0, 66.0, 70.0]),
}
RECIPE = Recipe(epochs=2, batch_size=16, warmup=2, learning_rate=1e-3, dtype="fp32")
PERSON = {
    "gender": "woman",
    "upper_color": "red",
    "upper_pattern": "striped",
    "upper_wear": "blouse",
    "lower_color": "navy blue",
    "lower_pattern": "plain",
    "lower_wear": "long skirt",
    "footwear_color": "white",
    "footwear": "sneakers",
    "body_shape": "tall figure",
    "hair_color": "auburn",
    "hairstyle": "long hair, curly hair texture, high ponytail",
    "skin_color": "olive",
}


@pytest.fixture(scope="module")
def pairs(data_root: Path) -> Pairs:
    return read_pairs([data_root / "GenePersonToy"], SIZE, ("bounding_box_train",))


def measure(model: nn.Module, pairs: Pairs) -> dict[str, Any]:
    words = words_of(pairs)
    return measure_zero_shot(model, pairs, model_name=RECIPE.model, words=words, **STATISTICS)


def words_of(pairs: Pairs) -> dict[str, list[str]]:
    return {
        name: sorted({person[name] for person in pairs.attributes}) for name in pairs.attributes[0]
    }


def captions(number: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [caption(PERSON, "park", "night", "front left", rng) for _ in range(number)]


def test_captions_say_what_is_true_and_nothing_else() -> None:
    known = " ".join(PERSON.values()) + (
        " a photo of person in with and style park at night from the front left view skin hair"
    )
    for text in captions(300):
        unknown = set(text.replace(",", " ").split()) - set(known.replace(",", " ").split())
        assert not unknown, text


def test_what_a_person_carries_is_not_in_captions() -> None:
    rng = np.random.default_rng(0)
    carrier = PERSON | {"carrying": "holding a black umbrella"}
    texts = [caption(carrier, "park", "night", "front left", rng) for _ in range(50)]
    assert texts == captions(50) and full_caption(carrier) == full_caption(PERSON)


def test_captions_name_every_word_and_have_the_forms_of_dppps_prompts() -> None:
    texts = captions(300)
    for word in ("red", "striped", "navy blue", "sneakers", "auburn hair", "olive skin", "night"):
        assert any(word in text for text in texts), word
    assert any(text.startswith("a photo of a ") and text.endswith(" person") for text in texts)
    assert any(" style of a " in text for text in texts)
    assert len(set(texts)) > 250
    assert captions(20) == captions(300)[:20]


def test_a_garment_keeps_its_own_colour() -> None:
    for text in captions(300):
        assert "red plain" not in text and "navy blue striped" not in text
        assert "red long skirt" not in text and "navy blue blouse" not in text


def test_a_search_names_all_of_the_outfit() -> None:
    assert full_caption(PERSON) == (
        "a woman in a red striped blouse and navy blue plain long skirt and white sneakers "
        "with auburn hair"
    )


def test_the_mirror_turns_left_and_right_of_views() -> None:
    assert [mirrored(view) for view in ("front", "left", "back-right")] == [
        "front",
        "right",
        "back left",
    ]


def test_pairs_belong_together(pairs: Pairs, data_root: Path) -> None:
    rows = [json.loads(line) for line in open(data_root / "GenePersonToy" / "images.jsonl")]
    rows = [row for row in rows if row["file"].startswith("bounding_box_train")]
    people = {
        person["pid"]: person["attributes"]
        for person in map(json.loads, open(data_root / "GenePersonToy" / "identities.jsonl"))
    }
    assert len(pairs) == len(rows) and pairs.pixels.shape[1:] == (*SIZE, 3)
    for index in (0, 7, len(rows) - 1):
        row = rows[index]
        assert pairs.attributes[pairs.people[index]] == people[row["pid"]]
        assert pairs.places[index] == (row["scene"], row["lighting"], row["view"])
    assert len(pairs.sources) == 1 and pairs.sources[0]["identities"]["train"] == 10


def test_an_image_is_mirrored_where_its_caption_is(pairs: Pairs) -> None:
    """A white left half and a view from the left: white is on the side that is named."""
    pixels = np.zeros((1, *SIZE, 3), np.uint8)
    pixels[:, :, : SIZE[1] // 2] = 255
    image = replace(pairs, pixels=pixels, places=[("park", "night", "left")])
    rng, named = np.random.default_rng(0), set()
    for _ in range(200):
        drawn, text = image.draw(0, rng)
        sides = [side for side in ("left", "right") if side in text.split()]
        if sides:
            assert (drawn[0, 0, 0] == 255) == (sides == ["left"]), text
            named |= set(sides)
    assert named == {"left", "right"}


class Stopped(Pairs):
    """Pairs of a run that is stopped after some draws."""

    def draw(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        self.left.pop()  # IndexError when none is left
        return super().draw(index, rng)


def test_a_stopped_run_ends_as_one_that_was_not(pairs: Pairs, tmp_path: Path) -> None:
    whole = pretrain(pairs, RECIPE, tmp_path / "whole", checkpoint_every=2, **STATISTICS)
    stopped = Stopped(**vars(pairs))
    object.__setattr__(stopped, "left", [None] * (16 * 3 + 5))  # in the fourth step
    with pytest.raises(IndexError):
        pretrain(stopped, RECIPE, tmp_path / "stopped", checkpoint_every=2, **STATISTICS)
    assert torch.load(tmp_path / "stopped" / "checkpoint.pth", weights_only=True)["step"] == 2
    resumed = pretrain(pairs, RECIPE, tmp_path / "stopped", checkpoint_every=2, **STATISTICS)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_it_learns_which_text_belongs_to_which_image(pairs: Pairs, tmp_path: Path) -> None:
    """Each person a colour of their own: found by their texts, and not by those of others."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (len(pairs.attributes), 3), np.uint8)
    flat = np.broadcast_to(colours[pairs.people][:, None, None], pairs.pixels.shape)
    true = replace(pairs, pixels=flat.copy())
    mixed = replace(true, people=rng.permutation(pairs.people))
    recipe = replace(RECIPE, epochs=16, learning_rate=2e-3)
    scores = {}
    for name, trained_on in (("true", true), ("mixed", mixed)):
        model = pretrain(trained_on, recipe, tmp_path / name, **STATISTICS)
        scores[name] = measure(model, true)["text_to_image"]["mAP"]
    assert scores["true"] > 60.0
    assert scores["mixed"] < 40.0


def test_another_recipe_or_other_data_are_not_resumed(pairs: Pairs, tmp_path: Path) -> None:
    short = replace(RECIPE, epochs=1)
    pretrain(pairs, short, tmp_path, **STATISTICS)
    with pytest.raises(UserError, match="another epochs"):
        pretrain(pairs, RECIPE, tmp_path, **STATISTICS)
    changed = replace(pairs, sources=[pairs.sources[0] | {"digest": "0"}])
    with pytest.raises(UserError, match="another data"):
        pretrain(changed, short, tmp_path, **STATISTICS)


def test_bf16_is_another_run(pairs: Pairs, tmp_path: Path) -> None:
    assert Recipe().dtype == "bf16"
    small = replace(pairs, pixels=pairs.pixels[:4])
    one_step = replace(RECIPE, epochs=1, batch_size=4)
    half = replace(one_step, dtype="bf16")
    models = [pretrain(small, one, tmp_path / one.dtype, **STATISTICS) for one in (one_step, half)]
    in_fp32, in_bf16 = (model.visual.proj for model in models)
    assert torch.isfinite(in_bf16).all() and not torch.equal(in_fp32, in_bf16)
    with pytest.raises(UserError, match="another dtype"):
        pretrain(small, one_step, tmp_path / "bf16", **STATISTICS)


def test_a_checkpoint_of_something_else_is_a_line(pairs: Pairs, tmp_path: Path) -> None:
    for content in (b"rubbish", b""):
        (tmp_path / "checkpoint.pth").write_bytes(content)
        with pytest.raises(UserError, match=r"checkpoint\.pth: cannot be read"):
            pretrain(pairs, RECIPE, tmp_path, **STATISTICS)
    torch.save({"model": {}}, tmp_path / "checkpoint.pth")
    with pytest.raises(UserError, match="holds a run with another model, epochs"):
        pretrain(pairs, RECIPE, tmp_path, **STATISTICS)


def test_a_loss_that_is_not_finite_stops(pairs: Pairs, tmp_path: Path) -> None:
    nan = torch.full((3,), float("nan"))
    with pytest.raises(FloatingPointError, match=r"step 0: the loss is not finite \(nan\)"):
        pretrain(pairs, RECIPE, tmp_path, pixel_mean=nan, pixel_std=nan)
    assert not list(tmp_path.iterdir())


def test_too_few_images(pairs: Pairs, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than a batch of 512"):
        pretrain(pairs, replace(RECIPE, batch_size=512), tmp_path, **STATISTICS)


def test_weights_are_read_by_the_loader_of_openais(pairs: Pairs, tmp_path: Path) -> None:
    model = pretrain(pairs, replace(RECIPE, epochs=1), tmp_path / "run", **STATISTICS)
    zero_shot = measure(model, pairs)
    data = [{"digest": "abcdefghij", "images": 60, "identities": 10}]
    record = {
        "model": RECIPE.model,
        "command": "python tools/pretrain_clip.py",
        "recipe": {"seed": 0},
        "data": data,
        "held_out": {"source world": data[0]},
        "software": {"torch": torch.__version__},
        "zero_shot": {"source world": zero_shot},
    }
    path = tmp_path / "weights.safetensors"
    write_weights(model, path, record)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    written = json.loads(path.with_suffix(".json").read_text())
    assert written == record | {"weights_sha256": digest}
    card = path.with_suffix(".md").read_text()
    assert f"{zero_shot['text_to_image']['mAP']:.1f}" in card and "abcdefgh" in card
    towers = build_clip(RECIPE.model, str(path), SIZE).eval()
    pixels = torch.randn(4, 3, *SIZE)
    with torch.no_grad():
        torch.testing.assert_close(
            towers.encode_image(pixels).projected, model.encode_image(pixels), atol=2e-2, rtol=2e-2
        )
        text = "a photo of a woman in a red shirt"
        ids = open_clip.get_tokenizer(RECIPE.model)([text])
        text_features = towers.encode_texts([towers.embed(text)])[0]
        torch.testing.assert_close(text_features, model.encode_text(ids), atol=2e-2, rtol=2e-2)


def test_folders_that_cannot_be_used(data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no finished GenePerson set"):
        read_pairs([tmp_path], SIZE, ("query",))
    with pytest.raises(UserError, match="no image in bounding_box_train"):
        read_pairs([data_root / "GenePersonToyShifted"], SIZE, ("bounding_box_train",))
    copy = Path(shutil.copytree(data_root / "GenePersonToyShifted", tmp_path / "copy"))
    next((copy / "query").iterdir()).write_bytes(b"no image")
    with pytest.raises(UserError, match="cannot be read as an image"):
        read_pairs([copy], SIZE, ("query",))
