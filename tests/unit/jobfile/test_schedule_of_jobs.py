from pathlib import Path

import pytest

from runner.jobfile.load import load_job
from runner.model import CatchUp, Schedule

VALID = Path(__file__).parents[2] / "jobs" / "valid"
HEAD = (
    "version: 1\npeers: {a: {host: localhost, port: 104}}\nqueries: {q: {model: worklist, keys: {Rows: 1}}}\n"
)


def schedule_of(path, text):
    path = path / "job.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    job, problems = load_job(path)
    assert job is not None, problems
    return job.schedule


def test_every_key():
    job, problems = load_job(VALID / "schedule.yaml")
    assert problems == []
    assert job.schedule == Schedule("30 2 1,15 jan-mar/2 mon-fri", "Europe/Berlin", 120, CatchUp.NONE)


def test_defaults(tmp_path):
    assert schedule_of(tmp_path, "") is None
    assert schedule_of(tmp_path, 'schedule: {cron: "@daily"}') == Schedule("@daily", "", 0, CatchUp.ONE)


def test_the_timezone_is_the_jobs_where_it_has_none(tmp_path):
    both = "timezone: Europe/Berlin\nschedule: {cron: 0 2 * * 1-5, timezone: UTC}"
    assert schedule_of(tmp_path, both).timezone == "UTC"
    assert schedule_of(tmp_path, both.replace(", timezone: UTC", "")).timezone == "Europe/Berlin"


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory"])
@pytest.mark.parametrize("text", ["timezone: {}\n", 'schedule: {{cron: "@daily", timezone: {}}}'])
def test_what_lies_beside_the_time_zones_is_none(tmp_path, name, text):
    (tmp_path / "job.yaml").write_text(HEAD + text.format(name), encoding="utf-8")
    job, problems = load_job(tmp_path / "job.yaml")
    assert job is None
    assert [problem.what for problem in problems] == ["there is no such time zone"]


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ('cron: "*/10 * * * *", jitter: 599', None),
        ('cron: "*/10 * * * *", jitter: 600', 600),
        ('cron: "*/7 * * * *", jitter: 300', 240),
        ('cron: "0 2,3 * * mon", jitter: 3600', 3600),
        ('cron: "@daily", jitter: 86400', 86400),
        ('cron: "@daily", jitter: 80000', None),
        ('cron: "0 0 29 2 *", jitter: 86400', None),
        ('cron: "* * * * *", jitter: 60', 60),
    ],
)
def test_jitter_that_reaches_the_next_run_is_warned_of(tmp_path, schedule, seconds):
    text = f"schedule: {{timezone: UTC, {schedule}}}"
    (tmp_path / "job.yaml").write_text(HEAD + text, encoding="utf-8")
    job, problems = load_job(tmp_path / "job.yaml")
    assert job is not None
    found = [problem for problem in problems if problem.id == "jitter-too-long"]
    assert [problem.path for problem in found] == (["schedule.jitter"] if seconds else [])
    assert all(f"the {seconds} s between two runs" in problem.what for problem in found)
