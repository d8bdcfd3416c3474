"""Waiting with deadlines, on socket pairs."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest

from runner.transport.sockets import DeadlineError, StoppedError, deadline_after, wait_for
from runner.transport.stop_signal import StopSignal


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@pytest.mark.parametrize("seconds", [None, 5.0, 1e9, float("inf")])
def test_what_is_ready_is_not_waited_for(
    pair: tuple[socket.socket, socket.socket], seconds: float | None
) -> None:
    pair[1].send(b"x")
    wait_for(pair[0], select.POLLIN, deadline_after(seconds), StopSignal())
    wait_for(pair[0], select.POLLOUT, deadline_after(seconds), None)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.05])
def test_a_deadline(pair: tuple[socket.socket, socket.socket], seconds: float) -> None:
    deadline = deadline_after(seconds)
    with pytest.raises(DeadlineError):
        wait_for(pair[0], select.POLLIN, deadline, StopSignal())
    assert deadline is not None
    assert time.monotonic() >= deadline


def test_a_stop_comes_before_what_is_ready(pair: tuple[socket.socket, socket.socket]) -> None:
    stop = StopSignal()
    stop.set()
    pair[1].send(b"x")
    with pytest.raises(StoppedError):
        wait_for(pair[0], select.POLLIN, None, stop)
    wait_for(pair[0], select.POLLIN, None, None)


def test_the_end_of_the_stream_is_ready(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    wait_for(pair[0], select.POLLIN, None, StopSignal())
