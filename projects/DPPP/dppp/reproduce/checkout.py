"""The repository around the package: reports train with its tools/ and configs/."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError

ROOT = Path(__file__).resolve().parents[4]
CONFIGS = ROOT / "configs" / "DPPP"
RECIPE = "vit_b16.yml"  # the paper's, which every row's config derives from
TRAIN_TOOL = ROOT / "tools" / "train_net.py"


def require_checkout() -> None:
    """Raise a UserError unless configs/ and tools/ are where a checkout has them."""
    if not (CONFIGS.is_dir() and TRAIN_TOOL.is_file()):
        raise UserError(
            f"no configs/DPPP and tools/train_net.py in {ROOT}; reports need the repository: clone "
            "it and install it with `pip install -e .`"
        )
