"""What is told on stderr: each failure once, how often it came, and nothing that was not asked for."""

from __future__ import annotations

import os
import signal

import pytest

from runner.cli import interruption
from runner.cli.interruption import SignalledStop
from runner.cli.told import Told
from runner.cli.watching import Watcher
from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, SinkResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import ConnectError, DefectError, ExitStatus, InterruptedRunError, SinkError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations
from runner.sinks.base import SinkState
from runner.transport.stop_signal import StopSignal

JOB = Job(
    "job",
    (Peer("main", "pacs", 104),),
    (Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(()),), repeat=3),),
)
OPERATIONS = tuple(operations(JOB))


def _told(
    told: Told, capsys: pytest.CaptureFixture[str], *results: OperationResult, **run: object
) -> list[str]:
    watcher = Watcher(told)
    for result in results:
        watcher.operation_finished(result)
    watcher.summarize(RunResult(JOB, Ledger(results), **{"sinks": (), "planned": 3, **run}))  # type: ignore[arg-type]
    return capsys.readouterr().err.splitlines()


def _failed() -> list[OperationResult]:
    return [
        OperationResult(operation, Verdict.FAILED, error=ConnectError("no", "look"))
        for operation in OPERATIONS
    ]


def test_a_failure_is_told_once_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert _told(Told.SUMMARY, capsys, *_failed()) == [
        "cfind: peer main, query q: no; look",
        "cfind: peer main, query q: 3 operations in all: no",
        "cfind: job: failed: 0 responses, 0 of 3 operations complete",
    ]


def test_what_is_left_out_at_first_is_left_out_of_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    warned = [OperationResult(operation, Verdict.COMPLETE, 0, warnings=("odd",)) for operation in OPERATIONS]
    assert _told(Told.FAILURES, capsys, *warned) == []
    assert len(_told(Told.WARNINGS, capsys, *warned)) == 2
    assert _told(Told.NOTHING, capsys, *_failed()) == []


def test_operations_that_were_not_begun_count_as_planned(capsys: pytest.CaptureFixture[str]) -> None:
    done = OperationResult(OPERATIONS[0], Verdict.COMPLETE, 0, 1)
    broken = OperationResult(OPERATIONS[1], Verdict.INCOMPLETE, error=InterruptedRunError("interrupted"))
    assert _told(Told.SUMMARY, capsys, done, broken, interrupted=ExitStatus.INTERRUPTED) == [
        "cfind: peer main, query q: interrupted",
        "cfind: job: incomplete, interrupted: 1 response, 1 of 3 operations complete",
    ]


def test_what_became_of_the_sinks(capsys: pytest.CaptureFixture[str]) -> None:
    sink = SinkResult(
        "csv", "a.csv", SinkState.PARTIAL, 2, kept_in="a.csv.partial", error=SinkError("full", "free some"),
        undecodable_files=("a.bin", "b.bin"),
    )  # fmt: skip
    told = _told(Told.FAILURES, capsys, sinks=(sink,))
    assert told[0] == "cfind: sink csv: full; free some"
    assert "a.csv.partial" in told[1]
    assert "2 identifiers" in told[2]
    assert "a.bin" in told[2]


@pytest.mark.parametrize("told", Told)
def test_a_defect_is_always_told_and_its_text_only_with_identifiers(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise KeyError("SECRET")
    except KeyError as error:
        shown = "\n".join(_told(told, capsys, error=DefectError(error)))
    assert "this is a defect" in shown
    assert ("SECRET" in shown) is (told is Told.IDENTIFIERS)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_stops_and_handlers_come_back(number: signal.Signals, status: int) -> None:
    before = signal.getsignal(number)
    stop = StopSignal()
    with SignalledStop(stop) as signalled:
        assert signalled() is None
        signal.raise_signal(number)
        signal.raise_signal(number)  # at once: the same sender
        assert (signalled(), stop.is_set()) == (status, True)
    assert signal.getsignal(number) is before


def test_the_second_signal_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(interruption, "_AGAIN", 0.0)
    with SignalledStop() as signalled:
        signal.raise_signal(signal.SIGTERM)
        assert ended == []
        signal.raise_signal(signal.SIGINT)
        assert (ended, signalled()) == ([130], 143)
