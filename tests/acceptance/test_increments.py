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


def test_a_complete_run_is_gone_on_with_though_its_success_would_change_the_dates(cfind: Cfind) -> None:
    path = a_job(cfind)
    assert cfind("run", path, "--now", "2024-05-10T23:00:00Z")[0] == 0
    for command in (("run", "--resume"), ("retry",)):
        status, _, stderr = cfind(*command, path)
        assert (status, "is complete, so nothing is asked" in stderr) == (0, True)
    assert asked_for(cfind, path) == "20240508-"


def test_the_state_below_the_output_folder_is_found(cfind: Cfind) -> None:
    path, output = a_job(cfind), ("--output-dir", cfind.folder / "output")
    (cfind.folder / "output").mkdir()
    assert cfind("run", path, "--now", "2024-05-10T23:00:00Z", *output)[0] == 0
    assert asked_for(cfind, path) == "20240101-"
    assert asked_for(cfind, path, *output) == "20240508-"
    assert cfind("validate", path, *output)[0] == 0


def test_a_state_that_cannot_be_read_is_told_of(cfind: Cfind) -> None:
    path, state = a_job(cfind), cfind.folder / "state"
    state.mkdir()
    (state / "state.sqlite").write_bytes(b"no database" * 1000)
    for command in ("plan", "validate"):
        status, _, stderr = cfind(command, path, "--state", state)
        assert status == 3
        assert "file is not a database" in stderr


NEWS = """
version: 1
name: news
peers: {{demo: {{archive: {archive}}}{peers}}}
queries:
  studies:
    peers: {asked}
    model: study-root
    level: STUDY
    only: new
    keys: {{StudyDate: "20240101-${{var:TO}}"}}
    expect: {{min: 6}}
    then:
      series: {{level: SERIES, keys: {{Modality: }}}}
vars: {{TO: null}}
sinks:
  - {{type: csv, path: studies.csv, queries: [studies], columns: [StudyInstanceUID]}}
  - {{type: csv, path: series.csv, queries: [series], columns: [SeriesInstanceUID]}}
"""


def news(cfind: Cfind, to: str, *, dead: bool = False) -> tuple[int, int, int, str]:
    """Run the job; return its exit status, how many studies and series it delivered, and what it said."""
    path = cfind.folder / "news.yaml"
    peers = f", dead: {{host: {HOST}, port: {free_ports(1)[0]}}}" if dead else ""
    asked = "[demo, dead]" if dead else "[demo]"
    path.write_text(NEWS.format(archive=ROOT / "jobs" / "demo-archive", peers=peers, asked=asked), "utf-8")
    suffix = ".partial" if dead else ""
    report = cfind.folder / "report.json"
    options = ("--output-dir", cfind.folder, "--var", f"TO={to}", "--report", report)
    status, _, stderr = cfind("run", path, *options)
    Cfind.checked_report(report)
    counts = [
        len((cfind.folder / f"{name}.csv{suffix}").read_text("utf-8").splitlines()) - 1
        for name in ("studies", "series")
    ]
    return status, counts[0], counts[1], stderr


def test_only_what_no_earlier_run_has_delivered(cfind: Cfind) -> None:
    status, studies, series, _ = news(cfind, "20240301", dead=True)
    assert (status, studies) == (4, 6)
    # that run failed, so that nothing of it counts
    status, studies, series, stderr = news(cfind, "20240301")
    assert (status, studies, "earlier runs" in stderr) == (0, 6, False)
    again = news(cfind, "20240301")
    assert again[:3] == (0, 0, series)  # what is asked for the studies, and expected of them, stays the same
    assert "query studies: 6 records are of earlier runs, and were kept back" in again[3]
    report = json.loads((cfind.folder / "report.json").read_text("utf-8"))
    first = report["operations"][0]
    assert (first["responses"], first["delivered"], first["known"]) == (6, 0, 6)
    assert news(cfind, "20240501")[:2] == (0, 3)


def test_without_a_state_that_can_be_used_nothing_is_sent(cfind: Cfind) -> None:
    (cfind.folder / ".cfind").write_text("in the way", "utf-8")
    path = cfind.folder / "news.yaml"
    path.write_text(NEWS.format(archive=ROOT / "jobs" / "demo-archive", peers="", asked="[demo]"), "utf-8")
    status, _, stderr = cfind("run", path, "--output-dir", cfind.folder, "--var", "TO=20240301")
    assert status == 3
    assert "is no folder" in stderr
    assert not (cfind.folder / "studies.csv").exists()
