"""`cfind report`: what a run report says, as a tree, and what is no report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.cli.main import main
from runner.cli.report_tree import job_lines
from runner.errors import InvalidJobError
from runner.report_file import read_report


def an_operation(number: int, verdict: str = "complete", responses: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "number": number, "query": "studies", "peer": "main", "verdict": verdict, "status": "0x0000",
        "responses": responses, "error": None, **more,
    }  # fmt: skip


def a_report(*operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "job": "nightly", "verdict": "complete", "exit_status": 0, "responses": 3,
        "operations": list(operations), "sinks": [], **more,
    }  # fmt: skip


ERROR = {"kind": "Incomplete", "exit_status": 6, "message": "it was cut off", "advice": "narrow it"}


def test_a_few_operations_are_shown_each() -> None:
    lines = list(job_lines(a_report(an_operation(1), an_operation(2, source="cohort.csv:3"))))
    assert lines == [
        "nightly: complete, exit status 0",
        "  3 responses, 2 operations",
        "  query studies at peer main: 2 complete; 2 responses from 2 C-FINDs",
        "    operation 1: complete, status 0x0000, 1 response",
        "    operation 2 from cohort.csv:3: complete, status 0x0000, 1 response",
    ]


def test_of_many_those_that_are_complete_are_counted() -> None:
    many = [an_operation(number) for number in range(1, 31)]
    many[7] = an_operation(8, "incomplete", 10, error=ERROR, cap="result_limit")
    lines = list(job_lines(a_report(*many)))
    assert lines[2:] == [
        "  query studies at peer main: 29 complete, 1 incomplete; 39 responses from 30 C-FINDs",
        "    operation 8: incomplete, status 0x0000, 10 responses, cut off (result_limit)",
        "      it was cut off; narrow it",
        "    29 operations complete",
    ]
    assert len(list(job_lines(a_report(*many), whole=True))) == 3 + 30 + 1


def test_what_failed_in_the_same_way_is_told_once() -> None:
    refused = {**ERROR, "message": "refused"}
    many = [an_operation(number, "failed", 0, error=ERROR, status=None) for number in range(1, 101)]
    many[1] = an_operation(2, "failed", 0, error=refused, status=None)
    lines = list(job_lines(a_report(*many)))
    assert lines[3:] == [
        "    operation 1: failed",
        "      it was cut off; narrow it",
        "    98 operations more with the same; --all shows each",
        "    operation 2: failed",
        "      refused; narrow it",
    ]
    assert len(list(job_lines(a_report(*many), whole=True))) == 3 + 200


def test_many_that_failed_in_other_ways_are_counted() -> None:
    many = [
        an_operation(number, "failed", 0, error={**ERROR, "message": str(number)}) for number in range(1, 101)
    ]
    assert list(job_lines(a_report(*many)))[-1] == "    50 more that are not shown; --all shows them"


def test_parts_and_children_stand_below_what_they_follow_from() -> None:
    lines = list(
        job_lines(
            a_report(
                an_operation(1, responses=10, cap="0xFE00", parts=2),
                an_operation(2, parent=1, part="StudyDate -20240101", responses=6),
                an_operation(3, parent=1, part="StudyDate 20240101-", responses=6, delivered=5),
                an_operation(4, "failed", 0, query="series", parent=3, status=None, error=ERROR),
            )
        )
    )
    assert lines[2:] == [
        "  query studies at peer main: complete; 21 responses from 3 C-FINDs",
        "    operation 1: complete, status 0x0000, 10 responses, cut off (0xFE00), split into 2 parts",
        "      StudyDate -20240101: complete, status 0x0000, 6 responses",
        "      StudyDate 20240101-: complete, status 0x0000, 6 responses, 5 of them delivered",
        "        operation 4, series: failed",
        "          it was cut off; narrow it",
    ]


def test_sinks_and_what_ended_the_run() -> None:
    sink = {
        "type": "csv", "path": "a.csv", "state": "partial", "responses": 2, "kept_in": "a.csv.partial",
        "error": {"kind": "Sink", "exit_status": 8, "message": "the disk is full", "advice": ""},
    }  # fmt: skip
    lines = list(job_lines(a_report(sinks=[sink], error=ERROR, interrupted=True, warnings=["odd"])))
    assert lines == [
        "nightly: complete, interrupted, exit status 0",
        "  3 responses, 0 operations",
        "  it was cut off; narrow it",
        "  warning: odd",
        "  sink csv a.csv: partial, 2 responses",
        "    kept in a.csv.partial",
        "    the disk is full",
    ]


def test_a_chain_without_end_is_no_trouble() -> None:
    chain = [an_operation(1), *(an_operation(n, "failed", parent=n - 1) for n in range(2, 5000))]
    assert len(list(job_lines(a_report(*chain)))) < 200


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "[1]", "{}", '{"job": 1}', '{"jobs": 3}', '{"jobs": [7]}',
        json.dumps(a_report() | {"sinks": [1]}), "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(InvalidJobError):
        read_report(path)
    assert main(["report", str(path)]) == 3
    assert "this is no run report" in capsys.readouterr().err


def test_the_command_shows_every_job_of_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"jobs": [a_report(an_operation(1)), a_report()]}))
    assert main(["report", str(path)]) == 0
    assert capsys.readouterr().out.count("nightly: complete") == 2
    assert main(["report", str(tmp_path / "none.json")]) == 3
