"""The collector is left as it was found."""

import gc

import pytest

from dppp.collector import paused_collector


def test_it_pauses_and_goes_on_also_after_an_error() -> None:
    with pytest.raises(KeyError), paused_collector():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_it_does_not_start_a_collector_that_somebody_stopped() -> None:
    gc.disable()
    try:
        with paused_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
