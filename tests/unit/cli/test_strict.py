"""Warnings leave a job valid; with --strict they do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.main import main

JOB = """\
version: 1
peers: {demo: {archive: .}}
queries: {q: {model: study-root, level: STUDY, keys: {PatientName: }}}
"""


@pytest.fixture
def job(tmp_path: Path) -> str:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, "utf-8")
    return str(path)


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_warning_is_told_and_the_job_is_valid(
    command: str, job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, job]) == 0
    shown = capsys.readouterr()
    assert "[empty-query]" in (shown.out if command == "validate" else shown.err)


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
def test_strictly_it_is_invalid(command: str, job: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--strict", job]) == 3
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert "[empty-query]" in text
    assert "warning" not in text
    assert "operation" not in text


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_silenced_one_is_neither(command: str, job: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(job).write_text(JOB + "lint: {ignore: [empty-query]}\n", "utf-8")
    assert main([command, "--strict", job]) == 0
    assert "empty-query" not in capsys.readouterr().err


@pytest.mark.parametrize("format_", ["text", "json", "github", "sarif"])
def test_every_format_names_the_rule(format_: str, job: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--format", format_, job]) == 0
    shown = capsys.readouterr().out
    assert "empty-query" in shown
    if format_ == "json":
        assert json.loads(shown)["problems"][0]["id"] == "empty-query"
    assert main(["validate", "--format", format_, "--strict", job]) == 3
    assert '"warning"' not in capsys.readouterr().out.split('"results"')[-1]
