"""The same computations, written plainly: what the package is compared with.

Every row of every block by open_clip's and torch's own forward passes, texts padded to the tower's
whole length and run one after the other, autograd through parts that do not train, an optimizer
without a fused kernel, and a loss that is fetched in every step.
"""

from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from dppp.losses import supcon_loss, text_triplet_loss
from dppp.modeling import CLIPDPPP
from dppp.modeling.prompts import Prompt
from dppp.modeling.visual_tower import ImageFeatures

Step = Callable[[], None]


def encode_image(visual: VisionTransformer, pixels: Tensor) -> ImageFeatures:
    """Run a visual encoder as open_clip does."""
    tokens = visual._embeds(pixels)
    *early, last = visual.transformer.resblocks
    for block in early:
        tokens = block(tokens)
    final = visual.ln_post(last(tokens))[:, 0]
    return ImageFeatures(tokens[:, 0], final, final @ visual.proj, tokens[:, 1:])


def text_features(model: CLIPDPPP, image: ImageFeatures, strategy: str) -> Tensor:
    """Return the features (B, d1) of one prompt of the images."""
    prompt = cast(Prompt, model.prompts[strategy])
    style = None
    if prompt.has_style:
        aggregation = model.style_aggregation
        own = aggregation.tokens.to(image.patches.dtype).expand(len(image.patches), -1, -1)
        outputs = aggregation.transformer(torch.cat([own, image.patches], dim=1))
        features = aggregation.fc(outputs[:, : own.shape[1]])
        style = model.style_inversion(model.local_filter(features, image.projected))
    text, content = model.towers.text, model.content_inversion(image.projected)
    embeddings = prompt.fill(text.token_embedding, style, content)
    end = embeddings.shape[1] - 1
    padding = len(text.positional_embedding) - embeddings.shape[1]
    tokens = F.pad(embeddings, (0, 0, 0, padding)) + text.positional_embedding
    tokens = text.transformer(tokens, attn_mask=text.attn_mask)
    return text.ln_final(tokens)[:, end] @ text.text_projection


def phase_1(model: CLIPDPPP, pixels: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of Eq. 13."""
    image = encode_image(model.towers.visual, pixels)
    t_sc = text_features(model, image, "style-content")
    t_c = text_features(model, image, "content")
    return (
        reid_losses(model, image, labels)
        + supcon_loss(image.projected, t_sc, labels, model.temperature)
        + text_triplet_loss(t_c, labels, model.losses.text_margin)
    )


def phase_2(model: CLIPDPPP, pixels: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of Eq. 16."""
    image = encode_image(model.towers.visual, pixels)
    v_c = model.destylization(image.projected)
    t_c = text_features(model, image, "content")
    losses = model.losses
    return (
        losses.identity([model.content_head(v_c)], labels)
        + losses.image_triplet([v_c], labels)
        + supcon_loss(v_c, t_c, labels, model.temperature)
    )


def clip_reid_stage_2(model: CLIPDPPP, pixels: Tensor, labels: Tensor, texts: Tensor) -> Tensor:
    """Return the loss of CLIP-ReID's second stage (Li et al., AAAI 2023, Eq. 9).

    It runs no text tower: the features of all identities' texts (number of identities, d1) are
    made before.
    """
    image = encode_image(model.towers.visual, pixels)
    image_to_text = F.cross_entropy(image.projected @ texts.T, labels, label_smoothing=0.1)
    return reid_losses(model, image, labels) + image_to_text


def reid_losses(model: CLIPDPPP, image: ImageFeatures, labels: Tensor) -> Tensor:
    """Return identity and triplet losses of CLIP-ReID's features."""
    logits = [model.final_head(image.final_class), model.projected_head(image.projected)]
    features = [image.penultimate_class, image.final_class, image.projected]
    return model.losses.identity(logits, labels) + model.losses.image_triplet(features, labels)


def plain_step(
    loss: Callable[[], Tensor],
    trained: list[nn.Parameter],
    dtype: torch.dtype | None,
    device: str,
) -> Step:
    """Return a step of a plain training loop.

    Args:
        loss: of the batch.
        trained: what the optimizer updates.
        dtype: of autocast, or None.
        device: where the model is.
    """
    optimizer = torch.optim.Adam(trained, lr=1e-6)

    def step() -> None:
        with torch.autocast(device, dtype, enabled=dtype is not None):
            total = loss()
        if not torch.isfinite(total):
            raise FloatingPointError("the loss is not finite")
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return step
