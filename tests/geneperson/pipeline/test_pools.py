"""Worker processes change the speed and nothing else, and are gone when they are not wanted."""

import multiprocessing
import shutil
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson import UserError
from geneperson.pipeline.candidate import Candidate, CandidateMaker
from geneperson.pipeline.pools import here, in_order, processes
from geneperson.pipeline.spec import BuildSpec
from geneperson.posing.files import save_poses
from geneperson.posing.skeletons import walking_poses
from geneperson.prompting import prompts, vocabulary
from geneperson.synthesis import Characters
from pool_objects import Environment, Quitter


def people(spec: BuildSpec, number: int) -> list[prompts.Identity]:
    return list(islice(spec.identities(), number))


def make(spec: BuildSpec, identities: Iterable[prompts.Identity]) -> Iterator[Candidate]:
    """Candidates by two processes, at most four in flight."""
    with processes(partial(CandidateMaker, spec), [{}, {}]) as pool:
        yield from in_order(lambda one: pool.submit("make", one), identities, lambda: pool.ahead)


def test_two_processes_make_what_one_makes_in_order(cfg: CfgNode) -> None:
    spec = BuildSpec.from_config(cfg)
    some = people(spec, 4)
    with here(partial(CandidateMaker, spec)) as pool:
        expected = [pool.submit("make", one).result() for one in some]
    assert list(make(spec, some)) == expected


def test_few_candidates_are_in_flight_and_closing_stops_the_processes(cfg: CfgNode) -> None:
    taken: list[int] = []
    stream = prompts.identities(vocabulary.load(), cfg.SEED)

    def endless() -> Iterator[prompts.Identity]:
        for number in count():
            taken.append(number)
            yield next(stream)

    before = set(multiprocessing.active_children())
    drawn = make(BuildSpec.from_config(cfg), endless())
    assert next(drawn).index == 0
    assert len(taken) <= 5
    assert len(set(multiprocessing.active_children()) - before) == 2
    drawn.close()
    assert set(multiprocessing.active_children()) <= before


def test_an_error_of_a_process_reaches_the_caller(cfg: CfgNode) -> None:
    """A worker that finds no alpha, and nothing that could cut people out."""
    spec = BuildSpec.from_config(cfg)
    canvas = Characters(image=np.zeros((*spec.grid.size, 3), np.uint8), alpha=None)
    with (
        processes(partial(CandidateMaker, spec), [{}]) as pool,
        pytest.raises(ValueError, match="a canvas without alpha"),
    ):
        pool.submit("judge", people(spec, 1)[0], [canvas]).result()


def test_what_a_process_starts_from_may_be_larger_than_a_pipe_holds(tmp_path: Path) -> None:
    """A pipe holds 64 KB; a build that excludes many outfits hands over more."""

    def give_up(*_: object) -> None:
        raise TimeoutError("the pipe is full and nobody reads it")

    large = partial(Environment, tmp_path, cargo=bytes(1_000_000))
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120)
    try:
        with processes(large, [{"WHO": "a"}, {"WHO": "b"}]) as pool:
            answers = [pool.submit("who", number) for number in range(2)]
            assert {answer.result() for answer in answers} == {"a", "b"}
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_process_that_dies_is_one_line() -> None:
    with (
        pytest.raises(UserError, match=r"a worker process died.*fewer --workers"),
        processes(Quitter, [{}]) as pool,
    ):
        pool.submit("quit").result()


def test_each_process_has_its_own_environment(tmp_path: Path) -> None:
    with processes(partial(Environment, tmp_path), [{"WHO": "first"}, {"WHO": "second"}]) as pool:
        found = [pool.submit("who", number) for number in range(2)]
        assert {future.result() for future in found} == {"first", "second"}


def test_the_limit_is_asked_before_each_item() -> None:
    """What is wanted less and less is begun less and less."""
    begun: list[int] = []
    missing = 3

    def begin(item: int) -> Future[int]:
        begun.append(item)
        future: Future[int] = Future()
        future.set_result(item)
        return future

    results = in_order(begin, count(), lambda: max(1, missing))
    for expected in range(3):
        assert next(results) == expected
        missing -= 1
    assert begun == [0, 1, 2]


def test_workers_need_no_file_of_the_configuration(cfg: CfgNode, tmp_path: Path) -> None:
    """Poses and words travel with the specification; their files are read once."""
    poses, words = tmp_path / "poses.json", tmp_path / "words.json"
    save_poses(poses, walking_poses(6, pitch_deg=6.0, aspect=0.5))
    shutil.copy(vocabulary.CURATED, words)
    cfg.POSES.FILE, cfg.VOCABULARY.FILE = str(poses), str(words)
    spec = BuildSpec.from_config(cfg)
    poses.unlink()
    words.unlink()
    drawn = list(make(spec, people(spec, 2)))
    assert [candidate.index for candidate in drawn] == [0, 1]
    assert all(candidate.images for candidate in drawn)
