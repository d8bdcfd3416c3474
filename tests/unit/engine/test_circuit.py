"""The breaker before a peer, without any peer: who may ask it, and when it is given up."""

from __future__ import annotations

import pytest

from runner.engine.circuit import Circuit, Outage, pause
from runner.errors import AssociationRejectedError, ConnectError
from runner.model import Retries
from runner.transport.stop_signal import StopSignal

WORKER, OTHER = object(), object()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def circuit(clock: Clock, attempts: int = 3, backoff: float = 1.0) -> Circuit:
    return Circuit(Retries(attempts, backoff), clock, lambda: 0.0)


def fail(one: Circuit, worker: object = WORKER) -> Outage | None:
    """Ask in vain."""
    assert one.ask(worker) == 0
    try:
        return one.failed(worker, ConnectError("refused"))
    finally:
        one.done(worker)


def test_pauses_double_and_have_a_limit() -> None:
    retries = Retries(9, 2)
    assert [pause(retries, failures, lambda: 0.0) for failures in (1, 2, 3, 8, 9, 5000)] == [
        2, 4, 8, 256, 300, 300,
    ]  # fmt: skip
    assert pause(Retries(1, 1000), 3, lambda: 0.0) == 1000


def test_a_pause_is_longer_by_chance_but_never_shorter() -> None:
    assert pause(Retries(3, 2), 1, lambda: 1.0) == 2.5
    assert all(2 <= pause(Retries(3, 2), 1) <= 2.5 for _ in range(100))


def test_everybody_may_ask_a_peer_that_is_there() -> None:
    one = circuit(Clock())
    assert one.ask(WORKER) == one.ask(OTHER) == 0
    assert one.gave()[0] == 0
    assert one.ask(WORKER) == 0


def test_a_peer_that_was_never_there_is_given_up_after_the_attempts() -> None:
    clock = Clock()
    one = circuit(clock)
    pauses = []
    while one.given_up is None:
        outage = fail(one)
        assert outage is not None
        pauses.append(outage.pause)
        clock.now += outage.pause or 0
    assert pauses == [1, 2, 4, None]
    assert (type(one.given_up), one.given_up.what) == (
        ConnectError,
        "refused; it is given up after 4 attempts in 7 s",
    )
    with pytest.raises(ConnectError):
        one.ask(OTHER)


def test_a_peer_that_was_there_is_asked_three_times_more() -> None:
    clock = Clock()
    one = circuit(clock, attempts=1)
    one.ask(WORKER)
    one.gave()
    one.ended()
    pauses = []
    while one.given_up is None:
        outage = fail(one)
        assert outage is not None
        pauses.append(outage.pause)
        clock.now += outage.pause or 0
    assert pauses == [1, 2, 4, 8, None]


def test_during_a_pause_nobody_asks_and_then_one_asks_for_all() -> None:
    clock = Clock()
    one = circuit(clock)
    fail(one)
    assert one.ask(OTHER) == 1
    clock.now += 1
    assert one.ask(WORKER) == 0
    answer = one.ask(OTHER)
    assert isinstance(answer, StopSignal)
    assert not answer.is_set()
    clock.now += 2
    assert one.gave() == (1, 3)
    one.done(WORKER)
    assert answer.is_set()
    assert one.ask(OTHER) == 0


def test_who_asked_for_all_and_was_stopped_lets_the_next_one_ask() -> None:
    clock = Clock()
    one = circuit(clock)
    fail(one)
    clock.now += 1
    assert one.ask(WORKER) == 0
    one.done(WORKER)
    assert one.ask(OTHER) == 0


def test_workers_that_fail_at_the_same_time_count_once() -> None:
    one = circuit(Clock())
    assert one.ask(WORKER) == one.ask(OTHER) == 0
    assert one.failed(WORKER, ConnectError("refused")) == Outage(1, 3, 1)
    assert one.failed(OTHER, ConnectError("refused")) is None
    assert one.failures == 2


def test_a_peer_that_has_associations_is_not_given_up() -> None:
    clock = Clock()
    one = circuit(clock, attempts=0)
    one.ask(WORKER)
    one.gave()
    last: Outage | None = None
    for _ in range(4):
        last = fail(one, OTHER)
        clock.now += 10
    assert last == Outage(4, 3, None)
    assert (one.stands, one.given_up) == (True, None)


def test_an_association_ends_the_count() -> None:
    clock = Clock()
    one = circuit(clock)
    for _ in range(10):
        fail(one)
        clock.now += 1
        assert one.ask(WORKER) == 0
        assert one.gave()[0] == 1
        one.done(WORKER)
        one.ended()
    assert one.given_up is None


def test_what_is_given_up_keeps_what_it_failed_of() -> None:
    one = circuit(Clock(), attempts=0)
    one.ask(WORKER)
    one.failed(WORKER, AssociationRejectedError("rejected for now", "try later"))
    assert isinstance(one.given_up, AssociationRejectedError)
    assert one.given_up.advice == "try later"
