"""The loop that trains a small CLIP.

Every random choice is a function of (seed, epoch) or (seed, step), so a resumed run gives the same
weights as an uninterrupted one.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip import CLIP
from open_clip.transformer import PatchDropout
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm

from ..errors import UserError
from ..files import read_torch_file, whole_file
from ..modeling.clip import create_clip
from .augment import augment
from .initialization import initialize
from .objective import Objective
from .optimizers import build_optimizers, set_rate
from .pairs import Pairs
from .pixels import PixelStatistics

_CHECKPOINT = "checkpoint.pth"
_MAX_LOGIT_SCALE = 100.0  # as in OpenAI's training
_WHOLE = 0.1  # last share of the steps, in which no patch is left out


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        model: one of the package's own models.
        epochs: how often every image is seen.
        batch_size: pairs in a batch.
        learning_rate: peak of AdamW's, between a linear warm-up and a cosine decay to 0.
        block_rate: peak of Muon's, which trains the blocks' matrices.
        weight_decay: of matrices; embeddings, biases and norms have none.
        warmup: steps of the warm-up.
        patch_dropout: share of an image's patches that are left out at random, 0..1, to save time
            (arXiv 2212.00794); the last tenth of the steps sees all patches.
        seed: root of every random choice, 0 or more.
        dtype: of the forward pass: "fp32" or "bf16" (autocast), the faster of the two on a machine
            with instructions for it.
    """

    model: str = "DPPP-Tiny-8-quickgelu"
    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 1e-3
    block_rate: float = 4e-3
    weight_decay: float = 0.1
    warmup: int = 300
    patch_dropout: float = 0.5
    seed: int = 0
    dtype: str = "fp32"


def pretrain(
    pairs: Pairs,
    recipe: Recipe,
    folder: Path,
    objective: Objective,
    *,
    statistics: PixelStatistics,
    device: str = "cpu",
    checkpoint_every: int = 500,
) -> CLIP:
    """Train a CLIP from random weights, resuming a run of the same recipe and data in ``folder``.

    Args:
        pairs: what to train on.
        recipe: how to train.
        folder: for the checkpoint.
        objective: what to train for; its own weights are drawn anew and trained in place.
        statistics: of the pixels.
        device: where to train.
        checkpoint_every: steps between checkpoints.

    Returns:
        The open_clip model, in evaluation mode on the CPU, as is the objective.

    Raises:
        UserError: the folder holds a run of another recipe or other data; too few images.
        FloatingPointError: the loss is not finite.
    """
    if len(pairs) < recipe.batch_size:
        raise UserError(f"{len(pairs)} images are fewer than a batch of {recipe.batch_size}")
    torch.manual_seed(recipe.seed)
    model = create_clip(recipe.model, image_size=pairs.pixels.shape[1:3])
    initialize(model)
    model.to(device)
    objective.reset()
    dropout = model.visual.patch_dropout = PatchDropout(recipe.patch_dropout)
    trained = nn.ModuleDict({"model": model, "objective": objective.to(device)}).train()
    optimizers = build_optimizers(
        trained,
        learning_rate=recipe.learning_rate,
        block_rate=recipe.block_rate,
        weight_decay=recipe.weight_decay,
    )
    batches = len(pairs) // recipe.batch_size
    steps = recipe.epochs * batches
    facts = _facts(pairs, recipe, statistics)
    facts["objective"] = type(objective).__name__
    start = _load(folder, facts, trained, optimizers)
    with tqdm(total=steps, initial=start, unit="step", desc="pretraining") as progress:
        for step in range(start, steps):
            set_rate(optimizers, _share_of_rate(step, steps, recipe.warmup))
            if step >= (1 - _WHOLE) * steps:
                dropout.prob = 0.0
            torch.manual_seed(recipe.seed + step)  # of the patches that are left out
            chosen = _batch(len(pairs), step, batches, recipe)
            rng = np.random.default_rng([recipe.seed, 1, step])
            batch = [pairs.draw(index, rng) for index in chosen]
            images = statistics.normalize(augment([x.pixels for x in batch], rng), device)
            with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.dtype == "bf16"):
                loss: Tensor = objective(model, images, batch, rng)
            _update(trained, optimizers, loss, step)
            with torch.no_grad():
                model.logit_scale.clamp_(0.0, math.log(_MAX_LOGIT_SCALE))
            progress.update()
            if step % 20 == 0:
                progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if (step + 1) % checkpoint_every == 0 or step + 1 == steps:
                _save(folder, facts, trained, optimizers, step + 1)
    trained.eval().cpu()
    return model


def _update(trained: nn.Module, optimizers: Sequence[Optimizer], loss: Tensor, step: int) -> None:
    if not torch.isfinite(loss):
        raise FloatingPointError(
            f"pretraining, step {step}: the loss is not finite ({loss.item():g}); nothing "
            "was updated. Lower the learning rate"
        )
    trained.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()


def _facts(pairs: Pairs, recipe: Recipe, statistics: PixelStatistics) -> dict:
    """Return what must be the same for a run to be resumed."""
    return asdict(recipe) | {
        "data": [source["digest"] for source in pairs.sources],
        "image size": list(pairs.pixels.shape[1:3]),
        "pixels": asdict(statistics),
    }


def _share_of_rate(step: int, steps: int, warmup: int) -> float:
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.5 * (1.0 + math.cos(math.pi * done))


def _batch(num_pairs: int, step: int, batches: int, recipe: Recipe) -> np.ndarray:
    epoch, number = divmod(step, batches)
    order = np.random.default_rng([recipe.seed, 0, epoch]).permutation(num_pairs)
    return order[number * recipe.batch_size : (number + 1) * recipe.batch_size]


def _save(
    folder: Path, facts: dict, trained: nn.Module, optimizers: Sequence[Optimizer], step: int
) -> None:
    content = {
        "facts": facts,
        "weights": trained.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
    }
    with whole_file(folder / _CHECKPOINT) as temporary:
        torch.save(content, temporary)


def _load(folder: Path, facts: dict, trained: nn.Module, optimizers: Sequence[Optimizer]) -> int:
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
    trained.load_state_dict(saved["weights"])
    for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
        optimizer.load_state_dict(state)
    return saved["step"]
