"""A CLIP as it was published, with the interface of a meta-architecture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import UserError
from .clip_model import CLIPModel


class CLIPAlone(CLIPModel):
    """Pixels (B, 3, H, W), 0..255 -> v_g (B, d1); sentences -> features in the same space."""

    @property
    def display_name(self) -> str:
        """The model's name in messages, pictures and exported files."""
        return f"CLIP {self.towers.name}"

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, d1) of images (B, 3, H, W), 0..255."""
        return self.towers.encode_image(self.normalize(images)).projected

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Return features (N, d1) of sentences.

        Raises:
            UserError: a sentence is longer than the text tower takes.
        """
        towers = self.towers
        for text in texts:
            if len(towers.token_ids(text)) >= towers.text_length:
                raise UserError(
                    f"longer than {towers.text_length} tokens, would be cut: {text[:60]!r}"
                )
        return torch.cat([towers.encode_texts([towers.embed(text)])[0] for text in texts])
