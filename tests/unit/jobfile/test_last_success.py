"""`${last_success}`: when the last complete run began, with terms, defaults and formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.jobfile.clock import Clock
from runner.jobfile.load import LastSuccess, check_file, load_job
from runner.model import Job

NOW = Clock.at("2024-03-10T14:30:00+01:00")
#: A quarter to one in the night of 2 March in Berlin.
LAST = Clock.at("2024-03-01T23:45:00Z").instant
JOB = """
version: 1
timezone: Europe/Berlin
peers: {p: {host: pacs, port: 104}}
queries: {q: {model: worklist, keys: {%s}}}
lint: {ignore: [key-not-in-worklist, dates-and-times, empty-query]}
"""


def load(folder: Path, text: str, last: LastSuccess | None) -> tuple[Job | None, list[str]]:
    path = folder / "nightly.yaml"
    path.write_text(text, "utf-8")
    job, problems = load_job(path, clock=NOW, last_success=last)
    return job, [f"{problem.what}; {problem.advice}" for problem in problems]


def sent(folder: Path, key: str, last: LastSuccess | None = lambda _: LAST) -> object:
    job, problems = load(folder, JOB % key, last)
    assert problems == []
    assert job is not None
    (request,) = job.queries[0].requests
    return request.identifier[-1].value


@pytest.mark.parametrize(
    ("key", "known", "first"),
    [
        ('StudyDate: "${last_success}"', "20240302", ""),
        ('StudyDate: "${last_success-2d}-"', "20240229-", ""),
        ('StudyDate: "${last_success-2d}-${today}"', "20240229-20240310", "-20240310"),
        ('StudyDate: "${last_success-1mo:-2023-12-24}-"', "20240202-", "20231224-"),
        ('StudyDate: "${last_success:-20231224}"', "20240302", "20231224"),
        ('StudyDate: "${last_success:-today-1y}"', "20240302", "20230310"),
        ('StudyDate: {from: "${last_success-2d}", to: today}', "20240229-20240310", "-20240310"),
        ('StudyDate: {from: "${last_success-2d}"}', "20240229-", ""),
        ('AcquisitionDateTime: "${last_success-90min}-"', "20240301231500-", ""),
        ('StudyDescription: "s ${last_success:%H:%M} e"', "s 00:45 e", "s  e"),
        ('StudyDescription: "${last_success:-2024-01-31:%d.%m.}"', "02.03.", "31.01."),
        ('StudyDescription: "$${last_success}"', "${last_success}", "${last_success}"),
    ],
)
def test_what_is_sent(tmp_path: Path, key: str, known: str, first: str) -> None:
    assert sent(tmp_path, key) == known
    assert sent(tmp_path, key, lambda _: None) == first
    assert sent(tmp_path, key, None) == first


def test_it_is_of_the_job_by_its_name(tmp_path: Path) -> None:
    asked: list[str] = []

    def last(name: str) -> int | None:
        asked.append(name)
        return LAST

    key = 'StudyDate: "${last_success}"'
    load(tmp_path, JOB % key, last)
    load(tmp_path, "name: daily" + JOB % key, last)
    load(tmp_path, 'name: "n-${var:A}"\nvars: {A: b}' + JOB % key, last)
    load(tmp_path, JOB % "StudyDate: 20240101", last)
    assert asked == ["nightly", "daily", "n-b"]


def test_it_stands_in_variables_and_texts(tmp_path: Path) -> None:
    text = 'vars: {SINCE: "${last_success-2d:%Y%m%d}"}' + JOB % 'StudyDate: "${var:SINCE}-"'
    job, problems = load(
        tmp_path, text + 'sinks: [{type: csv, path: "since-${last_success}.csv"}]', lambda _: LAST
    )
    assert problems == []
    assert job is not None
    assert getattr(job.sinks[0], "path", "") == "since-20240302T004500.csv"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("last_success-2x", "behind last_success stands no length of time"),
        ("last_success 2d", "behind last_success stands no length of time"),
        ("last_success:-soon", "the default of last_success is no date; write a day such as 2024-01-31"),
        ("last_success:-2024-02-30", "the default: there is no such day"),
        ("last_success:%Q", "the format has '%Q'"),
        ("last_success:", "the format is empty"),
        ("last_successes", "this reference is not known"),
        ("last_success-9999y", "outside of the years"),
        ("last_success:-today-9999y", "outside of the years"),
    ],
)
def test_what_is_no_such_reference(tmp_path: Path, reference: str, said: str) -> None:
    job, problems = load(tmp_path, JOB % f'StudyDate: "${{{reference}}}"', lambda _: LAST)
    assert job is None
    assert said in problems[0]


def test_the_name_of_the_job_cannot_depend_on_it(tmp_path: Path) -> None:
    job, problems = load(tmp_path, 'name: "${last_success}"' + JOB % "StudyDate: 20240101", lambda _: LAST)
    assert job is None
    assert "is not taken here" in problems[0]
    text = 'name: "${var:A}"\nvars: {A: "${last_success}"}' + JOB % "StudyDate: 20240101"
    job, problems = load(tmp_path, text, lambda _: LAST)
    assert job is None
    assert "the job's name has a reference itself" in problems[0]


def test_a_file_to_include_is_of_no_job(tmp_path: Path) -> None:
    path = tmp_path / "shared.yaml"
    path.write_text('version: 1\nkey_sets: {a: {StudyDate: "${last_success}"}}\n', "utf-8")

    def never(_: str) -> int:
        raise AssertionError

    checked = check_file(path, clock=NOW, last_success=never)
    assert checked.is_fragment
    assert checked.problems == ()
