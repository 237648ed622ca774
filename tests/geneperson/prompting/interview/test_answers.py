"""Answers of a chat model: what is cleaned, what is rejected, and when an answer is unusable."""

import json

import pytest

from geneperson.prompting import vocabulary
from geneperson.prompting.interview import banned
from geneperson.prompting.interview.answers import (
    FEWEST,
    MAX_TEXT,
    Answer,
    UnusableAnswerError,
    read,
)
from geneperson.prompting.interview.questions import MAX_WORDS

GOOD = ["red", "navy blue", "off-white", "sage green"]


def answer(words: object, attribute: str = "upper_color") -> Answer:
    return read(json.dumps({"words": words}), attribute)


def letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def test_good_words_are_kept_in_order() -> None:
    assert answer(GOOD).words == tuple(GOOD) and answer(GOOD).rejected == ()


@pytest.mark.parametrize(
    "text",
    [
        'Sure! Here you are:\n```json\n{"words": %s}\n```\nAnything else?',
        '<think>{"words": ["draft"]} or {"x": {</think> {"words": %s}',
        '\ufeff {"note": {"deep": [1]}, "words": %s} {not json}',
        '[1] {"words": "none"} {"words": %s}',
    ],
)
def test_prose_around_the_json_is_skipped(text: str) -> None:
    assert read(text % json.dumps(GOOD), "upper_color").words == tuple(GOOD)


@pytest.mark.parametrize(
    ("attribute", "entry", "word"),
    [
        ("upper_wear", "  T-Shirt. ", "t-shirt"),
        ("upper_wear", "men\u2019s  linen\nshirt", "men's linen shirt"),
        ("upper_wear", "3) Button\u2011down shirt", "button-down shirt"),
        ("upper_color", "Café au lait", "cafe au lait"),
        ("skin_color", "warm beige skin tone", "warm beige"),
        ("hair_color", "Dark brown hair", "dark brown"),
        ("hairstyle", "Long hair,straight ,  side part", "long hair, straight, side part"),
        ("footwear", "cowboy boots", "cowboy boots"),
        ("upper_wear", "double-breasted blazer", "double-breasted blazer"),
        ("lower_wear", "boyfriend jeans", "boyfriend jeans"),
    ],
)
def test_spelling_is_brought_into_line(attribute: str, entry: str, word: str) -> None:
    assert answer([entry, "one", "two", "three"], attribute).words[0] == word


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (7, "not text"),
        (None, "not text"),
        (["red"], "not text"),
        ({"red": 1}, "not text"),
        ("", "empty"),
        (" . ", "empty"),
        ("red" * 20, "too long"),
        ("a red that goes very well", "too long"),
        ("red, blue", "not only letters"),
        ("red/blue", "not only letters"),
        ("красный", "not only letters"),
        ("(red:1.5)", "not only letters"),
        ("{red}", "not only letters"),
        ("16-year-old", "not only letters"),
        ("sixteen year-old", "children and ages"),
        ("Baby blue", "children and ages"),
        ("schoolgirl plaid", "children and ages"),
        ("kids' red", "children and ages"),
        ("teens red", "children and ages"),
        ("Nike red", "brands"),
        ("levi's blue", "brands"),
        ("vans checkerboard", "brands"),
        ("new-balance grey", "brands"),
        ("Tiffany Blue", "brands"),
        ("Taylor Swift red", "names of people"),
        ("the beckham", "names of people"),
        ("nude", "nudity and underwear"),
        ("see-through black", "nudity and underwear"),
        ("lingerie pink", "nudity and underwear"),
        ("asian black", "ethnicity"),
        ("Negro brown", "ethnicity"),
    ],
)
def test_entries_that_are_rejected(entry: object, reason: str) -> None:
    checked = answer([*GOOD, entry])
    assert checked.words == tuple(GOOD)
    assert len(checked.rejected) == 1 and reason in checked.rejected[0]


def test_a_hairstyle_may_be_long_but_not_endless() -> None:
    styles = [f"waist-length hair, wavy hair texture, {part}" for part in ("bun", "bangs", "braid")]
    endless = ", ".join(["long hair"] * 8)
    assert answer([*styles, "buzz cut", endless], "hairstyle").words == (*styles, "buzz cut")


@pytest.mark.parametrize("twin", ["Navy Blue", "navy-blue", "navyblue", "navy blue."])
def test_repeated_words_count_once(twin: str) -> None:
    checked = answer([*GOOD, twin])
    assert checked.words == tuple(GOOD) and "repeated" in checked.rejected[0]


def test_two_spellings_of_grey_are_one_color() -> None:
    assert answer([*GOOD, "light grey", "light gray"]).words == (*GOOD, "light grey")


def test_more_words_than_asked_for_are_left_out() -> None:
    many = [letters(number) for number in range(100, 100 + MAX_WORDS + 3)]
    checked = answer(many)
    assert checked.words == tuple(many[:MAX_WORDS]) and len(checked.rejected) == 3


def test_rejected_entries_are_safe_to_print() -> None:
    shown = answer([*GOOD, "\x1b[2Jred\nblue" + "x" * 1000]).rejected[0]
    assert shown.isascii() and shown.isprintable() and len(shown) < 100


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON object"),
        ("I am sorry, but I cannot help with that.", "no JSON object"),
        ('{"words": ["red", "blue", "gre', "no JSON object"),
        ('["red", "blue", "green", "black"]', "no JSON object"),
        ('{"colors": ["red", "blue", "green", "black"]}', "no JSON object"),
        ('{"words": "red, blue, green, black"}', "no JSON object"),
        ('{"words": null}', "no JSON object"),
        ("{" * 1000, "no JSON object"),
        ('{"words":' * 2000, "no JSON object"),
        ('{"words": ' + "[" * 19_000, "no JSON object"),
        ('{"words": []}', "0 usable words"),
        (
            '{"words": ["red", "nike red", "RED"]}',
            r"1 usable words \(rejected: 'nike red' \(brands",
        ),
        ('{"words": ["red"]}' + " " * MAX_TEXT, "longer than"),
    ],
)
def test_unusable_answers(text: str, reason: str) -> None:
    with pytest.raises(UnusableAnswerError, match=reason) as error:
        read(text, "upper_color")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_as_few_words_as_count_as_an_answer() -> None:
    assert len(answer(GOOD[:FEWEST]).words) == FEWEST
    with pytest.raises(UnusableAnswerError, match=f"{FEWEST - 1} usable"):
        answer(GOOD[: FEWEST - 1])


def test_curated_words_pass_the_same_checks() -> None:
    for words in vocabulary.load().words.values():
        for attribute, listed in words.items():
            if attribute != "build":
                for start in range(0, len(listed), FEWEST):
                    four = listed[max(0, min(start, len(listed) - FEWEST)) :][:FEWEST]
                    assert answer(four, attribute).words == four
            assert not [word for word in listed if banned.kind_of(word)]
