"""The verdict on one C-FIND from its final status."""

from __future__ import annotations

import pytest

from runner.engine.result import Cap, Verdict
from runner.engine.verdict import judge
from runner.status import FindOutcome, StatusDetail


@pytest.mark.parametrize(
    ("status", "responses", "cancelled", "verdict", "exit_status"),
    [
        (0x0000, 0, False, Verdict.COMPLETE, None),
        (0x0000, 7, False, Verdict.COMPLETE, None),
        (0x0000, 7, True, Verdict.COMPLETE, None),
        (0xFE00, 7, True, Verdict.COMPLETE, None),
        (0xFE00, 7, False, Verdict.INCOMPLETE, 6),
        (0xFE00, 0, False, Verdict.INCOMPLETE, 6),
        (0xA700, 7, False, Verdict.INCOMPLETE, 6),
        (0xA700, 0, False, Verdict.FAILED, 5),
        (0xB001, 7, False, Verdict.INCOMPLETE, 6),
        (0xA900, 0, False, Verdict.FAILED, 5),
        (0xA900, 7, False, Verdict.FAILED, 5),
        (0xC000, 0, False, Verdict.FAILED, 5),
        (0xC123, 3, False, Verdict.FAILED, 5),
        (0x0122, 0, False, Verdict.FAILED, 5),
        (0x0112, 0, False, Verdict.FAILED, 5),
        (0x1234, 0, False, Verdict.FAILED, 5),
    ],
)
def test_judge(
    status: int, responses: int, cancelled: bool, verdict: Verdict, exit_status: int | None
) -> None:
    judgement = judge(an_outcome(status, responses, cancelled=cancelled))
    error = judgement.error
    assert judgement.verdict is verdict
    assert (error.status if error is not None else None) == exit_status
    if error is not None:
        assert f"0x{status:04X}" in error.what


@pytest.mark.parametrize(
    ("status", "responses", "limit", "cap"),
    [
        (0x0000, 9, 10, None),
        (0x0000, 10, 10, Cap.DECLARED),
        (0x0000, 0, 0, None),
        (0xFE00, 10, None, Cap.CANCELLED),
        (0xA700, 7, None, Cap.OUT_OF_RESOURCES),
        (0xA701, 7, None, Cap.OUT_OF_RESOURCES),
        (0xA700, 0, None, Cap.OUT_OF_RESOURCES),
        (0xB001, 7, None, Cap.WARNING),
        (0x0001, 7, None, None),
        (0xA900, 7, 7, None),
    ],
)
def test_what_shows_that_an_answer_was_cut_short(
    status: int, responses: int, limit: int | None, cap: Cap | None
) -> None:
    judgement = judge(an_outcome(status, responses), limit)
    assert judgement.cap is cap
    assert (judgement.verdict is Verdict.COMPLETE) is (cap is None and status == 0)


def test_what_the_job_itself_cut_short_is_no_cap() -> None:
    assert judge(an_outcome(0x0000, 10, cancelled=True), 10).cap is None
    assert judge(an_outcome(0xFE00, 10, cancelled=True), 10).cap is None


def test_more_than_the_declared_limit_shows_that_it_is_not_the_limit() -> None:
    judgement = judge(an_outcome(0x0000, 15), 10)
    assert judgement.verdict is Verdict.COMPLETE
    assert "15 responses came, more than" in judgement.notes[0]


def test_what_the_peer_said_about_a_failure_is_told() -> None:
    detail = StatusDetail(0xA900, (0x00080052, 0x0010_0010), "bad level", 77)
    error = judge(FindOutcome(detail, 0, False, 0, ())).error
    assert error is not None
    for text in ("0xA900", "bad level", "(0008,0052), (0010,0010)", "77"):
        assert text in error.what


def an_outcome(status: int, responses: int, *, cancelled: bool = False) -> FindOutcome:
    return FindOutcome(StatusDetail(status), responses, cancelled, 0, ())


@pytest.mark.parametrize(
    ("status", "responses", "verdict"),
    [
        (0xA900, 0, Verdict.COMPLETE),
        (0xA700, 0, Verdict.COMPLETE),
        (0xA900, 3, Verdict.FAILED),
        (0xA700, 3, Verdict.INCOMPLETE),
        (0xFE00, 3, Verdict.INCOMPLETE),
        (0xB001, 3, Verdict.INCOMPLETE),
    ],
)
def test_a_refusal_may_be_expected_but_no_expectation_makes_a_cut_off_answer_whole(
    status: int, responses: int, verdict: Verdict
) -> None:
    assert judge(an_outcome(status, responses), expected=(status,)).verdict is verdict
