"""A trained model that turns images into features.

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
from ..evaluation import require_finite
from ..files import digest_tensors
from ..modeling.interface import ReIDModel
from ..precision import autocast

# Images encoded together. On a CPU, more leave its caches; a GPU needs more to be busy.
_CPU_BATCH, _GPU_BATCH = 32, 128


class FeatureModel(nn.Module):
    """RGB pixels (B, 3, H, W), 0..255, of any number format -> features (B, d1), of length 1.

    The network normalizes the pixels itself, so the only preprocessing left is the size.
    """

    def __init__(self, network: ReIDModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """RGB pixels (B, 3, H, W), 0..255 -> features (B, d1)."""
        features = self.network(images.to(torch.float32))
        return F.normalize(features.to(torch.float32), dim=1)


class Embedder:
    """Images of people -> features whose inner products are cosine similarities.

    Attributes:
        network: the model itself.
        model: the ``FeatureModel`` around it, in evaluation mode.
        device: where it runs.
        name: of the architecture.
        image_size: (H, W).
        crops: whether preprocessing cuts off a part of the image.
        precision: number format in which images are encoded.
        batch_size: images encoded together.

    Args:
        network: any model that ``build_model`` can build, trained.
        cfg: the config it was built from.
        precision: "fp32" or "bf16"; features are float32 in either case.
    """

    def __init__(self, network: ReIDModel, cfg: CfgNode, precision: str = "fp32") -> None:
        self.network = network
        self.model = FeatureModel(network).requires_grad_(requires_grad=False).eval()
        self.device = network.device
        self._transforms = build_transforms(cfg, is_train=False)
        shape = self._transforms(Image.new("RGB", (32, 64))).shape
        self.image_size = (shape[1], shape[2])
        self.crops = bool(cfg.INPUT.CROP.ENABLED)
        self.precision = precision
        self.name = network.display_name
        self._settings = network.feature_settings(cfg)
        self.batch_size = _CPU_BATCH if self.device.type == "cpu" else _GPU_BATCH

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return features (N, d1), float32, of length 1; the images may have any size.

        They are turned upright, converted to RGB and resized to (H, W) without keeping their
        aspect ratio, as in FastReID's evaluation.

        Raises:
            UserError: not a list of PIL images, a transparent image, or a model that diverged.
        """
        if isinstance(images, Image.Image):
            raise UserError("embed takes a list of PIL images: embed([image])")
        if not len(images):
            return np.zeros((0, self.feature_dim), np.float32)
        size = self.batch_size
        chunks = [images[start : start + size] for start in range(0, len(images), size)]
        parts = [self.embed_pixels([self.preprocess(i) for i in chunk]) for chunk in chunks]
        return np.concatenate(parts)

    def preprocess(self, image: Image.Image) -> Tensor:
        """Return pixels (3, H, W), uint8, as the model takes them."""
        return self._transforms(to_rgb(image))

    @torch.no_grad()
    def embed_pixels(self, pixels: Sequence[Tensor]) -> np.ndarray:
        """Return features (B, d1) of what ``preprocess`` made of B images."""
        images = torch.stack(tuple(pixels)).to(self.device)
        with autocast(self.precision, self.device):
            features = self.model(images).cpu().numpy()
        require_finite(features)
        return features

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Return features (N, d1) of sentences, float32, of length 1, in the space of the images'.

        Raises:
            UserError: not a list of sentences, one that is empty or too long, or a model without
                a text side.
        """
        if isinstance(texts, str):
            raise UserError("embed_texts takes a list of sentences: embed_texts([sentence])")
        if not all(text.strip() for text in texts):
            raise UserError("a sentence to search for is empty; describe a person")
        features = self.network.encode_texts(texts)
        if features is None:
            raise UserError(
                f"{self.name} has no text side; name a CLIP and its weights as the model, such as "
                "DPPP-Tiny-8-quickgelu:procedural"
            )
        return F.normalize(features.float(), dim=1).cpu().numpy()

    @functools.cached_property
    def feature_dim(self) -> int:
        """Width d1 of a feature."""
        return self.embed([Image.new("RGB", self.image_size[::-1])]).shape[1]

    @functools.cached_property
    def digest(self) -> str:
        """16 hexadecimal digits, the same for all files of one trained model.

        Features of two models cannot be compared; the digest says which model made them. The
        precision is not part of it: features in fp32 and in bf16 differ by less than two images do.
        """
        network = self.network
        state = network.inference_state()
        means = network.pixel_mean.flatten().tolist(), network.pixel_std.flatten().tolist()
        facts = (self.name, self._settings, self.image_size, self.crops, means)
        sha = hashlib.sha256(repr(facts).encode())
        digest_tensors(sha, state)
        return sha.hexdigest()[:16]


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the image upright and in three channels.

    Raises:
        UserError: it is not a PIL image, or partly transparent, with an unknown background.
    """
    if not isinstance(image, Image.Image):
        raise UserError(
            f"{type(image).__name__} is not a PIL image; open files with PIL.Image.open"
        )
    try:
        image = ImageOps.exif_transpose(image)
    except (struct.error, SyntaxError, KeyError, TypeError) as error:
        raise UserError(f"the image's EXIF data are damaged ({error})") from error
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if (np.asarray(image)[..., 3] < 255).any():
            raise UserError("the image is partly transparent; put it on an opaque background")
    return image.convert("RGB")
