"""Which exit status and verdict a run has, from what came of its operations and sinks."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from runner.engine import run_result
from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, SinkResult, Verdict
from runner.engine.run_result import PRECEDENCE, RunResult, foremost
from runner.errors import (
    CfindError,
    ConnectError,
    DimseTimeoutError,
    ExitStatus,
    IncompleteError,
    InterruptedRunError,
    SinkError,
)
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations
from runner.sinks.base import SinkState

JOB = Job(
    name="job",
    peers=(Peer(name="main", host="pacs", port=104),),
    queries=(Query("studies", ("main",), InformationModel.STUDY_ROOT, (Request(()),)),),
)
(OPERATION,) = operations(JOB)


def result(*errors: CfindError | None, sink: CfindError | None = None) -> RunResult:
    verdicts = {
        ExitStatus.INCOMPLETE: Verdict.INCOMPLETE,
    }
    return RunResult(
        job=JOB,
        ledger=Ledger(
            OperationResult(
                OPERATION,
                Verdict.COMPLETE if error is None else verdicts.get(error.status, Verdict.FAILED),
                responses=2,
                error=error,
            )
            for error in errors
        ),
        sinks=(SinkResult("csv", "a.csv", SinkState.PARTIAL, 2, error=sink),),
        planned=len(errors),
    )


def test_operations_that_were_never_begun_are_no_success() -> None:
    run = replace(result(None, None), planned=3)
    assert (run.exit_status, run.verdict) == (ExitStatus.INCOMPLETE, Verdict.INCOMPLETE)
    run = replace(result(None, ConnectError("refused", "")), planned=3)
    assert run.exit_status is ExitStatus.NO_ASSOCIATION


def test_a_run_without_errors_is_a_success() -> None:
    run = result(None, None)
    assert (run.exit_status, run.verdict, run.responses) == (ExitStatus.SUCCESS, Verdict.COMPLETE, 4)


@pytest.mark.parametrize(
    ("error", "status", "verdict"),
    [
        (ConnectError("refused"), 4, Verdict.FAILED),
        (DimseTimeoutError("late"), 5, Verdict.FAILED),
        (IncompleteError("cap"), 6, Verdict.INCOMPLETE),
    ],
)
def test_one_error_among_successes_counts(error: CfindError, status: int, verdict: Verdict) -> None:
    run = result(None, error, None)
    assert (run.exit_status, run.verdict) == (status, verdict)


def test_a_failed_sink_comes_before_all_failures_of_peers() -> None:
    run = result(
        DimseTimeoutError("late"), ConnectError("no"), IncompleteError("cap"), sink=SinkError("full")
    )
    assert run.exit_status is ExitStatus.SINK_FAILED


def test_a_failed_sink_does_not_make_the_answers_incomplete() -> None:
    assert result(None, sink=SinkError("full")).verdict is Verdict.COMPLETE


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(PRECEDENCE, 2)))
def test_of_two_statuses_the_one_that_stands_first_counts(first: ExitStatus, second: ExitStatus) -> None:
    assert foremost({second, first}) is first


def test_every_status_but_success_has_its_place() -> None:
    assert {*PRECEDENCE, ExitStatus.SUCCESS} == set(ExitStatus)
    assert all(foremost({ExitStatus.SUCCESS, status}) is status for status in PRECEDENCE)
    assert foremost({ExitStatus.SUCCESS}) is foremost(set()) is ExitStatus.SUCCESS


def test_a_status_that_was_given_no_place_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_result, "PRECEDENCE", (ExitStatus.DEFECT,))
    assert foremost({ExitStatus.SUCCESS, ExitStatus.USAGE}) is ExitStatus.DEFECT


def test_the_contract_orders_8_5_4_6_7() -> None:
    assert [status for status in PRECEDENCE if 4 <= status <= 8] == [8, 5, 4, 6, 7]


def test_an_interrupted_run_is_incomplete_and_says_which_signal() -> None:
    run = RunResult(JOB, Ledger(), (), 1, interrupted=ExitStatus.TERMINATED)
    assert (run.exit_status, run.verdict) == (143, Verdict.INCOMPLETE)


def test_an_operation_that_is_broken_off_because_all_sinks_failed_is_no_interruption() -> None:
    run = result(InterruptedRunError("broken off"), sink=SinkError("closed"))
    assert run.exit_status is ExitStatus.SINK_FAILED
