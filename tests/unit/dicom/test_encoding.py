import io
import zlib

import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from runner.dicom.encoding import (
    MAX_DEPTH,
    EncodingError,
    UnencodableTextError,
    declared_terms,
    decode_text_values,
    encode,
)
from runner.dicom.identifier import Element
from runner.dicom.transfer_syntax import TransferSyntax

LITTLE = TransferSyntax.EXPLICIT_LITTLE
QUERY = (
    Element(0x00080005, "CS", "\\ISO 2022 IR 87"),
    Element(0x00080018, "UI", "1.2.3"),
    Element(0x00080052, "CS", "STUDY"),
    Element(
        0x00081110, "SQ", ((Element(0x00100010, "PN", "山田^太郎"), Element(0x00280010, "US", "1\\2")), ())
    ),
    Element(0x00100010, "PN", ""),
    Element(0x00189219, "SS", "-2"),
    Element(0x0020000D, "UI", "1.2.34"),
    Element(0x00209165, "AT", "(0010,0020)\\(0010,0030)"),
    Element(0x00400100, "SQ", ()),
    Element(0x00720074, "FD", "1.5\\-2.25"),
    Element(0x00720078, "UL", "4294967295"),
    Element(0x7FE00010, "OW", b"\1\2\3\4"),
)


def read(data: bytes, syntax: TransferSyntax) -> Dataset:
    """What pydicom makes of it."""
    if syntax.deflated:
        data = zlib.decompress(data, -zlib.MAX_WBITS)
    data_set = read_dataset(io.BytesIO(data), not syntax.explicit, syntax.little)
    data_set.decode()
    return data_set


@pytest.mark.parametrize(("explicit", "syntax"), [(s.explicit, s) for s in TransferSyntax])
def test_group_lengths_are_computed(explicit, syntax):
    item = (Element(0x00080000, "UL", ""), Element(0x00080060, "CS", "CT"), Element(0x00400001, "AE", "X"))
    identifier = (
        Element(0x00080000, "UL", "4711"),
        Element(0x00080052, "CS", "STUDY"),
        Element(0x00100010, "PN", ""),
        Element(0x00200000, "UL", ""),
        Element(0x00400000, "UL", ""),
        Element(0x00400100, "SQ", (item,)),
        Element(0x00401001, "SH", "x"),
    )
    data_set = read(encode(identifier, syntax), syntax)
    assert [element.tag for element in data_set] == [element.tag for element in identifier]
    assert data_set[0x00080000].value == 8 + 6
    assert data_set[0x00200000].value == 0
    # one more field of four bytes in a sequence's header than in others, in explicit VR
    assert data_set[0x00400000].value == (12 if explicit else 8) + (8 + 12 + 10 + 10) + 10
    assert data_set[0x00400100].value[0][0x00080000].value == 8 + 2


@pytest.mark.parametrize("syntax", TransferSyntax)
def test_pydicom_reads_what_was_meant(syntax):
    data_set = read(encode(QUERY, syntax), syntax)
    assert [element.tag for element in data_set] == [element.tag for element in QUERY]
    assert data_set.QueryRetrieveLevel == "STUDY"
    assert data_set.SOPInstanceUID == "1.2.3"
    assert data_set.StudyInstanceUID == "1.2.34"
    first, second = data_set.ReferencedStudySequence
    assert str(first.PatientName) == "山田^太郎"
    assert first.Rows == [1, 2]
    assert len(second) == 0
    assert data_set.PatientName == ""
    assert data_set[0x00189219].value == -2
    assert data_set.DimensionIndexPointer == [0x00100020, 0x00100030]
    assert len(data_set.ScheduledProcedureStepSequence) == 0
    assert data_set[0x00720074].value == [1.5, -2.25]
    assert data_set[0x00720078].value == 4294967295
    assert data_set.PixelData == (b"\1\2\3\4" if syntax.little else b"\2\1\4\3")


@pytest.mark.parametrize(
    ("element", "data"),
    [
        (Element(0x00100010, "PN", "A"), "10001000504e02004120"),
        (Element(0x00080018, "UI", "1.2"), "080018005549" + "0400" + "312e3200"),
        (Element(0x00420011, "OB", b"\1"), "420011004f420000" + "02000000" + "0100"),
        (Element(0x00100010, "PN", b"A"), "10001000504e02004120"),
        (Element(0x00091001, "UN", b"\1"), "090001105" + "54e0000" + "02000000" + "0100"),
        (Element(0x00400100, "SQ", ((),)), "400000015351000008000000" + "feff00e000000000"),
        (Element(0x00400100, "SQ", ""), "400000015351000000000000"),
        (Element(0x00100010, "PN", "\udcff\udcfe"), "10001000504e0200fffe"),
    ],
)
def test_padding_and_headers(element, data):
    assert encode((element,), LITTLE).hex() == data


def test_binary_words_are_swapped_for_big_endian():
    elements = (
        Element(0x00080008, "US", b"\1\0\2\0"),
        Element(0x00080009, "OF", b"\1\2\3\4"),
        Element(0x0008000A, "OD", b"\1\2\3\4\5\6\7\x08"),
        Element(0x0008000B, "AT", b"\x10\0\x20\0"),
        Element(0x0008000C, "OB", b"\1\2"),
    )
    data = encode(elements, TransferSyntax.EXPLICIT_BIG)
    for part in (b"\0\1\0\2", b"\4\3\2\1", b"\x08\7\6\5\4\3\2\1", b"\0\x10\0\x20", b"\0\0\0\2\1\2"):
        assert part in data


def test_deflated_has_even_length():
    lengths = {
        len(encode((Element(0x00100010, "PN", "x" * n),), TransferSyntax.DEFLATED)) % 2 for n in range(20)
    }
    assert lengths == {0}


def test_an_item_may_declare_its_own_character_set():
    query = (
        Element(0x00080005, "CS", "ISO_IR 192"),
        Element(
            0x00081110,
            "SQ",
            (
                (Element(0x00080005, "CS", "ISO_IR 100"), Element(0x00100010, "PN", "é")),
                (Element(0x00100010, "PN", "é"),),
            ),
        ),
        Element(0x00100010, "PN", "é"),
    )
    data = encode(query, LITTLE)
    assert data.count(b"\xe9 ") == 1
    assert data.count(b"\xc3\xa9") == 2


@pytest.mark.parametrize(
    ("identifier", "tag", "word"),
    [
        ((Element(0x00280010, "US", "70000"),), 0x00280010, "range"),
        ((Element(0x00280010, "US", "many"),), 0x00280010, "decimal"),
        ((Element(0x00280010, "US", "1_0"),), 0x00280010, "decimal"),
        ((Element(0x00280010, "US", "١"),), 0x00280010, "decimal"),
        ((Element(0x00541321, "FL", "1e39"),), 0x00541321, "range"),
        ((Element(0x00280010, "US", b"\1"),), 0x00280010, "words"),
        ((Element(0x00209165, "AT", "PatientName"),), 0x00209165, "(0010,0020)"),
        ((Element(0x00100010, "XX", "x"),), 0x00100010, "value representation"),
        ((Element(0x00100010, "PN", "x" * 65535),), 0x00100010, "65534"),
        ((Element(0x00100010, "PN", ((),)),), 0x00100010, "items"),
        ((Element(0x00400100, "SQ", "x"),), 0x00400100, "items"),
        ((Element(0x7FE00010, "OW", "00"),), 0x7FE00010, "binary"),
        ((Element(0x00080005, "CS", "KLINGON"), Element(0x00100010, "PN", "é")), 0x00080005, "KLINGON"),
    ],
)
def test_what_cannot_be_encoded(identifier, tag, word):
    with pytest.raises(EncodingError, match=r"^\([0-9a-f]{4},[0-9a-f]{4}\): ") as caught:
        encode(identifier, LITTLE)
    assert caught.value.tag == tag
    assert word in str(caught.value)


def test_a_long_value_fits_in_implicit_vr_and_in_long_forms():
    text = "x" * 70000
    assert len(encode((Element(0x00100010, "PN", text),), TransferSyntax.IMPLICIT_LITTLE)) == 70008
    assert len(encode((Element(0x00100010, "UT", text),), LITTLE)) == 70012


@pytest.mark.parametrize(
    "identifier",
    [
        (Element(0x00100010, "PN", "é"),),
        (Element(0x00080005, "CS", "ISO_IR 100"), Element(0x00100010, "PN", "山")),
        (Element(0x00080005, "CS", "ISO_IR 192"), Element(0x00100040, "CS", "é")),
    ],
)
def test_text_that_the_character_set_lacks_is_named_by_its_character_only(identifier):
    with pytest.raises(UnencodableTextError, match=r"U\+[0-9A-F]{4}") as caught:
        encode(identifier, LITTLE)
    assert str(caught.value).isascii()


def test_an_unknown_character_set_does_no_harm_to_ascii():
    assert encode((Element(0x00080005, "CS", "KLINGON"), Element(0x00100010, "PN", "AB")), LITTLE).endswith(
        b"AB"
    )


def test_sequences_nest_only_so_deep():
    def nested(depth):
        identifier = (Element(0x00100010, "PN", "A"),)
        for _ in range(depth):
            identifier = (Element(0x00400100, "SQ", (identifier,)),)
        return identifier

    assert encode(nested(MAX_DEPTH), LITTLE)
    with pytest.raises(EncodingError, match="deeper"):
        encode(nested(MAX_DEPTH + 1), LITTLE)


def test_texts_are_decoded_for_showing():
    query = (
        Element(0x00080005, "CS", b"ISO_IR 100"),
        Element(0x00080018, "UI", b"1.2.3\0"),
        Element(0x00081110, "SQ", ((Element(0x00100010, "PN", b"J\xe9 "),),)),
        Element(0x00280010, "US", "1"),
        Element(0x00420011, "OB", b"\xe9"),
    )
    assert declared_terms(query) == "ISO_IR 100"
    assert decode_text_values(query) == (
        Element(0x00080005, "CS", "ISO_IR 100"),
        Element(0x00080018, "UI", "1.2.3"),
        Element(0x00081110, "SQ", ((Element(0x00100010, "PN", "Jé"),),)),
        Element(0x00280010, "US", "1"),
        Element(0x00420011, "OB", b"\xe9"),
    )
    assert decode_text_values((Element(0x00100010, "PN", b"\xe9"),), "ISO_IR 144")[0].value == "щ"
