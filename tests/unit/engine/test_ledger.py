"""The ledger: totals, and records in the operations' order, in memory and on disk."""

from __future__ import annotations

import random
import resource
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, Verdict
from runner.engine.run_result import RunResult
from runner.engine.verdict import same_as_capped
from runner.errors import ConnectError, ExitStatus, InterruptedRunError, SinkError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations, planned
from runner.report import report


def a_job(repeat: int) -> Job:
    query = Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(()),), repeat=repeat)
    return Job("job", (Peer("main", "pacs", 104),), (query,), ())


@pytest.mark.parametrize("number", [3, 999, 1000, 2750])
def test_records_come_in_the_operations_order(number: int) -> None:
    job = a_job(number)
    results = [OperationResult(operation, Verdict.COMPLETE, 0, 2) for operation in operations(job)]
    random.Random(number).shuffle(results)
    ledger = Ledger(results)
    assert (ledger.operations, ledger.responses) == (number, 2 * number)
    for _ in range(2):  # a report may be made more than once
        assert [one["number"] for one in ledger.records()] == list(range(1, number + 1))
    document = report([RunResult(job, ledger, (), planned(job))])
    assert document["verdict"] == "complete"
    assert [one["number"] for one in document["operations"]] == list(range(1, number + 1))


def test_a_report_of_several_runs_holds_each_whole() -> None:
    runs = [RunResult(a_job(number), Ledger(), (), 0) for number in (1, 2)]
    document = report(runs)
    assert [one["operations"] for one in document["jobs"]] == [[], []]
    assert report([])["jobs"] == []


def test_what_was_broken_off_asks_for_no_exit_status() -> None:
    (operation,) = operations(a_job(1))
    ledger = Ledger(
        [
            OperationResult(operation, Verdict.FAILED, error=ConnectError("no")),
            OperationResult(operation, Verdict.INCOMPLETE, error=InterruptedRunError("broken off")),
        ]
    )
    assert ledger.statuses == {ExitStatus.NO_ASSOCIATION}
    assert (ledger.verdicts[Verdict.FAILED], ledger.verdicts[Verdict.INCOMPLETE]) == (1, 1)


def test_memory_does_not_grow_with_the_operations() -> None:
    def peak(number: int) -> int:
        ledger = Ledger()
        tracemalloc.start()
        for operation in operations(a_job(number)):
            ledger.add(OperationResult(operation, Verdict.COMPLETE, 0, 1))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(6000) < 1.5 * peak(2000)


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """No file may be longer than a megabyte, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_once_and_no_record_is_lost(small_files_only: None) -> None:
    ledger, told = Ledger(), []
    job = a_job(4000)
    for operation in operations(job):
        try:
            ledger.add(OperationResult(operation, Verdict.COMPLETE, 0, operation.number % 3))
        except SinkError as error:
            told.append((operation.number, error))
    ((number, error),) = told
    assert 1000 < number < 4000, "some records are on the disk, others in memory"
    assert error.status is ExitStatus.SINK_FAILED
    assert str(error).startswith("records of the operations cannot be kept in a temporary database: ")
    assert "TMPDIR" in error.advice
    assert ledger.operations == ledger.verdicts[Verdict.COMPLETE] == 4000
    assert [one["number"] for one in ledger.records()] == list(range(1, 4001))
    document = report([RunResult(job, ledger, (), planned(job), error=error)])
    assert (document["exit_status"], len(document["operations"])) == (8, 4000)


def test_a_doubt_that_cannot_be_stored_counts_once(small_files_only: None) -> None:
    ledger, told = Ledger(), 0
    for operation in operations(a_job(4000)):
        try:
            ledger.add(OperationResult(operation, Verdict.COMPLETE, 0, operation.number % 2))
        except SinkError:
            told += 1
    assert told == 1
    judgement = same_as_capped(1)
    assert [ledger.doubt("main", 1, judgement) for _ in range(2)] == [2000, 0]
    assert ledger.verdicts == {Verdict.COMPLETE: 2000, judgement.verdict: 2000}
    assert [one["verdict"] for one in ledger.records()] == [judgement.verdict.value, "complete"] * 2000


def test_without_any_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    ledger = Ledger()
    for operation in operations(a_job(1500)):
        ledger.add(OperationResult(operation, Verdict.COMPLETE, 0, 1))
    assert len(list(ledger.records())) == 1500


def test_a_temporary_database_has_no_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    results = [OperationResult(operation, Verdict.COMPLETE) for operation in operations(a_job(1500))]
    ledger = Ledger(results)
    assert list(tmp_path.iterdir()) == []
    assert len(list(ledger.records())) == 1500
