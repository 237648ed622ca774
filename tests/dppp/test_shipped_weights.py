"""The CLIP that ships with the package: what its record proves, and what it knows."""

import json
from pathlib import Path

import pytest
import torch

from dppp.modeling.clip import create_clip
from dppp.modeling.clip_files import OWN_WEIGHTS, own_tags
from dppp.pretraining import measure, read_pairs
from dppp.pretraining.record import card
from geneperson import load, vocabulary
from geneperson.domains import get_domain
from geneperson.prompts import identities, identities_of, outfit_of

NAME, TAG = "DPPP-Tiny-16-quickgelu", "procedural"
WEIGHTS = OWN_WEIGHTS / f"{NAME}.{TAG}.safetensors"
RECORD = json.loads(WEIGHTS.with_suffix(".json").read_text())
CONFIGS = Path(__file__).parents[2] / "configs" / "GenePerson"
# The quickstart's two sets, which are tested on: configuration, number of prompts.
TESTED = {"quickstart.yml": 180, "quickstart_shifted.yml": 30}


def test_the_file_is_small_and_its_card_is_made_of_the_record() -> None:
    assert own_tags(NAME) == [TAG]
    assert WEIGHTS.stat().st_size <= 12e6
    assert WEIGHTS.with_suffix(".md").read_text() == card(RECORD)
    assert RECORD["model"] == NAME and "tools/pretrain_clip.py" in RECORD["command"]


def test_no_training_image_comes_from_a_world_that_is_tested_in() -> None:
    shifted = get_domain("shifted")
    for one in RECORD["data"]:
        world = get_domain(one["configuration"]["DOMAIN"])
        assert world.name.startswith("world-")
        assert world.pitch_deg < shifted.pitch_deg - 5
        assert world.scene_style != shifted.scene_style
        assert not set(world.cameras.values()) & set(shifted.cameras.values())


def test_no_training_image_shows_an_outfit_that_is_tested_on() -> None:
    """From the recorded settings: every prompt of every training set is drawn up again."""
    tested, seen = set(), set()
    for name, number in TESTED.items():
        cfg = load(CONFIGS / name)
        assert number == cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST
        stream = identities(vocabulary.load(cfg.VOCABULARY.FILE), cfg.SEED)
        tested |= {outfit_of(next(stream)) for _ in range(number)}
    assert len(tested) == sum(TESTED.values())
    for one in RECORD["data"]:
        settings = one["configuration"]
        opts = ["SEED", settings["SEED"], "IDENTITIES.EXCLUDE", settings["IDENTITIES"]["EXCLUDE"]]
        cfg = load(CONFIGS / "pretraining.yml", [str(opt) for opt in opts])
        words = vocabulary.load(cfg.VOCABULARY.FILE)
        assert words.sha256 == one["vocabulary_sha256"]
        stream = identities_of(cfg, words)
        seen |= {outfit_of(next(stream)) for _ in range(one["candidates"])}
    assert len(seen) >= 1000 and not seen & tested


@pytest.mark.parametrize("world", ["GenePersonToy", "GenePersonToyShifted"])
def test_it_knows_the_words_of_people_it_never_saw(data_root: Path, world: str) -> None:
    """Far above chance on a few people; the card has the numbers on the quickstart's."""
    pairs = read_pairs([data_root / world], (128, 64), ("query", "bounding_box_test"))
    mean = torch.tensor([122.7709, 116.7460, 104.0937])
    std = torch.tensor([68.5005, 66.6322, 70.3232])
    model = create_clip(NAME, TAG, (128, 64)).eval()
    found = measure(model, NAME, pairs, mean, std)
    assert found["attributes"]["upper_color"]["accuracy"] > 40.0
    assert found["text_to_image"]["mAP"] > 60.0  # 4 people: about 35 by chance
