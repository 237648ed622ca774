"""Whether a checkpoint belongs to a run: a run resumes only with the settings it started with."""

from collections.abc import Sequence

import yaml
from fastreid.config import CfgNode, get_cfg

from ..config import flatten
from ..defaults import add_dppp_config
from ..errors import UserError

# Keys that do not change what is learnt; a model adds those that say how long its phases are.
_FREE = (
    "CUDNN_BENCHMARK",
    "DATALOADER.CACHE",
    "DATALOADER.NUM_WORKERS",
    "DATASETS.GENEPERSON_DIRS",  # they give names to folders; DATASETS.NAMES says which are used
    "DATASETS.MARKET_STYLE_DIRS",
    "DATASETS.TESTS",
    "MODEL.BACKBONE.PRETRAIN",
    "MODEL.BACKBONE.PRETRAIN_PATH",
    "MODEL.DEVICE",
    "MODEL.DPPP.CLIP_PRETRAINED",
    "MODEL.WEIGHTS",
    "OUTPUT_DIR",
    "SOLVER.CHECKPOINT_PERIOD",
    "SOLVER.COMPILE",
    "SOLVER.LOG_PERIOD",
)
# Keys under TEST that change when and how fast a model is tested, not its scores.
_NOT_SCORED = ("TEST.EVAL_PERIOD", "TEST.IMS_PER_BATCH")


def check_same_run(
    saved_config: str, cfg: CfgNode, path: str, *, phase_keys: Sequence[str]
) -> None:
    """Refuse to resume with other settings.

    Args:
        saved_config: the YAML text of the config in the checkpoint.
        cfg: the present config.
        path: of the checkpoint, for the message.
        phase_keys: those of the model that say which phases there are and how long they take.

    Raises:
        UserError: names the first key that differs, and both values.
    """
    saved, present = _complete(saved_config), flatten(yaml.safe_load(cfg.dump()))
    for key in sorted(saved.keys() | present.keys()):
        if key in _FREE or key in phase_keys or key.startswith("TEST."):
            continue
        if saved.get(key) != present.get(key):
            raise UserError(
                f"--resume: {path} was trained with {key} {saved.get(key)!r}, not "
                f"{present.get(key)!r}; use the same value, or another OUTPUT_DIR"
            )


def same_test(saved_config: str, cfg: CfgNode) -> bool:
    """Whether scores of a run with ``saved_config`` can be compared with those of ``cfg``."""
    saved, present = (
        {
            key: value
            for key, value in _complete(text).items()
            if key.startswith("TEST.") and key not in _NOT_SCORED
        }
        for text in (saved_config, cfg.dump())
    )
    return saved == present


def _complete(config: str) -> dict[str, object]:
    """Return key -> value of a run's config; keys that did not exist yet had their defaults."""
    default = get_cfg()
    add_dppp_config(default)
    return flatten(yaml.safe_load(default.dump())) | flatten(yaml.safe_load(config))
