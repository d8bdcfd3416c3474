"""`cfind schedule --list`: the next times of jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.main import main

PEERS = "peers: {p: {host: localhost, port: 104}}\n"
HEAD = f"version: 1\n{PEERS}queries: {{q: {{model: worklist, keys: {{PatientName: A*}}}}}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(HEAD + text, encoding="utf-8")


def test_the_next_five_times(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        folder,
        "a.yaml",
        "name: a\nschedule: {cron: 30 2 * * *, timezone: Europe/Berlin, jitter: 60, catch_up: all}",
    )
    write(folder, "b.yaml", 'schedule: {cron: "@monthly", timezone: UTC}')
    assert main(["schedule", "--list", "--now", "2024-03-29T12:00:00Z", "a.yaml", "b.yaml"]) == 0
    assert capsys.readouterr() == (
        """\
a (a.yaml): 30 2 * * *, in Europe/Berlin, up to 60 s later, catch_up: all
  2024-03-30T02:30:00+01:00 Saturday
  2024-03-31T03:00:00+02:00 Sunday
  2024-04-01T02:30:00+02:00 Monday
  2024-04-02T02:30:00+02:00 Tuesday
  2024-04-03T02:30:00+02:00 Wednesday

b (b.yaml): @monthly, in UTC, catch_up: one
  2024-04-01T00:00:00+00:00 Monday
  2024-05-01T00:00:00+00:00 Wednesday
  2024-06-01T00:00:00+00:00 Saturday
  2024-07-01T00:00:00+00:00 Monday
  2024-08-01T00:00:00+00:00 Thursday
""",
        "",
    )


def test_a_time_that_is_now_is_not_the_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "a.yaml", 'schedule: {cron: "@daily", timezone: UTC}')
    assert main(["schedule", "--list", "--now", "2024-03-29T00:00:00Z", "a.yaml"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "  2024-03-30T00:00:00+00:00 Saturday"


def test_in_folders_other_files_are_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "jobs/a.yaml", 'schedule: {cron: "@daily"}')
    write(folder, "jobs/plain.yaml", "")
    (folder / "jobs" / "peers.yaml").write_text(PEERS, encoding="utf-8")
    assert main(["schedule", "--list", "jobs"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("a (jobs/a.yaml): @daily, in the machine's time zone, catch_up: one\n")
    assert (out.count("\n"), err) == (6, "")


@pytest.mark.parametrize(
    ("texts", "paths", "message"),
    [
        ({"a.yaml": ""}, ["a.yaml"], "a.yaml: the job has no schedule; add such as schedule"),
        ({"jobs/a.yaml": ""}, ["jobs"], "no job has a schedule; add"),
        ({"a.yaml": "schedule: {cron: 0 25 * * *}"}, ["a.yaml"], "schedule.cron: the hour goes from 0 to 23"),
        ({}, ["a.yaml"], "a.yaml: the job file cannot be read"),
    ],
)
def test_what_is_wrong_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], paths: list[str], message: str
) -> None:
    for name, text in texts.items():
        write(folder, name, text)
    assert main(["schedule", "--list", *paths]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {
                "a.yaml": "name: n\nschedule: {cron: '@daily'}",
                "b.yaml": "name: n\nschedule: {cron: '@daily'}",
            },
            "b.yaml: it is not scheduled: a.yaml has the name n too",
        ),
        (
            {"a.yaml": "name: n\nschedule: {cron: '@daily'}", "b.yaml": "schedule: {cron: 0 25 * * *}"},
            "b.yaml: it is not scheduled: the file is invalid",
        ),
        (
            {"a.yaml": "name: n\nschedule: {cron: '@daily'}", "b.yaml": ""},
            "b.yaml: the job has no schedule",
        ),
    ],
)
def test_a_job_that_cannot_be_scheduled_is_told_and_leaves_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], message: str
) -> None:
    for name, text in texts.items():
        write(folder, name, text)
    assert main(["schedule", "--list", *texts]) == 3
    out, err = capsys.readouterr()
    assert out.startswith("n (a.yaml): @daily")
    assert out.count("\n") == 6
    assert message in err
    assert main(["schedule", "--export", "cron", *texts]) == 3
    out, err = capsys.readouterr()
    assert (out, "so nothing is done" in err) == ("", True)
