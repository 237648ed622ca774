"""The optimizers of the small CLIP: Muon for the blocks' matrices, AdamW for the rest."""

from torch import nn
from torch.optim import AdamW, Muon, Optimizer


def build_optimizers(
    trained: nn.Module, *, learning_rate: float, block_rate: float, weight_decay: float
) -> list[Optimizer]:
    """Return the optimizers of a module that holds an open_clip model.

    Args:
        trained: all that is trained.
        learning_rate: of AdamW.
        block_rate: of Muon, scaled to the size of AdamW's updates.
        weight_decay: of matrices; embeddings, biases and norms have none.
    """
    blocks: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in trained.named_parameters():
        if parameter.ndim < 2 or "embedding" in name:
            others.append(parameter)
        else:
            (blocks if ".resblocks." in name else matrices).append(parameter)
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    adamw = AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
    muon = Muon(blocks, lr=block_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    for optimizer in (adamw, muon):
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return [adamw, muon]


def set_rate(optimizers: list[Optimizer], share: float) -> None:
    """Set all learning rates to a share of their peaks, 0..1."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = share * group["peak_lr"]
