"""CLIP's own training: image and caption of a pair against all others of the batch.

Every random choice is a function of (seed, epoch) or (seed, step), so a resumed run gives the same
weights as an uninterrupted one.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..errors import UserError
from ..files import read_torch_file, whole_file
from ..modeling.clip import create_clip
from .pairs import Pairs

_CHECKPOINT = "checkpoint.pth"
_MAX_LOGIT_SCALE = 100.0  # as in OpenAI's training
_MAX_SHIFT_PX = 4  # of an image, in each direction


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        model: one of the package's own models.
        epochs: how often every image is seen.
        batch_size: pairs in a batch.
        learning_rate: peak of AdamW's, between a linear warm-up and a cosine decay to 0.
        weight_decay: of matrices; embeddings, biases and norms have none.
        warmup: steps of the warm-up.
        seed: root of every random choice, 0 or more.
        dtype: of the forward pass: "bf16" (autocast) or "fp32", the faster of the two on a CPU
            without bf16 instructions.
    """

    model: str = "DPPP-Tiny-16-quickgelu"
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    warmup: int = 300
    seed: int = 0
    dtype: str = "bf16"


def pretrain(
    pairs: Pairs,
    recipe: Recipe,
    folder: Path,
    *,
    pixel_mean: Tensor,
    pixel_std: Tensor,
    device: str = "cpu",
    checkpoint_every: int = 500,
) -> open_clip.CLIP:
    """Train a CLIP from random weights, resuming a run of the same recipe and data in ``folder``.

    Args:
        pairs: what to train on.
        recipe: how to train.
        folder: for the checkpoint.
        pixel_mean: of each channel, (3,), 0..255.
        pixel_std: of each channel, (3,), 0..255.
        device: where to train.
        checkpoint_every: steps between checkpoints.

    Returns:
        The open_clip model, in evaluation mode on the CPU.

    Raises:
        UserError: the folder holds a run of another recipe or other data; too few images.
        FloatingPointError: the loss is not finite.
    """
    if len(pairs) < recipe.batch_size:
        raise UserError(f"{len(pairs)} images are fewer than a batch of {recipe.batch_size}")
    torch.manual_seed(recipe.seed)
    model = create_clip(recipe.model, image_size=pairs.pixels.shape[1:3]).to(device)
    optimizer = torch.optim.AdamW(_groups(model, recipe.weight_decay), betas=(0.9, 0.98), eps=1e-6)
    batches = len(pairs) // recipe.batch_size
    steps = recipe.epochs * batches
    facts = _facts(pairs, recipe, pixel_mean, pixel_std)
    start = _load(folder, facts, model, optimizer)
    tokenize = open_clip.get_tokenizer(recipe.model)
    mean, std = (x.view(1, 3, 1, 1).to(device) for x in (pixel_mean, pixel_std))
    model.train()
    with tqdm(total=steps, initial=start, unit="step", desc="pretraining") as progress:
        for step in range(start, steps):
            for group in optimizer.param_groups:
                group["lr"] = _rate(step, steps, recipe)
            chosen = _batch(len(pairs), step, batches, recipe)
            pixels, captions = _draw(pairs, chosen, np.random.default_rng([recipe.seed, 1, step]))
            images = (pixels.to(device).float() - mean) / std
            with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.dtype == "bf16"):
                features = model(images, tokenize(captions).to(device))
            loss: Tensor = open_clip.ClipLoss()(*(feature.float() for feature in features))
            _update(model, optimizer, loss, step)
            progress.update()
            if step % 20 == 0:
                progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if (step + 1) % checkpoint_every == 0 or step + 1 == steps:
                _save(folder, facts, model, optimizer, step + 1)
    return model.eval().cpu()


def _update(
    model: open_clip.CLIP, optimizer: torch.optim.Optimizer, loss: Tensor, step: int
) -> None:
    if not torch.isfinite(loss):
        raise FloatingPointError(
            f"pretraining, step {step}: the loss is not finite ({loss.item():g}); nothing "
            "was updated. Lower the learning rate"
        )
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        model.logit_scale.clamp_(0.0, math.log(_MAX_LOGIT_SCALE))


def _facts(pairs: Pairs, recipe: Recipe, pixel_mean: Tensor, pixel_std: Tensor) -> dict:
    """Return what must be the same for a run to be resumed."""
    return asdict(recipe) | {
        "data": [source["digest"] for source in pairs.sources],
        "image size": list(pairs.pixels.shape[1:3]),
        "pixel mean": pixel_mean.tolist(),
        "pixel deviation": pixel_std.tolist(),
    }


def _groups(model: nn.Module, weight_decay: float) -> list[dict]:
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim >= 2 and "embedding" not in name
        (decayed if is_matrix else others).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _rate(step: int, steps: int, recipe: Recipe) -> float:
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, steps - recipe.warmup)
    return recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


def _batch(num_pairs: int, step: int, batches: int, recipe: Recipe) -> np.ndarray:
    epoch, number = divmod(step, batches)
    order = np.random.default_rng([recipe.seed, 0, epoch]).permutation(num_pairs)
    return order[number * recipe.batch_size : (number + 1) * recipe.batch_size]


def _draw(pairs: Pairs, chosen: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, list[str]]:
    """Return pixels (B, 3, H, W) uint8, each image shifted a little, and their captions."""
    drawn = [pairs.draw(index, rng) for index in chosen]
    height, width = pairs.pixels.shape[1:3]
    shifted = []
    for pixels, _ in drawn:
        framed = np.pad(
            pixels,
            ((_MAX_SHIFT_PX, _MAX_SHIFT_PX), (_MAX_SHIFT_PX, _MAX_SHIFT_PX), (0, 0)),
            mode="edge",
        )
        top, left = rng.integers(0, 2 * _MAX_SHIFT_PX + 1, 2)
        shifted.append(framed[top : top + height, left : left + width])
    stacked = torch.from_numpy(np.stack(shifted)).permute(0, 3, 1, 2)
    return stacked, [text for _, text in drawn]


def _save(
    folder: Path, facts: dict, model: nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    content = {
        "facts": facts,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    with whole_file(folder / _CHECKPOINT) as temporary:
        torch.save(content, temporary)


def _load(folder: Path, facts: dict, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    path = folder / _CHECKPOINT
    if not path.is_file():
        return 0
    saved = read_torch_file(path)
    saved_facts = saved.get("facts", {}) if isinstance(saved, dict) else {}
    different = [key for key in facts if saved_facts.get(key) != facts[key]]
    if different:
        raise UserError(
            f"{folder} holds a run with another {', '.join(different)}; choose another --output, "
            f"or delete {path}"
        )
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["step"]
