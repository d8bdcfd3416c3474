"""Requests from rows: which, in which order, from which file, and how much of it is read."""

import codecs
import itertools
from pathlib import Path

import pytest

from runner.dicom.dictionary import STANDARD
from runner.engine.run import run
from runner.errors import ExitStatus, InvalidJobError
from runner.jobfile import rows
from runner.jobfile.load import load_job
from runner.plan import operations
from runner.transport.stop_signal import StopSignal

VALID = Path(__file__).parents[2] / "jobs" / "valid"


def load(tmp_path, foreach, keys="{PatientID: '${row.A}'}", rest="", **options):
    path = tmp_path / "job.yaml"
    path.write_text(
        "version: 1\npeers: {p: {host: localhost, port: 1}, o: {host: localhost, port: 1}}\nqueries:\n"
        f"  q: {{peer: p, model: worklist, foreach: {foreach}, keys: {keys}{rest}}}\n"
        "lint: {ignore: [unused-peer]}\n",
        encoding="utf-8",
    )
    job, problems = load_job(path, **options)
    return job, [problem.message for problem in problems]


def sent(request):
    return {STANDARD.by_tag(element.tag).keyword: element.value for element in request.identifier}


def ids(job):
    return [sent(request)["PatientID"] for request in job.queries[0].requests]


def test_rows_of_a_file_and_combinations():
    job, problems = load_job(VALID / "foreach.yaml")
    assert problems == []
    assert job is not None
    first, second = job.queries
    assert [request.source for request in first.requests] == ["rows.csv:2", "rows.csv:4", "rows.csv:5"]
    assert [sent(request)["PatientName"] for request in first.requests] == [
        "Example",
        "Müller; José",
        "$${x}",
    ]
    assert [sent(request).get("SpecificCharacterSet") for request in first.requests] == [
        None,
        "ISO_IR 192",
        None,
    ]
    items = [sent(request)["OtherPatientIDsSequence"] for request in first.requests]
    assert [[[e.value for e in item] for item in pair] for pair in items] == [
        [["x"], ["20240101", "a\\A1"]],
        [["x"], ["20240102", "a\\A2"]],
        [["x"], ["${today}", "a\\A3"]],
    ]
    assert [(sent(r)["ModalitiesInStudy"], sent(r)["StudyDate"]) for r in second.requests] == [
        ("CT", "20240101-"),
        ("CT", "20240102-"),
        ("MR", "20240101-"),
        ("MR", "20240102-"),
    ]
    assert [query.operations_per_peer for query in job.queries] == [3, 8]
    planned = list(operations(job))
    assert [operation.number for operation in planned] == list(range(1, 12))
    assert [operation.source for operation in planned[3:6]] == ["row 1", "row 1", "row 2"]


def test_keywords_in_an_attribute_of_tags():
    job, problems = load_job(VALID / "foreach-one-line.yaml")
    assert problems == []
    assert job is not None
    values = [sent(request)["FrameIncrementPointer"] for request in job.queries[0].requests]
    assert values == ["(0038,0010)", "(0010,0010)"]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-8", b""),
        ("utf-16", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("cp1252", b""),
    ],
)
def test_encodings_and_marks(tmp_path, encoding, mark):
    (tmp_path / "a.csv").write_bytes(mark + '"A"\tB\nÄ1\t\n'.encode(encoding))
    job, problems = load(tmp_path, f'{{csv: a.csv, delimiter: "\\t", encoding: {encoding}}}')
    assert problems == []
    assert ids(job) == ["Ä1"]


def test_files_are_sent_for_each_row(tmp_path):
    for name in ("x", "y"):
        (tmp_path / f"{name}.dump").write_text(f"(0010,0030) DA []\n(0010,0040) CS [{name.upper()}]\n")
    (tmp_path / "a.csv").write_text("A\n1\nÄ\n", encoding="utf-8")
    job, problems = load(tmp_path, "{csv: a.csv}", rest=", files: [x.dump, y.dump]")
    assert problems == []
    assert [request.source for request in job.queries[0].requests] == [
        *("x.dump, a.csv:2", "y.dump, a.csv:2", "x.dump, a.csv:3", "y.dump, a.csv:3"),
    ]
    assert [(sent(r)["PatientID"], sent(r)["PatientSex"]) for r in job.queries[0].requests] == [
        *(("1", "X"), ("1", "Y"), ("Ä", "X"), ("Ä", "Y")),
    ]
    assert job.queries[0].operations_per_peer == 4


def test_a_file_without_rows_is_a_warning(tmp_path):
    (tmp_path / "a.csv").write_text("A\n\n\n")
    job, problems = load(tmp_path, "{csv: a.csv}")
    assert len(problems) == 1
    assert "warning: queries.q.foreach.csv: the file has no rows" in problems[0]
    assert ids(job) == []


def test_rows_that_nothing_refers_to_are_a_warning(tmp_path):
    job, problems = load(tmp_path, "{values: {A: [1, 2]}}", "{PatientID: x}")
    assert ids(job) == ["x", "x"]
    assert len(problems) == 1
    assert problems[0].startswith("warning: queries.q.foreach: no key of the query has ${row.…}")


def test_only_what_is_asked_for_is_read(tmp_path):
    """A file whose second row is bad: without looking at all rows, its first request is made all the same."""
    (tmp_path / "a.csv").write_text("A\n1\n" + "x" * 65 + "\n3\n")
    job, problems = load(tmp_path, "{csv: a.csv}", check_rows=False)
    assert problems == []
    requests = iter(job.queries[0].requests)
    assert next(requests).source == "a.csv:2"
    with pytest.raises(InvalidJobError, match=r"a\.csv:3: PatientID: the value is not legal"):
        next(requests)
    assert load(tmp_path, "{csv: a.csv}")[0] is None


def test_a_product_without_end_is_begun_at_once(tmp_path):
    values = ", ".join(f"{name}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]" for name in "ABCDEFG")
    job, problems = load(
        tmp_path, f"{{values: {{{values}}}}}", "{PatientID: '${row.A}${row.G}'}", check_rows=False
    )
    assert problems == []
    assert job.queries[0].operations_per_peer == 10_000_000
    first = itertools.islice(operations(job), 3)
    assert [operation.identifier[0].value for operation in first] == ["00", "01", "02"]


def test_a_line_without_end_is_not_taken_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MAX_LINE", 100)
    (tmp_path / "a.csv").write_text("A\n" + "1," * 100)
    assert "a line is longer than 100 characters" in load(tmp_path, "{csv: a.csv}")[1][0]


@pytest.mark.parametrize("after", ["A\n1\n" + "x" * 65 + "\n", "B\n1\n", "", "A\n1,2\n"])
def test_a_file_that_changes_before_the_run_ends_it(tmp_path, after):
    (tmp_path / "a.csv").write_text("A\n1\n2\n")
    job, problems = load(tmp_path, "{csv: a.csv}", rest="")
    assert problems == []
    (tmp_path / "a.csv").write_text(after)
    with (tmp_path / "out").open("wb") as stdout:
        result = run(job, output_dir=tmp_path, stdout=stdout, stop=StopSignal())
    assert result.exit_status is ExitStatus.INVALID_JOB
    assert isinstance(result.error, InvalidJobError)
    assert result.error.where.startswith("a.csv")


@pytest.mark.parametrize("change", ["\n12,", "\n12345,", "\n"])
def test_a_file_that_changes_while_it_is_read_ends_the_run(tmp_path, change):
    """Cells of another row would be taken for those of this one."""
    path = tmp_path / "a.csv"
    path.write_text("A,B\n" + "".join(f"{number},\n" for number in range(20_000)))
    job, problems = load(tmp_path, "{csv: a.csv}", rest="", check_rows=False)
    assert problems == []
    rows = iter(job.queries[0].requests.rows)
    for _ in range(2000):
        next(rows)
    path.write_text(path.read_text().replace("\n15000,", change))
    with pytest.raises(InvalidJobError, match="the file has changed since the job was read"):
        list(rows)
    with pytest.raises(InvalidJobError, match="leave the file alone meanwhile"):
        next(iter(job.queries[0].requests.rows))
