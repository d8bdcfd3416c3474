"""What sinks are told of operations at the end of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.engine.ledger import Ledger
from runner.engine.outcomes import outcomes
from runner.engine.result import OperationResult, Verdict
from runner.engine.verdict import same_as_capped
from runner.errors import ConnectionLostError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations
from runner.sinks.base import Outcome

REQUESTS = tuple(Request((), f"cohort.csv:{row + 1}", row) for row in (1, 2, 3))
QUERY = Query("studies", ("main",), InformationModel.STUDY_ROOT, REQUESTS)
JOB = Job("job", (Peer("main", "pacs", 104),), (QUERY,))
GOOD = [OperationResult(one, Verdict.COMPLETE, 0, responses=2) for one in operations(JOB)]


def told(*results: OperationResult) -> list[Outcome]:
    return list(outcomes(JOB, Ledger(results), 3))


def test_answers_that_are_all() -> None:
    assert told(*reversed(GOOD)) == [Outcome("studies", "main", row, True) for row in (1, 2, 3)]


def test_operations_that_were_not_begun() -> None:
    whole = [(one.row, one.whole, one.reason) for one in told(GOOD[2])]
    assert whole == [(1, False, "not asked"), (2, False, "not asked"), (3, True, "")]


def test_operations_that_follow_from_others_are_left_out() -> None:
    child = replace(GOOD[0].operation, number=4, parent=1, part="a part")
    assert len(told(*GOOD, OperationResult(child, Verdict.FAILED))) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"verdict": Verdict.FAILED, "error": ConnectionLostError("it was lost", "")}, "it was lost"),
        ({"verdict": Verdict.UNKNOWN}, "the answer is unknown"),
        ({"cancelled": True, "status": 0xFE00}, "cancelled by the job after so many responses"),
        ({"status": 0xA700}, "status 0xA700"),
    ],
    ids=["failed", "unknown", "cancelled", "expected status"],
)
def test_answers_that_may_not_be_all(change: dict[str, object], reason: str) -> None:
    first = told(replace(GOOD[0], **change), *GOOD[1:])[0]  # type: ignore[arg-type]
    assert not first.whole
    assert reason in first.reason


def test_an_answer_that_is_doubted_later() -> None:
    ledger = Ledger(GOOD)
    ledger.doubt("main", 2, same_as_capped(2))
    assert not any(one.whole for one in outcomes(JOB, ledger, 3))
