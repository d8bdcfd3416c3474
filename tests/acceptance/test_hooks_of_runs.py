"""on_success and on_failure, as `cfind run` runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from acceptance.command import ROOT, Cfind

NOTE = 'echo "$CFIND_JOB $CFIND_EXIT_STATUS $CFIND_VERDICT $CFIND_REPORT" >> note'


def _job(name: str = "test", **more: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "name": name,
        "peers": {"demo": {"archive": str(ROOT / "jobs" / "demo-archive")}},
        "queries": {
            "q": {"model": "study-root", "level": "STUDY", "keys": {"StudyDate": "2024", "PatientID": None}}
        },
        "sinks": [],
        "lint": {"ignore": ["value-form"]},
        "on_success": ["sh", "-c", f"{NOTE}; echo well; exit 3"],
        "on_failure": ["sh", "-c", f"{NOTE}; cp $CFIND_REPORT copy.json"],
        **more,
    }


def _failing(name: str = "test") -> dict[str, Any]:
    job = _job(name)
    job["queries"]["q"]["expect"] = {"min": 1000}
    return job


def _notes(cfind: Cfind) -> list[str]:
    return (cfind.folder / "note").read_text("utf-8").splitlines()


def test_a_command_that_fails_is_a_warning(cfind: Cfind) -> None:
    status, stdout, stderr = cfind("run", cfind.job_file(_job()), "--report", "r.json")
    assert (status, stdout) == (0, b""), stderr
    assert stderr.splitlines()[-2:] == [
        "well",
        "cfind: job test: warning: on_success: sh ended with exit status 3",
    ]
    assert _notes(cfind) == [f"test 0 complete {cfind.folder / 'r.json'}"]


def test_a_failure_has_its_report_without_one_being_asked_for(cfind: Cfind) -> None:
    status, _, stderr = cfind("run", cfind.job_file(_failing()))
    assert status == 7, stderr
    assert _notes(cfind)[0].startswith("test 7 complete /")
    assert Cfind.checked_report(cfind.folder / "copy.json")["exit_status"] == 7


def test_each_of_several_jobs_has_its_own(cfind: Cfind) -> None:
    paths = [cfind.job_file(_failing("a"), "a.yaml"), cfind.job_file(_job("b"), "b.yaml")]
    status, _, stderr = cfind("run", *paths, "--report", "r.json")
    assert status == 7, stderr
    assert [line.split()[:2] for line in _notes(cfind)] == [["a", "7"], ["b", "0"]]
    assert all(Path(line.split()[3]).name == "report.json" for line in _notes(cfind))
    assert Cfind.checked_report(cfind.folder / "copy.json")["job"] == "a"
    assert len(json.loads((cfind.folder / "r.json").read_text("utf-8"))["jobs"]) == 2


def test_a_report_that_is_no_file_is_written_for_the_command(cfind: Cfind) -> None:
    status, stdout, _ = cfind("run", cfind.job_file(_job()), "--report", "/dev/stdout")
    assert status == 0
    assert json.loads(stdout)["job"] == "test"
    assert _notes(cfind)[0].endswith("/report.json")


def test_none_runs_where_none_is_wanted(cfind: Cfind) -> None:
    path = cfind.job_file(_job())
    for arguments in (["run", path, "--no-hooks"], ["validate", path], ["plan", path], ["echo", path]):
        assert cfind(*arguments)[0] == 0
    assert not (cfind.folder / "note").exists()


def test_all_of_stderr_is_json(cfind: Cfind) -> None:
    status, _, stderr = cfind("run", cfind.job_file(_job()), "--log", "json")
    assert status == 0
    events = [json.loads(line) for line in stderr.splitlines()]
    assert [event["event"] for event in events if event["event"] != "warning"] == [
        "run_begun",
        "association_opened",
        "operation_started",
        "operation_finished",
        "run_ended",
        "hook_ended",
    ]
    assert (events[-1]["exit_status"], events[-1]["output"]) == (3, "well\n")


def test_metrics_are_written(cfind: Cfind) -> None:
    assert cfind("run", cfind.job_file(_failing()), "--metrics", "m.prom")[0] == 7
    lines = (cfind.folder / "m.prom").read_text("utf-8").splitlines()
    assert 'cfind_exit_status{job="test"} 7' in lines
    assert 'cfind_operations{job="test",peer="demo",verdict="complete"} 1' in lines
