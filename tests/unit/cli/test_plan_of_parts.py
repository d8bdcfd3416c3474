"""`cfind plan` of queries that are split or have others below them: what is known before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.cli.main import main

JOBS = Path(__file__).resolve().parent.parent.parent.parent / "jobs"
JOB = """
version: 1
peers: {main: {host: pacs, port: 104}}
queries:
  studies:
    model: study-root
    level: STUDY
    keys: {PatientID: }
    split: {key: StudyDate, from: 2024-01-01, to: 2024-12-31, %s}
"""


def plan(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> str:
    assert main(["plan", str(path), *options]) == 0
    return capsys.readouterr().out


def operations(capsys: pytest.CaptureFixture[str], path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(plan(capsys, path, "--format", "json"))["operations"]
    return found


def test_first_parts_are_shown_and_the_first_identifier(capsys: pytest.CaptureFixture[str]) -> None:
    text = plan(capsys, JOBS / "split.yaml")
    assert "split     on dates of StudyDate, further where a part hits a cap; asked at first:" in text
    assert "            StudyDate 20240101-20240331\n            StudyDate 20240401-20240630\n" in text
    assert "identifier (of the first part)" in text
    assert "[20240101-20240331 ]" in text
    assert "(0020,000d)" in text, "what tells records apart is asked for"
    (operation,) = operations(capsys, JOBS / "split.yaml")
    assert operation["split"]["parts"][0] == "StudyDate 20240101-20240331"
    assert (len(operation["split"]["parts"]), operation["split"]["more_parts"]) == (5, 0)
    assert operation["identifier"]["00080020"]["Value"] == ["20240101-20240331"]


def test_many_parts_are_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(JOB % "every: 1d")
    assert "            and 354 more\n" in plan(capsys, path)
    path.write_text(JOB % "until: 1d")
    assert "where it hits a cap; asked at first: StudyDate 20240101-20241231\n" in plan(capsys, path)


def test_what_is_below_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = plan(capsys, JOBS / "drill-down.yaml")
    assert "then      query series for each record: SERIES, with its StudyInstanceUID" in text
    (operation,) = operations(capsys, JOBS / "drill-down.yaml")
    (series,) = operation["then"]
    assert (series["query"], series["level"], series["inherits"]) == ("series", "SERIES", ["(0020,000d)"])
    assert [one["query"] for one in series["then"]] == ["images"]
