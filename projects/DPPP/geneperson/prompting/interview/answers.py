"""From the text of a chat model's answer to clean words, with what was rejected and why."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from . import banned
from .questions import MAX_WORDS

FEWEST = 4  # usable words; an answer with fewer is unusable
MAX_TEXT = 20_000  # characters of one answer
_SHOWN = 40  # characters of a rejected word that a report shows

# Only a hairstyle consists of several phrases, joined by commas.
_LETTERS = re.compile(r"[a-z]+(?:(?:'|'?[ -])[a-z]+)*")
_PHRASES = re.compile(rf"{_LETTERS.pattern}(?:, {_LETTERS.pattern})*")
_MAX_LETTERS, _MAX_PARTS = 40, 5
_MAX_LETTERS_HAIR, _MAX_PARTS_HAIR = 90, 14
_BULLET = re.compile(r"^(?:\d{1,2}[.)]|[-*•])\s+")
# Curly quotes and the longer dashes.
_ASCII = str.maketrans("\u2018\u2019\u2010\u2011\u2013\u2014", "''----")
# What the template itself appends: "warm beige skin" would become "warm beige skin skin".
_TAILS = {
    "hair_color": ("hair color", "hair colour", "hair"),
    "skin_color": ("skin tone", "skin color", "skin colour", "skin", "complexion"),
}


class UnusableAnswerError(Exception):
    """An answer without usable words; the message completes "kept the curated words: ..."."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A checked answer.

    Attributes:
        words: FEWEST to MAX_WORDS clean words in the model's order, no two of them alike.
        rejected: the other entries, each as "'word' (reason)", safe to print.
    """

    words: tuple[str, ...]
    rejected: tuple[str, ...]


def read(text: str, attribute: str) -> Answer:
    """Check and clean one answer.

    Args:
        text: what the model wrote; prose around the JSON object is skipped.
        attribute: the vocabulary attribute that the words are for.

    Raises:
        UnusableAnswerError: no JSON object of the requested form, or fewer than FEWEST good words.
    """
    words: dict[str, str] = {}  # letters that two spellings of a word share -> word
    rejected = []
    for entry in _entries(text):
        word = _clean(entry, attribute) if isinstance(entry, str) else ""
        letters = re.sub(r"[^a-z]", "", word).replace("gray", "grey")
        problem = _problem(entry, word, attribute)
        if problem is None and letters in words:
            problem = "repeated"
        if problem is None and len(words) == MAX_WORDS:
            problem = f"more than {MAX_WORDS} words"
        if problem is None:
            words[letters] = word
        else:
            shown = entry if isinstance(entry, str) else json.dumps(entry)
            rejected.append(f"{shown[:_SHOWN]!a} ({problem})")
    if len(words) < FEWEST:
        reasons = f" (rejected: {summary(rejected)})" if rejected else ""
        raise UnusableAnswerError(f"the answer has only {len(words)} usable words{reasons}")
    return Answer(words=tuple(words.values()), rejected=tuple(rejected))


def summary(rejected: Sequence[str], shown: int = 5) -> str:
    """Join rejected entries for a report; the rest of a long list is counted."""
    rest = len(rejected) - shown
    return ", ".join(rejected[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _entries(text: str) -> list:
    """Return the list of the last JSON object ``{"words": [...]}`` in the text.

    A model that thinks aloud writes drafts before its answer, therefore the last.
    """
    if len(text) > MAX_TEXT:
        raise UnusableAnswerError(f"the answer is longer than {MAX_TEXT} characters")
    from pydantic import ValidationError

    from .forms import AnyWords

    decoder, entries, position = json.JSONDecoder(), None, text.find("{")
    while position >= 0:
        try:
            value, end = decoder.raw_decode(text, position)
            entries = AnyWords.model_validate(value).words
        except ValidationError:  # another object
            pass
        except (ValueError, RecursionError):  # no JSON starts here
            end = position + 1
        position = text.find("{", end)
    if entries is None:
        raise UnusableAnswerError('the answer has no JSON object {"words": [...]}')
    return entries


def _clean(entry: str, attribute: str) -> str:
    """Convert a word to the vocabulary's spelling: plain lower-case letters, single spaces."""
    word = unicodedata.normalize("NFKD", entry.translate(_ASCII))
    word = "".join(letter for letter in word if not unicodedata.combining(letter)).lower()
    word = _BULLET.sub("", word.strip()).strip().rstrip(".;,").strip()
    word = ", ".join(" ".join(phrase.split()) for phrase in word.split(","))
    for tail in _TAILS.get(attribute, ()):
        word = word.removesuffix(f" {tail}")
    return word


def _problem(entry: object, word: str, attribute: str) -> str | None:
    """Return why a word cannot be used; None if it can."""
    hair = attribute == "hairstyle"
    max_letters = _MAX_LETTERS_HAIR if hair else _MAX_LETTERS
    max_parts = _MAX_PARTS_HAIR if hair else _MAX_PARTS
    if not isinstance(entry, str):
        return "not text"
    if not word:
        return "empty"
    if len(word) > max_letters or len(word.split()) > max_parts:
        return "too long"
    if not (_PHRASES if hair else _LETTERS).fullmatch(word):
        return "not only letters"
    return banned.kind_of(word)
