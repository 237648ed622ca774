"""A trained model that turns pictures into features.

| letter | meaning |
| ------ | ------- |
| N, B   | images, images of a batch |
| H, W   | height and width of the model's input, pixels |
| d1     | width of a feature |
"""

import functools
import hashlib
import struct
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from fastreid.config import CfgNode
from PIL import Image, ImageOps
from torch import Tensor, nn

from ..data.transforms import build_transforms
from ..errors import UserError
from ..modeling.architecture import inference_state
from ..modeling.clip_dppp import CLIPDPPP
from .published_clip import CLIPAlone

BATCH_SIZE = 64


class FeatureModel(nn.Module):
    """RGB pixels (B, 3, H, W), 0..255, of any number format -> features (B, d1), of length 1.

    The network normalises the pixels itself, so there is no preprocessing left but the size.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        # A copy: FastReID's Baseline normalises the tensor that it is given.
        return F.normalize(self.network(images.to(torch.float32, copy=True)), dim=1)


class Embedder:
    """Pictures of people -> features whose inner products are cosine similarities.

    Attributes:
        model: the ``FeatureModel``, in evaluation mode.
        name: of the architecture.
        image_size: (H, W).
        crops: whether preprocessing cuts away a part of the picture.

    Args:
        network: any meta-architecture of FastReID's registry, trained.
        cfg: the config it was built from.
    """

    def __init__(self, network: nn.Module, cfg: CfgNode) -> None:
        self.model = FeatureModel(network).requires_grad_(False).eval()
        self.device = network.device
        self._transforms = build_transforms(cfg, is_train=False)
        shape = self._transforms(Image.new("RGB", (32, 64))).shape
        self.image_size = (shape[1], shape[2])
        is_dppp = isinstance(network, CLIPDPPP)
        self.crops = bool(cfg.INPUT.CROP.ENABLED)
        # of FastReID's other models, many settings leave no trace in the weights
        self._settings = _projector(network) if is_dppp else _architecture(cfg)
        self.name = f"CLIPDPPP {network.towers.name}" if is_dppp else cfg.MODEL.META_ARCHITECTURE

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Features (N, d1), float32, of length 1; the pictures may be of any size.

        They are turned upright, made RGB and squashed to (H, W), as in FastReID's evaluation.

        Raises:
            UserError: no list of PIL images, one that is transparent, or a model that diverged.
        """
        if isinstance(images, Image.Image):
            raise UserError("embed takes a list of PIL images: embed([image])")
        if not len(images):
            return np.zeros((0, self.feature_dim), np.float32)
        chunks = [images[start : start + BATCH_SIZE] for start in range(0, len(images), BATCH_SIZE)]
        parts = [self.embed_pixels([self.preprocess(i) for i in chunk]) for chunk in chunks]
        return np.concatenate(parts)

    def preprocess(self, image: Image.Image) -> Tensor:
        """Pixels (3, H, W), float32, 0..255, as the model takes them."""
        return self._transforms(to_rgb(image))

    @torch.no_grad()
    def embed_pixels(self, pixels: Sequence[Tensor]) -> np.ndarray:
        """Features (B, d1) of what ``preprocess`` made of B images."""
        features = self.model(torch.stack(tuple(pixels)).to(self.device)).cpu().numpy()
        if not np.isfinite(features).all():
            raise UserError("the model gives NaN or infinite features; its training has diverged")
        return features

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Features (N, d1) of sentences, float32, of length 1, in the space of the pictures'.

        Raises:
            UserError: no list of sentences, or a model without a text side.
        """
        if isinstance(texts, str):
            raise UserError("embed_texts takes a list of sentences: embed_texts([sentence])")
        if not all(text.strip() for text in texts):
            raise UserError("a sentence to look for is empty; say who is looked for")
        network = self.model.network
        if not isinstance(network, CLIPAlone):
            raise UserError(
                f"{self.name} has no text side; name a CLIP and its weights as the model, such as "
                "DPPP-Tiny-16-quickgelu:procedural"
            )
        towers = network.towers
        cut = next((t for t in texts if len(towers.token_ids(t)) >= towers.text_length), None)
        if cut is not None:
            raise UserError(f"longer than {towers.text_length} tokens, would be cut: {cut[:60]!r}")
        features = [towers.encode_text(*towers.embed(text)) for text in texts]
        return F.normalize(torch.cat(features).float(), dim=1).cpu().numpy()

    @functools.cached_property
    def feature_dim(self) -> int:
        """d1."""
        return self.embed([Image.new("RGB", self.image_size[::-1])]).shape[1]

    @functools.cached_property
    def digest(self) -> str:
        """16 hexadecimal digits, the same for all files of one trained model.

        Features of two models cannot be compared; this tells which model made them.
        """
        network = self.model.network
        is_dppp = isinstance(network, CLIPDPPP)
        state = inference_state(network) if is_dppp else network.state_dict()
        means = network.pixel_mean.flatten().tolist(), network.pixel_std.flatten().tolist()
        facts = (self.name, self._settings, self.image_size, self.crops, means)
        sha = hashlib.sha256(repr(facts).encode())
        for key in sorted(state):
            sha.update(key.encode())
            sha.update(state[key].cpu().contiguous().numpy().tobytes())
        return sha.hexdigest()[:16]


def _projector(network: CLIPDPPP) -> str:
    return "residual" if network.destylization.residual else ""


def _architecture(cfg: CfgNode) -> str:
    """The part of a config that says what a model computes, but not from which file."""
    model = cfg.MODEL.clone()
    model.defrost()
    for node, keys in (
        (model, ("WEIGHTS", "DEVICE", "DPPP")),
        (model.BACKBONE, ("PRETRAIN", "PRETRAIN_PATH")),
        (model.HEADS, ("NUM_CLASSES",)),  # FastReID sets it when it has seen the data
    ):
        for key in keys:
            node.pop(key, None)
    return model.dump() + cfg.MODEL.DPPP.CLIP_NAME


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture upright and in three channels.

    Raises:
        UserError: it is no PIL image, or partly transparent: what is behind nobody knows.
    """
    if not isinstance(image, Image.Image):
        raise UserError(f"{type(image).__name__} is no PIL image; open files with PIL.Image.open")
    try:
        image = ImageOps.exif_transpose(image)
    except (struct.error, SyntaxError, KeyError, TypeError) as error:
        raise UserError(f"the picture's EXIF data are damaged ({error})") from error
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] < 255:
            raise UserError("the picture is partly transparent; put it onto a real background")
    return image.convert("RGB")
