"""Whether an answer is all: the verdict on one C-FIND, from its final status and the number of responses."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from runner.engine.result import Cap, Verdict
from runner.errors import CfindError, FailureStatusError, IncompleteError
from runner.status import CANCEL, SUCCESS, Category, FindOutcome, StatusDetail, meaning

_OUT_OF_RESOURCES = range(0xA700, 0xA800)
_RESOURCE_LIMITATION = 0x0213
#: Warnings with which peers end an answer that is longer than they give, 0xB001 most of all.
_CUT_SHORT = range(0xB000, 0xC000)
_NARROW = "narrow the query, or let 'split' cut it into smaller ones"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a C-FIND.

    Attributes:
        verdict: whether its answer is all.
        error: why it is not, None where it is.
        cap: what shows that there may be more; None where nothing does.
        notes: what speaks against what the job says of the peer.
    """

    verdict: Verdict
    error: CfindError | None = None
    cap: Cap | None = None
    notes: tuple[str, ...] = ()


def judge(outcome: FindOutcome, result_limit: int | None = None, expected: Container[int] = ()) -> Judgement:
    """Judge a C-FIND that came to its final response (PS3.4 C.4.1.1.4).

    Args:
        outcome: its final status and what came with it; the responses as they came, before any filtering.
        result_limit: how many responses the peer gives at most, as the job declares.
        expected: the final statuses that the job expects in place of success. Only a refusal without any
            response is all that there is; what ends other answers early does so, expected or not.
    """
    status, responses = outcome.detail.status, outcome.responses
    means, text = meaning(status), describe(outcome.detail)
    refused = status in expected and means.category is Category.FAILURE and not responses
    if refused or (status in (SUCCESS, CANCEL) and outcome.cancelled):
        return Judgement(Verdict.COMPLETE)
    if status == SUCCESS:
        return _judged_by_count(responses, result_limit)
    if status == CANCEL:
        return _incomplete(
            Cap.CANCELLED,
            f"the peer ended the C-FIND with {text} after {responses} responses, though nobody asked it to",
            f"it probably has a limit on the number of results: {_NARROW}",
        )
    if status in _OUT_OF_RESOURCES and responses:
        what = f"the peer gave up after {responses} responses with {text}"
        return _incomplete(Cap.OUT_OF_RESOURCES, what, _NARROW)
    if means.category is Category.WARNING:
        what = f"the peer warns with {text} after {responses} responses"
        return _incomplete(Cap.WARNING if status in _CUT_SHORT else None, what, means.advice)
    # without any response it may be too much for the peer all the same: smaller questions may pass
    cap = Cap.OUT_OF_RESOURCES if status in _OUT_OF_RESOURCES else None
    error = FailureStatusError(f"the peer answered {text}", means.advice)
    error.transient = not responses and (cap is not None or status == _RESOURCE_LIMITATION)
    return Judgement(Verdict.FAILED, error, cap)


def _judged_by_count(responses: int, result_limit: int | None) -> Judgement:
    if responses and responses == result_limit:
        what = f"{responses} responses came, which is the 'result_limit' of the peer"
        return _incomplete(Cap.DECLARED, what, _NARROW)
    if result_limit is not None and responses > result_limit:
        note = f"{responses} responses came, more than the 'result_limit' of {result_limit} that is declared"
        return Judgement(Verdict.COMPLETE, notes=(note,))
    return Judgement(Verdict.COMPLETE)


def same_as_capped(responses: int) -> Judgement:
    """Judge an answer that ended in success, with as many responses as a capped one of the same peer."""
    what = f"{responses} responses came, as many as in another answer of this peer that was cut off"
    return _incomplete(Cap.SAME_COUNT, what, _NARROW)


def _incomplete(cap: Cap | None, what: str, advice: str) -> Judgement:
    return Judgement(Verdict.INCOMPLETE, IncompleteError(what, advice), cap)


def describe(detail: StatusDetail) -> str:
    """Return a final status in words, with what the peer said about it."""
    parts = [f"status 0x{detail.status:04X} ({meaning(detail.status).text})"]
    if detail.error_comment:
        parts.append(f"ErrorComment “{detail.error_comment}”")
    if detail.offending_elements:
        tags = ", ".join(f"({tag >> 16:04x},{tag & 0xFFFF:04x})" for tag in detail.offending_elements)
        parts.append(f"OffendingElement {tags}")
    if detail.error_id is not None:
        parts.append(f"ErrorID {detail.error_id}")
    return ", ".join(parts)
