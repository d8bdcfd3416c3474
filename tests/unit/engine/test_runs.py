"""Runs over associations that are scripted: what is opened again, handed back, given up and reported."""

from __future__ import annotations

import io
import json
import select
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from runner.association.events import Accepted
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine import peer_worker
from runner.engine.observer import Observers
from runner.engine.result import OperationResult, Verdict
from runner.engine.run import run
from runner.engine.run_result import RunResult
from runner.errors import (
    ArchiveError,
    AssociationRejectedError,
    CfindError,
    ConnectError,
    ConnectionLostError,
    DefectError,
    ExitStatus,
    InterruptedRunError,
    UndecodableIdentifierError,
)
from runner.model import CsvSink, InformationModel, Job, Peer, Query, Request
from runner.report import report
from runner.status import FindOutcome, StatusDetail
from runner.transport.stop_signal import StopSignal

GOOD = struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 4) + b"A^B "
BAD = GOOD[:-2]


def identifier_of(patient: str) -> bytes:
    """An identifier with a PatientID of one character."""
    return struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", 2) + f"{patient} ".encode()


Script = Callable[["Connection"], Any]


@dataclass
class Peers:
    """The peers of a run: each C-FIND over the association `number` does what `script` says."""

    script: Script
    refuse: Callable[[int, Peer], CfindError | None] = lambda number, peer: None
    warning: str | None = None
    opened: list[Connection] = field(default_factory=list)
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(
        self, peer: Peer, abstract_syntaxes: Sequence[str], stop: StopSignal, secured: object = None
    ) -> Connection:
        with self.lock:
            self.asked += 1
            error = self.refuse(self.asked, peer)
            if error is not None:
                raise error
            self.opened.append(Connection(self, peer, stop, len(self.opened) + 1))
            return self.opened[-1]


@dataclass
class Connection:
    peers: Peers
    peer: Peer
    stop: StopSignal
    number: int
    finds: int = 0
    closed: bool = False
    alive: bool = True
    accepted: Accepted = field(default_factory=lambda: Accepted({}, 16384))

    def transfer_syntax(self, abstract_syntax: str) -> TransferSyntax:
        return TransferSyntax.EXPLICIT_LITTLE

    def find(self, syntax: str, identifier: bytes, deliver: Any, cancel_after: Any, keep: Any) -> FindOutcome:
        self.finds += 1
        self.deliver, self.keep = deliver, keep
        done = self.peers.script(self)
        return (
            done if isinstance(done, FindOutcome) else FindOutcome(StatusDetail(done or 0), 0, False, 0, ())
        )

    def close(self) -> str | None:
        assert not self.closed
        self.closed = True
        return self.peers.warning


def a_job(*peers: Peer, repeat: int = 1, sinks: tuple[CsvSink, ...] = ()) -> Job:
    used = peers or (Peer("main", "pacs", 104),)
    query = Query(
        "q", tuple(peer.name for peer in used), InformationModel.STUDY_ROOT, (Request(()),), repeat=repeat
    )
    return Job("job", used, (query,), sinks)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., RunResult]:
    def start(peers: Peers, job: Job | None = None, **options: Any) -> RunResult:
        monkeypatch.setattr(peer_worker, "PeerConnection", peers)
        options.setdefault("stop", StopSignal())
        result = run(job or a_job(), output_dir=tmp_path, stdout=io.BytesIO(), **options)
        assert all(connection.closed for connection in peers.opened)
        json.dumps(report([result]))
        return result

    return start


def test_operations_go_over_one_association_in_order(running: Callable[..., RunResult]) -> None:
    peers = Peers(lambda connection: 0, warning="odd")
    result = running(peers, a_job(repeat=4))
    assert [one["number"] for one in result.ledger.records()] == [1, 2, 3, 4]
    assert (result.verdict, result.exit_status) == (Verdict.COMPLETE, 0)
    assert [connection.finds for connection in peers.opened] == [4]
    assert result.warnings == ("peer main: odd",)


def test_a_limit_on_operations_is_kept(running: Callable[..., RunResult]) -> None:
    peers = Peers(lambda connection: 0)
    running(peers, a_job(Peer("main", "pacs", 104, operations_per_association=2), repeat=5))
    assert [connection.finds for connection in peers.opened] == [2, 2, 1]


def _three_each(connection: Connection) -> int:
    if connection.finds > 3:
        raise ConnectionLostError("lost")
    return 0


def test_how_many_operations_a_peer_gives_is_learned(running: Callable[..., RunResult]) -> None:
    """One request is lost and sent again; from then on none is lost."""
    peers = Peers(_three_each)
    result = running(peers, a_job(repeat=9))
    assert result.exit_status == 0
    assert [connection.finds for connection in peers.opened] == [4, 3, 3]


def test_nothing_is_sent_again_where_the_job_forbids_it(running: Callable[..., RunResult]) -> None:
    peers = Peers(_three_each)
    result = running(peers, a_job(Peer("main", "pacs", 104, reopen=False), repeat=5))
    assert result.exit_status == 5
    assert [one["verdict"] for one in result.ledger.records()] == ["complete"] * 3 + ["failed"] * 2


def test_a_request_that_loses_two_associations_is_not_sent_a_third_time(
    running: Callable[..., RunResult],
) -> None:
    lost = []

    def script(connection: Connection) -> int:
        if sum(other.finds for other in peers.opened) in (2, 3):
            lost.append(connection.number)
            connection.alive = False
            raise ConnectionLostError("lost")
        return 0

    peers = Peers(script)
    result = running(peers, a_job(repeat=4))
    assert lost == [1, 2]
    assert [one["verdict"] for one in result.ledger.records()] == [
        "complete", "failed", "complete", "complete",
    ]  # fmt: skip
    # It was the request: that an association bears one operation only is not learned from it.
    assert [connection.finds for connection in peers.opened] == [2, 1, 2]


def test_no_request_is_sent_again_after_a_response(running: Callable[..., RunResult]) -> None:
    def script(connection: Connection) -> int:
        if connection.finds == 2:
            connection.deliver([GOOD], 0xFF00)
            connection.alive = False
            raise ConnectionLostError("lost")
        return 0

    result = running(Peers(script), a_job(repeat=3))
    assert [(one["verdict"], one["responses"]) for one in result.ledger.records()] == [
        ("complete", 0), ("failed", 1), ("complete", 0),
    ]  # fmt: skip


def test_a_peer_that_is_not_there_is_asked_once(running: Callable[..., RunResult]) -> None:
    peers = Peers(lambda connection: 0, lambda number, peer: ConnectError("refused"))
    result = running(peers, a_job(repeat=5))
    assert (peers.asked, result.exit_status, result.ledger.operations) == (1, 4, 5)


def test_a_peer_that_was_there_is_asked_once_more(running: Callable[..., RunResult]) -> None:
    peers = Peers(
        lambda connection: 0, lambda number, peer: AssociationRejectedError("busy") if number == 2 else None
    )
    result = running(peers, a_job(Peer("main", "pacs", 104, operations_per_association=1), repeat=4))
    assert [one["verdict"] for one in result.ledger.records()] == [
        "complete", "failed", "complete", "complete",
    ]  # fmt: skip


def test_all_workers_of_a_peer_that_is_not_there_give_up(running: Callable[..., RunResult]) -> None:
    peers = Peers(lambda connection: 0, lambda number, peer: ConnectError("refused"))
    result = running(peers, a_job(Peer("main", "pacs", 104, max_associations=3), repeat=5))
    assert [one["number"] for one in result.ledger.records()] == [1, 2, 3, 4, 5]
    assert (result.exit_status, result.warnings) == (4, ())
    assert peers.asked <= 3


def test_what_a_refused_worker_took_goes_over_the_other_association(
    running: Callable[..., RunResult],
) -> None:
    """Also where that one has run out of operations meanwhile."""
    refused = threading.Event()

    def refuse(number: int, peer: Peer) -> CfindError | None:
        if number == 1:
            return None
        refused.set()
        return AssociationRejectedError("busy")

    def script(connection: Connection) -> int:
        assert refused.wait(10)
        return 0

    peers = Peers(script, refuse)
    result = running(peers, a_job(Peer("main", "pacs", 104, max_associations=2), repeat=2))
    assert (result.exit_status, [connection.finds for connection in peers.opened]) == (0, [2])
    assert len(result.warnings) == 1
    assert "busy" in result.warnings[0]


def test_undecodable_identifiers_are_counted_and_fail_the_operation(
    running: Callable[..., RunResult],
) -> None:
    def script(connection: Connection) -> int:
        connection.deliver([GOOD, BAD, GOOD], 0xFF00)
        connection.keep(b"", 0xFF00, UndecodableIdentifierError("it broke off"))
        connection.deliver([GOOD], 0xFF00)
        return 0

    result = running(Peers(script), a_job(sinks=(CsvSink("a.csv"),)))
    (operation,) = result.ledger.records()
    assert (operation["responses"], operation["undecodable"], operation["status"]) == (5, 2, "0x0000")
    assert (operation["verdict"], result.exit_status) == ("failed", 5)
    assert "2 of 5 responses cannot be decoded (the first is response 2" in operation["error"]["message"]
    assert result.sinks[0].responses == 5


def test_an_interrupted_run_keeps_what_came(running: Callable[..., RunResult]) -> None:
    def script(connection: Connection) -> int:
        connection.deliver([GOOD], 0xFF00)
        connection.stop.set()
        raise InterruptedRunError("interrupted")

    result = running(
        Peers(script), a_job(repeat=3, sinks=(CsvSink("a.csv"),)), interruption=lambda: ExitStatus.TERMINATED
    )
    assert (result.exit_status, result.verdict, result.ledger.operations) == (143, Verdict.INCOMPLETE, 1)
    assert result.sinks[0].state.value == "partial"


def test_operations_that_were_not_begun_are_missing(running: Callable[..., RunResult]) -> None:
    stop = StopSignal()
    stop.set()
    result = running(
        Peers(lambda connection: 0),
        a_job(sinks=(CsvSink("a.csv"),)),
        stop=stop,
        interruption=lambda: ExitStatus.INTERRUPTED,
    )
    assert (result.ledger.operations, result.verdict) == (0, Verdict.INCOMPLETE)
    assert result.sinks[0].state.value == "none"


@pytest.mark.parametrize("executor", [None, "own"])
def test_a_defect_in_one_thread_ends_the_run(running: Callable[..., RunResult], executor: str | None) -> None:
    busy = threading.Event()

    def broken(connection: Connection) -> int:
        connection.deliver([GOOD], 0xFF00)
        if connection.peer.name == "broken":
            assert busy.wait(10)
            raise KeyError("SECRET")
        busy.set()
        assert select.select([connection.stop], [], [], 10)[0]  # it would go on for ever, but for the stop
        raise InterruptedRunError("interrupted")

    job = a_job(Peer("busy", "pacs", 104), Peer("broken", "pacs", 104), repeat=3, sinks=(CsvSink("a.csv"),))
    with ThreadPoolExecutor(2) as pool:
        result = running(Peers(broken), job, executor=pool if executor else None)
    assert isinstance(result.error, DefectError)
    assert (result.exit_status, result.verdict) == (1, Verdict.FAILED)
    assert "KeyError in broken" in result.error.what
    assert "SECRET" not in json.dumps(report([result]))
    assert (result.sinks[0].state.value, result.sinks[0].responses) == ("partial", 2)


def test_a_defect_of_an_observer_ends_the_run(running: Callable[..., RunResult]) -> None:
    class Broken(Observers):
        def operation_finished(self, result: OperationResult) -> None:
            raise RuntimeError

    result = running(Peers(lambda connection: 0), a_job(repeat=3), observer=Broken())
    assert (result.exit_status, result.ledger.operations) == (1, 1)


class InTurn(Executor):
    """Runs everything at once, in the thread that asks."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, call: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        self.submitted += 1
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(call(*arguments, **named))
        except BaseException as error:  # noqa: BLE001 - as executors do
            future.set_exception(error)
        return future


def test_an_executor_of_ones_own_may_run_workers_one_after_the_other(
    running: Callable[..., RunResult],
) -> None:
    executor = InTurn()
    peers = Peers(lambda connection: 0)
    job = a_job(Peer("a", "pacs", 104, max_associations=2), Peer("b", "pacs", 104), repeat=3)
    result = running(peers, job, executor=executor)
    assert (result.exit_status, executor.submitted) == (0, 3)
    assert [one["number"] for one in result.ledger.records()] == [1, 2, 3, 4, 5, 6]


def test_an_archive_that_cannot_be_served_fails_its_own_peer_alone(
    running: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reachable(peer: Peer, *_: Any) -> Peer:
        if peer.archive is not None:
            raise ArchiveError("broken", "mend it", str(peer.archive))
        return peer

    monkeypatch.setattr("runner.engine.run.reachable", reachable)
    job = a_job(Peer("demo", archive=Path("demo")), Peer("main", "pacs", 104), repeat=2)
    result = running(Peers(lambda connection: 0), job)
    assert [(one["peer"], one["verdict"]) for one in result.ledger.records()] == [
        ("demo", "failed"), ("demo", "failed"), ("main", "complete"), ("main", "complete"),
    ]  # fmt: skip
    assert result.exit_status == 4


def test_a_job_without_operations_is_complete(running: Callable[..., RunResult]) -> None:
    assert running(Peers(lambda connection: 0), replace(a_job(), queries=())).exit_status == 0


def test_the_report_of_several_runs_has_the_worst_of_them(running: Callable[..., RunResult]) -> None:
    good = running(Peers(lambda connection: 0))
    failed = running(Peers(lambda connection: 0xA900))
    capped = running(Peers(lambda connection: 0xFE00))
    document = report([good, capped, failed])
    assert (document["verdict"], document["exit_status"]) == ("failed", 5)
    assert [one["exit_status"] for one in document["jobs"]] == [0, 6, 5]
    assert report([good, capped])["verdict"] == "incomplete"
