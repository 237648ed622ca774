"""Training a small CLIP on generated pairs: true captions, exact resuming, an honest record."""

import hashlib
import json
import shutil
from dataclasses import fields, replace
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
    Contrast,
    Naming,
    Pairs,
    PixelStatistics,
    Recipe,
    add_ceiling,
    measure_zero_shot,
    pretrain,
    read_pairs,
    write_weights,
)
from dppp.pretraining.captions import STATED
from dppp.pretraining.facts import Place
from dppp.pretraining.pairs import Pair

SIZE = (64, 32)  # the text tower takes most of the time then
STATISTICS = PixelStatistics(mean=(120.0, 115.0, 105.0), std=(68.0, 66.0, 70.0))
RECIPE = Recipe(epochs=2, batch_size=16, warmup=2, learning_rate=1e-3, dtype="fp32")


@pytest.fixture(scope="module")
def pairs(data_root: Path) -> Pairs:
    return read_pairs([data_root / "GenePersonToy"], SIZE, ("bounding_box_train",))


def train(pairs: Pairs, recipe: Recipe, folder: Path, **settings: Any) -> open_clip.CLIP:
    words = {name: words_of(pairs)[name] for name in ("gender", "upper_color")}
    contrast = Contrast(recipe.model, pairs.words, words)
    return pretrain(pairs, recipe, folder, contrast, **({"statistics": STATISTICS} | settings))


def measure(model: nn.Module, pairs: Pairs) -> dict[str, Any]:
    words = words_of(pairs)
    return measure_zero_shot(
        model, pairs, model_name=RECIPE.model, words=words, statistics=STATISTICS
    )


def words_of(pairs: Pairs) -> dict[str, list[str]]:
    return {
        name: sorted({person[name] for person in pairs.attributes}) for name in pairs.attributes[0]
    } | {"lighting": sorted({place.lighting for place in pairs.places})}


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
        view = row["view"].replace("-", " ")
        assert pairs.places[index] == Place(scene=row["scene"], lighting=row["lighting"], view=view)
    assert len(pairs.sources) == 1 and pairs.sources[0]["identities"]["train"] == 10


def test_an_image_is_mirrored_where_its_place_is(pairs: Pairs) -> None:
    """A white left half and a view from the left: white is on the side that is named."""
    pixels = np.zeros((1, *SIZE, 3), np.uint8)
    pixels[:, :, : SIZE[1] // 2] = 255
    image = replace(
        pairs, pixels=pixels, places=[Place(scene="park", lighting="night", view="left")]
    )
    rng, named = np.random.default_rng(0), set()
    for _ in range(200):
        drawn = image.draw(0, rng)
        side = drawn.place.view
        assert (drawn.pixels[0, 0, 0] == 255) == (side == "left")
        assert ("view", side) in drawn.facts
        named.add(side)
    assert named == {"left", "right"}


def test_words_are_those_that_captions_state(pairs: Pairs) -> None:
    assert set(pairs.words) == set(STATED) - {"carrying"}  # nobody carries a thing
    lightings = {place.lighting for place in pairs.places}
    assert pairs.words["lighting"] == sorted(lightings)  # of the images, not the prompts'
    carrying = [{**pairs.attributes[0], "carrying": x} for x in ("nothing", "holding a bag")]
    assert replace(pairs, attributes=carrying).words["carrying"] == ["holding a bag"]


class Stopped(Pairs):
    """Pairs of a run that is stopped after some draws."""

    def draw(self, index: int, rng: np.random.Generator) -> Pair:
        self.left.pop()  # IndexError when none is left
        return super().draw(index, rng)


def test_a_stopped_run_ends_as_one_that_was_not(pairs: Pairs, tmp_path: Path) -> None:
    whole = train(pairs, RECIPE, tmp_path / "whole", checkpoint_every=2)
    stopped = Stopped(**{field.name: getattr(pairs, field.name) for field in fields(pairs)})
    object.__setattr__(stopped, "left", [None] * (16 * 3 + 5))  # in the fourth step
    with pytest.raises(IndexError):
        train(stopped, RECIPE, tmp_path / "stopped", checkpoint_every=2)
    assert torch.load(tmp_path / "stopped" / "checkpoint.pth", weights_only=True)["step"] == 2
    resumed = train(pairs, RECIPE, tmp_path / "stopped", checkpoint_every=2)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_it_learns_which_text_belongs_to_which_image(pairs: Pairs, tmp_path: Path) -> None:
    """Each person a color of their own, so a few patches will do: found by their own texts only."""
    rng = np.random.default_rng(0)
    colors = rng.integers(0, 256, (len(pairs.attributes), 3), np.uint8)
    flat = np.broadcast_to(colors[pairs.people][:, None, None], pairs.pixels.shape)
    true = replace(pairs, pixels=flat.copy())
    mixed = replace(true, people=rng.permutation(pairs.people))
    recipe = replace(RECIPE, epochs=8, learning_rate=2e-3, patch_dropout=0.9)
    scores = {}
    for name, trained_on in (("true", true), ("mixed", mixed)):
        model = train(trained_on, recipe, tmp_path / name)
        scores[name] = measure(model, true)["text_to_image"]["mAP"]
    assert scores["true"] > 45.0
    assert scores["mixed"] < 35.0


def test_a_probe_names_what_can_be_seen_and_only_that(pairs: Pairs, tmp_path: Path) -> None:
    """Women are white and men are black; nothing shows the color of their hair."""
    women = np.array([pairs.attributes[person]["gender"] == "woman" for person in pairs.people])
    flat = np.broadcast_to(255 * women[:, None, None, None], pairs.pixels.shape)
    shown = replace(pairs, pixels=flat.astype(np.uint8))
    words = words_of(pairs)
    probe = Naming(RECIPE.model, {name: words[name] for name in ("gender", "hair_color")})
    model = pretrain(shown, replace(RECIPE, epochs=4), tmp_path, probe, statistics=STATISTICS)
    found = probe.measure(model, shown, STATISTICS)
    assert found["gender"]["accuracy"] == 100.0 and found["gender"]["chance"] == 50.0
    assert found["hair_color"]["accuracy"] < 80.0
    with pytest.raises(UserError, match="another objective"):
        train(shown, replace(RECIPE, epochs=4), tmp_path)


def test_another_recipe_or_other_data_are_not_resumed(pairs: Pairs, tmp_path: Path) -> None:
    short = replace(RECIPE, epochs=1)
    train(pairs, short, tmp_path)
    with pytest.raises(UserError, match="another epochs"):
        train(pairs, RECIPE, tmp_path)
    changed = replace(pairs, sources=[pairs.sources[0] | {"digest": "0"}])
    with pytest.raises(UserError, match="another data"):
        train(changed, short, tmp_path)


def test_bf16_is_another_run(pairs: Pairs, tmp_path: Path) -> None:
    small = replace(pairs, pixels=pairs.pixels[:4])
    one_step = replace(RECIPE, epochs=1, batch_size=4)
    half = replace(one_step, dtype="bf16")
    models = [train(small, one, tmp_path / one.dtype) for one in (one_step, half)]
    in_fp32, in_bf16 = (model.visual.proj for model in models)
    assert torch.isfinite(in_bf16).all() and not torch.equal(in_fp32, in_bf16)
    with pytest.raises(UserError, match="another dtype"):
        train(small, one_step, tmp_path / "bf16")


def test_a_checkpoint_of_something_else_is_a_line(pairs: Pairs, tmp_path: Path) -> None:
    for content in (b"rubbish", b""):
        (tmp_path / "checkpoint.pth").write_bytes(content)
        with pytest.raises(UserError, match=r"checkpoint\.pth: cannot be read"):
            train(pairs, RECIPE, tmp_path)
    torch.save({"model": {}}, tmp_path / "checkpoint.pth")
    with pytest.raises(UserError, match="holds a run with another model, epochs"):
        train(pairs, RECIPE, tmp_path)


def test_a_loss_that_is_not_finite_stops(pairs: Pairs, tmp_path: Path) -> None:
    nan = PixelStatistics(mean=(float("nan"),) * 3, std=(1.0,) * 3)
    with pytest.raises(FloatingPointError, match=r"step 0: the loss is not finite \(nan\)"):
        train(pairs, RECIPE, tmp_path, statistics=nan)
    assert not list(tmp_path.iterdir())


def test_too_few_images(pairs: Pairs, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fewer than a batch of 512"):
        train(pairs, replace(RECIPE, batch_size=512), tmp_path)


def test_weights_are_read_by_the_loader_of_openais(pairs: Pairs, tmp_path: Path) -> None:
    model = train(pairs, replace(RECIPE, epochs=1), tmp_path / "run")
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
        "linear": {
            "source world": {
                name: found | {"accuracy": 12.5} for name, found in zero_shot["attributes"].items()
            }
        },
    }
    path = tmp_path / "weights.safetensors"
    write_weights(model, path, record)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    written = json.loads(path.with_suffix(".json").read_text())
    assert written == record | {"weights_sha256": digest}
    card = path.with_suffix(".md").read_text()
    assert f"{zero_shot['text_to_image']['mAP']:.1f}" in card and "abcdefgh" in card
    assert card.count("linear 12.5)") == len(zero_shot["attributes"])
    found = {name: {"accuracy": 99.5, "chance": 4.0} for name in zero_shot["attributes"]}
    add_ceiling(path, {"command": "probe it", "accuracy": {"source world": found}})
    assert json.loads(path.with_suffix(".json").read_text()).keys() == written.keys() | {"ceiling"}
    card = path.with_suffix(".md").read_text()
    assert card.count("linear 12.5, ceiling 99.5)") == len(found) and "`probe it`" in card

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
