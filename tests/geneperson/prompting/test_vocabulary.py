"""The curated words are usable, and a user's own words are checked."""

import json
from pathlib import Path

import pytest

from geneperson import UserError
from geneperson.config import VOCABULARIES
from geneperson.prompting.vocabulary import ATTRIBUTES, CARRYING, CURATED, GENDERS, NOTHING, load


def curated() -> dict:
    return json.loads(CURATED.read_text())


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_curated_words_serve_adults_of_both_genders() -> None:
    words = load().words
    assert set(words) == set(GENDERS) == {"woman", "man"}
    for gender in GENDERS:
        assert set(words[gender]) == set(ATTRIBUTES)
    assert words["woman"]["build"] == ("maternal build body",)
    assert words["man"]["build"] == ("male build body",)
    assert "skirt" in words["woman"]["lower_wear"] and "skirt" not in words["man"]["lower_wear"]


def test_curated_words_never_speak_of_children() -> None:
    for path in CURATED.parent.glob("vocabulary*.json"):
        text = path.read_text().lower()
        for word in ("girl", "boy", "child", "kid", "teen", "school", "young"):
            assert word not in text, path


def test_contradictions_hold_both_ways() -> None:
    vocabulary = load()
    assert not vocabulary.compatible({"upper_wear": "coat", "footwear": "sandals"})
    assert not vocabulary.compatible({"footwear": "sandals", "upper_wear": "coat"})
    assert vocabulary.compatible({"upper_wear": "coat", "footwear": "boots"})


def test_own_file_is_read_and_has_its_own_digest(tmp_path: Path) -> None:
    content = curated() | {"skin_color": ["tan"]}
    own = load(write(tmp_path / "own.json", content))
    assert own.words["man"]["skin_color"] == ("tan",)
    assert own.sha256 != load().sha256


def test_words_have_the_weights_of_the_file(tmp_path: Path) -> None:
    change = {
        "upper_pattern": {"plain": 6, "striped": 0.5},
        "upper_wear": {"any": {"shirt": 3}, "woman": ["blouse"], "man": {"vest": 2, "coat": 1}},
        "skin_color": {"tan": 2, "fair": 2},
        "contradictions": [],
    }
    own = load(write(tmp_path / "own.json", curated() | change))
    assert own.words["woman"]["upper_pattern"] == ("plain", "striped")
    assert own.weights == {
        "woman": {
            "upper_pattern": {"plain": 6, "striped": 0.5},
            "upper_wear": {"shirt": 3, "blouse": 1},
        },
        "man": {
            "upper_pattern": {"plain": 6, "striped": 0.5},
            "upper_wear": {"shirt": 3, "vest": 2, "coat": 1},
        },
    }
    assert load().weights == {"woman": {}, "man": {}}


def test_carrying_may_be_missing_and_can_contradict_the_hair(tmp_path: Path) -> None:
    assert CARRYING not in load().words["woman"]
    rule = {"carrying": ["wearing a hat"], "hairstyle": ["buzz cut"]}
    change = {"carrying": [NOTHING, "wearing a hat"], "contradictions": [rule]}
    own = load(write(tmp_path / "own.json", curated() | change))
    assert own.words["man"][CARRYING] == (NOTHING, "wearing a hat")
    assert not own.compatible({"hairstyle": "buzz cut", "carrying": "wearing a hat"})


def test_shipped_vocabularies_have_names() -> None:
    files = {path.stem for path in CURATED.parent.glob("vocabulary_*.json")}
    assert files == {f"vocabulary_{name}" for name in VOCABULARIES}
    for name in VOCABULARIES:
        assert load(name).sha256 == load(CURATED.with_name(f"vocabulary_{name}.json")).sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"upper_color": []}, "upper_color: no words for 'woman'"),
        ({"upper_color": "red"}, "upper_color: 'any' must be a list"),
        ({"upper_color": ["red", 3]}, "upper_color: 'any' must be a list"),
        ({"upper_color": ["red", " "]}, "upper_color: 'any' must be a list"),
        ({"upper_color": ["red", "blue", "red"]}, "upper_color: repeated words red"),
        ({"upper_color": {"any": ["red"], "man": ["red"]}}, "upper_color: repeated words red"),
        ({"upper_color": {"child": ["red"], "any": ["red"]}}, "unknown group 'child'"),
        ({"upper_color": {"any": ["red"], "man": "red"}}, "upper_color: 'man' must be a list"),
        ({"upper_color": {}}, "upper_color: no words for 'woman'"),
        ({"upper_color": {" red": 1}}, "upper_color: 'any' must be a list"),
        ({"upper_color": {"red": 0}}, "the weight of 'red' is 0, must be a number above 0"),
        ({"upper_color": {"any": {"red": -1}}}, "upper_color: the weight of 'red' is -1"),
        ({"upper_color": {"red": "6"}}, "the weight of 'red' is '6', must be a number"),
        ({"upper_color": {"red": True}}, "the weight of 'red' is True"),
        ({"upper_color": {"any": {"red": [1]}}}, "the weight of 'red' is [1]"),
        ({"upper_color": {"red": float("inf")}}, "the weight of 'red' is inf"),
        ({"upper_color": {"red": float("nan")}}, "the weight of 'red' is nan"),
        ({"upper_color": {"any": {"red": 2}, "man": ["red"]}}, "repeated words red"),
        ({"carrying": []}, "carrying: no words for 'woman'"),
        (
            {"carrying": ["a bag"], "contradictions": [{"carrying": ["a bag"], "footwear": []}]},
            "carrying and footwear cannot be combined",
        ),
        ({"hat": ["cap"]}, "unknown attribute 'hat'"),
        ({"contradictions": [{"upper_wear": ["cape"], "footwear": ["boots"]}]}, "has no word cape"),
        ({"contradictions": [{"upper_wear": ["coat"]}]}, "rule 1: must have two attributes"),
        (
            {"contradictions": [{"upper_color": ["red"], "lower_color": ["red"]}]},
            "cannot be combined",
        ),
        ({"contradictions": {}}, "a list of rules"),
    ],
)
def test_wrong_words_are_named(tmp_path: Path, change: dict, message: str) -> None:
    path = write(tmp_path / "own.json", curated() | change)
    with pytest.raises(UserError) as error:
        load(path)
    assert message in str(error.value) and str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    content = curated() | {"upper_color": [], "hat": ["cap"]}
    del content["skin_color"]
    with pytest.raises(UserError, match=r"hat.*no words.*'skin_color' is missing"):
        load(write(tmp_path / "own.json", content))


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_files_that_are_not_a_vocabulary(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"own\.json"):
        load(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json: No such file"):
        load(tmp_path / "none.json")
