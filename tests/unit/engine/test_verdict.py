"""The verdict on one C-FIND from its final status."""

from __future__ import annotations

import pytest

from runner.engine.result import Verdict
from runner.engine.verdict import judge
from runner.status import StatusDetail


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
    judged, error = judge(StatusDetail(status), responses, cancelled=cancelled)
    assert judged is verdict
    assert (error.status if error is not None else None) == exit_status
    if error is not None:
        assert f"0x{status:04X}" in error.what


def test_what_the_peer_said_about_a_failure_is_told() -> None:
    detail = StatusDetail(0xA900, (0x00080052, 0x0010_0010), "bad level", 77)
    _, error = judge(detail, 0, cancelled=False)
    assert error is not None
    for text in ("0xA900", "bad level", "(0008,0052), (0010,0010)", "77"):
        assert text in error.what
