"""Worker processes change the speed and nothing else, and are gone when they are not wanted."""

import multiprocessing
import shutil
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson.pipeline.spec import BuildSpec
from geneperson.pipeline.workers import finish_in_order, make_in_order
from geneperson.posing.files import save_poses
from geneperson.posing.skeletons import walking_poses
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis import Characters


def people(spec: BuildSpec, number: int) -> list[prompts.Identity]:
    return list(islice(spec.identities(), number))


def test_two_workers_draw_what_one_draws_in_order(cfg: CfgNode) -> None:
    spec = BuildSpec.from_config(cfg)
    some = people(spec, 4)
    assert list(make_in_order(spec, some, 2)) == list(make_in_order(spec, some, 1))


def test_few_candidates_are_in_flight_and_closing_stops_the_workers(cfg: CfgNode) -> None:
    taken: list[int] = []
    stream = prompts.identities(vocabulary.load(), cfg.SEED)

    def endless() -> Iterator[prompts.Identity]:
        for number in count():
            taken.append(number)
            yield next(stream)

    before = set(multiprocessing.active_children())
    drawn = make_in_order(BuildSpec.from_config(cfg), endless(), 2)
    assert next(drawn).index == 0
    assert len(taken) <= 5
    assert len(set(multiprocessing.active_children()) - before) == 2
    drawn.close()
    assert set(multiprocessing.active_children()) <= before


def test_a_workers_error_reaches_the_caller(cfg: CfgNode) -> None:
    """A worker that finds no alpha, and nothing that could cut people out."""
    spec = BuildSpec.from_config(cfg)
    image = np.zeros((*spec.grid.size, 3), np.uint8)
    canvases = [(person, [Characters(image=image, alpha=None)]) for person in people(spec, 1)]
    with pytest.raises(ValueError, match="a canvas without alpha"):
        next(finish_in_order(spec, canvases, 2, lambda judged: ((one, None) for one in judged)))


def test_workers_need_no_file_of_the_configuration(cfg: CfgNode, tmp_path: Path) -> None:
    """Poses and words travel with the specification; their files are read once."""
    poses, words = tmp_path / "poses.json", tmp_path / "words.json"
    save_poses(poses, walking_poses(6, pitch_deg=6.0, aspect=0.5))
    shutil.copy(vocabulary.CURATED, words)
    cfg.POSES.FILE, cfg.VOCABULARY.FILE = str(poses), str(words)
    spec = BuildSpec.from_config(cfg)
    poses.unlink()
    words.unlink()
    drawn = list(make_in_order(spec, people(spec, 2), 2))
    assert [candidate.index for candidate in drawn] == [0, 1]
    assert all(candidate.images for candidate in drawn)
