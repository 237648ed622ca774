"""What the text encoders say about prompts; words that are the same for all are read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...prompting.prompts import SHEET
from ...worlds import scenes
from ...worlds.lighting import get_lighting
from .settings import DiffusionSettings

if TYPE_CHECKING:
    import torch

    from ...prompting.prompts import Identity


@dataclass(frozen=True)
class _Embedding:
    """Of B texts: (B, tokens, width) and the pooled one, (B, width)."""

    tokens: torch.Tensor
    pooled: torch.Tensor


class PromptEmbeddings:
    """Arguments of a pipeline for prompts; without guidance there are no negative ones.

    People and backgrounds need one each, because the encoders can have LoRAs.

    Args:
        pipe: a pipeline of diffusers.
        settings: the words that are added, and whether there is guidance.
    """

    def __init__(self, pipe: Any, settings: DiffusionSettings) -> None:
        self._pipe = pipe
        self._settings = settings
        self._read: dict[str, _Embedding] = {}

    def of_people(self, identities: Sequence[Identity]) -> dict[str, torch.Tensor]:
        """Embed the prompts in two parts, the person and the sheet.

        CLIP reads 77 tokens. The whole prompt can have more than 80, and what would be cut off is
        "multiple views". Each part gets its own 77 tokens; the two are concatenated, as
        cross-attention allows. The pooled embedding is the person's.
        """
        import torch

        people = self._encode([person.prompt.removesuffix(f", {SHEET}") for person in identities])
        sheet = self._once(_joined(SHEET, self._settings.extra_prompt))
        found = {
            "prompt_embeds": _side_by_side(people.tokens, sheet.tokens),
            "pooled_prompt_embeds": people.pooled,
        }
        if self._settings.is_guided:
            unwanted = [self._once(person.negative_prompt) for person in identities]
            styles = self._once(self._settings.negative_extra)
            tokens = torch.cat([each.tokens for each in unwanted])
            found["negative_prompt_embeds"] = _side_by_side(tokens, styles.tokens)
            found["negative_pooled_prompt_embeds"] = torch.cat([each.pooled for each in unwanted])
        return found

    def of_background(self, scene: str, lighting: str) -> dict[str, torch.Tensor]:
        """Embed the prompt of a background; see :mod:`geneperson.worlds.scenes`."""
        wanted = self._once(scenes.background_prompt(scene, get_lighting(lighting)))
        found = {"prompt_embeds": wanted.tokens, "pooled_prompt_embeds": wanted.pooled}
        if self._settings.is_guided:
            unwanted = _joined(scenes.NEGATIVE_PROMPT, self._settings.negative_extra)
            found["negative_prompt_embeds"] = self._once(unwanted).tokens
            found["negative_pooled_prompt_embeds"] = self._once(unwanted).pooled
        return found

    def _once(self, text: str) -> _Embedding:
        if text not in self._read:
            self._read[text] = self._encode([text])
        return self._read[text]

    def _encode(self, texts: list[str]) -> _Embedding:
        import torch

        with torch.no_grad():
            tokens, _, pooled, _ = self._pipe.encode_prompt(
                prompt=texts, do_classifier_free_guidance=False
            )
        return _Embedding(tokens, pooled)


def _side_by_side(tokens: torch.Tensor, shared: torch.Tensor) -> torch.Tensor:
    """Put the tokens of one text after those of each of B texts."""
    import torch

    return torch.cat([tokens, shared.expand(len(tokens), -1, -1)], dim=1)


def _joined(words: str, more: str) -> str:
    return f"{words}, {more}" if more else words
