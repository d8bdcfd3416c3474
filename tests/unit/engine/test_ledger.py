"""The ledger: totals, and records in the operations' order, in memory and on disk."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import ConnectError, ExitStatus, InterruptedRunError
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
