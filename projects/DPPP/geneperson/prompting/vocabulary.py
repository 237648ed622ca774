"""The words a prompt is filled with: answers to the paper's questions, by attribute and gender.

A vocabulary is a JSON object with one entry per attribute. An entry is a list of words, or an
object with the groups ``any``, ``woman`` and ``man``. The key ``contradictions`` lists words that
never occur together in a prompt: ``{"upper_wear": ["coat"], "footwear": ["sandals"]}`` excludes
every pair of the two lists. The curated vocabulary, ``vocabulary.json``, is the default. People are
adults: "woman" or "man".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
CURATED = Path(__file__).with_name("vocabulary.json")


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Checked words.

    Attributes:
        words: gender -> attribute -> words, in file order, without repeats.
        contradictions: unordered pairs of (attribute, word) that never occur together.
        sha256: digest of the content; a build's configuration records it instead of the path.
    """

    words: dict[str, dict[str, tuple[str, ...]]]
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
    """Read and check a vocabulary; an empty path means the curated one.

    Raises:
        UserError: the file is missing, not JSON, or has unusable words; the message names all
            problems.
    """
    source = Path(path) if path else CURATED
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"vocabulary {source}: {error.strerror}; set VOCABULARY.FILE to a JSON file, or to ''"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"vocabulary {source}: not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"vocabulary {source}: must be a JSON object of attributes")
    problems = [f"unknown attribute '{name}'" for name in content if name not in _KEYS]
    words: dict[str, dict[str, tuple[str, ...]]] = {gender: {} for gender in GENDERS}
    for attribute in ATTRIBUTES:
        if attribute not in content:
            problems.append(f"attribute '{attribute}' is missing")
            continue
        for gender, listed in _by_gender(attribute, content[attribute], problems).items():
            words[gender][attribute] = listed
    pairs = _contradictions(content.get("contradictions", []), words, problems)
    if problems:
        raise UserError(f"vocabulary {source}: " + "; ".join(dict.fromkeys(problems)))
    canonical = json.dumps(content, sort_keys=True).encode()
    return Vocabulary(
        words=words,
        contradictions=frozenset(pairs),
        sha256=hashlib.sha256(canonical).hexdigest(),
    )


_KEYS = (*ATTRIBUTES, "contradictions")


def _by_gender(attribute: str, entry: object, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Read one attribute's entry as gender -> words; append what is wrong with it to a list."""
    groups: dict[str, Any] = entry if isinstance(entry, dict) else {"any": entry}
    for name, group in groups.items():
        if name not in ("any", *GENDERS):
            problems.append(f"{attribute}: unknown group '{name}' (any, woman, man)")
        if not isinstance(group, list) or not all(_is_word(word) for word in group):
            problems.append(
                f"{attribute}: '{name}' must be a list of non-empty words without extra spaces"
            )
            return {}
    by_gender = {}
    for gender in GENDERS:
        words = [*groups.get("any", []), *groups.get(gender, [])]
        repeated = sorted({word for word in words if words.count(word) > 1})
        if repeated:
            problems.append(f"{attribute}: repeated words {', '.join(repeated)}")
        if not words:
            problems.append(f"{attribute}: no words for '{gender}'")
        by_gender[gender] = tuple(words)
    return by_gender


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
        if not isinstance(rule, dict) or len(rule) != 2 or not set(rule) <= set(ATTRIBUTES):
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

    Both belong to one garment, or are styles of garments, or describe the body.
    """
    scopes = (*GARMENTS.values(), STYLES, BODY)
    return any(first in scope and second in scope for scope in scopes)
