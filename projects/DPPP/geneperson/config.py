"""Reading the settings of a build from YAML and overrides, and refusing what no build can use."""

from __future__ import annotations

from pathlib import Path

import yaml
from yacs.config import CfgNode

from .defaults import DEFAULTS
from .errors import UserError

_BASE = "_BASE_"
_FILES = ("VOCABULARY.FILE", "POSES.FILE")  # relative to the file that names them
_DEEPEST = 8  # sections within sections; an alias of YAML can point at its own parent
MAX_CANVAS_PX = 2**26  # 200 MB a canvas, far more than any model draws
DTYPES = ("bf16", "fp16", "fp32")
PROVIDERS = ("auto", "cuda", "cpu")


def get_cfg() -> CfgNode:
    """Give a fresh copy of the default settings."""
    return DEFAULTS.clone()


def load(config_file: str | Path | None, opts: list[str] | tuple[str, ...] = ()) -> CfgNode:
    """Read settings: defaults, then the file (its ``_BASE_`` first), then ``KEY VALUE`` overrides.

    Without a file, the defaults and the overrides are the settings. A relative ``_BASE_``,
    ``VOCABULARY.FILE`` or ``POSES.FILE`` in a file starts from that file's folder.

    Returns:
        Checked and frozen settings.

    Raises:
        UserError: file, key, type or value that cannot be used.
    """
    cfg = get_cfg()
    files = [] if config_file is None else _chain(Path(config_file), ())
    for path, content in files:
        for key, value in _flatten(content):
            if key in _FILES and value:
                value = str((path.parent / str(value)).resolve())
            _set(cfg, key, value, str(path))
    if len(opts) % 2:
        raise UserError(f"overrides come as KEY VALUE pairs, but '{opts[-1]}' stands alone")
    for key, text in zip(opts[::2], opts[1::2], strict=True):
        _set(cfg, key, text, "command line")
    check(cfg)
    cfg.freeze()
    return cfg


def check(cfg: CfgNode) -> None:
    """Refuse values that no build can use; all problems in one message."""
    height, width = cfg.CANVAS.CELL_SIZE if len(cfg.CANVAS.CELL_SIZE) == 2 else (0, 0)
    train, test = cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST
    cells, quality = cfg.CANVAS.COLUMNS * cfg.CANVAS.ROWS, cfg.QUALITY
    diffusion = cfg.DIFFUSION
    rules = (
        (0 <= cfg.SEED < 2**63, "SEED", "0 or more"),
        (train >= 0, "IDENTITIES.TRAIN", "0 or more"),
        (test >= 0, "IDENTITIES.TEST", "0 or more"),
        (train > 0 or test > 0, "IDENTITIES.TRAIN", "1 or more where IDENTITIES.TEST is 0"),
        (
            all(_is_seed_and_number(pair) for pair in cfg.IDENTITIES.EXCLUDE),
            "IDENTITIES.EXCLUDE",
            "pairs of a seed and a number, each 0 or more",
        ),
        (1 <= cfg.CANVAS.COLUMNS <= 64, "CANVAS.COLUMNS", "in 1..64"),
        (1 <= cfg.CANVAS.ROWS <= 64, "CANVAS.ROWS", "in 1..64"),
        (_is_size(height) and _is_size(width), "CANVAS.CELL_SIZE", "(height, width) in 16..4096"),
        (
            _is_size(height) and _is_size(width) and cells * height * width <= MAX_CANVAS_PX,
            "CANVAS.CELL_SIZE",
            f"such that the canvas has at most {MAX_CANVAS_PX} pixels",
        ),
        (cfg.POSES.LIMB_WIDTH >= 1, "POSES.LIMB_WIDTH", "1 or more"),
        (cfg.SCENES.POOL_SIZE >= 1, "SCENES.POOL_SIZE", "1 or more"),
        (0 <= quality.MIN_AREA < 1, "QUALITY.MIN_AREA", "in [0, 1)"),
        (quality.MIN_AREA < quality.MAX_AREA <= 1, "QUALITY.MAX_AREA", "in (MIN_AREA, 1]"),
        (0 <= quality.MIN_HEIGHT < 1, "QUALITY.MIN_HEIGHT", "in [0, 1)"),
        (
            1 <= quality.MIN_CELLS <= cells,
            "QUALITY.MIN_CELLS",
            f"in 1..{cells}, the canvas's cells",
        ),
        (
            test <= 0 or quality.MIN_CELLS >= 2,
            "QUALITY.MIN_CELLS",
            "2 or more where IDENTITIES.TEST is set: a held-out identity is seen by two cameras",
        ),
        (0 <= quality.MIN_JOINTS <= 1, "QUALITY.MIN_JOINTS", "in 0..1"),
        (0 <= diffusion.POSE_SCALE <= 2, "DIFFUSION.POSE_SCALE", "in 0..2"),
        (0 <= diffusion.EDGE_SCALE <= 2, "DIFFUSION.EDGE_SCALE", "in 0..2"),
        (1 <= diffusion.STEPS <= 1000, "DIFFUSION.STEPS", "in 1..1000"),
        (0 <= diffusion.GUIDANCE <= 100, "DIFFUSION.GUIDANCE", "in 0..100"),
        *(
            (
                -2 <= diffusion.LORA[f"{role}_WEIGHT"] <= 2,
                f"DIFFUSION.LORA.{role}_WEIGHT",
                "in -2..2",
            )
            for role in ("ENHANCEMENT", "LIGHTING", "STYLE")
        ),
        (diffusion.BATCH_SIZE >= 1, "DIFFUSION.BATCH_SIZE", "1 or more"),
        (diffusion.DTYPE in DTYPES, "DIFFUSION.DTYPE", f"one of {', '.join(DTYPES)}"),
        (
            cfg.SYNTHESIS.NAME != "diffusion" or _is_drawable(cfg),
            "DIFFUSION.SCALE",
            "such that both sides of the canvas times SCALE are multiples of 8",
        ),
        (0.25 <= diffusion.SCALE <= 8, "DIFFUSION.SCALE", "in 0.25..8"),
        (
            len(diffusion.BACKGROUND_SIZE) == 2
            and all(_is_size(side) and side % 8 == 0 for side in diffusion.BACKGROUND_SIZE),
            "DIFFUSION.BACKGROUND_SIZE",
            "(height, width) in 16..4096, multiples of 8",
        ),
        (cfg.MATTING.PROVIDER in PROVIDERS, "MATTING.PROVIDER", f"one of {', '.join(PROVIDERS)}"),
        (1 <= cfg.JPEG_QUALITY <= 100, "JPEG_QUALITY", "in 1..100"),
    )
    problems = [
        f"{key} is {_get(cfg, key)!r}, must be {rule}" for good, key, rule in rules if not good
    ]
    if problems:
        raise UserError("configuration: " + "; ".join(problems))


def _is_seed_and_number(pair: object) -> bool:
    is_pair = isinstance(pair, list | tuple) and len(pair) == 2
    return is_pair and all(type(one) is int and one >= 0 for one in pair)


def _is_size(pixels: object) -> bool:
    return isinstance(pixels, int) and 16 <= pixels <= 4096


def _is_drawable(cfg: CfgNode) -> bool:
    """Tell whether SDXL can draw the canvas: its VAE works on blocks of 8 x 8 pixels."""
    sides = zip((cfg.CANVAS.ROWS, cfg.CANVAS.COLUMNS), cfg.CANVAS.CELL_SIZE, strict=False)
    return all(_is_size(cell) and n * cell * cfg.DIFFUSION.SCALE % 8 == 0 for n, cell in sides)


def _chain(path: Path, seen: tuple[Path, ...]) -> list[tuple[Path, dict]]:
    """Read a file and the files its ``_BASE_`` names, farthest first."""
    if path.resolve() in seen:
        raise UserError(f"config {path}: its {_BASE} leads back to itself")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"config {path}: {error.strerror}; give --config-file a YAML file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"config {path}: not YAML ({' '.join(str(error).split())})") from error
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise UserError(f"config {path}: 'KEY: value' lines are expected")
    base = content.pop(_BASE, None)
    if base is None:
        return [(path, content)]
    if not isinstance(base, str):
        raise UserError(f"config {path}: {_BASE} must be a file name")
    return [*_chain(path.parent / base, (*seen, path.resolve())), (path, content)]


def _flatten(content: dict, prefix: str = "") -> list[tuple[str, object]]:
    """Spell nested sections as dotted keys."""
    if prefix.count(".") > _DEEPEST:
        raise UserError(
            f"config: {prefix[:40]}... goes on for ever; do not alias a section to itself"
        )
    pairs = []
    for name, value in content.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            pairs += _flatten(value, f"{key}.")
        else:
            pairs.append((key, value))
    return pairs


def _set(cfg: CfgNode, key: str, value: object, where: str) -> None:
    """Set one dotted key, with the type its default has."""
    *sections, name = key.split(".")
    node = cfg
    for section in sections:
        node = node.get(section) if isinstance(node, CfgNode) else None
    if isinstance(node, CfgNode) and isinstance(node.get(name), CfgNode):
        raise UserError(f"{key} in {where} is a section: 'KEY: value' lines are expected below it")
    if not isinstance(node, CfgNode) or name not in node:
        raise UserError(
            f"unknown key '{key}' in {where}; the keys stand in configs/GenePerson/Base.yml"
        )
    default = node[name]
    if isinstance(value, str) and not isinstance(default, str):
        # as in FastReID, text is read as a Python literal where it is one: "(256, 128)"
        value = CfgNode._decode_cfg_value(value)
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if type(value) is not type(default):
        raise UserError(
            f"{key} in {where} is {value!r}, must be of type {type(default).__name__} "
            f"like its default {default!r}"
        )
    node[name] = value


def _get(cfg: CfgNode, key: str) -> object:
    for name in key.split("."):
        cfg = cfg[name]
    return cfg
