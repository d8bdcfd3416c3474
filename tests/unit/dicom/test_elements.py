"""What the structure of a received identifier is, and which bytes have none."""

from __future__ import annotations

import struct
import time

import pytest

from peers.dataset_notation import BIG, EXPLICIT, IMPLICIT, write
from runner.dicom.dictionary import STANDARD, Entry
from runner.dicom.elements import RawElement, Visit, visit, walk, walk_readable
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError

SYNTAXES = [TransferSyntax.EXPLICIT_LITTLE, TransferSyntax.IMPLICIT_LITTLE, TransferSyntax.EXPLICIT_BIG]
STEP = [["0040,0002", "DA", "20240131"], ["0008,0060", "CS", "CT"]]
PATIENT = [["0010,0010", "PN", "DOE^JOHN"], ["0010,0020", "LO", "X"]]


def tree(data: bytes, elements: tuple[RawElement, ...]) -> list[object]:
    return [
        (
            f"{element.tag:08x}",
            [tree(data, item.elements) for item in element.items]
            if element.items is not None
            else data[element.start : element.end],
        )
        for element in elements
    ]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("open_parts", [[], ["items"], ["sequence"], ["items", "sequence"]])
def test_nested_sequences_in_every_form(syntax: TransferSyntax, open_parts: list[str]) -> None:
    inner = ["0008,1140", "SQ", [[["0008,1155", "UI", "1.2"]], []], *open_parts]
    data = write([["0040,0100", "SQ", [[inner, *STEP], STEP], *open_parts], *PATIENT], syntax.uid)
    step = [("00400002", b"20240131"), ("00080060", b"CT")]
    assert tree(data, walk(data, syntax, STANDARD)) == [
        ("00400100", [[("00081140", [[("00081155", b"1.2\0")], []]), *step], step]),
        ("00100010", b"DOE^JOHN"),
        ("00100020", b"X "),
    ]


def test_empty_identifier_has_no_elements() -> None:
    assert walk(b"", TransferSyntax.EXPLICIT_LITTLE, STANDARD) == ()


def test_odd_lengths_order_and_repetition_are_taken_as_they_come() -> None:
    data = b"".join(
        struct.pack("<HH2sH", 0x10, number, b"LO", len(value)) + value
        for number, value in ((0x20, b"ABC"), (0x10, b"B"), (0x20, b""))
    )
    elements = walk(data, TransferSyntax.EXPLICIT_LITTLE, STANDARD)
    assert [(element.tag, data[element.start : element.end]) for element in elements] == [
        (0x00100020, b"ABC"),
        (0x00100010, b"B"),
        (0x00100020, b""),
    ]


def test_sequence_that_came_as_un_is_implicit_little_endian() -> None:
    item = write([["0040,0100", "SQ", [STEP], "items", "sequence"]], IMPLICIT)
    as_un = struct.pack(">HH2sHI", 0x40, 0x100, b"UN", 0, 0xFFFFFFFF) + item[8:]
    data = as_un + write(PATIENT, BIG)
    elements = walk(data, TransferSyntax.EXPLICIT_BIG, STANDARD)
    assert tree(data, elements)[0] == ("00400100", [[("00400002", b"20240131"), ("00080060", b"CT")]])
    assert (elements[0].items or ())[0].elements[0].vr == ""


def test_private_sequence_is_found_by_its_creator_in_implicit_encoding() -> None:
    known = STANDARD.extended([Entry(0x00091001, "SQ", "1", "Steps", "Steps", "ACME")])
    data = write([["0009,0010", "LO", "ACME"], ["0009,1001", "SQ", [PATIENT]]], IMPLICIT)
    assert walk(data, TransferSyntax.IMPLICIT_LITTLE, known)[1].items is not None
    assert walk(data, TransferSyntax.IMPLICIT_LITTLE, STANDARD)[1].items is None


def test_superfluous_delimiters_do_no_harm() -> None:
    item_end, sequence_end = struct.pack("<HHI", 0xFFFE, 0xE00D, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    content = write(STEP, EXPLICIT) + item_end
    items = struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content + sequence_end
    data = struct.pack("<HH2s2xI", 0x40, 0x100, b"SQ", len(items)) + items + write(PATIENT, EXPLICIT)
    elements = walk(data, TransferSyntax.EXPLICIT_LITTLE, STANDARD)
    assert [element.tag for element in elements] == [0x00400100, 0x00100010, 0x00100020]
    assert [len(item.elements) for item in elements[0].items or ()] == [2]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("open_parts", [[], ["items", "sequence"]])
def test_a_thousand_nested_sequences(syntax: TransferSyntax, open_parts: list[str]) -> None:
    data = write(PATIENT[:1], syntax.uid)
    for _ in range(1000):
        data = write_around(data, syntax, undefined=bool(open_parts))
    elements = walk(data, syntax, STANDARD)
    depth = deepest = 0
    for what, _, _ in visit(elements):
        depth += {Visit.ITEM: 1, Visit.ITEM_END: -1}.get(what, 0)
        deepest = max(depth, deepest)
    assert (depth, deepest) == (0, 1000)


def write_around(content: bytes, syntax: TransferSyntax, *, undefined: bool) -> bytes:
    """Put a data set into the one item of a sequence."""
    order = syntax.struct_order
    end = struct.pack(order + "HHI", 0xFFFE, 0xE00D, 0) if undefined else b""
    item = struct.pack(order + "HHI", 0xFFFE, 0xE000, 0xFFFFFFFF if undefined else len(content))
    items = item + content + end
    if undefined:
        items += struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0)
    head = struct.pack(order + "HH", 0x0040, 0x0100) + (b"SQ\0\0" if syntax.explicit else b"")
    return head + struct.pack(order + "I", 0xFFFFFFFF if undefined else len(items)) + items


GOOD = write(PATIENT, EXPLICIT)
SEQUENCE = write([["0040,0100", "SQ", [STEP], "items", "sequence"]], EXPLICIT)


@pytest.mark.parametrize(
    ("data", "offset", "says"),
    [
        (GOOD + b"\x10\0", len(GOOD), "2 bytes are left over"),
        (GOOD[:-1], 16, "(0010,0020) says that it has 2 bytes where 1 are left"),
        (GOOD + b"\x20\0\x0d\0??\x02\x001.", len(GOOD), "(0020,000d) has no VR"),
        (GOOD + b"\x20\0\x0d\0UT\0\0", len(GOOD), "8 bytes are left over"),
        (GOOD + b"\x20\0\x0d\0OB\0\0\xff\xff\xff\xff", len(GOOD), "VR OB has undefined length"),
        (GOOD + b"\x20\0\x0d\0UT\0\0\xfe\xff\xff\x7f", len(GOOD), "has 2147483646 bytes where 0 are left"),
        (GOOD + b"\xfe\xff\x0d\xe0\0\0\0\0", len(GOOD), "(fffe,e00d) has no VR"),
        (SEQUENCE[:-8], len(SEQUENCE) - 8, "0 bytes are left over"),
        (SEQUENCE[:-16], len(SEQUENCE) - 16, "an item of undefined length has no end"),
        (SEQUENCE[:12] + GOOD, 12, "(0010,0010) stands in place of an item"),
        (SEQUENCE[:-4] + b"\x01\0\0\0", len(SEQUENCE) - 8, "(fffe,e0dd) stands in place of an item"),
        (SEQUENCE[:16] + b"\x7f\0\0\0" + SEQUENCE[20:], 12, "an item says that it has 127 bytes"),
    ],
)
def test_broken_bytes(data: bytes, offset: int, says: str) -> None:
    with pytest.raises(UndecodableIdentifierError) as caught:
        walk(data, TransferSyntax.EXPLICIT_LITTLE, STANDARD)
    assert says in str(caught.value)
    assert caught.value.offset == offset
    assert f"at byte {offset} " in str(caught.value)


def test_broken_implicit_bytes() -> None:
    data = write(PATIENT, IMPLICIT)
    for broken, says in (
        (data[:-1], "(0010,0020) says that it has 2 bytes where 1 are left"),
        (data + b"\xfe\xff\x00\xe0\0\0\0\0", "an item or delimiter (fffe,e000)"),
        (data + b"\x40\0\0\x01\x04\0\0\0abcd", "4 bytes are left over"),
    ):
        with pytest.raises(UndecodableIdentifierError, match=says.replace("(", r"\(").replace(")", r"\)")):
            walk(broken, TransferSyntax.IMPLICIT_LITTLE, STANDARD)


def test_what_can_be_read_of_broken_bytes() -> None:
    for data, rest in (
        (GOOD + b"\x10", b"\x10"),
        (GOOD + SEQUENCE[:-8], SEQUENCE[:-8]),
        (SEQUENCE + b"xy", b"xy"),
    ):
        elements, at, error = walk_readable(data, TransferSyntax.EXPLICIT_LITTLE, STANDARD)
        assert data[at:] == rest
        assert error is not None
        assert walk(data[:at], TransferSyntax.EXPLICIT_LITTLE, STANDARD) == elements


def test_deep_nesting_takes_time_in_proportion() -> None:
    nested = b"\x40\0\0\x01SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 100_000
    begun = time.monotonic()
    with pytest.raises(UndecodableIdentifierError, match="no end"):
        walk(nested, TransferSyntax.EXPLICIT_LITTLE, STANDARD)
    assert time.monotonic() - begun < 20
