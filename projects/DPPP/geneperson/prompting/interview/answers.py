"""From the text of a chat model's answer to clean words, with what was refused and why."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass

from . import banned
from .questions import MAX_WORDS

FEWEST = 4  # usable words; an answer with fewer is no vocabulary
MAX_TEXT = 20_000  # characters of one answer
_SHOWN = 40  # characters of a refused word that a report shows

# Only a hairstyle is made of several phrases, joined by commas.
_LETTERS = re.compile(r"[a-z]+(?:(?:'|'?[ -])[a-z]+)*")
_PHRASES = re.compile(rf"{_LETTERS.pattern}(?:, {_LETTERS.pattern})*")
_MOST_LETTERS, _MOST_PARTS = 40, 5
_MOST_LETTERS_HAIR, _MOST_PARTS_HAIR = 90, 14
_BULLET = re.compile(r"^(?:\d{1,2}[.)]|[-*•])\s+")
# Curly quotes and the longer dashes.
_ASCII = str.maketrans("\u2018\u2019\u2010\u2011\u2013\u2014", "''----")
# What the template says itself after the word: "warm beige skin" would become "... skin skin".
_TAILS = {
    "hair_color": ("hair color", "hair colour", "hair"),
    "skin_color": ("skin tone", "skin color", "skin colour", "skin", "complexion"),
}


class UnusableAnswerError(Exception):
    """An answer that gives no vocabulary; the message completes "kept the curated words: ..."."""


@dataclass(frozen=True)
class Answer:
    """A checked answer.

    Attributes:
        words: FEWEST to MAX_WORDS clean words in the model's order, no two of them alike.
        refused: the other entries, each as "'word' (reason)", safe to print.
    """

    words: tuple[str, ...]
    refused: tuple[str, ...]


def read(text: str, attribute: str) -> Answer:
    """Check and clean one answer.

    Args:
        text: what the model wrote; prose may stand around the JSON object.
        attribute: attribute of the vocabulary that the words are for.

    Raises:
        UnusableAnswerError: no JSON object of the form asked for, or fewer than FEWEST good words.
    """
    words: dict[str, str] = {}  # what makes a word the same as another -> word
    refused = []
    for entry in _entries(text):
        word = _clean(entry, attribute) if isinstance(entry, str) else ""
        same = re.sub(r"[^a-z]", "", word).replace("gray", "grey")
        problem = _problem(entry, word, attribute)
        if problem is None and same in words:
            problem = "repeated"
        if problem is None and len(words) == MAX_WORDS:
            problem = f"more than {MAX_WORDS} words"
        if problem is None:
            words[same] = word
        else:
            shown = entry if isinstance(entry, str) else json.dumps(entry)
            refused.append(f"{shown[:_SHOWN]!a} ({problem})")
    if len(words) < FEWEST:
        reasons = f" (refused: {summary(refused)})" if refused else ""
        raise UnusableAnswerError(f"the answer holds {len(words)} usable words{reasons}")
    return Answer(tuple(words.values()), tuple(refused))


def summary(refused: tuple[str, ...] | list[str], shown: int = 5) -> str:
    """Join refused entries for a report; a long list is cut and its rest counted."""
    rest = len(refused) - shown
    return ", ".join(refused[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _entries(text: str) -> list:
    """Find the list of words: of the last JSON object {"words": [...]} in the text.

    The last one counts because a model that thinks aloud writes drafts before its answer.
    """
    if len(text) > MAX_TEXT:
        raise UnusableAnswerError(f"the answer is longer than {MAX_TEXT} characters")
    decoder, found, position = json.JSONDecoder(), None, text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):  # no JSON starts here
            end = position + 1
        else:
            if isinstance(value.get("words"), list):
                found = value["words"]
        position = text.find("{", end)
    if found is None:
        raise UnusableAnswerError('the answer holds no JSON object {"words": [...]}')
    return found


def _clean(entry: str, attribute: str) -> str:
    """Bring a word to the vocabulary's spelling: plain lower-case letters, single spaces."""
    word = unicodedata.normalize("NFKD", entry.translate(_ASCII))
    word = "".join(letter for letter in word if not unicodedata.combining(letter)).lower()
    word = _BULLET.sub("", word.strip()).strip().rstrip(".;,").strip()
    word = ", ".join(" ".join(phrase.split()) for phrase in word.split(","))
    for tail in _TAILS.get(attribute, ()):
        word = word.removesuffix(f" {tail}")
    return word


def _problem(entry: object, word: str, attribute: str) -> str | None:
    """Say why a word cannot be used; None if it can."""
    hair = attribute == "hairstyle"
    most_letters = _MOST_LETTERS_HAIR if hair else _MOST_LETTERS
    most_parts = _MOST_PARTS_HAIR if hair else _MOST_PARTS
    if not isinstance(entry, str):
        return "not text"
    if not word:
        return "empty"
    if len(word) > most_letters or len(word.split()) > most_parts:
        return "too long"
    if not (_PHRASES if hair else _LETTERS).fullmatch(word):
        return "other characters than letters"
    return banned.kind_of(word)
