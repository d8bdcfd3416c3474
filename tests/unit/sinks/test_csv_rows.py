"""Cells, headers and quotes of CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from runner.dicom.charset import character_set
from runner.dicom.dictionary import STANDARD, Entry
from runner.dicom.path import path_text
from runner.dicom.transfer_syntax import TransferSyntax
from runner.sinks.csv_rows import CsvRows, quoted

STEP = 0x00400100


def cell(make_job: Any, make_batch: Any, path: tuple[int, ...], *data_set: Any, **kwargs: Any) -> str:
    """The one cell of a table with one column."""
    job = make_job(columns=(path,))
    text = CsvRows(job).rows(make_batch(job, list(data_set), **kwargs)).decode("utf-8")
    ((value,),) = csv.reader(io.StringIO(text, newline=""), strict=True)
    return value


def encoded(text: str, terms: str, vr: str = "PN") -> dict[str, str]:
    data = character_set(terms).encode(text, vr)
    return {"hex": (data + b" " * (len(data) % 2)).hex()}


@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        ("0010,0010", "PN", "DOE^JOHN", "DOE^JOHN"),
        ("0010,0010", "PN", " DOE ^J  ", "DOE ^J"),
        ("0010,0010", "PN", 'O"NEIL, "X"', 'O"NEIL, "X"'),
        ("0010,0010", "PN", "a\r\nb\nc", "a\r\nb\nc"),
        ("0010,0010", "PN", {"hex": "41004200"}, "A\\x00B"),
        ("0010,0010", "PN", None, ""),
        ("0010,0010", "PN", "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("0008,0061", "CS", "CT\\SR", "CT\\SR"),
        ("0008,0061", "CS", "CT \\ SR", "CT\\SR"),
        ("0010,4000", "LT", "  two lines\\one ", "  two lines\\one"),
        ("0020,000d", "UI", "1.2.3", "1.2.3"),
        ("0020,1208", "IS", " 300 ", "300"),
        ("0028,0010", "US", [512], "512"),
        ("0028,0010", "US", [1, 2, 65535], "1\\2\\65535"),
        ("0028,0010", "US", {"hex": "010203"}, "010203"),
        ("0018,6020", "SL", [-1, 2], "-1\\2"),
        ("0070,0022", "FL", [1.5, 0.1], "1.5\\0.1"),
        ("0018,9087", "FD", [0.1, 1e300, 3], "0.1\\1e+300\\3"),
        ("0028,0009", "AT", ["0018,1063", "0018,1065"], "(0018,1063)\\(0018,1065)"),
        ("0042,0011", "OB", {"hex": "00ff0a"}, "00ff0a"),
        ("0010,0010", "UN", "DOE^X", "DOE^X"),
        ("0009,1001", "UN", {"hex": "4142"}, "4142"),
    ],
)
def test_cells(make_job: Any, make_batch: Any, tag: str, vr: str, value: Any, expected: str) -> None:
    group, number = tag.split(",")
    path = (int(group + number, 16),)
    assert cell(make_job, make_batch, path, [tag, vr, value]) == expected
    if vr not in {"UN", "OB"}:
        big = cell(make_job, make_batch, path, [tag, vr, value], syntax=TransferSyntax.EXPLICIT_BIG)
        assert big == expected


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "山田^太郎"),
        ("GB18030", "王^小东"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
    ],
)
def test_text_is_utf8_whatever_the_character_set_was(
    make_job: Any, make_batch: Any, terms: str, text: str
) -> None:
    declared = ["0008,0005", "CS", terms]
    assert (
        cell(make_job, make_batch, (0x00100010,), declared, ["0010,0010", "PN", encoded(text, terms)]) == text
    )


def test_unknown_and_broken_character_sets_lose_no_row(make_job: Any, make_batch: Any) -> None:
    name = ["0010,0010", "PN", {"hex": "c3a92041ff20"}]
    for terms in ("KLINGON", "ISO_IR 192", "\\ISO 2022 IR 87"):
        assert "A" in cell(make_job, make_batch, (0x00100010,), ["0008,0005", "CS", terms], name)


def test_item_has_a_character_set_of_its_own(make_job: Any, make_batch: Any) -> None:
    inner = [["0008,0005", "CS", "ISO_IR 100"], ["0010,0010", "PN", encoded("Jürgen", "ISO_IR 100")]]
    outer = ["0008,0005", "CS", "ISO_IR 192"]
    path = (STEP, 0, 0x00100010)
    for _ in range(2):
        assert cell(make_job, make_batch, path, outer, ["0040,0100", "SQ", [inner]]) == "Jürgen"
        inner = [["0010,0010", "PN", "Jürgen"]]  # now inherited, in UTF-8


def test_nested_columns(make_job: Any, make_batch: Any) -> None:
    step = ["0040,0100", "SQ", [[["0008,0060", "CS", "CT"]], [["0008,0060", "CS", "MR"]]], "items"]
    assert cell(make_job, make_batch, (STEP, 0, 0x00080060), step) == "CT"
    assert cell(make_job, make_batch, (STEP, 1, 0x00080060), step) == "MR"
    assert cell(make_job, make_batch, (STEP, 2, 0x00080060), step) == ""
    assert cell(make_job, make_batch, (STEP, 0, 0x00080061), step) == ""
    assert cell(make_job, make_batch, (STEP,), step) == (
        '[{"00080060":{"vr":"CS","Value":["CT"]}},{"00080060":{"vr":"CS","Value":["MR"]}}]'
    )
    assert cell(make_job, make_batch, (STEP,), ["0040,0100", "SQ", []]) == ""


def test_headers() -> None:
    assert path_text((STEP, 0, 0x00080060), STANDARD) == "ScheduledProcedureStepSequence[0].Modality"
    assert path_text((0x00091001,), STANDARD) == "(0009,1001)"
    known = STANDARD.extended([Entry(0x00091001, "LO", "1", "Dose", "AcmeDose")])
    assert path_text((0x00091001,), known) == "AcmeDose"


def test_one_query_and_peer_need_no_origin(make_job: Any, make_batch: Any) -> None:
    job = make_job()
    assert CsvRows(job).header() == b"PatientName,PatientID\n"
    assert CsvRows(job, ((0x00100020,), (0x00100040,))).header() == b"PatientID,PatientSex\n"


@pytest.mark.parametrize(
    "kwargs",
    [{"queries": ("a, b", "c")}, {"peers": ("x", "y")}, {"queries": ("a, b", "c"), "peers": ("x", "y")}],
)
def test_several_queries_or_peers_are_named_in_front(make_job: Any, make_batch: Any, kwargs: Any) -> None:
    job = make_job(**kwargs)
    rows = CsvRows(job)
    assert rows.header() == b"query,peer,PatientName,PatientID\n"
    batch = make_batch(job, [["0010,0010", "PN", "DOE"]], [["0010,0010", "PN", "Ü"]])
    operation = batch.find.operation
    origin = f"{quoted(operation.query.name)},{operation.peer.name},"
    assert rows.rows(batch).decode() == f"{origin}DOE,\n{origin}Ü,\n"


def test_columns_of_several_queries_stand_once_in_their_order(make_job: Any) -> None:
    job = make_job(queries=("a", "b"))
    assert CsvRows(job).header() == b"query,peer,PatientName,PatientID\n"


def test_job_without_columns_has_those_of_its_requests(make_job: Any) -> None:
    assert CsvRows(make_job(columns=())).header() == b"QueryRetrieveLevel,PatientName\n"


def test_an_empty_only_cell_is_still_a_row(make_job: Any, make_batch: Any) -> None:
    job = make_job(columns=((0x00100010,),))
    assert CsvRows(job).rows(make_batch(job, [], [["0010,0010", "PN", None]])) == b'""\n""\n'


def test_undecodable_identifiers_make_no_row(make_job: Any, make_batch: Any) -> None:
    job = make_job()
    batch = make_batch(job, [["0010,0020", "LO", "1"]], b"xx", [["0010,0020", "LO", "2"]])
    assert CsvRows(job).rows(batch) == b",1\n,2\n"


@pytest.mark.parametrize("column_first", [True, False])
def test_rows_stay_right_when_the_layout_has_been_learned(
    make_job: Any, make_batch: Any, column_first: bool
) -> None:
    """Attributes that come late, go, or change their VR or form, after hundreds of alike responses."""
    job = make_job(columns=((0x00100020,), (0x00100010,), (0x00280010,)))
    rows = CsvRows(job)

    def row(*data_set: Any) -> str:
        return rows.rows(make_batch(job, list(data_set))).decode()

    name, number = ["0010,0010", "PN", "DOE"], ["0010,0020", "LO", "7"]
    if column_first:
        name = ["0008,0020", "DA", "20240101"]
    for _ in range(300):
        assert row(name, number) == ("7,,\n" if column_first else "7,DOE,\n")
    for _ in range(300):
        assert row(["0010,0010", "PN", "A, B"], number) == '7,"A, B",\n'
        assert row(["0010,0010", "PN", "Ä"], ["0028,0010", "US", [5]]) == ",�,5\n".replace("�", "Ä")
        assert row(["0010,0010", "LO", " X "], ["0010,0020", "LO", "  "]) == ",X,\n"
        assert row() == ",,\n"
