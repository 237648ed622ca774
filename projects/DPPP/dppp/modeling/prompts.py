"""Prompts with pseudo-words: "a [S1] ... [Sk] style of a [C] person", "a photo of a [C] person"."""

import torch
from torch import Tensor, nn

from ..errors import UserError
from .clip import CLIPTowers

_PLACEHOLDER = "X"  # one token of CLIP's vocabulary; its embedding is always replaced


class Prompt(nn.Module):
    """A sentence in which vectors replace some words.

    Args:
        template: text with ``{style}`` and ``{content}``, each at most once, or neither.
        num_style_words: k, how many words replace ``{style}``.
        towers: whose vocabulary and token embeddings are used.

    Raises:
        UserError: the template has other placeholders, one of them twice, or a word "X".
    """

    ids: Tensor
    slots: Tensor

    def __init__(self, template: str, num_style_words: int, towers: CLIPTowers) -> None:
        super().__init__()
        words = {"style": " ".join([_PLACEHOLDER] * num_style_words), "content": _PLACEHOLDER}
        try:
            text = template.format(**words)
        except (KeyError, IndexError, ValueError):
            raise UserError(
                f"MODEL.DPPP.PROMPTS: {template!r} may only hold {{style}} and {{content}}"
            ) from None
        self.has_style, self.has_content = "{style}" in template, "{content}" in template
        ids = towers.token_ids(text)
        slots = (ids == towers.token_ids(_PLACEHOLDER)[1]).nonzero()[:, 0]
        if len(slots) != num_style_words * self.has_style + self.has_content:
            raise UserError(
                f"MODEL.DPPP.PROMPTS: {template!r} takes {{style}} and {{content}} once at most, "
                f"and no word {_PLACEHOLDER!r} of its own"
            )
        # fill() gives the style words first
        if self.has_style and -1 < template.find("{content}") < template.find("{style}"):
            slots = slots.roll(-1)
        # Token ids, not embeddings: those belong to the checkpoint's text tower, loaded later.
        self.register_buffer("ids", ids, persistent=False)
        self.register_buffer("slots", slots, persistent=False)

    def fill(
        self,
        token_embedding: nn.Embedding,
        style: Tensor | None = None,
        content: Tensor | None = None,
    ) -> Tensor:
        """Insert the pseudo-words.

        Args:
            token_embedding: the text tower's.
            style: s* (B, k, dt); needed if the template has ``{style}``.
            content: c* (B, dt); needed if it has ``{content}``.

        Returns:
            Embeddings (B, L, dt) up to the end token. B is 1 without pseudo-words.
        """
        sentence = token_embedding(self.ids)
        words = [style] if style is not None and self.has_style else []
        if content is not None and self.has_content:
            words.append(content[:, None])
        if not words:
            return sentence[None]
        vectors = torch.cat(words, dim=1).to(sentence.dtype)
        return sentence.expand(len(vectors), -1, -1).index_copy(1, self.slots, vectors)
