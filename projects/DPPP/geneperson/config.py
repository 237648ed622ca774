"""Reading the settings of a build from YAML and overrides, and refusing what no build can use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yacs.config import CfgNode

from .defaults import DEFAULTS
from .errors import UserError

_BASE = "_BASE_"
# Paths that are relative to the file that names them.
_FILES = ("VOCABULARY.FILE", "POSES.FILE", "QUALITY.EMBEDDER", "QUALITY.POSE_DETECTOR")
VOCABULARIES = ("street",)  # what VOCABULARY.FILE can name besides a file
_MAX_DEPTH = 8  # sections within sections; an alias of YAML can point at its own parent
_MIN_SIDE_PX, _MAX_SIDE_PX = 16, 4096
MAX_CANVAS_PX = 2**26  # 200 MB a canvas, far more than any model draws
SCHEDULERS = ("euler_a", "euler", "dpmpp_2m", "lcm", "tcd")
DTYPES = ("bf16", "fp16", "fp32")
PROVIDERS = ("auto", "cuda", "cpu")
RELIGHT, DRAWN = LIGHT_MODES = ("relight", "drawn")
TWINS = ("ignore", "reject", "keep")


def get_cfg() -> CfgNode:
    """Return a new copy of the default settings."""
    return DEFAULTS.clone()


def load(config_file: str | Path | None, opts: list[str] | tuple[str, ...] = ()) -> CfgNode:
    """Read settings: defaults, then the file (its ``_BASE_`` first), then ``KEY VALUE`` overrides.

    A relative ``_BASE_`` or path of ``_FILES`` in a file is relative to that file's folder; a name
    of ``VOCABULARIES`` stays as it is.

    Args:
        config_file: YAML file; None for the defaults and the overrides alone.
        opts: overrides, key and value in turn.

    Returns:
        Checked and frozen settings.

    Raises:
        UserError: a file, key, type or value that cannot be used.
    """
    cfg = get_cfg()
    files = [] if config_file is None else _chain(Path(config_file), ())
    for path, content in files:
        for key, value in _flatten(content):
            if key in _FILES and value and value not in VOCABULARIES:
                value = str((path.parent / str(value)).resolve())
            _set(cfg, key, value, str(path))
    if len(opts) % 2:
        raise UserError(f"overrides are KEY VALUE pairs, but '{opts[-1]}' has no value")
    for key, text in zip(opts[::2], opts[1::2], strict=True):
        _set(cfg, key, text, "command line")
    check(cfg)
    cfg.freeze()
    return cfg


def check(cfg: CfgNode) -> None:
    """Refuse values that no build can use; all problems in one message.

    Raises:
        UserError: values out of range, with what each must be.
    """
    problems = [
        f"{rule.key} is {value!r}, must be {rule.must_be}"
        for rule in (*_RULES, *_rules_between_keys(cfg))
        if not rule.is_met(value := _get(cfg, rule.key))
    ]
    if problems:
        raise UserError("configuration: " + "; ".join(problems))


@dataclass(frozen=True)
class _Rule:
    """What the value of a key must be, for the program and in words."""

    key: str
    is_met: Callable[[Any], bool]
    must_be: str


def _at_least(key: str, low: float) -> _Rule:
    return _Rule(key, lambda value: value >= low, f"{low} or more")


def _between(key: str, low: float, high: float, note: str = "") -> _Rule:
    return _Rule(key, lambda value: low <= value <= high, f"in {low}..{high}{note}")


def _from_up_to(key: str, low: float, high: float) -> _Rule:
    return _Rule(key, lambda value: low <= value < high, f"in [{low}, {high})")


def _above_up_to(key: str, low: float, high: float) -> _Rule:
    return _Rule(key, lambda value: low < value <= high, f"in ({low}, {high}]")


def _one_of(key: str, choices: Sequence[str]) -> _Rule:
    return _Rule(key, lambda value: value in choices, f"one of {', '.join(choices)}")


def _size(key: str, multiple: int = 1) -> _Rule:
    sizes = f"(height, width) in {_MIN_SIDE_PX}..{_MAX_SIDE_PX}"
    note = f", multiples of {multiple}" if multiple > 1 else ""
    return _Rule(key, lambda value: _is_size(value, multiple), f"{sizes}{note}")


def _is_size(value: Sequence[object], multiple: int = 1) -> bool:
    return len(value) == 2 and all(
        isinstance(side, int) and _MIN_SIDE_PX <= side <= _MAX_SIDE_PX and side % multiple == 0
        for side in value
    )


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _are_seeds_and_numbers(pairs: Sequence[object]) -> bool:
    return all(
        isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(type(number) is int and number >= 0 for number in pair)
        for pair in pairs
    )


_RULES = (
    _between("SEED", 0, 2**63 - 1),
    _at_least("IDENTITIES.TRAIN", 0),
    _at_least("IDENTITIES.TEST", 0),
    _Rule(
        "IDENTITIES.EXCLUDE",
        _are_seeds_and_numbers,
        "pairs of a seed and a number, each 0 or more",
    ),
    _between("IDENTITIES.TWINS", 0, 1),
    _between("CANVAS.COLUMNS", 1, 64),
    _between("CANVAS.ROWS", 1, 64),
    _size("CANVAS.CELL_SIZE"),
    _at_least("POSES.LIMB_WIDTH", 1),
    _at_least("POSES.JOINT_RADIUS", 0),
    _at_least("POSES.FACE_RADIUS", 0),
    _at_least("SCENES.POOL_SIZE", 1),
    _one_of("LIGHT.MODE", LIGHT_MODES),
    _between("LIGHT.PER_IDENTITY", 1, 9),
    _from_up_to("QUALITY.MIN_AREA", 0, 1),
    _from_up_to("QUALITY.MIN_HEIGHT", 0, 1),
    _between("QUALITY.MAX_WIDTH", 0, 1),
    _between("QUALITY.MIN_JOINTS", 0, 1),
    _from_up_to("QUALITY.MIN_SAME_PERSON", 0, 1),
    _one_of("QUALITY.TWINS", TWINS),
    _above_up_to("QUALITY.TWIN_SIMILARITY", 0, 1),
    _between("DIFFUSION.POSE_SCALE", 0, 2),
    _between("DIFFUSION.EDGE_SCALE", 0, 2),
    _above_up_to("DIFFUSION.POSE_END", 0, 1),
    _above_up_to("DIFFUSION.EDGE_END", 0, 1),
    _between("DIFFUSION.LORA.ENHANCEMENT_WEIGHT", -2, 2),
    _between("DIFFUSION.LORA.LIGHTING_WEIGHT", -2, 2),
    _between("DIFFUSION.LORA.STYLE_WEIGHT", -2, 2),
    _between("DIFFUSION.LORA.ACCELERATION_WEIGHT", -2, 2),
    _one_of("DIFFUSION.SCHEDULER", SCHEDULERS),
    _between("DIFFUSION.STEPS", 1, 1000),
    _between("DIFFUSION.GUIDANCE", 0, 100),
    _between("DIFFUSION.SCALE", 0.25, 8),
    _size("DIFFUSION.MIN_CELL"),
    _Rule(
        "DIFFUSION.MEGAPIXELS",
        lambda ends: len(ends) == 2 and _are_numbers(ends) and 0 <= ends[0] < ends[1],
        "(fewest, most), 0 or more",
    ),
    _size("DIFFUSION.BACKGROUND_SIZE", multiple=8),
    _at_least("DIFFUSION.BATCH_SIZE", 1),
    _one_of("DIFFUSION.DTYPE", DTYPES),
    _one_of("MATTING.PROVIDER", PROVIDERS),
    _between("JPEG_QUALITY", 1, 100),
)


def _rules_between_keys(cfg: CfgNode) -> Iterator[_Rule]:
    """Yield the rules for keys whose range depends on another key."""
    num_cells = cfg.CANVAS.COLUMNS * cfg.CANVAS.ROWS
    if not cfg.IDENTITIES.TEST:
        yield _Rule(
            "IDENTITIES.TRAIN",
            lambda train: train != 0,
            "1 or more, because IDENTITIES.TEST is 0",
        )
    if _is_size(cfg.CANVAS.CELL_SIZE):
        yield _Rule(
            "CANVAS.CELL_SIZE",
            lambda cell: num_cells * cell[0] * cell[1] <= MAX_CANVAS_PX,
            f"such that the canvas has at most {MAX_CANVAS_PX} pixels",
        )
    if cfg.LIGHT.MODE == RELIGHT:
        yield _Rule(
            "LIGHT.PER_IDENTITY", lambda number: number == 1, "1, because LIGHT.MODE is relight"
        )
    if cfg.IDENTITIES.TWINS > 0:
        yield _Rule(
            "QUALITY.TWINS",
            lambda twins: twins != "reject",
            "ignore or keep, because IDENTITIES.TWINS asks for twins",
        )
    yield _above_up_to("QUALITY.MAX_AREA", cfg.QUALITY.MIN_AREA, 1)
    yield _between("QUALITY.MIN_CELLS", 1, num_cells, ", the cells of the canvas")
    if cfg.IDENTITIES.TEST > 0:
        yield _Rule(
            "QUALITY.MIN_CELLS",
            lambda cells: cells >= 2,
            "2 or more, because a held-out identity is seen by two cameras (IDENTITIES.TEST)",
        )


def _chain(path: Path, seen: tuple[Path, ...]) -> list[tuple[Path, dict[str, Any]]]:
    """Read a file and its chain of ``_BASE_`` files, the farthest first."""
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


def _flatten(content: dict[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    """Write nested sections as dotted keys."""
    if prefix.count(".") > _MAX_DEPTH:
        raise UserError(
            f"config: {prefix[:40]}... is nested without end; do not alias a section to itself"
        )
    pairs: list[tuple[str, object]] = []
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
        raise UserError(f"unknown key '{key}' in {where}; geneperson/defaults.py lists the keys")
    default = node[name]
    if isinstance(value, str) and not isinstance(default, str):
        # as in FastReID, text that is a Python literal is read as one: "(256, 128)"
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


def _get(cfg: CfgNode, key: str) -> Any:
    value: Any = cfg
    for name in key.split("."):
        value = value[name]
    return value
