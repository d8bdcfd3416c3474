"""Whether an answer is all: the verdict on one C-FIND, from its final status."""

from __future__ import annotations

from runner.engine.result import Verdict
from runner.errors import CfindError, FailureStatusError, IncompleteError
from runner.status import Category, StatusDetail, meaning

_OUT_OF_RESOURCES = 0xA700
_CANCELLED = 0xFE00


def judge(detail: StatusDetail, responses: int, *, cancelled: bool) -> tuple[Verdict, CfindError | None]:
    """Judge a C-FIND that came to its final response (PS3.4 C.4.1.1.4).

    Args:
        detail: the final status and what came with it.
        responses: how many pending responses came before.
        cancelled: whether the job asked for a C-CANCEL and it was sent.

    Returns:
        The verdict, and the error that says why it is not complete.
    """
    status = detail.status
    means = meaning(status)
    text = describe(detail)
    if status == 0:
        return Verdict.COMPLETE, None
    if status == _CANCELLED:
        if cancelled:
            return Verdict.COMPLETE, None
        return Verdict.INCOMPLETE, IncompleteError(
            f"the peer ended the C-FIND with {text} after {responses} responses, though nobody asked it to",
            "it probably has a limit on the number of results: narrow the query",
        )
    if status == _OUT_OF_RESOURCES and responses:
        return Verdict.INCOMPLETE, IncompleteError(
            f"the peer gave up after {responses} responses with {text}", "narrow the query"
        )
    if means.category is Category.WARNING:
        return Verdict.INCOMPLETE, IncompleteError(
            f"the peer warns with {text} after {responses} responses", means.advice
        )
    return Verdict.FAILED, FailureStatusError(f"the peer answered {text}", means.advice)


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
