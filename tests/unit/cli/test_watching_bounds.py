"""What is told of a long run: each kind once, and no more kinds than memory and readers can bear."""

from __future__ import annotations

import pytest

from runner.cli.told import Told
from runner.cli.watching import Watcher
from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import FailureStatusError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations

JOB = Job(
    "job",
    (Peer("main", "pacs", 104),),
    (Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(()),), repeat=300),),
)


def test_a_peer_that_says_something_else_each_time_fills_neither_memory_nor_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    watcher = Watcher(Told.SUMMARY)
    for operation in operations(JOB):
        error = FailureStatusError(f"ErrorComment {operation.number}")
        watcher.operation_finished(OperationResult(operation, Verdict.FAILED, error=error))
    assert len(watcher._seen) == 100
    watcher.summarize(RunResult(JOB, Ledger(), (), 300))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "cfind: peer main, query q: ErrorComment 1"
    assert lines[99] == "cfind: peer main, query q: ErrorComment 100"
    assert lines[100] == "cfind: peer main: 200 more failures, of other kinds; --report has all of them"
    assert len(lines) == 102


def test_a_warning_of_associations_is_told_once_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = Watcher(Told.WARNINGS)
    for _ in range(3):
        watcher.warning("peer main", "the release went wrong")
    watcher.warning("peer other", "the release went wrong")
    watcher.summarize(RunResult(JOB, Ledger(), (), 0))
    assert capsys.readouterr().err.splitlines() == [
        "cfind: peer main: warning: the release went wrong",
        "cfind: peer other: warning: the release went wrong",
        "cfind: peer main: 3 times in all: warning: the release went wrong",
    ]
