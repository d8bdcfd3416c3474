"""Runs of jobs with a rate, retries and a window, over associations that are scripted."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from runner.engine import peer_worker
from runner.engine.observer import Observers
from runner.engine.restraint import Restraint
from runner.engine.result import Verdict
from runner.engine.run import run
from runner.engine.run_result import RunResult
from runner.errors import (
    AssociationRejectedError,
    CertificateError,
    CfindError,
    ConnectError,
    ConnectionLostError,
    DimseTimeoutError,
    ExitStatus,
    NameLookupError,
    OutsideWindowError,
    UndecodableIdentifierError,
)
from runner.model import CsvSink, Job, Peer, Retries, Window
from runner.status import FindOutcome, StatusDetail
from runner.transport.stop_signal import StopSignal
from unit.engine.test_runs import BAD, Connection, InTurn, Peers, a_job, identifier_of

QUICK = Retries(2, 0.001)
MAIN = Peer("main", "pacs", 104)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., RunResult]:
    def start(peers: Peers, job: Job, **options: Any) -> RunResult:
        monkeypatch.setattr(peer_worker, "PeerConnection", peers)
        options.setdefault("stop", StopSignal())
        result = run(job, output_dir=tmp_path, stdout=io.BytesIO(), **options)
        assert all(connection.closed for connection in peers.opened)
        return result

    return start


def told(result: RunResult) -> list[tuple[str, int, list[str]]]:
    return [(one["verdict"], one["attempts"], one["warnings"]) for one in result.ledger.records()]


def lost(connection: Connection) -> None:
    connection.alive = False
    raise ConnectionLostError("the connection broke")


# --- what is tried again --------------------------------------------------------------------------------


def test_what_was_delivered_before_the_connection_broke_is_not_delivered_again(
    running: Callable[..., RunResult], tmp_path: Path
) -> None:
    def script(connection: Connection) -> FindOutcome:
        one, two, three = map(identifier_of, ("1", "2", "3"))
        if connection.number == 1:
            connection.deliver([one, two, two], 0xFF00)
            lost(connection)
        connection.deliver([two, one], 0xFF00)
        connection.deliver([two, three], 0xFF00)
        return FindOutcome(StatusDetail(0), 4, False, 0, ())

    peers = Peers(script)
    job = a_job(replace(MAIN, retries=QUICK), sinks=(CsvSink("a.csv", columns=((0x00100020,),)),))
    result = running(peers, job)
    assert result.exit_status == 0
    assert told(result) == [("complete", 2, ["attempt 1 failed: the connection broke"])]
    (record,) = result.ledger.records()
    assert (record["responses"], record["delivered"]) == (4, 4)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as lines:
        assert [row[0] for row in csv.reader(lines)][1:] == ["1", "2", "2", "3"]


@pytest.mark.parametrize(
    "failure",
    [ConnectionLostError("lost"), DimseTimeoutError("too late"), 0xA700, 0xA7FF, 0x0213],
    ids=str,
)
def test_what_passes_is_tried_as_often_as_the_job_says(
    running: Callable[..., RunResult], failure: CfindError | int
) -> None:
    def script(connection: Connection) -> int:
        if isinstance(failure, int):
            return failure
        connection.deliver([identifier_of("1")], 0xFF00)
        connection.alive = False
        raise failure

    peers = Peers(script)
    result = running(peers, a_job(replace(MAIN, retries=QUICK), repeat=2))
    assert [(verdict, attempts, len(notes)) for verdict, attempts, notes in told(result)] == [
        ("failed", 3, 2),
        ("failed", 3, 2),
    ]
    assert (sum(connection.finds for connection in peers.opened), result.exit_status) == (6, 5)


@pytest.mark.parametrize("status", [0xA900, 0xC000, 0xC001, 0x0122, 0x0110, 0xFE00, 0xB001])
def test_what_is_refused_is_not_tried_again(running: Callable[..., RunResult], status: int) -> None:
    peers = Peers(lambda connection: status)
    result = running(peers, a_job(replace(MAIN, retries=QUICK)))
    assert [connection.finds for connection in peers.opened] == [1]
    assert result.exit_status in (5, 6)


def test_a_cap_is_not_tried_again(running: Callable[..., RunResult]) -> None:
    def script(connection: Connection) -> FindOutcome:
        connection.deliver([identifier_of("1")], 0xFF00)
        return FindOutcome(StatusDetail(0xA700), 1, False, 0, ())

    result = running(Peers(script), a_job(replace(MAIN, retries=QUICK)))
    assert told(result) == [("incomplete", 1, [])]


def test_nothing_is_tried_again_after_what_cannot_be_decoded(running: Callable[..., RunResult]) -> None:
    def script(connection: Connection) -> None:
        connection.deliver([BAD], 0xFF00)
        connection.keep(b"", 0xFF00, UndecodableIdentifierError("it broke off"))
        lost(connection)

    result = running(Peers(script), a_job(replace(MAIN, retries=QUICK)))
    assert [one[:2] for one in told(result)] == [("failed", 1)]


def test_nothing_is_tried_again_without_retries_or_where_nothing_is_to_be_opened_again(
    running: Callable[..., RunResult],
) -> None:
    for peer in (MAIN, replace(MAIN, retries=QUICK, reopen=False)):
        result = running(Peers(lost), a_job(peer))
        assert [one[:2] for one in told(result)] == [("failed", 1)]


# --- peers that give no association -----------------------------------------------------------------------


def for_now() -> AssociationRejectedError:
    error = AssociationRejectedError("rejected for now")
    error.transient = True
    return error


def test_a_peer_that_dies_half_way_and_comes_back_loses_nothing(running: Callable[..., RunResult]) -> None:
    """It dies in an operation, is not there for a while, rejects for a while, and does the rest."""

    def script(connection: Connection) -> int:
        if connection.number == 1 and connection.finds == 20:
            lost(connection)
        connection.deliver([identifier_of("1")], 0xFF00)
        return 0

    def refuse(number: int, peer: Peer) -> CfindError | None:
        return {2: ConnectError("refused"), 3: ConnectError("refused"), 4: for_now()}.get(number)

    peers = Peers(script, refuse)
    result = running(peers, a_job(replace(MAIN, retries=QUICK), repeat=50))
    assert (result.verdict, result.responses, peers.asked) == (Verdict.COMPLETE, 50, 5)
    assert [connection.finds for connection in peers.opened] == [20, 31]
    assert [attempts for _, attempts, _ in told(result) if attempts != 1] == [5]
    assert [text.partition(" in ")[0].partition(" after ")[0] for text in result.warnings] == [
        "peer main: refused; it is asked again up to 5 times, at first",
        "peer main: it gave an association again",
    ]


def test_several_workers_survive_it_together(running: Callable[..., RunResult]) -> None:
    """Once it is there again, all of its associations are."""
    together = threading.Barrier(3)
    opened = threading.Event()

    def script(connection: Connection) -> int:
        if connection.number <= 3:
            together.wait(10)
            lost(connection)
        if len(peers.opened) == 6:
            opened.set()
        assert opened.wait(10)
        return 0

    def refuse(number: int, peer: Peer) -> CfindError | None:
        return ConnectError("refused") if 3 < number <= 7 else None

    peers = Peers(script, refuse)
    # the three may note their first failures at once, or one after the other
    peer = replace(MAIN, max_associations=3, retries=Retries(6, 0.001))
    result = running(peers, a_job(peer, repeat=30))
    assert (result.exit_status, result.ledger.operations, len(peers.opened)) == (0, 30, 6)


def test_a_peer_that_stays_dead_is_soon_given_up_and_costs_the_others_nothing(
    running: Callable[..., RunResult],
) -> None:
    def refuse(number: int, peer: Peer) -> CfindError | None:
        return ConnectError("refused") if peer.name == "dead" else None

    peers = Peers(lambda connection: 0, refuse)
    dead = Peer("dead", "pacs", 104, max_associations=4, retries=QUICK)
    result = running(peers, a_job(dead, MAIN, repeat=1000))
    verdicts = {
        (one["peer"], one["verdict"], one["attempts"] > 0): one["error"] for one in result.ledger.records()
    }
    # the operation that was tried may have been left to a worker that did not try it any more
    verdicts.pop(("dead", "failed", True), None)
    assert set(verdicts) == {("dead", "failed", False), ("main", "complete", True)}
    assert "it is given up after 3 attempts" in verdicts["dead", "failed", False]["message"]
    assert result.exit_status == 4
    assert peers.asked <= 4 + 2 + 1


@pytest.mark.parametrize(
    "error", [AssociationRejectedError("for good"), CertificateError("expired"), NameLookupError("no host")]
)
def test_a_peer_that_refuses_for_good_is_asked_once(
    running: Callable[..., RunResult], error: CfindError
) -> None:
    peers = Peers(lambda connection: 0, lambda number, peer: error)
    result = running(peers, a_job(replace(MAIN, retries=QUICK), repeat=5))
    assert (peers.asked, result.exit_status, result.ledger.operations) == (1, 4, 5)


def test_a_peer_that_gives_fewer_associations_gets_all_over_those(running: Callable[..., RunResult]) -> None:
    refused = threading.Event()

    def refuse(number: int, peer: Peer) -> CfindError | None:
        if number == 1:
            return None
        refused.set()
        return for_now()

    def script(connection: Connection) -> int:
        assert refused.wait(10)
        return 0

    peers = Peers(script, refuse)
    result = running(peers, a_job(replace(MAIN, max_associations=2, retries=QUICK), repeat=9))
    assert (result.exit_status, [connection.finds for connection in peers.opened]) == (0, [9])


def test_a_signal_ends_the_wait_for_a_peer_at_once(running: Callable[..., RunResult]) -> None:
    stop = StopSignal()

    def refuse(number: int, peer: Peer) -> CfindError | None:
        threading.Timer(0.05, stop.set).start()
        return ConnectError("refused")

    peers = Peers(lambda connection: 0, refuse)
    peer = replace(MAIN, max_associations=3, retries=Retries(3, 3600))
    begun = time.monotonic()
    result = running(peers, a_job(peer, repeat=9), stop=stop, interruption=lambda: ExitStatus.INTERRUPTED)
    assert time.monotonic() - begun < 30
    assert (result.exit_status, result.verdict) == (130, Verdict.INCOMPLETE)


# --- how fast ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("associations", [1, 3])
def test_the_rate_is_kept_over_all_associations(running: Callable[..., RunResult], associations: int) -> None:
    sent = []

    def script(connection: Connection) -> int:
        sent.append(time.monotonic())
        return 0

    peer = replace(MAIN, rate=100, max_associations=associations)
    result = running(Peers(script), a_job(peer, repeat=21))
    assert result.exit_status == 0
    # twenty pauses; that a thread wakes late once does not let the others be early
    assert max(sent) - min(sent) >= 0.19


# --- when -------------------------------------------------------------------------------------------------

NIGHT = Window(19 * 60, 6 * 60, zone="Europe/Berlin")


class WallClock:
    """Shows the time of a noon in Berlin, and goes on as fast as it is told."""

    def __init__(self, time_of_day: str, step: float = 0.0) -> None:
        moment = datetime.fromisoformat(f"2024-01-01 {time_of_day}").replace(tzinfo=ZoneInfo("Europe/Berlin"))
        self.now = moment.timestamp()
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Noting(Observers):
    def __init__(self) -> None:
        super().__init__()
        self.waited: list[str] = []
        self.came = threading.Event()

    def waiting(self, peer: Peer, text: str) -> None:
        self.waited.append(text)
        self.came.set()


def test_outside_its_window_a_peer_is_left_alone(running: Callable[..., RunResult]) -> None:
    peers = Peers(lambda connection: 0)
    job = a_job(replace(MAIN, window=NIGHT), Peer("other", "pacs", 104), repeat=3)
    result = running(peers, job, clock=WallClock("12:00"), waits=False)
    assert [(one["peer"], one["verdict"]) for one in result.ledger.records()] == [
        ("main", "failed")] * 3 + [("other", "complete")] * 3  # fmt: skip
    error = next(iter(result.ledger.records()))["error"]
    assert error["message"] == "it is left alone until its window opens: Monday 2024-01-01 19:00 CET"
    assert (result.exit_status, peers.asked) == (4, 1)


def test_in_its_window_a_peer_is_asked(running: Callable[..., RunResult]) -> None:
    job = a_job(replace(MAIN, window=NIGHT), repeat=3)
    assert running(Peers(lambda connection: 0), job, clock=WallClock("23:30"), waits=False).exit_status == 0


def test_it_waits_for_the_window_and_says_so_once(running: Callable[..., RunResult]) -> None:
    clock, observer = WallClock("18:59:59.800", step=0.001), Noting()
    peer = replace(MAIN, window=NIGHT, max_associations=3)
    result = running(Peers(lambda connection: 0), a_job(peer, repeat=5), clock=clock, observer=observer)
    assert (result.exit_status, result.warnings) == (0, ())
    assert observer.waited == ["its window is closed: waiting until Monday 2024-01-01 19:00 CET"]


@pytest.mark.parametrize(("wrong", "right"), [("23:30", "12:00"), ("12:00", "03:00"), ("15:00", "12:00")])
def test_a_clock_that_is_put_back_is_looked_at_anew(wrong: str, right: str) -> None:
    """What the window was found to be at a wrong time does not hold at the right one."""

    def is_asked(restraint: Restraint) -> bool:
        try:
            restraint.hold(lambda: None)
        except OutsideWindowError:
            return False
        return True

    def restraint() -> Restraint:
        said: list[str] = []
        peer = replace(MAIN, window=NIGHT)
        return Restraint(peer, StopSignal(), said.append, said.append, lambda: clock.now, waits=False)

    clock, late, early = WallClock(wrong), restraint(), restraint()
    asked_then = is_asked(late)
    clock.now = WallClock(right).now
    assert is_asked(late) is is_asked(early) is (right == "03:00")
    clock.now = WallClock(wrong).now
    assert is_asked(late) is is_asked(early) is asked_then is (wrong == "23:30")


def test_when_the_window_closes_no_operation_is_begun(running: Callable[..., RunResult]) -> None:
    """The association is ended; what was going on has come to its end."""
    clock, observer, stop = WallClock("05:59"), Noting(), StopSignal()

    def script(connection: Connection) -> int:
        if connection.finds == 2:
            clock.now += 120
            threading.Thread(target=wait_and_stop).start()
        return 0

    def wait_and_stop() -> None:
        assert observer.came.wait(10)
        closed.append(peers.opened[0].closed)
        stop.set()

    closed: list[bool] = []
    peers = Peers(script)
    job = a_job(replace(MAIN, window=NIGHT), repeat=5)
    result = running(
        peers, job, clock=clock, observer=observer, stop=stop, interruption=lambda: ExitStatus.TERMINATED
    )
    assert [connection.finds for connection in peers.opened] == [2]
    assert observer.waited == ["its window is closed: waiting until Monday 2024-01-01 19:00 CET"]
    assert (result.exit_status, result.ledger.verdicts[Verdict.COMPLETE]) == (143, 2)


# --- on other executors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["in turn", "one thread", "own threads"])
def test_the_same_job_on_other_executors(running: Callable[..., RunResult], kind: str) -> None:
    """Rate, window and retries hold on executors that run the workers one after the other, too."""

    def script(connection: Connection) -> int:
        if connection.finds == 5 and connection.number == 1:
            lost(connection)
        connection.deliver([identifier_of("1")], 0xFF00)
        return 0

    def refuse(number: int, peer: Peer) -> CfindError | None:
        return ConnectError("refused") if number in (1, 4) else None

    polite = Peer(
        "polite", "pacs", 104, max_associations=3, rate=1000, window=Window(), retries=Retries(4, 0.001)
    )
    job = a_job(polite, replace(MAIN, retries=QUICK), repeat=10)
    peers = Peers(script, refuse)
    if kind == "in turn":
        result = running(peers, job, executor=InTurn())
    elif kind == "one thread":
        with ThreadPoolExecutor(1) as pool:
            result = running(peers, job, executor=pool)
    else:
        result = running(peers, job)
    assert (result.exit_status, result.ledger.operations, result.responses) == (0, 20, 20)
    assert [one["number"] for one in result.ledger.records()] == list(range(1, 21))
