"""The signal that ends all waiting."""

from __future__ import annotations

import gc
import os
import select
import threading

import pytest

from runner.transport.stop_signal import StopSignal


def _readable(stop: StopSignal, milliseconds: int) -> bool:
    poll = select.poll()
    poll.register(stop, select.POLLIN)
    return bool(poll.poll(milliseconds))


def test_it_stays_set_for_all_who_wait() -> None:
    stop = StopSignal()
    assert not stop.is_set()
    assert not _readable(stop, 0)
    stop.set()
    stop.set()
    assert stop.is_set()
    assert [_readable(stop, 0) for _ in range(3)] == [True] * 3


def test_it_wakes_another_thread() -> None:
    stop = StopSignal()
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(_readable(stop, 5000)))
    thread.start()
    stop.set()
    thread.join(5)
    assert woken == [True]


def test_its_descriptors_are_closed_with_it() -> None:
    stop = StopSignal()
    descriptor = stop.fileno()
    os.fstat(descriptor)
    del stop
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_waiting_ends_after_its_time_or_when_it_is_set() -> None:
    stop = StopSignal()
    assert not stop.wait(0.01)
    waiting = threading.Timer(0.05, stop.set)
    waiting.start()
    assert stop.wait(3600)
    waiting.join()
    assert stop.wait(3600)
