"""Worker processes change the speed and nothing else, and are gone when they are not wanted."""

import multiprocessing
from collections.abc import Iterable, Iterator
from itertools import count, islice

import pytest
from yacs.config import CfgNode

from geneperson import UserError
from geneperson.pipeline.workers import Job, draw_in_order
from geneperson.prompting import prompts, vocabulary


def jobs(people: Iterable[prompts.Identity]) -> Iterator[Job]:
    return ((one, None) for one in people)


def test_two_workers_draw_what_one_draws_in_order(cfg: CfgNode) -> None:
    people = list(islice(prompts.identities(vocabulary.load(), cfg.SEED), 5))
    assert list(draw_in_order(cfg, jobs(people), 2)) == list(draw_in_order(cfg, jobs(people), 1))


def test_few_candidates_are_in_flight_and_closing_stops_the_workers(cfg: CfgNode) -> None:
    taken = []
    stream = prompts.identities(vocabulary.load(), cfg.SEED)
    endless = (taken.append(number) or next(stream) for number in count())
    before = set(multiprocessing.active_children())
    drawn = draw_in_order(cfg, jobs(endless), 2)
    assert next(drawn).index == 0
    assert len(taken) <= 5
    assert len(set(multiprocessing.active_children()) - before) == 2
    drawn.close()
    assert set(multiprocessing.active_children()) <= before


def test_a_workers_error_reaches_the_caller(cfg: CfgNode) -> None:
    cfg.SYNTHESIS.NAME = "crayons"
    people = islice(prompts.identities(vocabulary.load(), cfg.SEED), 1)
    with pytest.raises(UserError, match="crayons"):
        next(draw_in_order(cfg, jobs(people), 2))
