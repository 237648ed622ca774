"""The words a prompt is filled with: answers to the paper's questions, by attribute and gender.

A vocabulary is a JSON object with one entry per attribute. An entry is a list of words, or an
object with the groups ``any``, ``woman`` and ``man``. The key ``contradictions`` lists words that
never meet in one prompt: ``{"upper_wear": ["coat"], "footwear": ["sandals"]}`` bars every pair of
the two lists. The curated vocabulary beside this file is the default. People are adults: "woman"
or "man".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError

GENDERS = ("woman", "man")
GARMENTS = {
    "upper": ("upper_color", "upper_pattern", "upper_wear"),
    "lower": ("lower_color", "lower_pattern", "lower_wear"),
    "footwear": ("footwear_color", "footwear"),
}
STYLES = (
    "upper_wear",
    "lower_wear",
    "footwear",
)  # the styles that decide which garments go together
BODY = ("body_shape", "build", "hair_color", "hairstyle", "skin_color")
OUTFIT = tuple(name for names in GARMENTS.values() for name in names)
ATTRIBUTES = OUTFIT + BODY
CURATED = Path(__file__).with_name("vocabulary.json")


@dataclass(frozen=True)
class Vocabulary:
    """Checked words.

    Attributes:
        words: gender -> attribute -> words, in file order, without repeats.
        contradictions: unordered pairs of (attribute, word) that never meet in one prompt.
        sha256: digest of the content; it takes the file's place in a build's configuration.
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
        UserError: no such file, no JSON, or words that cannot be used; all problems in one message.
    """
    source = Path(path) if path else CURATED
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"vocabulary {source}: {error.strerror}; give VOCABULARY.FILE a JSON file or nothing"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"vocabulary {source}: not a JSON text ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"vocabulary {source}: a JSON object of attributes is expected")
    problems = [f"unknown attribute '{name}'" for name in content if name not in _KEYS]
    words: dict[str, dict[str, tuple[str, ...]]] = {gender: {} for gender in GENDERS}
    for attribute in ATTRIBUTES:
        if attribute not in content:
            problems.append(f"attribute '{attribute}' is missing")
            continue
        for gender, found in _groups(attribute, content[attribute], problems).items():
            words[gender][attribute] = found
    pairs = _contradictions(content.get("contradictions", []), words, problems)
    if problems:
        raise UserError(f"vocabulary {source}: " + "; ".join(dict.fromkeys(problems)))
    canonical = json.dumps(content, sort_keys=True).encode()
    return Vocabulary(words, frozenset(pairs), hashlib.sha256(canonical).hexdigest())


_KEYS = (*ATTRIBUTES, "contradictions")


def _groups(attribute: str, entry: object, problems: list[str]) -> dict[str, tuple[str, ...]]:
    """Bring one attribute's entry to gender -> words, and write down what is wrong with it."""
    groups = entry if isinstance(entry, dict) else {"any": entry}
    for name, group in groups.items():
        if name not in ("any", *GENDERS):
            problems.append(f"{attribute}: unknown group '{name}' (any, woman, man)")
        if not isinstance(group, list) or not all(_is_word(word) for word in group):
            problems.append(f"{attribute}: '{name}' must be a list of trimmed, non-empty words")
            return {}
    found = {}
    for gender in GENDERS:
        words = [*groups.get("any", []), *groups.get(gender, [])]
        repeated = sorted({word for word in words if words.count(word) > 1})
        if repeated:
            problems.append(f"{attribute}: repeated words {', '.join(repeated)}")
        if not words:
            problems.append(f"{attribute}: no words for '{gender}'")
        found[gender] = tuple(words)
    return found


def _is_word(word: object) -> bool:
    is_text = isinstance(word, str) and bool(word) and word.isprintable()
    return is_text and word == " ".join(word.split())


def _contradictions(
    rules: object, words: dict[str, dict[str, tuple[str, ...]]], problems: list[str]
) -> set[frozenset[tuple[str, str]]]:
    """Spell the rules out as pairs of (attribute, word)."""
    pairs: set[frozenset[tuple[str, str]]] = set()
    if not isinstance(rules, list):
        problems.append("contradictions: a list of rules is expected")
        return pairs
    for number, rule in enumerate(rules, start=1):
        where = f"contradictions, rule {number}"
        if not isinstance(rule, dict) or len(rule) != 2 or not set(rule) <= set(ATTRIBUTES):
            problems.append(f"{where}: two attributes with a list of words each are expected")
            continue
        (first, first_words), (second, second_words) = rule.items()
        if not _comparable(first, second):
            problems.append(
                f"{where}: {first} and {second} cannot be compared (only attributes of one "
                "garment, styles of garments, or attributes of the body)"
            )
        for attribute, listed in rule.items():
            known = {word for gender in GENDERS for word in words[gender].get(attribute, ())}
            if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
                problems.append(f"{where}: {attribute} must be a list of words")
            elif unknown := sorted(set(listed) - known):
                problems.append(f"{where}: {attribute} has no {', '.join(unknown)}")
        if isinstance(first_words, list) and isinstance(second_words, list):
            pairs |= {
                frozenset(((first, one), (second, other)))
                for one in map(str, first_words)
                for other in map(str, second_words)
            }
    return pairs


def _comparable(first: str, second: str) -> bool:
    """Rules stay in one garment, between styles, or on the body: so outfits can be counted."""
    scopes = (*GARMENTS.values(), STYLES, BODY)
    return any(first in scope and second in scope for scope in scopes)
