"""Words that no prompt may hold: of children, brands, real people, nudity and ethnicity.

The lists are in ``banned_words.json`` by kind, in lower case and in the singular; several words
form a phrase. They err on the safe side: there are enough other words for a color or a shoe.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path


def kind_of(word: str) -> str | None:
    """Return the kind of banned word that a lower-case word or phrase contains, None without one.

    Whole words are compared, so that "cowboy boots" and "double-breasted coat" pass.
    """
    parts = re.findall(r"[a-z]+", word.replace("'", ""))
    singular = [part.removesuffix("s") for part in parts]
    texts = (f" {' '.join(parts)} ", f" {' '.join(singular)} ")
    for kind, banned in _lists().items():
        if any(f" {phrase} " in text for phrase in banned for text in texts):
            return kind
    return None


@cache
def _lists() -> dict[str, list[str]]:
    return json.loads(Path(__file__).with_name("banned_words.json").read_text(encoding="utf-8"))
