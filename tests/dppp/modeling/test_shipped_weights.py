"""The CLIP that ships with the package: what its record proves, and what it knows."""

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from dppp.modeling.clip import create_clip
from dppp.modeling.clip_files import OWN_WEIGHTS, own_tags
from dppp.pretraining import PixelStatistics, measure_zero_shot, read_pairs
from dppp.pretraining.record import card
from geneperson import load
from geneperson.pipeline.spec import BuildSpec
from geneperson.prompting import vocabulary
from geneperson.prompting.prompts import outfit_of
from geneperson.worlds.catalogue import get_world
from geneperson.worlds.lighting import LIGHTINGS
from helpers import GENEPERSON_CONFIGS

NAME, TAG = "DPPP-Tiny-8-quickgelu", "procedural"
WEIGHTS = OWN_WEIGHTS / f"{NAME}.{TAG}.safetensors"
RECORD = json.loads(WEIGHTS.with_suffix(".json").read_text())


def test_the_file_is_small_and_its_card_is_made_of_the_record() -> None:
    assert own_tags(NAME) == [TAG]
    assert WEIGHTS.stat().st_size <= 12e6
    assert WEIGHTS.with_suffix(".md").read_text() == card(RECORD)
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() == RECORD["weights_sha256"]
    assert RECORD["model"] == NAME and "tools/pretrain_clip.py" in RECORD["command"]


def test_no_training_image_comes_from_a_world_that_is_tested_in() -> None:
    shifted = RECORD["held_out"]["shifted world"]["world"]
    assert shifted["name"] == "shifted" and shifted["pitch_deg"] == get_world("shifted").pitch_deg
    tested = [camera for one in RECORD["held_out"].values() for camera in cameras(one)]
    assert len(RECORD["data"]) >= 5
    for one in RECORD["data"]:
        world = one["world"]
        assert world["name"] == one["configuration"]["WORLD"] and world["name"][:6] == "world-"
        assert world["pitch_deg"] < shifted["pitch_deg"] - 5
        assert world["scene_style"] != shifted["scene_style"]
        assert not [camera for camera in cameras(one) if camera in tested]


def cameras(one: dict) -> list[dict]:
    return list(one["world"]["cameras"].values())


def test_no_training_image_shows_an_outfit_that_is_tested_on() -> None:
    """From the recorded settings: every prompt of every set is drawn up again."""
    tested = [outfits(one) for one in RECORD["held_out"].values()]
    seen = pretrained_on()
    assert [len(one) for one in tested] == [130, 90]
    assert [len(one) for one in seen] == [one["candidates"] for one in RECORD["data"]]
    assert len(set().union(*seen)) > 0.99 * sum(len(one) for one in seen) >= 1000
    assert not set().union(*seen) & set().union(*tested)


def test_no_outfit_of_the_testbeds_test_sets_is_trained_on() -> None:
    """Neither by the CLIP, nor by a row of a report on the embedded testbed."""
    worlds = [["WORLD", f"world-{n}", "SEED", f"{n}"] for n in range(31, 36)]
    trained = [drawn("quickstart"), drawn("twins"), *(drawn("quickstart_world", w) for w in worlds)]
    tested = [drawn("twins_shifted"), drawn("twins_unseen")]
    assert [len(one) for one in trained] == [130, 100, *[20] * 5]
    assert [len(one) for one in tested] == [150, 150]
    seen = set().union(*trained, *pretrained_on())
    assert not seen & set().union(*tested)


@functools.cache
def pretrained_on() -> list[set[tuple[str, ...]]]:
    return [outfits(one) for one in RECORD["data"]]


def drawn(config: str, opts: Sequence[str] = ()) -> set[tuple[str, ...]]:
    """Outfits of the people that a config draws, of a set whose cells are all good."""
    cfg = load(GENEPERSON_CONFIGS / f"{config}.yml", opts)
    stream = BuildSpec.from_config(cfg).identities()
    return {outfit_of(next(stream)) for _ in range(cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST)}


def outfits(one: dict) -> set[tuple[str, ...]]:
    settings = one["configuration"]
    excluded = settings["IDENTITIES"].get("EXCLUDE", [])
    cfg = load(
        GENEPERSON_CONFIGS / "Base.yml",
        [
            *("SEED", str(settings["SEED"]), "IDENTITIES.EXCLUDE", str(excluded)),
            *("VOCABULARY.FILE", settings["VOCABULARY"]["FILE"]),
        ],
    )
    spec = BuildSpec.from_config(cfg)
    assert spec.words.sha256 == one["vocabulary_sha256"]
    stream = spec.identities()
    return {outfit_of(next(stream)) for _ in range(one["candidates"])}


def test_the_sets_that_are_tested_on_are_the_quickstarts() -> None:
    for one, name in zip(
        RECORD["held_out"].values(), ("quickstart.yml", "quickstart_shifted.yml"), strict=True
    ):
        cfg, settings = load(GENEPERSON_CONFIGS / name), one["configuration"]
        assert (cfg.SEED, cfg.WORLD) == (settings["SEED"], settings["WORLD"])
        assert one["candidates"] >= cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST


@pytest.mark.parametrize("world", ["GenePersonToy", "GenePersonToyShifted"])
def test_it_knows_the_words_of_people_it_never_saw(data_root: Path, world: str) -> None:
    """Far above chance on a few people; the card has the numbers on the quickstart's."""
    pairs = read_pairs([data_root / world], (128, 64), ("query", "bounding_box_test"))
    statistics = PixelStatistics(
        mean=(122.7709, 116.7460, 104.0937), std=(68.5005, 66.6322, 70.3232)
    )
    model = create_clip(NAME, TAG, (128, 64)).eval()
    colors = vocabulary.load().words["woman"]["upper_color"]
    words = {name: sorted({p[name] for p in pairs.attributes}) for name in pairs.attributes[0]}
    found = measure_zero_shot(
        model,
        pairs,
        model_name=NAME,
        words=words | {"upper_color": colors, "lighting": [one.name for one in LIGHTINGS]},
        statistics=statistics,
    )
    assert found["attributes"]["upper_color"]["accuracy"] > 30.0  # of 24 colors: 4.2 by chance
    assert found["attributes"]["upper_pattern"]["accuracy"] > 45.0
    assert found["text_to_image"]["mAP"] > 80.0  # 4 people: about 35 by chance
