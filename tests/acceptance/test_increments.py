"""Runs that begin where the last one ended."""

from __future__ import annotations

import json
from pathlib import Path

from acceptance.command import ROOT, Cfind
from peers.process import HOST, free_ports

JOB = """
version: 1
name: nightly
timezone: UTC
peers: {{demo: {{archive: {archive}}}}}
queries:
  studies:
    model: study-root
    level: STUDY
    keys: {{StudyDate: "${{last_success-2d:-2024-01-01}}-", StudyInstanceUID: }}
    {more}
sinks: [{{type: csv, path: studies.csv}}]
"""


def a_job(cfind: Cfind, more: str = "") -> Path:
    path = cfind.folder / "job.yaml"
    path.write_text(JOB.format(archive=ROOT / "jobs" / "demo-archive", more=more), "utf-8")
    return path


def asked_for(cfind: Cfind, path: Path, *options: str | Path) -> str:
    status, stdout, stderr = cfind("plan", path, "--format", "json", *options)
    assert status == 0, stderr
    (operation,) = json.loads(stdout)["operations"]
    text: str = operation["identifier"]["00080020"]["Value"][0]
    return text


def test_a_run_begins_where_the_last_complete_one_did(cfind: Cfind) -> None:
    path, state = a_job(cfind), cfind.folder / "state"
    assert asked_for(cfind, path, "--state", state) == "20240101-"
    assert not state.exists()
    options = ("--output-dir", cfind.folder, "--state", state)
    status, _, stderr = cfind("run", path, "--now", "2024-05-10T23:00:00Z", *options)
    assert status == 0, stderr
    assert asked_for(cfind, path, "--state", state) == "20240508-"
    # an expectation that is not met keeps no answer from its file
    path = a_job(cfind, "expect: {min: 1000}")
    assert cfind("run", path, "--now", "2024-06-01T23:00:00Z", *options)[0] == 7
    assert asked_for(cfind, path, "--state", state) == "20240530-"
    demo = f"archive: {ROOT / 'jobs' / 'demo-archive'}"
    path.write_text(path.read_text("utf-8").replace(demo, f"host: {HOST}, port: {free_ports(1)[0]}"), "utf-8")
    assert cfind("run", path, "--now", "2024-07-01T23:00:00Z", *options)[0] == 4
    assert asked_for(cfind, path, "--state", state) == "20240530-"
    status, stdout, _ = cfind("validate", path, "--state", state)
    assert status == 0, stdout


def test_a_state_that_cannot_be_read_is_told_of(cfind: Cfind) -> None:
    path, state = a_job(cfind), cfind.folder / "state"
    state.mkdir()
    (state / "state.sqlite").write_bytes(b"no database" * 1000)
    for command in ("plan", "validate"):
        status, _, stderr = cfind(command, path, "--state", state)
        assert status == 3
        assert "file is not a database" in stderr
