#!/usr/bin/env python
"""Plant failures on canvases of the procedural route and count what the gate catches, by rule.

benchmark_gate.py [--config-file F] [--identities N] [--crowd N] [--sheet FILE.png] [KEY VALUE ...]

The limits are those of the config (sdxl.yml). Every identity is drawn on a canvas of 42 cells, each
cell under another exposure; a sixth of the cells gets one kind of failure. Twins are looked for
among --crowd identities, which are drawn in 7 cells. Masks are exact here, so the tables prove the
rules; they say nothing about how often a model fails. The rule on seen views gets the true joints
with an error in cell heights, in place of a detector's. Equal arguments give equal tables.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import cv2
import numpy as np
from tabulate import tabulate

import geneperson
from geneperson import seeding
from geneperson.commands.arguments import Parser
from geneperson.compositing import quality
from geneperson.compositing.gate import ANOTHER_PERSON, Gate
from geneperson.compositing.seen_pose import check_seen
from geneperson.compositing.signatures import Appearance, color_signature, similarities
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.skeletons import L_ANKLE, L_HIP, L_KNEE, R_ANKLE, R_HIP, R_KNEE, Pose
from geneperson.prompting.prompts import Identity
from geneperson.synthesis.procedural.figure import Figure

CONFIG = "configs/GenePerson/sdxl.yml"
STEP = 6  # every sixth cell gets a failure, or is one of those that a twin is drawn in
EXPOSURE, TINT, NOISE = 0.06, 0.02, 4.0  # of a cell: log gain, log gain of a channel, levels
JOINT_ERRORS = (0.01, 0.02)  # of a seen joint, in cell heights
BACKDROP = (196, 198, 202)
Cell = tuple[np.ndarray, np.ndarray]  # (h, w, 3) and (h, w) uint8: the picture and its mask


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """One identity in every cell, and the next identity, who can get into a cell."""

    cells: list[Cell]
    others: list[Cell]
    poses: Sequence[Pose]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments."""
    parser = Parser(description="Plant failures and count what the gate catches.")
    parser.add_argument("--config-file", metavar="F", default=CONFIG, help=f"default {CONFIG}")
    parser.add_argument("--identities", type=int, default=40, metavar="N", help="default 40")
    parser.add_argument("--crowd", type=int, default=500, metavar="N", help="default 500")
    parser.add_argument("--sheet", metavar="FILE", help="PNG file of planted failures")
    parser.add_argument("opts", nargs="*", metavar="KEY VALUE", help="settings to override")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Print the tables; return the exit status."""
    args = parse(arguments)
    cfg = geneperson.load(args.config_file, [*args.opts, "SYNTHESIS.NAME", "procedural"])
    spec = BuildSpec.from_config(cfg)
    people = list(islice(spec.identities(), max(args.crowd, args.identities + 1)))
    drawn = [draw(spec, person, range(len(spec.poses))) for person in people[: args.identities + 1]]
    canvases = [
        Canvas(cells=mine, others=next_one, poses=spec.poses) for mine, next_one in pairwise(drawn)
    ]
    planted_rows = [count(name, canvases, spec) for name in ("(right cells)", *FAILURES)]
    for headers, rows in (
        (["Planted", "cells", *RULES, "together"], planted_rows),
        (["Seen turned", "error", "cells", "rejected"], seen_views(spec.poses)),
        (["Identities", "number", "rejected as twins"], twins(spec, people)),
    ):
        print(tabulate(rows, headers, tablefmt="pipe", disable_numparse=True), end="\n\n")
    if args.sheet:
        cv2.imwrite(args.sheet, cv2.cvtColor(sheet(canvases, spec), cv2.COLOR_RGB2BGR))
    return 0


def draw(spec: BuildSpec, person: Identity, cells: Sequence[int]) -> list[Cell]:
    """Draw some cells of a person's canvas."""
    figure, size = Figure(person, spec.world), (spec.grid.cell_height, spec.grid.cell_width)
    pictures = []
    for cell in cells:
        picture, alpha = np.full((*size, 3), BACKDROP, np.uint8), np.zeros(size, np.uint8)
        figure.draw(spec.poses[cell], picture, alpha, seeding.rng(person.seed, "folds", cell))
        pictures.append((picture, alpha))
    return pictures


def exposed(cell: Cell, rng: np.random.Generator, common: float = 0.0) -> Cell:
    """Return a cell under another exposure, with noise; ``common`` is its canvas's log gain."""
    picture, alpha = cell
    gain = np.exp(common + rng.normal(0, EXPOSURE) + rng.normal(0, TINT, 3))
    changed = picture * gain + rng.normal(0, NOISE, picture.shape)
    return np.clip(changed, 0, 255).astype(np.uint8), alpha


# Each failure returns what is drawn in a cell instead of the right picture.
def another_person(canvas: Canvas, cell: int, rng: np.random.Generator) -> Cell:
    return canvas.others[cell]


def no_legs(canvas: Canvas, cell: int, rng: np.random.Generator) -> Cell:
    return _cut(canvas, cell, (R_HIP, L_HIP), (R_KNEE, L_KNEE), rng)


def no_feet(canvas: Canvas, cell: int, rng: np.random.Generator) -> Cell:
    return _cut(canvas, cell, (R_KNEE, L_KNEE), (R_ANKLE, L_ANKLE), rng)


def _cut(
    canvas: Canvas,
    cell: int,
    high: tuple[int, int],
    low: tuple[int, int],
    rng: np.random.Generator,
) -> Cell:
    """End a body below the lower of two joints and above the upper of two others."""
    picture, alpha = (part.copy() for part in canvas.cells[cell])
    joints = canvas.poses[cell].joints[:, 1] * len(alpha)
    row = int(rng.uniform(joints[list(high)].max(), joints[list(low)].min()))
    picture[row:], alpha[row:] = BACKDROP, 0
    return picture, alpha


def touching_pair(canvas: Canvas, cell: int, rng: np.random.Generator) -> Cell:
    """Two bodies side by side, from touching to 40 % nearer: in the middle, or one beside it."""
    scale, is_centered = rng.uniform(0.7, 0.95), rng.random() < 0.5
    side = int(rng.choice((-1, 1)))
    width = canvas.cells[cell][1].shape[1]

    def pair(shift: float) -> tuple[Cell, Cell]:
        first = -side * shift / 2 if is_centered else 0.0
        mine, other = canvas.cells[cell], canvas.others[cell]
        return _moved(mine, scale, first), _moved(other, scale, first + side * shift)

    def overlap(shift: float) -> bool:
        one, two = (quality.person_mask(alpha) for _, alpha in pair(shift))
        return bool((one & two).any())

    touching = next((shift for shift in range(width * 3 // 4, 0, -1) if overlap(shift)), 1)
    (near, alpha), (far, behind) = pair(touching * rng.uniform(0.6, 1.0))
    weight = alpha[:, :, None] / 255.0
    return (near * weight + far * (1.0 - weight)).astype(np.uint8), np.maximum(alpha, behind)


def _moved(cell: Cell, scale: float, shift: float) -> Cell:
    picture, alpha = cell
    height, width = alpha.shape
    x, y = (1 - scale) * width / 2 + shift, (1 - scale) * 0.95 * height
    matrix = np.array([[scale, 0.0, x], [0.0, scale, y]])
    moved = cv2.warpAffine(picture, matrix, (width, height), borderValue=BACKDROP)
    return moved, cv2.warpAffine(alpha, matrix, (width, height))


def opposite_view(canvas: Canvas, cell: int, rng: np.random.Generator) -> Cell:
    return canvas.cells[_turned(canvas.poses, cell, 180)]


def quarter_turn(canvas: Canvas, cell: int, rng: np.random.Generator) -> Cell:
    return canvas.cells[_turned(canvas.poses, cell, 90 * int(rng.choice((-1, 1))))]


def _turned(poses: Sequence[Pose], cell: int, degrees: int) -> int:
    """Return the cell whose view is turned the most nearly by so much."""
    asked = poses[cell].azimuth_deg + degrees
    off = [abs((pose.azimuth_deg - asked + 180) % 360 - 180) for pose in poses]
    return int(np.argmin(off))


FAILURES: dict[str, Callable[[Canvas, int, np.random.Generator], Cell]] = {
    "another person": another_person,
    "no legs": no_legs,
    "no feet": no_feet,
    "touching pair": touching_pair,
    "view: turned by 180 degrees": opposite_view,
    "view: turned by 90 degrees": quarter_turn,
}
RULES = ("area, height", "width", "joints, feet", "same person")


def planted(name: str, canvas: Canvas, number: int) -> tuple[list[Cell], range]:
    """Plant one kind of failure; return all cells of the canvas, and which of them count."""
    rng = seeding.rng(0, name, number)
    if name not in FAILURES:
        return [exposed(cell, rng) for cell in canvas.cells], range(len(canvas.cells))
    bad = range(number % STEP, len(canvas.cells), STEP)
    cells = list(canvas.cells)
    for cell in bad:
        cells[cell] = FAILURES[name](canvas, cell, rng)
    return [exposed(cell, rng) for cell in cells], bad


def count(name: str, canvases: Sequence[Canvas], spec: BuildSpec) -> list[str]:
    """Return the row of a kind of failure: the share of its cells that each rule rejects."""
    everything = Gate(spec.limits, spec.picture, spec.poses)
    neutral = replace(
        spec.limits, min_area=0.0, max_area=1.0, min_height=0.0, max_width=0.0, min_joints=0.0
    )
    person = Gate(neutral, spec.picture, spec.poses)
    verdicts = []
    for number, canvas in enumerate(canvases):
        cells, bad = planted(name, canvas, number)
        pictures, alphas = [cell[0] for cell in cells], [cell[1] for cell in cells]
        strangers = person.judge(pictures, alphas).rejected
        rejected = everything.judge(pictures, alphas).rejected
        for cell in bad:
            alpha, pose = alphas[cell], spec.poses[cell]
            by_mask = quality.check(alpha, spec.limits)
            by_width = quality.check_width(alpha, pose, spec.limits)
            by_pose = quality.check_pose(alpha, pose, spec.limits)
            by_likeness = strangers.get(cell) == ANOTHER_PERSON or None
            verdicts.append((by_mask, by_width, by_pose, by_likeness, rejected.get(cell)))
    columns = zip(*verdicts, strict=True)
    return [name, str(len(verdicts)), *(percent([x is not None for x in col]) for col in columns)]


def percent(flags: Sequence[bool] | np.ndarray) -> str:
    """Return the share of true ones."""
    return f"{100 * float(np.mean(flags)):.1f} %"


def seen_views(poses: Sequence[Pose]) -> list[list[str]]:
    """Return the rows of the rule on seen views, each cell ten times."""
    rng, rows = np.random.default_rng(2), []
    for error in JOINT_ERRORS:
        for name, degrees in (("(right cells)", 0), ("by 180 degrees", 180), ("by 90 degrees", 90)):
            reasons = []
            for cell in [*range(len(poses))] * 10:
                pose = poses[_turned(poses, cell, degrees)]
                joints = pose.joints[:, :2] * (pose.aspect, 1.0) + rng.normal(0.0, error, (18, 2))
                seen = np.where(pose.visible[:, None], joints, np.nan)
                reasons.append(check_seen([seen], poses[cell]))
            flags = [reason is not None for reason in reasons]
            rows.append([name, f"{100 * error:.0f} %", str(len(flags)), percent(flags)])
    return rows


def twins(spec: BuildSpec, people: Sequence[Identity]) -> list[list[str]]:
    """Return the rows on identities: a crowd of different ones, and some of them drawn again."""
    cells = range(0, len(spec.poses), STEP)
    again = people[::10]
    shoes = [_other_shoes(person, people) for person in again]
    crowd = np.stack([look(spec, person, cells, "crowd") for person in people])
    limit = spec.picture.twin_similarity
    among = np.tril(similarities(crowd, crowd), -1).max(axis=1)  # with the earlier ones
    rows = [["different (lost)", str(len(people)), percent(among >= limit)]]
    for name, some in (
        ("drawn again (caught)", again),
        ("again, in other shoes", shoes),
    ):
        looks = np.stack([look(spec, person, cells, name) for person in some])
        alike = similarities(looks, crowd).max(axis=1)
        rows.append([name, str(len(some)), percent(alike >= limit)])
    return rows


def _other_shoes(person: Identity, people: Sequence[Identity]) -> Identity:
    colors = sorted({each.attributes["footwear_color"] for each in people})
    color = colors[colors.index(person.attributes["footwear_color"]) - len(colors) // 2]
    return replace(person, attributes=person.attributes | {"footwear_color": color})


def look(spec: BuildSpec, person: Identity, cells: Sequence[int], purpose: str) -> np.ndarray:
    """Return an identity's signature, under an exposure of its canvas and of each cell."""
    rng = seeding.rng(1, purpose, person.index)
    common = rng.normal(0, EXPOSURE)
    signatures = [
        color_signature(*exposed(drawn, rng, common), spec.poses[cell])
        for cell, drawn in zip(cells, draw(spec, person, cells), strict=True)
    ]
    return Appearance.of(np.stack(signatures)).signature()


def sheet(canvases: Sequence[Canvas], spec: BuildSpec) -> np.ndarray:
    """Draw a row of each kind of failure, framed red and with the reason where rejected."""
    gate, rows = Gate(spec.limits, spec.picture, spec.poses), []
    for name in ("(right cells)", *FAILURES):
        tiles = []
        for number, canvas in enumerate(canvases[:12]):
            cells, bad = planted(name, canvas, number)
            reasons = gate.judge(*map(list, zip(*cells, strict=True))).rejected
            cell = bad[number % len(bad)]
            color = (220, 0, 0) if cell in reasons else (0, 120, 0)
            tile = cv2.copyMakeBorder(cells[cell][0], 3, 20, 3, 3, cv2.BORDER_CONSTANT, value=color)
            place, font = (2, len(tile) - 6), cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(tile, reasons.get(cell, "kept"), place, font, 0.36, (255, 255, 255), 1)
            tiles.append(tile)
        rows.append(np.hstack(tiles))
    return np.vstack(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
