import io
import json
import zlib

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from runner.dicom.dictionary import STANDARD, Entry
from runner.dicom.encoding import MAX_DEPTH, decode_text_values, encode
from runner.dicom.identifier import Element
from runner.dicom.part10 import file_meta
from runner.dicom.query_file import identifier_from_bytes, read_query_file
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import QueryFileError

QUERY = (
    Element(0x00080005, "CS", "ISO_IR 100"),
    Element(0x00080052, "CS", "STUDY"),
    Element(0x00081110, "SQ", ((Element(0x00100010, "PN", "Jérôme"), Element(0x00280010, "US", "1\\2")), ())),
    Element(0x00100010, "PN", "Müller*"),
    Element(0x00100020, "LO", ""),
    Element(0x00209165, "AT", "(0010,0020)"),
    Element(0x00400100, "SQ", ()),
    Element(0x00720074, "FD", "1.5\\-2.25"),
)
CT = "1.2.840.10008.5.1.4.1.1.2"


def part10(syntax: TransferSyntax) -> bytes:
    return file_meta(CT, "1.2.3", syntax) + encode(QUERY, syntax)


@pytest.mark.parametrize("syntax", TransferSyntax)
def test_dicom_files_with_meta_information(syntax, tmp_path):
    path = tmp_path / "query.dcm"
    path.write_bytes(part10(syntax))
    assert decode_text_values(read_query_file(path, STANDARD)) == QUERY


@pytest.mark.parametrize("syntax", [syntax for syntax in TransferSyntax if not syntax.deflated])
def test_data_sets_without_meta_information(syntax):
    assert decode_text_values(identifier_from_bytes(encode(QUERY, syntax), STANDARD)) == QUERY


@pytest.mark.parametrize("syntax", [syntax for syntax in TransferSyntax if not syntax.deflated])
def test_data_sets_of_empty_values_only(syntax):
    query = tuple(Element(tag, vr, "") for tag, vr in ((0x00100010, "PN"), (0x00100020, "LO")))
    assert decode_text_values(identifier_from_bytes(encode(query, syntax), STANDARD)) == query


def test_meta_information_without_a_preamble():
    assert (
        decode_text_values(identifier_from_bytes(part10(TransferSyntax.EXPLICIT_BIG)[132:], STANDARD))
        == QUERY
    )


@pytest.mark.parametrize("syntax", TransferSyntax)
def test_pydicom_reads_the_meta_information(syntax):
    data_set = pydicom.dcmread(io.BytesIO(part10(syntax)))
    meta = data_set.file_meta
    assert meta.TransferSyntaxUID == syntax.uid
    assert meta.MediaStorageSOPClassUID == CT
    assert meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.ImplementationClassUID.is_valid
    assert meta.FileMetaInformationGroupLength == len(file_meta(CT, "1.2.3", syntax)) - 144
    assert data_set.QueryRetrieveLevel == "STUDY"


@pytest.mark.parametrize("undefined", [True, False])
def test_a_file_of_pydicom(undefined, tmp_path):
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.PatientName = "山田^太郎"
    data_set.Rows = 3
    item = Dataset()
    item.Modality = "CT"
    item.is_undefined_length_sequence_item = undefined
    data_set.ScheduledProcedureStepSequence = Sequence([item])
    data_set["ScheduledProcedureStepSequence"].is_undefined_length = undefined
    block = data_set.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", 7)
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    path = tmp_path / "query.dcm"
    data_set.save_as(path, implicit_vr=True, little_endian=True)
    assert decode_text_values(read_query_file(path, STANDARD)) == (
        Element(0x00080005, "CS", "ISO_IR 192"),
        Element(0x00100010, "PN", "山田^太郎"),
        Element(0x00190010, "LO", "SIEMENS MR HEADER"),
        Element(0x0019100A, "US", "7"),
        Element(0x00280010, "US", "3"),
        Element(0x00400100, "SQ", ((Element(0x00080060, "CS", "CT"),),)),
    )


def test_padding_is_left_out_and_group_lengths_are_kept_without_their_value():
    elements = (
        Element(0x00080000, "UL", "10"),
        Element(0x00080052, "CS", "STUDY"),
        Element(0x00100010, "PN", ""),
        Element(0xFFFCFFFC, "OB", b"\0\0"),
    )
    for syntax in (TransferSyntax.EXPLICIT_LITTLE, TransferSyntax.IMPLICIT_LITTLE):
        read = identifier_from_bytes(encode(elements, syntax), STANDARD)
        assert [element.tag for element in read] == [0x00080000, 0x00080052, 0x00100010]
        assert read[0] == Element(0x00080000, "UL")


def test_elements_are_put_in_order_and_of_two_equal_ones_the_first_counts():
    elements = (
        Element(0x00100010, "PN", "A"),
        Element(0x00080052, "CS", "STUDY"),
        Element(0x00100010, "PN", "B"),
    )
    read = identifier_from_bytes(encode(elements, TransferSyntax.EXPLICIT_LITTLE), STANDARD)
    assert decode_text_values(read) == (Element(0x00080052, "CS", "STUDY"), Element(0x00100010, "PN", "A"))


def test_unknown_elements_of_implicit_vr_keep_their_bytes():
    data = encode((Element(0x00191001, "UN", b"\xff\xfe"),), TransferSyntax.IMPLICIT_LITTLE)
    assert identifier_from_bytes(data, STANDARD) == (Element(0x00191001, "UN", b"\xff\xfe"),)
    known = STANDARD.extended([Entry(0x00191001, "US", "1", "Mine", "Mine")])
    assert identifier_from_bytes(data, known) == (Element(0x00191001, "US", "65279"),)


@pytest.mark.parametrize("number", ["0.1", "1.5", "3.4028235e+38", "1.4013e-45", "-0.0", "16777216"])
def test_numbers_of_32_bits_are_short(number):
    data = encode((Element(0x00541321, "FL", number),), TransferSyntax.EXPLICIT_LITTLE)
    (element,) = identifier_from_bytes(data, STANDARD)
    assert float(element.value) == pytest.approx(float(number), rel=1e-6)
    assert len(str(element.value)) <= len(number) + 2
    assert encode((element,), TransferSyntax.EXPLICIT_LITTLE) == data


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


META = file_meta(CT, "1.2.3", TransferSyntax.EXPLICIT_LITTLE)
DEFLATED_META = file_meta(CT, "1.2.3", TransferSyntax.DEFLATED)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["empty"]),
        (b" \n\n", ["empty"]),
        (b"PatientName=x", ["neither DICOM nor DICOM JSON"]),
        (b"\0\1\2\3\4\5\6\7", ["cannot be read as DICOM", "byte"]),
        (b"\0" * 128 + b"DICM", ["empty"]),
        (b"\0" * 128 + b"DICM\2\0\0\0", ["file meta information"]),
        (b"\0" * 128 + b"DICM\2\0\0\0UL\xff\xff\0\0\0\0", ["file meta information"]),
        (b"\0" * 128 + b"DICM\2\0\0\0\0\0\0\0\0\0\0\0", ["file meta information"]),
        (META + b"\x10\0\x10\0PN\xff\0A", ["byte 0"]),
        (
            META.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"),
            ["1.2.840.10008.1.2.5", "compressed"],
        ),
        (DEFLATED_META + b"nonsense", ["deflated", "broken"]),
        (DEFLATED_META + deflate(b"\x08\0\x52\0CS\6\0STUDY ")[:-4], ["deflated", "cut off"]),
        (DEFLATED_META + deflate(bytes(257 * 2**20)), ["256 MiB"]),
        (META + encode((Element(0x00000100, "US", "32"),), TransferSyntax.EXPLICIT_LITTLE), ["message"]),
        (META + b"\x28\0\x10\0US\3\0\1\2\3", ["US", "3 bytes"]),
        (b"{", ["line 1, column 2", "JSON"]),
        (b"[]", ["0 DICOM JSON objects"]),
        (b"[{}, {}]", ["2 DICOM JSON objects"]),
        (b"[" * 100000, ["deep"]),
        (b'{"a": "\xff"}', ["UTF-8"]),
        (b'{"00100010": {"vr": "PN"}, "00100010": {"vr": "PN"}}', ["twice"]),
    ],
)
def test_files_that_cannot_be_read(data, words, tmp_path):
    path = tmp_path / "query.dcm"
    path.write_bytes(data)
    with pytest.raises(QueryFileError) as caught:
        read_query_file(path, STANDARD)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    for word in words:
        assert word in message
    assert message.isprintable()


def test_paths_that_are_no_files(tmp_path):
    for path in (tmp_path, tmp_path / "none.dcm", tmp_path / "a\0b"):
        with pytest.raises(QueryFileError, match="cannot be read"):
            read_query_file(path, STANDARD)


def test_deep_nesting_is_an_error_and_no_crash():
    data = b""
    for _ in range(3000):
        data = b"\x40\0\0\1SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" + data
    data += (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * 3000
    with pytest.raises(QueryFileError, match="deeper"):
        identifier_from_bytes(META + data, STANDARD)
    document: object = {}
    for _ in range(MAX_DEPTH + 2):
        document = {"00400100": {"vr": "SQ", "Value": [document]}}
    with pytest.raises(QueryFileError, match="deeper"):
        identifier_from_bytes(json.dumps(document).encode(), STANDARD)
    text = b"(0040,0100) SQ\n(fffe,e000) na\n" * (MAX_DEPTH + 2)
    with pytest.raises(QueryFileError, match="deeper"):
        identifier_from_bytes(text, STANDARD)
