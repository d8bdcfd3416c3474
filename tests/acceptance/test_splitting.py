"""Queries that hit a cap are split: all that a capped archive has, once each, or said not to be all."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from acceptance.command import Cfind, Outcome, job, peer, query
from peers.archive import write_studies
from peers.orthanc import orthanc
from peers.process import Server

CAP = 10
STUDIES = 1000
SINK = {"type": "csv", "path": "studies.csv", "columns": ["AccessionNumber", "StudyDate"]}


@contextmanager
def capped(folder: Path, moments: list[tuple[str, str]]) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    with orthanc(
        folder, write_studies(folder / "files", moments), configuration={"LimitFindResults": CAP}
    ) as it:
        yield it


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A thousand studies over three years, no more on a day than an answer holds."""
    choose, begin = random.Random(7), dt.date(2021, 1, 1)
    a_day: Counter[dt.date] = Counter()
    while a_day.total() < STUDIES:
        day = begin + dt.timedelta(days=choose.randrange(3 * 365))
        a_day[day] += a_day[day] < CAP
    moments = [
        (f"{day:%Y%m%d}", f"{choose.randrange(24):02}{choose.randrange(60):02}00")
        for day, number in a_day.items()
        for _ in range(number)
    ]
    with capped(tmp_path_factory.mktemp("spread"), moments) as server:
        yield server


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Days with more studies than an answer holds, one of which has no time."""
    moments = [
        (f"2024010{day}", f"{8 + number % 12:02}{number:02}00") for day in (1, 2) for number in range(30)
    ]
    with capped(tmp_path_factory.mktemp("busy"), [*moments, ("20240101", ""), ("", "")]) as server:
        yield server


def run(
    cfind: Cfind, server: Server, keys: dict[str, Any], split: dict[str, Any] | None, **more: Any
) -> Outcome:
    asked = query("study-root", "STUDY", {"AccessionNumber": None, **keys})
    if split is not None:
        asked["split"] = split
    return cfind.run(job({"orthanc": peer(server, "ORTHANC", **more)}, {"studies": asked}, [SINK]))


def found(outcome: Outcome, name: str = "studies.csv") -> list[str]:
    with (outcome.output / name).open(encoding="utf-8", newline="") as file:
        return [row["AccessionNumber"] for row in csv.DictReader(file)]


def sent(outcome: Outcome) -> int:
    return sum(one["status"] is not None for one in outcome.operations)


@pytest.mark.parametrize(
    ("keys", "split", "more"),
    [
        ({}, {"key": "StudyDate", "from": "2021-01-01", "to": "2023-12-31", "every": "30d"}, {}),
        ({}, {"key": "StudyDate", "from": "2021-01-01", "to": "2023-12-31"}, {"max_associations": 3}),
        ({"StudyDate": "20210101-20231231"}, {"key": "StudyDate", "until": "1h"}, {}),
    ],
    ids=["every", "in parallel", "the query's own range"],
)
def test_a_capped_archive_gives_all_that_it_has(
    cfind: Cfind, spread: Server, keys: dict[str, Any], split: dict[str, Any], more: dict[str, Any]
) -> None:
    outcome = run(cfind, spread, keys, split, **more)
    assert outcome.status == 0, outcome.stderr
    assert outcome.report["verdict"] == "complete"
    assert sorted(found(outcome)) == [f"A{number:05}" for number in range(1, STUDIES + 1)]
    assert sent(outcome) < 4 * STUDIES / CAP
    root = next(one for one in outcome.operations if one["parent"] is None)
    assert root["verdict"] == "complete"
    assert root["parts"] > 1
    numbers = {one["number"] for one in outcome.operations}
    assert all(one["parent"] in numbers for one in outcome.operations if one is not root)


def test_without_a_split_it_says_that_it_is_not_all(cfind: Cfind, spread: Server) -> None:
    outcome = run(cfind, spread, {"StudyDate": "20210101-20231231"}, None, result_limit=CAP)
    assert (outcome.status, outcome.report["verdict"]) == (6, "incomplete")
    assert "0xFE00" in outcome.stderr
    assert len(found(outcome, "studies.csv.partial")) == CAP


def test_a_day_that_is_cut_may_have_more_without_a_time(cfind: Cfind, busy: Server) -> None:
    """All with a time are found; whether there are others cannot be shown, and there is one."""
    split = {"key": "StudyDate", "from": "2024-01-01", "to": "2024-01-02"}
    outcome = run(cfind, busy, {}, split)
    assert (outcome.status, outcome.report["verdict"]) == (6, "unknown"), outcome.stderr
    assert "without a legal StudyTime" in outcome.stderr
    timed = {f"A{number:05}" for number in range(1, 61)}
    accessions = found(outcome, "studies.csv.partial")
    assert timed <= set(accessions) <= timed | {"A00061"}
    assert len(accessions) == len(set(accessions))


def test_times_that_the_query_asks_for_itself_leave_nothing_open(cfind: Cfind, busy: Server) -> None:
    keys = {"StudyDate": "20240101-20240102", "StudyTime": "080000-195959"}
    outcome = run(cfind, busy, keys, {"key": "StudyDate"})
    assert (outcome.status, outcome.report["verdict"]) == (0, "complete"), outcome.stderr
    assert sorted(found(outcome)) == [f"A{number:05}" for number in range(1, 61)]


def test_where_the_floor_still_hits_the_cap_it_says_which_part(cfind: Cfind, busy: Server) -> None:
    split = {"key": "StudyDate", "from": "2024-01-01", "to": "2024-01-02", "until": "1d"}
    outcome = run(cfind, busy, {}, split)
    assert (outcome.status, outcome.report["verdict"]) == (6, "incomplete")
    assert "StudyDate 20240101" in outcome.stderr
    assert "StudyDate 20240102" in outcome.stderr


def test_a_tree_for_people(cfind: Cfind, busy: Server) -> None:
    run(cfind, busy, {}, {"key": "StudyDate", "from": "2024-01-01", "to": "2024-01-02"})
    status, stdout, _ = cfind("report", cfind.folder / "report.json")
    assert status == 0
    assert b"split into" in stdout
    assert b"      StudyDate 2024010" in stdout


Make = Callable[[], dict[str, Any]]


@pytest.mark.parametrize(
    ("split", "keys", "verdict"),
    [
        ({"key": "PatientName", "letters": "A-Z"}, {"PatientName": None}, "unknown"),
        ({"key": "AccessionNumber", "letters": "A0-9"}, {}, "unknown"),
    ],
)
def test_letters_find_all_and_never_say_so(
    cfind: Cfind, busy: Server, split: dict[str, Any], keys: dict[str, Any], verdict: str
) -> None:
    outcome = run(cfind, busy, keys, split)
    assert (outcome.status, outcome.report["verdict"]) in {(6, verdict), (6, "incomplete")}, outcome.stderr
    accessions = found(outcome, "studies.csv.partial")
    assert len(accessions) == len(set(accessions))
    if split["key"] == "AccessionNumber":
        assert len(accessions) == 62
