"""The two CLIP towers, from open_clip; symbols as in visual_tower.py and text_tower.py."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import open_clip
from open_clip import CLIP
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from ..collector import paused_collector
from ..errors import UserError
from ..log import logger
from .clip_files import OWN_MODELS, find_weights, is_torchscript, load_weights, own_tags
from .patches import check_stride, size_of_plain_patches
from .text_tower import TextTower
from .visual_tower import ImageFeatures, encode_image

# Settings of open_clip that change what a block computes.
_OTHER_BLOCKS = (
    *("ls_init_value", "block_type", "qk_norm", "scaled_cosine_attn"),
    *("scale_heads", "scale_attn_inner", "scale_attn", "scale_fc"),
)


class CLIPTowers(nn.Module):
    """A CLIP model whose text side is frozen and takes token embeddings instead of token ids.

    Args:
        model: an open_clip CLIP with a class token and a causal text Transformer.
        tokenize: text -> token ids (1, context length), int64.
        name: open_clip's name of the model.
        pretrained: the weights it has, as ``build_clip`` takes them; "" if they are random.
    """

    visual: VisionTransformer

    def __init__(
        self, model: CLIP, tokenize: open_clip.SimpleTokenizer, name: str, pretrained: str = ""
    ) -> None:
        super().__init__()
        self.name = name
        self.pretrained = pretrained
        self.visual = model.visual
        self.text = TextTower(model)
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
        """Run the visual encoder once on normalized pixels (B, 3, H, W) of its size."""
        return encode_image(self.visual, pixels)

    def encode_texts(self, sentences: Sequence[Tensor]) -> list[Tensor]:
        """Return features (B, d1) of sentences; the weights are frozen, the embeddings are not.

        Args:
            sentences: token embeddings without position, each (B, L, dt) with an L of its own, up
                to the end token. All run together.
        """
        return self.text(sentences)

    def embed(self, text: str) -> Tensor:
        """Return token embeddings (1, L, dt) of a text up to its end token."""
        ids = self.token_ids(text).to(self.text.token_embedding.weight.device)
        return self.text.token_embedding(ids)[None]

    def token_ids(self, text: str) -> Tensor:
        """Return token ids (L,) of a text, from its start to its end token."""
        ids = self._tokenize([text])[0]
        return ids[: int(ids.argmax()) + 1]  # the end token has the largest id


def build_clip(
    name: str,
    pretrained: str = "",
    image_size: tuple[int, int] = (256, 128),
    stride: tuple[int, int] | None = None,
) -> CLIPTowers:
    """Build the two towers of an open_clip model.

    Args:
        name: open_clip's name, or one of ours in ``clip_models/``.
        pretrained: an open_clip tag, one of ours, a local weights file, or "" for random weights.
        image_size: (height, width) in pixels; the position embedding is resampled to its grid.
        stride: (down, across) in pixels from patch to patch; None for patches side by side, smaller
            numbers than the patch size for patches that overlap.

    Raises:
        UserError: the name is unknown, the architecture or the stride does not fit, or the weights
            cannot be fetched or read.
    """
    model = create_clip(name, pretrained, image_size, stride)
    logger.info("CLIP %s, weights: %s", name, pretrained or "random, or from a checkpoint")
    return CLIPTowers(model, build_tokenizer(name), name, pretrained)


def create_clip(
    name: str,
    pretrained: str = "",
    image_size: tuple[int, int] = (256, 128),
    stride: tuple[int, int] | None = None,
) -> CLIP:
    """Build open_clip's own model, whole; arguments and errors as for ``build_clip``."""
    _check_architecture(name)
    patch = _pair(open_clip.get_model_config(name)["vision_cfg"]["patch_size"])
    stride = patch if stride is None else stride
    check_stride(stride, patch)
    _check_weights(name, pretrained)
    weights = find_weights(name, pretrained)
    tag = None if weights else pretrained or None
    try:
        with _quiet():
            # A size with as many patches side by side: positions are resampled once, to their grid.
            size = size_of_plain_patches(image_size, patch, stride)
            model = open_clip.create_model(name, tag, force_image_size=size)
        if weights:
            load_weights(model, weights, native_size(name))
        model.visual.conv1.stride, model.visual.image_size = stride, tuple(image_size)
    except Exception as error:  # open_clip, torch and the hub client raise a dozen kinds
        raise UserError(
            f"CLIP weights {pretrained!r} for {name} could not be fetched or read "
            f"({type(_root_cause(error)).__name__}); MODEL.DPPP.CLIP_PRETRAINED takes a file too"
        ) from error
    return model


def build_tokenizer(name: str) -> open_clip.SimpleTokenizer:
    """Build the tokenizer of a model: texts -> token ids (B, context length), int64."""
    _check_architecture(name)
    with paused_collector():  # 100,000 small objects that stay
        return open_clip.get_tokenizer(name)


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
    return _pair(open_clip.get_model_config(name)["vision_cfg"]["image_size"])


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


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
        and not any(part.get(key) for part in (vision, text) for key in _OTHER_BLOCKS)
    )
    if not plain:
        raise UserError(
            f"MODEL.DPPP.CLIP_NAME: {name} is not a plain CLIP ViT with a class token, from which "
            "DPPP takes its features; use a ViT-B-32, ViT-B-16 or ViT-L-14 model"
        )
