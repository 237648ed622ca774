"""The two CLIP towers, from open_clip, opened where the paper takes its features.

| symbol | shape      | meaning |
| ------ | ---------- | ------- |
| B      |            | images |
| m      |            | image patches: 16 x 8 at 256 x 128 pixels and patch size 16 |
| L      |            | text positions up to and including the end token |
| d1     | 512        | joint image-text width |
| d2     | 768        | width of the visual encoder |
| dt     | 512        | width of a text token |
| v_g    | (B, d1)    | class token after the final projection |
| V      | (B, m, d2) | patch tokens after the penultimate block |

(Widths are ViT-B/16's; other models bring their own.)
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import open_clip
import torch
from open_clip import CLIP
from open_clip.transformer import Transformer, VisionTransformer
from torch import Tensor, nn

from ..errors import UserError
from ..log import logger
from .clip_files import OWN_MODELS, find_weights, is_torchscript, load_weights, own_tags


class ImageFeatures(NamedTuple):
    """The features that the paper takes from one pass through the visual encoder."""

    penultimate_class: Tensor  # (B, d2) class token after the penultimate block
    final_class: Tensor  # (B, d2) class token after the last block and its LayerNorm
    projected: Tensor  # (B, d1) v_g
    patches: Tensor  # (B, m, d2) V


class CLIPTowers(nn.Module):
    """A CLIP model whose text side is frozen and takes token embeddings instead of token ids.

    Args:
        model: an open_clip CLIP with a class token and a causal text Transformer.
        tokenize: text -> token ids (1, context length), int64.
        name: open_clip's name of the model.
    """

    visual: VisionTransformer

    def __init__(self, model: CLIP, tokenize: open_clip.SimpleTokenizer, name: str) -> None:
        super().__init__()
        self.name = name
        self.visual = model.visual
        self.text = _TextTower(model)
        self.text.requires_grad_(requires_grad=False)
        self._tokenize = tokenize

    @property
    def feature_dim(self) -> int:
        """Width d1 of the joint image-text space."""
        return self.visual.output_dim

    @property
    def patch_dim(self) -> int:
        """Width d2 of the visual encoder."""
        return self.visual.transformer.width

    @property
    def token_dim(self) -> int:
        """Width dt of a text token."""
        return self.text.token_embedding.embedding_dim

    @property
    def text_length(self) -> int:
        """Most positions of a text; a longer one is cut."""
        return len(self.text.positional_embedding)

    @property
    def activation(self) -> str:
        """Name of the blocks' activation: GELU or QuickGELU."""
        return type(self.visual.transformer.resblocks[0].mlp.gelu).__name__

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Run the visual encoder once.

        Args:
            pixels: (B, 3, H, W), already normalised, of the size the model was built for.
        """
        require_size(pixels, self.visual)
        *early, last = self.visual.transformer.resblocks
        tokens = self.visual._embeds(pixels)
        for block in early:
            tokens = block(tokens)
        final_class = self.visual.ln_post(last(tokens)[:, 0])
        return ImageFeatures(
            tokens[:, 0], final_class, final_class @ self.visual.proj, tokens[:, 1:]
        )

    def encode_text(self, embeddings: Tensor, end: Tensor) -> Tensor:
        """Return text features (B, d1); the weights are frozen, gradient flows to the embeddings.

        Args:
            embeddings: (B, L, dt), without position.
            end: index of the end token of each text (B,), in [0, L).
        """
        return self.text(embeddings, end)

    def embed(self, text: str) -> tuple[Tensor, Tensor]:
        """Return token embeddings (1, L, dt) of a text up to its end token, and its index (1,)."""
        ids = self.token_ids(text)
        embeddings = self.text.token_embedding(ids.to(self.text.token_embedding.weight.device))
        return embeddings[None], torch.tensor([len(ids) - 1], device=embeddings.device)

    def token_ids(self, text: str) -> Tensor:
        """Return token ids (L,) of a text, from its start to its end token."""
        ids = self._tokenize([text])[0]
        return ids[: int(ids.argmax()) + 1]  # the end token has the largest id


def require_size(pixels: Tensor, visual: VisionTransformer) -> None:
    """Raise a UserError unless images (B, 3, H, W) have the size a visual encoder was built for."""
    size, expected = tuple(pixels.shape[-2:]), tuple(visual.image_size)
    if size != expected:
        raise UserError(
            f"the images have {size} pixels (height, width), but this CLIP was built for "
            f"{expected}; set INPUT.SIZE_TRAIN and INPUT.SIZE_TEST to the size of the images"
        )


class _TextTower(nn.Module):
    """CLIP's text Transformer on embeddings that stop at the end token.

    Attention is causal, so tokens after the end token cannot change its feature.
    """

    token_embedding: nn.Embedding
    positional_embedding: nn.Parameter
    transformer: Transformer
    ln_final: nn.LayerNorm
    text_projection: nn.Parameter
    attn_mask: Tensor

    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.token_embedding = model.token_embedding
        self.positional_embedding = model.positional_embedding
        self.transformer = model.transformer
        self.ln_final = model.ln_final
        self.text_projection = model.text_projection
        self.register_buffer("attn_mask", model.attn_mask, persistent=False)

    def forward(self, embeddings: Tensor, end: Tensor) -> Tensor:
        """Embeddings (B, L, dt) and index of the end token (B,) -> features (B, d1)."""
        length = embeddings.shape[1]
        tokens = embeddings + self.positional_embedding[:length]
        tokens = self.transformer(tokens, attn_mask=self.attn_mask[:length, :length])
        at_end = self.ln_final(tokens[torch.arange(len(tokens), device=tokens.device), end])
        return at_end @ self.text_projection


def build_clip(
    name: str, pretrained: str = "", image_size: tuple[int, int] = (256, 128)
) -> CLIPTowers:
    """Build the two towers of an open_clip model.

    Args:
        name: open_clip's name, or one of ours in ``clip_models/``.
        pretrained: an open_clip tag, one of ours, a local weights file, or "" for random weights.
        image_size: (height, width) in pixels; the position embedding is resampled to its grid.

    Raises:
        UserError: the name is unknown, the architecture does not fit, or the weights cannot be
            fetched or read.
    """
    model = create_clip(name, pretrained, image_size)
    logger.info("CLIP %s, weights: %s", name, pretrained or "random, or from a checkpoint")
    return CLIPTowers(model, open_clip.get_tokenizer(name), name)


def create_clip(name: str, pretrained: str = "", image_size: tuple[int, int] = (256, 128)) -> CLIP:
    """Build open_clip's own model, whole; arguments and errors as for ``build_clip``."""
    _check_architecture(name)
    _check_weights(name, pretrained)
    weights = find_weights(name, pretrained)
    tag = None if weights else pretrained or None
    try:
        with _quiet():
            model = open_clip.create_model(name, tag, force_image_size=tuple(image_size))
        if weights:
            load_weights(model, weights, native_size(name))
    except Exception as error:  # open_clip, torch and the hub client raise a dozen kinds
        raise UserError(
            f"CLIP weights {pretrained!r} for {name} could not be fetched or read "
            f"({type(_root_cause(error)).__name__}); MODEL.DPPP.CLIP_PRETRAINED takes a file too"
        ) from error
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the hub client, which logs each retry, and open_clip, which logs random weights."""
    levels = {name: logging.getLogger(name).level for name in ("", "huggingface_hub")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _root_cause(error: BaseException) -> BaseException:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _check_weights(name: str, pretrained: str) -> None:
    model_is_quick = bool(open_clip.get_model_config(name).get("quick_gelu"))
    published = open_clip.get_pretrained_cfg(name, pretrained)  # empty for a file
    weights_are_quick = model_is_quick
    if published or is_torchscript(pretrained):
        weights_are_quick = published.get("quick_gelu", is_torchscript(pretrained))
    if weights_are_quick != model_is_quick:
        # open_clip only warns; the features would be off by up to 1.3 in silence.
        kinds = ("QuickGELU", "GELU") if weights_are_quick else ("GELU", "QuickGELU")
        fitting = f"{name}-quickgelu" if weights_are_quick else name.removesuffix("-quickgelu")
        raise UserError(
            f"the CLIP weights {pretrained} were trained with {kinds[0]} and {name} has "
            f"{kinds[1]}; set MODEL.DPPP.CLIP_NAME to {fitting}"
        )
    tags = [*own_tags(name), *open_clip.list_pretrained_tags_by_model(name)]
    if pretrained and pretrained not in tags and not find_weights(name, pretrained):
        raise UserError(
            f"MODEL.DPPP.CLIP_PRETRAINED: {pretrained!r} is neither a file nor a tag of {name} "
            f"(its tags: {', '.join(tags) or 'none'})"
        )


def native_size(name: str) -> tuple[int, int]:
    """Return (height, width) in pixels of the images a model's weights were published for."""
    _check_architecture(name)
    size = open_clip.get_model_config(name)["vision_cfg"]["image_size"]
    return (size, size) if isinstance(size, int) else tuple(size)


def _check_architecture(name: str) -> None:
    open_clip.add_model_config(OWN_MODELS)
    if name not in open_clip.list_models():
        raise UserError(
            f"MODEL.DPPP.CLIP_NAME: open_clip has no model {name!r}; "
            "`python -c 'import open_clip; print(open_clip.list_models())'` lists them"
        )
    config = open_clip.get_model_config(name)
    vision, text = config["vision_cfg"], config["text_cfg"]
    plain = (
        isinstance(vision.get("layers"), int)
        and vision.get("pool_type", "tok") == "tok"
        and not any(vision.get(key) for key in ("timm_model_name", "attentional_pool"))
        and not any(config.get(key) for key in ("custom_text", "multimodal_cfg"))
        and not any(text.get(key) for key in ("hf_model_name", "proj_bias", "no_causal_mask"))
    )
    if not plain:
        raise UserError(
            f"MODEL.DPPP.CLIP_NAME: {name} is not a plain CLIP ViT with a class token, from which "
            "DPPP takes its features; use a ViT-B-32, ViT-B-16 or ViT-L-14 model"
        )
