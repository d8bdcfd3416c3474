"""What holds for all bytes that a peer may send as identifiers."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from peers.dataset_notation import write
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk, walk_readable
from runner.dicom.identifier import Element
from runner.dicom.layout import Layout
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError
from runner.model import InformationModel, Job, Peer, Query, Request, StdoutFormat, StdoutSink
from runner.plan import operations
from runner.sinks.base import Batch, Find
from runner.sinks.csv_rows import CsvRows
from runner.sinks.registry import make_sinks

SYNTAXES = st.sampled_from(
    [TransferSyntax.EXPLICIT_LITTLE, TransferSyntax.IMPLICIT_LITTLE, TransferSyntax.EXPLICIT_BIG]
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
#: Attributes and values of their VRs.
LEAVES = {
    "0008,0005": st.tuples(
        st.just("CS"), st.sampled_from(["ISO_IR 192", "ISO_IR 100", "\\ISO 2022 IR 87", "?"])
    ),
    "0008,0020": st.tuples(st.just("DA"), st.sampled_from(["", "20240131", "2024"])),
    "0008,0061": st.tuples(st.just("CS"), st.sampled_from(["CT", "CT\\SR", "A \\ B", " "])),
    "0010,0010": st.tuples(st.just("PN"), TEXT),
    "0010,4000": st.tuples(st.just("LT"), TEXT),
    "0020,000d": st.tuples(st.just("UI"), st.sampled_from(["1.2.3", "1.2.840.10008.1.2", "1"])),
    "0020,1208": st.tuples(st.just("IS"), st.sampled_from(["3", "300", "007", "+5", "x"])),
    "0028,0010": st.tuples(st.just("US"), st.lists(st.integers(0, 65535), max_size=2)),
    "0040,a160": st.tuples(st.just("UT"), TEXT),
    "0070,0022": st.tuples(st.just("FL"), st.lists(st.floats(width=32), max_size=2)),
}


def leaves(tags: list[str]) -> st.SearchStrategy[list[list[Any]]]:
    return st.fixed_dictionaries({}, optional={tag: LEAVES[tag] for tag in tags}).map(
        lambda found: [[tag, *found[tag]] for tag in sorted(found)]
    )


NAMES = sorted(LEAVES)
SEQUENCE = st.tuples(
    st.lists(leaves(["0008,0061", "0010,0010", "0020,000d"]), max_size=2),
    st.sampled_from([[], ["items"], ["sequence"], ["items", "sequence"]]),
).map(lambda parts: ["0040,0100", "SQ", parts[0], *parts[1]])
DATA_SETS = st.tuples(leaves(NAMES), st.lists(SEQUENCE, max_size=1)).map(
    lambda parts: sorted(parts[0] + parts[1], key=lambda element: element[0])
)
#: A few data sets, each of them many times over, in a mixed order: what a layout is made for.
PILES = st.lists(DATA_SETS, min_size=1, max_size=4)

COLUMNS = (
    (0x00100010,),
    (0x00080061,),
    (0x00280010,),
    (0x00400100, 0, 0x00100010),
    (0x00104000,),
    (0x0020000D,),
)


def job(columns: tuple[tuple[int, ...], ...] = COLUMNS, *sinks: StdoutSink) -> Job:
    request = Request((Element(0x00080052, "CS", "STUDY"),))
    query = Query("q", ("p",), InformationModel.STUDY_ROOT, (request,), columns)
    return Job("job", (Peer("p", "host", 104),), (query,), sinks)


def find_of(some: Job, syntax: TransferSyntax) -> Find:
    return Find(next(operations(some)), syntax)


@given(st.binary(max_size=200), SYNTAXES)
@settings(max_examples=400)
def test_any_bytes_are_read_or_refused(data: bytes, syntax: TransferSyntax) -> None:
    elements, rest, error = walk_readable(data, syntax, STANDARD)
    assert 0 <= rest <= len(data)
    assert walk(data[:rest], syntax, STANDARD) == elements
    assert (error is None) == (rest == len(data) or not Layout(syntax, STANDARD).check([data]))


@given(PILES, SYNTAXES, st.data())
@settings(max_examples=60)
def test_a_layout_knows_what_a_walk_knows(
    pile: list[Any], syntax: TransferSyntax, data: st.DataObject
) -> None:
    good = [write(data_set, syntax.uid) for data_set in pile]
    layout = Layout(syntax, STANDARD, COLUMNS)
    for _ in range(120):
        assert not layout.check(good)
    # bytes changed, cut out or put in, anywhere
    for identifier in good:
        at = data.draw(st.integers(0, max(0, len(identifier) - 1)))
        end = data.draw(st.integers(at, min(len(identifier), at + 4)))
        broken = identifier[:at] + data.draw(st.binary(max_size=4)) + identifier[end:]
        try:
            walk(broken, syntax, STANDARD)
        except UndecodableIdentifierError:
            assert list(layout.check([broken])) == [0]
        else:
            assert not layout.check([broken])


@given(PILES, SYNTAXES)
@settings(max_examples=60)
def test_rows_of_a_thousand_are_the_rows_of_each(pile: list[Any], syntax: TransferSyntax) -> None:
    some = job()
    find = find_of(some, syntax)
    identifiers = [write(data_set, syntax.uid) for data_set in pile] * 60
    table = CsvRows(some)
    many = b"".join(
        table.rows(Batch(find, 1, 0xFF00, identifiers[at : at + 20], {}))
        for at in range(0, len(identifiers), 20)
    )
    each = b"".join(
        CsvRows(some).rows(Batch(find, 1, 0xFF00, (identifier,), {}))
        for identifier in identifiers[: len(pile)]
    )
    assert many == each * 60
    rows = list(csv.reader(io.StringIO(many.decode("utf-8"), newline=""), strict=True))
    assert len(rows) == len(identifiers)
    assert {len(row) for row in rows} == {len(COLUMNS)}


@given(PILES, SYNTAXES, st.sampled_from(StdoutFormat))
@settings(max_examples=60)
def test_what_is_printed_of_a_thousand_is_what_is_printed_of_each(
    pile: list[Any], syntax: TransferSyntax, output_format: StdoutFormat
) -> None:
    if output_format not in {StdoutFormat.DUMP, StdoutFormat.JSON, StdoutFormat.FINDSCU}:
        return
    some = job(COLUMNS, StdoutSink(output_format))
    find = find_of(some, syntax)
    identifiers = [write(data_set, syntax.uid) for data_set in pile] * 40

    def printed(batches: list[Batch]) -> bytes:
        stdout = io.BytesIO()
        ((_, sink),) = make_sinks(some, Path(), stdout)
        for batch in batches:
            sink.write(batch)
        return stdout.getvalue()

    many = printed(
        [Batch(find, at + 1, 0xFF00, identifiers[at : at + 8], {}) for at in range(0, len(identifiers), 8)]
    )
    each = [
        printed([Batch(find, at + 1, 0xFF00, (data,), {})])
        for at, data in enumerate(identifiers[: 2 * len(pile)])
    ]
    assert many.startswith(b"".join(each))
    if output_format is StdoutFormat.FINDSCU:
        return
    text = many.decode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", text)
    if output_format is StdoutFormat.JSON:
        objects = [json.loads(line) for line in text.split("\n")[:-1]]
        assert len(objects) == len(identifiers)
        assert [sorted(one) for one in objects[: len(pile)]] == [
            [element[0].replace(",", "").upper() for element in data_set] for data_set in pile
        ]
