"""What is kept of runs: a second one at the same time is refused, and all are listed."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from acceptance.command import ROOT, Cfind, Job, job, query

ARCHIVE = {"archive": str(ROOT / "jobs" / "demo-archive")}
STUDIES = query("study-root", "STUDY", {"StudyInstanceUID": None, "PatientName": None})
ENDLESS = {**STUDIES, "repeat": 1_000_000}


def a_job(name: str = "test", what: Job = STUDIES, **more: object) -> Job:
    return {
        **job({"demo": ARCHIVE}, {"studies": what}, [{"type": "stdout", "format": "csv"}]),
        "name": name,
    } | more


def test_a_second_run_of_a_job_at_the_same_time_is_refused(cfind: Cfind) -> None:
    endless, other = cfind.job_file(a_job(what=ENDLESS)), cfind.job_file(a_job("other"), "other.yaml")
    with cfind.start("run", endless) as process:
        assert process.stdout is not None
        assert process.stdout.read(100), process.communicate()
        status, stdout, stderr = cfind("run", endless)
        assert (status, stdout) == (9, b"")
        assert f"another run of the job test is going on: process {process.pid}, since 20" in stderr
        assert stderr.rstrip().endswith("; wait for it, or end it")
        status, stdout, stderr = cfind("run", endless, other)
        assert status == 9, stderr
        assert stdout, "the other job runs"
        assert cfind("run", endless, "--state", cfind.folder / "missing" / "state")[0] == 3
        status, stdout, _ = cfind("history", endless, "--format", "json")
        assert [run["state"] for run in json.loads(stdout)] == ["running"]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    [run] = json.loads(cfind("history", "test", "--format", "json")[1])
    assert (run["state"], run["exit_status"], run["operations"]["planned"]) == ("incomplete", 130, 1_000_000)


def test_runs_are_listed(cfind: Cfind) -> None:
    assert cfind("history") == (0, b"", "cfind: no run is known in .cfind\n")
    assert cfind("history", "--format", "json")[1] == b"[]\n"
    files = [cfind.job_file(a_job(name), f"{name}.yaml") for name in ("first", "second")]
    assert cfind("run", *files)[0] == 0
    assert cfind("run", files[0], "--state", "elsewhere")[0] == 0
    status, stdout, stderr = cfind("history")
    assert (status, stderr) == (0, "")
    head, *lines = [line.split() for line in stdout.decode().splitlines()]
    assert head == ["id", "job", "begun", "seconds", "state", "exit", "responses", "operations"]
    assert [(line[0], line[1], line[5], line[6], line[8]) for line in lines] == [
        ("2", "second", "complete", "0", "1/1"),
        ("1", "first", "complete", "0", "1/1"),
    ]
    [run] = json.loads(cfind("history", "--state", "elsewhere", "--format", "json")[1])
    assert (run["job"], run["kind"], run["goes_on_with"]) == ("first", "run", None)
    assert Path(run["source"]) == files[0]
    for _ in range(2):
        assert cfind("run", files[0])[0] == 0
    assert cfind("history", "--keep", "1")[0] == 2
    assert cfind("history", "--prune", "--keep", "-1")[0] == 2
    assert cfind("history", "--prune", "--keep", "1") == (0, b"", "cfind: 2 runs forgotten\n")
    assert [run["id"] for run in json.loads(cfind("history", "--format", "json")[1])] == [4, 2]


def test_a_killed_run_is_known(cfind: Cfind) -> None:
    with cfind.start("run", cfind.job_file(a_job(what=ENDLESS))) as process:
        assert process.stdout is not None
        assert process.stdout.read(100), process.communicate()
        process.kill()
        process.communicate(timeout=30)
    [run] = json.loads(cfind("history", "--format", "json")[1])
    assert (run["state"], run["exit_status"]) == ("killed", None)


def test_where_nothing_can_be_kept_the_job_runs_with_a_warning(cfind: Cfind) -> None:
    file = cfind.job_file(a_job())
    status, stdout, stderr = cfind("run", file, "--output-dir", cfind.folder / "missing")
    assert (status, len(stdout.splitlines()) > 1) == (0, True)
    assert "cannot be made: No such file or directory" in stderr
    assert "it cannot be resumed" in stderr


def test_findscu_keeps_nothing(cfind: Cfind) -> None:
    cfind("findscu", "-S", "-k", "0008,0052=STUDY", "localhost", "1")
    assert list(cfind.folder.iterdir()) == []


@pytest.mark.parametrize("command", [("history",)])
def test_a_damaged_state_is_told(cfind: Cfind, command: tuple[str, ...]) -> None:
    file = cfind.job_file(a_job())
    assert cfind("run", file)[0] == 0
    (cfind.folder / ".cfind" / "state.sqlite").write_bytes(b"no database" * 1000)
    (cfind.folder / ".cfind" / "state.sqlite-wal").unlink()
    status, stdout, stderr = cfind(*command)
    assert (status, stdout) == (3, b"")
    assert "file is not a database; remove this file" in stderr
    status, stdout, stderr = cfind("run", file)
    assert (status, len(stdout.splitlines()) > 1) == (0, True)
    assert "nothing is kept of this run, so it cannot be resumed" in stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--days", "-1"), "'-1' is no number of days"),
        (("--days", "week"), "'week' is no number of days"),
        (("--keep", "-1"), "'-1' is no count of runs"),
        (("--keep", "1.5"), "'1.5' is no count of runs"),
    ],
)
def test_what_is_kept_is_said_in_numbers(cfind: Cfind, options: tuple[str, ...], said: str) -> None:
    status, _, stderr = cfind("history", "--prune", f"{options[0]}={options[1]}")
    assert status == 2
    assert said in stderr
