"""Reading an archive's files: every encoding, and whatever else lies in a folder."""

from __future__ import annotations

import io
import json
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import UID

from runner.archive.files import FileReader, UnreadableFileError, request_identifier
from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import attributes
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError

SYNTAXES = [syntax.uid for syntax in TransferSyntax]
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


def data_set() -> Dataset:
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.SOPInstanceUID = "2.25.1"
    made.PatientName = "Müller^Jürgen"
    made.PatientWeight = "70.5"
    made.Rows = 512
    made.FrameIncrementPointer = [0x00181063, 0x00181065]
    made.add_new(0x00189073, "FD", [1.5, 0.1])
    made.add_new(0x00720076, "FL", [0.1, 3.0])
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.CodeMeaning = "Übersicht 山"
    made.ProcedureCodeSequence = Sequence([item, Dataset()])
    made.add_new(0x00282000, "OB", b"\1\2\3\4")
    return made


EXPECTED = (
    Element(0x00080018, "UI", "2.25.1"),
    Element(0x00081032, "SQ", ((Element(0x00080104, "LO", "Übersicht 山"),), ())),
    Element(0x00100010, "PN", "Müller^Jürgen"),
    Element(0x00101030, "DS", "70.5"),
    Element(0x00189073, "FD", "1.5\\0.1"),
    Element(0x00280009, "AT", "(0018,1063)\\(0018,1065)"),
    Element(0x00280010, "US", "512"),
    Element(0x00282000, "OB", b"\1\2\3\4"),
    Element(0x00720076, "FL", "0.1\\3"),
)


def part10(made: Dataset, syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    made.file_meta = meta
    stream = io.BytesIO()
    dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()


def bare(made: Dataset, *, implicit: bool, little: bool) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, made, implicit_vr=implicit, little_endian=little)
    return stream.getvalue()


def read(folder: Path, content: bytes) -> list[Identifier]:
    path = folder / "file"
    path.write_bytes(content)
    return FileReader().read(path)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_part10(tmp_path: Path, syntax: str) -> None:
    assert read(tmp_path, part10(data_set(), syntax)) == [EXPECTED]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_meta_header_without_preamble(tmp_path: Path, syntax: str) -> None:
    assert read(tmp_path, part10(data_set(), syntax)[132:]) == [EXPECTED]


@pytest.mark.parametrize(("implicit", "little"), [(True, True), (False, True), (False, False)])
def test_without_meta_header(tmp_path: Path, implicit: bool, little: bool) -> None:
    assert read(tmp_path, bare(data_set(), implicit=implicit, little=little)) == [EXPECTED]


@pytest.mark.parametrize("size", [10, 100_000, 20_000_000])
@pytest.mark.parametrize("syntax", [*SYNTAXES, JPEG_BASELINE])
def test_pixel_data_is_not_looked_at(tmp_path: Path, syntax: str, size: int) -> None:
    made = data_set()
    pixels = bytes(size)
    if syntax == JPEG_BASELINE:
        pixels = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0" + size.to_bytes(4, "little") + pixels
    made.add_new(0x7FE00010, "OB", pixels)
    made["PixelData"].is_undefined_length = syntax == JPEG_BASELINE
    assert read(tmp_path, part10(made, syntax)) == [EXPECTED]


@pytest.mark.parametrize("syntax", [SYNTAXES[0], SYNTAXES[1], SYNTAXES[3]])
def test_pixel_data_may_be_cut_off(tmp_path: Path, syntax: str) -> None:
    made = data_set()
    made.add_new(0x7FE00010, "OB", bytes(1000))
    assert read(tmp_path, part10(made, syntax)[:-500]) == [EXPECTED]


@pytest.mark.parametrize("length", [60_000, 70_000, 17_000_000])
def test_data_sets_longer_than_what_is_read_at_once(tmp_path: Path, length: int) -> None:
    made = data_set()
    made.add_new(0x00090010, "LO", "ACME")
    made.add_new(0x00091001, "UT", "x" * length)
    (found,) = read(tmp_path, part10(made, SYNTAXES[1]))
    assert attributes(found)[0x00091001].value == "x" * length
    assert attributes(found)[0x00101030].value == "70.5"


def test_element_that_ends_where_the_first_read_ends(tmp_path: Path) -> None:
    empty = Dataset()
    empty.add_new(0x00091001, "UT", "")
    behind = 65536 - len(part10(empty, SYNTAXES[1]))
    made = Dataset()
    made.add_new(0x00091001, "UT", "x" * behind)
    made.PatientID = "P1"
    content = part10(made, SYNTAXES[1])
    assert content[65536:65540] == b"\x10\x00\x20\x00"
    (found,) = read(tmp_path, content)
    assert attributes(found)[0x00100020].value == "P1"


def test_long_binary_values_are_left_out(tmp_path: Path) -> None:
    made = data_set()
    made.add_new(0x00420011, "OB", bytes(5000))
    assert read(tmp_path, part10(made, SYNTAXES[1])) == [EXPECTED]


def test_sequences_of_undefined_length(tmp_path: Path) -> None:
    made = data_set()
    made["ProcedureCodeSequence"].is_undefined_length = True
    for item in made.ProcedureCodeSequence:
        item.is_undefined_length_sequence_item = True
    assert read(tmp_path, part10(made, SYNTAXES[1])) == [EXPECTED]


def test_values_against_the_rules_of_their_vr(tmp_path: Path) -> None:
    content = b"\x10\x00\x20\x00LO\x04\x00P1 \0" + b"\x28\x00\x10\x00US\x03\x00\1\2\3"
    (found,) = read(tmp_path, content)
    assert found == (Element(0x00100020, "LO", "P1"), Element(0x00280010, "UN", b"\1\2\3"))


def test_words_are_in_little_endian(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b"\x00\x28\x12\x01OW\0\0\0\0\0\x04\1\2\3\4")
    assert found == (Element(0x00281201, "OW", b"\2\1\4\3"),)


def test_unknown_vr_of_known_attributes(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b"\x10\x00\x20\x00UN\0\0\x02\0\0\0P1")
    assert found == (Element(0x00100020, "LO", "P1"),)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "neither"),
        (b"no DICOM at all", "neither"),
        (bytes(range(256)) * 10, "neither"),
        (bytes(128) + b"DICM", "names no transfer syntax"),
        (bytes(128) + b"DICM\x02\x00\x10\x00UI\x40\x001.2", "ends within its meta header"),
        (bytes(128) + b"DICM\x02\x00\x10", "ends within its meta header"),
        (part10(data_set(), SYNTAXES[1])[:-100], "broken data set"),
        (part10(data_set(), SYNTAXES[2])[:-100], "deflated"),
        (b"{}x", "not valid JSON"),
        (b"{" + b"\xff" * 10, "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "a data set is an object"),
        (b'{"PatientID": {"vr": "LO"}}', "write 00100020"),
        (b'{"00100020": {"vr": "XX"}}', "not a value representation"),
        (b'{"00100020": {"vr": ["LO"]}}', "not a value representation"),
        (b'{"00100020": {"vr": "LO", "Value": "P1"}}', "Value is a list"),
        (b'{"00100020": {"vr": "LO", "Value": [{}]}}', "LO has texts"),
        (b'{"00100010": {"vr": "PN", "Value": [1]}}', "PN has texts"),
        (b'{"00282000": {"vr": "OB", "InlineBinary": "?"}}', "base64"),
        (b'{"00282000": {"vr": "OB", "InlineBinary": 1}}', "base64"),
    ],
)
def test_unreadable(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(UnreadableFileError, match=why):
        read(tmp_path, content)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    nested: dict[str, Any] = {}
    content = b""
    for _ in range(200):
        nested = {"00081140": {"vr": "SQ", "Value": [nested]}}
        item = b"\xfe\xff\x00\xe0" + len(content).to_bytes(4, "little") + content
        content = b"\x08\x00\x40\x11SQ\0\0" + len(item).to_bytes(4, "little") + item
    with pytest.raises(UnreadableFileError, match="deeper"):
        read(tmp_path, json.dumps(nested).encode())
    with pytest.raises(UnreadableFileError, match="deeper"):
        read(tmp_path, content)
    with pytest.raises(UndecodableIdentifierError, match="deeper"):
        request_identifier(content, TransferSyntax.EXPLICIT_LITTLE)


def test_json(tmp_path: Path) -> None:
    first = {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "あ"}, {"Alphabetic": "C"}]},
        "00100020": {"vr": "LO"},
        "00101030": {"vr": "DS", "Value": [70.5]},
        "00280009": {"vr": "AT", "Value": ["00181063"]},
        "00280010": {"vr": "US", "Value": [512]},
        "00282000": {"vr": "OB", "InlineBinary": "AQI="},
        "00400100": {"vr": "SQ", "Value": [{"00080060": {"vr": "CS", "Value": ["CT", None]}}]},
        "00420011": {"vr": "OB", "InlineBinary": b64encode(bytes(5000)).decode()},
        "7FE00010": {"vr": "OW", "BulkDataURI": "bulk"},
    }
    found = read(tmp_path, b"\xef\xbb\xbf" + json.dumps([first, {}]).encode())
    assert found == [
        (
            Element(0x00100010, "PN", "A^B==あ\\C"),
            Element(0x00100020, "LO", ""),
            Element(0x00101030, "DS", "70.5"),
            Element(0x00280009, "AT", "(0018,1063)"),
            Element(0x00280010, "US", "512"),
            Element(0x00282000, "OB", b"\1\2"),
            Element(0x00400100, "SQ", ((Element(0x00080060, "CS", "CT\\"),),)),
        ),
        (),
    ]


@given(st.binary(max_size=300), st.sampled_from([b"", bytes(128) + b"DICM", b"\x10\x00\x20\x00LO", b"[{"]))
def test_no_file_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(start + noise)
    try:
        found = FileReader().read(path)
    except UnreadableFileError:
        return
    assert isinstance(found, list)


@given(st.binary(max_size=100), st.sampled_from(list(TransferSyntax)))
def test_no_request_breaks_the_reader(noise: bytes, syntax: TransferSyntax) -> None:
    try:
        identifier, terms = request_identifier(noise, syntax)
    except UndecodableIdentifierError:
        return
    assert isinstance(identifier, tuple)
    assert isinstance(terms, str)


def test_deflated_request() -> None:
    compressor = zlib.compressobj(wbits=-15)
    content = compressor.compress(b"\x10\x00\x20\x00LO\x02\x00P1") + compressor.flush()
    identifier, terms = request_identifier(content, TransferSyntax.DEFLATED)
    assert identifier == (Element(0x00100020, "LO", "P1"),)
    assert terms == ""
