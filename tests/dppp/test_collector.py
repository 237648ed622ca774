"""The collector is left as it was found."""

import gc

import pytest

from dppp.collector import paused_collector


def test_it_pauses_and_goes_on_also_after_an_error() -> None:
    with pytest.raises(KeyError), paused_collector():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_what_was_made_meanwhile_counts_as_old() -> None:
    with paused_collector():
        made = [object()]
    assert any(one is made for one in gc.get_objects(generation=2))
    assert gc.get_freeze_count() == 0


def test_it_does_not_start_a_collector_that_somebody_stopped() -> None:
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
