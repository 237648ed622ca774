"""The words a prompt is filled with: answers to the paper's questions, by attribute and gender.

A vocabulary is a JSON object with one entry per attribute. An entry is a group of words, or an
object with the groups ``any``, ``woman`` and ``man``. A group is a list of words, or an object that
gives each word a weight: ``{"plain": 6, "striped": 1}`` draws "plain" six times as often; a word
of a list has the weight 1. The key ``contradictions`` lists words that never occur together in a
prompt: ``{"upper_wear": ["coat"], "footwear": ["sandals"]}`` excludes every pair of the two lists.
The attribute ``carrying`` may be missing; its word "nothing" leaves the prompt as it is. The
curated vocabulary, ``vocabulary.json``, is the default; ``vocabulary_street.json`` has the words,
and shares of words, of a real street. People are adults: "woman" or "man".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import VOCABULARIES
from ..errors import UserError

GENDERS = ("woman", "man")
GARMENTS = {
    "upper": ("upper_color", "upper_pattern", "upper_wear"),
    "lower": ("lower_color", "lower_pattern", "lower_wear"),
    "footwear": ("footwear_color", "footwear"),
}
# The styles that decide which garments go together.
STYLES = ("upper_wear", "lower_wear", "footwear")
BODY = ("body_shape", "build", "hair_color", "hairstyle", "skin_color")
OUTFIT = tuple(name for names in GARMENTS.values() for name in names)
ATTRIBUTES = OUTFIT + BODY
CARRYING = "carrying"  # the only attribute that a vocabulary need not have
NOTHING = "nothing"  # its word for those who carry nothing
CURATED = Path(__file__).with_name("vocabulary.json")


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Checked words.

    Attributes:
        words: gender -> attribute -> words, in file order, without repeats.
        weights: gender -> attribute -> word -> how often it is drawn against the others, above 0;
            attributes whose words are equally frequent are missing.
        contradictions: unordered pairs of (attribute, word) that never occur together.
        sha256: digest of the content; a build's configuration records it instead of the path.
    """

    words: dict[str, dict[str, tuple[str, ...]]]
    weights: dict[str, dict[str, dict[str, float]]]
    contradictions: frozenset[frozenset[tuple[str, str]]]
    sha256: str

    def compatible(self, chosen: dict[str, str]) -> bool:
        """Tell whether no two of the chosen words (attribute -> word) contradict each other."""
        items = list(chosen.items())
        return not any(
            frozenset((items[i], items[j])) in self.contradictions
            for i in range(len(items))
            for j in range(i)
        )


def load(path: str | Path = "") -> Vocabulary:
    """Read and check a vocabulary.

    Args:
        path: JSON file, or the name of one that ships with the package (``config.VOCABULARIES``);
            empty means the curated one.

    Raises:
        UserError: the file is missing, not JSON, or has unusable words; the message names all
            problems.
    """
    source = Path(path) if path else CURATED
    if path in VOCABULARIES:
        source = CURATED.with_name(f"vocabulary_{path}.json")
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"vocabulary {source}: {error.strerror}; set VOCABULARY.FILE to a JSON file, to "
            f"{', '.join(VOCABULARIES)}, or to ''"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"vocabulary {source}: not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"vocabulary {source}: must be a JSON object of attributes")
    problems = [f"unknown attribute '{name}'" for name in content if name not in _KEYS]
    words: dict[str, dict[str, tuple[str, ...]]] = {gender: {} for gender in GENDERS}
    weights: dict[str, dict[str, dict[str, float]]] = {gender: {} for gender in GENDERS}
    for attribute in (*ATTRIBUTES, CARRYING):
        if attribute not in content:
            if attribute != CARRYING:
                problems.append(f"attribute '{attribute}' is missing")
            continue
        for gender, weighed in _by_gender(attribute, content[attribute], problems).items():
            words[gender][attribute] = tuple(word for word, _ in weighed)
            if len({weight for _, weight in weighed}) > 1:
                weights[gender][attribute] = dict(weighed)
    pairs = _contradictions(content.get("contradictions", []), words, problems)
    if problems:
        raise UserError(f"vocabulary {source}: " + "; ".join(dict.fromkeys(problems)))
    canonical = json.dumps(content, sort_keys=True).encode()
    return Vocabulary(
        words=words,
        weights=weights,
        contradictions=frozenset(pairs),
        sha256=hashlib.sha256(canonical).hexdigest(),
    )


_KEYS = (*ATTRIBUTES, CARRYING, "contradictions")
_LIGHTEST, _HEAVIEST = 1e-6, 1e6  # products of three weights stay far from the limits of a float


def _by_gender(
    attribute: str, entry: object, problems: list[str]
) -> dict[str, list[tuple[str, float]]]:
    """Read an attribute's entry as gender -> words with weights; append what is wrong to a list."""
    is_grouped = isinstance(entry, dict) and any(
        isinstance(group, list | dict) for group in entry.values()
    )
    groups: dict[str, Any] = entry if isinstance(entry, dict) and is_grouped else {"any": entry}
    read = {}
    for name, group in groups.items():
        if name not in ("any", *GENDERS):
            problems.append(f"{attribute}: unknown group '{name}' (any, woman, man)")
        if not isinstance(group, list | dict) or not all(_is_word(word) for word in group):
            problems.append(
                f"{attribute}: '{name}' must be a list of non-empty words without extra spaces, "
                "or an object of such words with their weights"
            )
            return {}
        read[name] = list(group.items()) if isinstance(group, dict) else [(w, 1) for w in group]
    by_gender = {}
    for gender in GENDERS:
        weighed = [*read.get("any", []), *read.get(gender, [])]
        words = [word for word, _ in weighed]
        repeated = sorted({word for word in words if words.count(word) > 1})
        if repeated:
            problems.append(f"{attribute}: repeated words {', '.join(repeated)}")
        if not words:
            problems.append(f"{attribute}: no words for '{gender}'")
        problems += [
            f"{attribute}: the weight of '{word}' is {weight!r}, must be a number above 0 "
            f"({_LIGHTEST:g} to {_HEAVIEST:g})"
            for word, weight in weighed
            if not _is_weight(weight)
        ]
        by_gender[gender] = [(word, weight) for word, weight in weighed if _is_weight(weight)]
    return by_gender


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return _LIGHTEST <= value <= _HEAVIEST


def _is_word(word: object) -> bool:
    if not isinstance(word, str) or not word:
        return False
    return word.isprintable() and word == " ".join(word.split())


def _contradictions(
    rules: object, words: dict[str, dict[str, tuple[str, ...]]], problems: list[str]
) -> set[frozenset[tuple[str, str]]]:
    """Expand the rules into pairs of (attribute, word)."""
    pairs: set[frozenset[tuple[str, str]]] = set()
    if not isinstance(rules, list):
        problems.append("contradictions: must be a list of rules")
        return pairs
    for number, rule in enumerate(rules, start=1):
        where = f"contradictions, rule {number}"
        if not isinstance(rule, dict) or len(rule) != 2 or not set(rule) <= {*ATTRIBUTES, CARRYING}:
            problems.append(f"{where}: must have two attributes with a list of words each")
            continue
        (first, first_words), (second, second_words) = rule.items()
        if not _combinable(first, second):
            problems.append(
                f"{where}: {first} and {second} cannot be combined; a rule names attributes of one "
                "garment, styles of garments, or attributes of the body"
            )
        for attribute, listed in rule.items():
            known = {word for gender in GENDERS for word in words[gender].get(attribute, ())}
            if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
                problems.append(f"{where}: {attribute} must be a list of words")
            elif unknown := sorted(set(listed) - known):
                problems.append(f"{where}: {attribute} has no word {', '.join(unknown)}")
        if isinstance(first_words, list) and isinstance(second_words, list):
            pairs |= {
                frozenset(((first, first_word), (second, second_word)))
                for first_word in map(str, first_words)
                for second_word in map(str, second_words)
            }
    return pairs


def _combinable(first: str, second: str) -> bool:
    """Tell whether a rule may name two attributes; only so can outfits be counted.

    Both belong to one garment, or are styles of garments, or describe the body and what it carries.
    """
    scopes = (*GARMENTS.values(), STYLES, (*BODY, CARRYING))
    return any(first in scope and second in scope for scope in scopes)
