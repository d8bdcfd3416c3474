from pathlib import Path

import pytest

from runner.jobfile.load import load_job
from runner.model import DateSplit, LetterSplit, ListSplit
from runner.partition.cutting import first_parts

VALID = Path(__file__).parents[2] / "jobs" / "valid" / "split.yaml"
DAY = 86400


@pytest.fixture(scope="module")
def job():
    loaded, problems = load_job(VALID)
    assert problems == []
    return loaded


def test_every_form_of_a_split(job):
    date, modalities, name = 0x00080020, 0x00080061, 0x00100010
    assert {query.name: query.split for query in job.queries} == {
        "year": DateSplit(
            (date,), "StudyDate", "DA", "20240101", "20241231", every=30 * DAY, until=3600, residue=True
        ),
        "own-range": DateSplit((date,), "StudyDate", "DA"),
        "names": LetterSplit((name,), "PatientName", "PN", "ABCX012-"),
        "modalities": ListSplit((modalities,), "ModalitiesInStudy", "CS", ("CT", "MR")),
        "own-list": ListSplit((0x00400100, 0, 0x00080060), "Modality", "CS", ()),
        "steps": DateSplit(
            (0x00400100, 0, 0x00400002), "ScheduledProcedureStepStartDate", "DA", until=36 * 3600
        ),
    }
    assert [peer.result_limit for peer in job.peers] == [500]


def test_the_first_parts_are_what_is_asked_at_once(job):
    labels = {
        query.name: [part.label for part in first_parts(query.split, query.requests[0].identifier)]
        for query in job.queries
    }
    year = labels.pop("year")
    assert year[:3] == [
        "with and without StudyDate", "StudyDate 20240101-20240130", "StudyDate 20240131-20240229"
    ]  # fmt: skip
    assert year[-1] == "StudyDate 20241226-20241231"
    assert labels == {
        "own-range": ["StudyDate 20240101-20240131"],
        "names": ["whole"],
        "modalities": ["whole"],
        "own-list": ["whole"],
        "steps": ["ScheduledProcedureStepStartDate 20240101-20240131"],
    }


def test_ends_are_written_as_those_of_keys(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(
        "version: 1\npeers: {a: {host: localhost, port: 104}}\nqueries:\n  q:\n    model: study-root\n"
        "    level: STUDY\n    keys: {StudyInstanceUID: }\n"
        "    split: {key: StudyDate, from: today, to: today}\n",
        "utf-8",
    )
    job, _ = load_job(path)
    assert job is not None
    split = job.queries[0].split
    assert isinstance(split, DateSplit)
    assert split.first == split.last
    assert len(split.first) == 8
