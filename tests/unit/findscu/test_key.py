"""What stands behind -k."""

from __future__ import annotations

import struct

import pytest

from runner.dicom.dictionary import STANDARD
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UsageError
from runner.findscu.key import parse_key, with_keys
from runner.findscu.names import old_names


def element(text: str) -> Element:
    key = parse_key(text, STANDARD)
    assert key.element is not None
    assert key.path == (key.element.tag,)
    return key.element


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_key(text, STANDARD)
    return str(caught.value)


def identifier(*keys: str, base: Identifier = ()) -> Identifier:
    return with_keys(base, [parse_key(key, STANDARD) for key in keys])


@pytest.mark.parametrize(
    "text",
    [
        "0010,0010",
        "10,10",
        "0x10,0x10",
        "(0X0010,0x10)",
        "0010,0010=",
        "(0010,0010)",
        "(0010,0010)=",
        "PatientName",
        "PatientName=",
        "PatientsName",
        " PatientName ",
    ],
)
def test_forms_of_an_attribute(text: str) -> None:
    assert element(text) == Element(0x00100010, "PN", b"")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0010,0010=A=B", b"A=B"),
        ("0010,0010= A ", b" A "),
        ('PatientName="A B"', b'"A B"'),
        ("PatientName=A,0010,0020=B", b"A,0010,0020=B"),
        ("PatientName=M\udcfcller", b"M\xfcller"),
        ("PatientName=Müller", "Müller".encode()),
        ("PatientName==", b"="),
        ("(0010,0010)=[0].X", b"[0].X"),
    ],
)
def test_text_is_all_behind_the_first_equals_sign_as_it_is(text: str, value: bytes) -> None:
    assert element(text) == Element(0x00100010, "PN", value)


@pytest.mark.parametrize(
    ("text", "little", "big"),
    [
        ("0028,0010=512", "0002", "0200"),
        ("0028,0010=1\\2", "01000200", "00010002"),
        ("0028,0010=+7", "0700", "0007"),
        ("0018,6020=-1", "ffffffff", "ffffffff"),
        ("0018,9087=1.5", "000000000000f83f", "3ff8000000000000"),
        ("0018,9089=1.5\\-2e3", "000000000000f83f0000000000409fc0", "3ff8000000000000c09f400000000000"),
        ("0028,0009=(0018,1063)", "18006310", "00181063"),
        ("0028,0009=(18,63)\\(0x18, 1063)", "1800630018006310", "0018006300181063"),
        ("0028,0009=0018,1063\\(0018,1065)", "1800631018006510", "0018106300181065"),
        ("0028,1201=0001\\12ab", "0100ab12", "000112ab"),
        ("0028,3006=1\\2", "01000200", "00010002"),
        ("7fe0,0010=01\\02", "01000200", "00010002"),
        ("6002,3000=01\\02", "01000200", "00010002"),
        ("5400,1010=01\\02", "0102", "0102"),
        ("0028,0106=5", "0500", "0005"),
        ("0011,1001=01\\ff", "01ff", "01ff"),
        ("0008,0050", "", ""),
        ("0028,0010", "", ""),
        ("7fe0,0008=1.5", struct.pack("<f", 1.5).hex(), struct.pack(">f", 1.5).hex()),
    ],
)
def test_values_of_numbers_tags_and_bytes(text: str, little: str, big: str) -> None:
    for syntax, expected in ((TransferSyntax.EXPLICIT_LITTLE, little), (TransferSyntax.EXPLICIT_BIG, big)):
        data = encode((element(text),), syntax)
        assert data[-len(expected) // 2 :].hex() == expected if expected else data[-2:] == b"\0\0"


@pytest.mark.parametrize(
    "text",
    [
        "0028,0010=many",
        "0028,0010=70000",
        "0028,0010=-1",
        "0028,0010=1.5",
        "0028,0010=1\\\\2",
        "0028,0010=1\\",
        "0028,0010= ",
        "0018,9087=x",
        "0018,9087=1,5",
        "0018,9087=nan",
        "0018,9087=1e999",
        "0028,0009=x",
        "0028,0009=(18,10630)",
        "0028,0009=18,63",
        "0x,10=A",
        "0028,0009=PatientName",
        "0028,1201=zz",
        "0028,1201=12345",
        "0011,1001=123",
        "0011,1001=X",
        "0040,0100=X",
        "fffe,e000",
        "0008,0016==NoSuchStorage",
        "0008,0016== CTImageStorage",
        "0008,0016==",
        "0000,0100=1",
        "0002,0010=1.2",
        "0008,0000=1",
        "0010,123456",
        "=A",
        "",
        "Foo=1",
        "PatientName.PatientID",
        "(0010,0010)[0].Modality=CT",
        "(0040,0100).Modality=CT",
        "(0040,0100)[*].Modality=CT",
        "(0040,0100)[x].Modality=CT",
        "(0040,0100)[1000].Modality=CT",
        "(0040,0100)[-1].Modality=CT",
        "(0040,0100)[0]Modality=CT",
        "(0040,0100)[0].=CT",
        "(0040,0100)[0]=CT",
        "(0040,0100)[0",
        "(0040,0100]",
        "[0]",
        '0009,"ACME",01=X',
        "\udc80=1",
    ],
)
def test_wrong_keys_are_named(text: str) -> None:
    message = refusal(text)
    assert message.startswith("-k ")
    message.encode()
    _, _, value = text.partition("=")
    if len(value) > 2:
        assert value not in message


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        ("0008,0016==CTImageStorage", b"1.2.840.10008.5.1.4.1.1.2"),
        ("SOPClassUID==FINDStudyRootQueryRetrieveInformationModel", b"1.2.840.10008.5.1.4.1.2.2.1"),
        ("0008,1150==LittleEndianExplicit", b"1.2.840.10008.1.2.1"),
        ("0008,0016=CTImageStorage", b"CTImageStorage"),
        ("0008,0016=1.2=CTImageStorage", b"1.2=CTImageStorage"),
    ],
)
def test_a_uid_may_be_named(text: str, uid: bytes) -> None:
    assert element(text).value == uid


def test_names_of_uids_are_for_uids_alone() -> None:
    assert element("0010,0020==CTImageStorage").value == b"=CTImageStorage"


def test_unknown_names_have_suggestions() -> None:
    assert "did you mean PatientName" in refusal("PatientNam=SECRET^NAME")


def test_paths() -> None:
    got = identifier(
        "0010,0010",
        "(0040,0100)[0].Modality=CT",
        "0040,0100[0].(0040,0001)=AE1",
        "ScheduledProcedureStepSequence[1].ScheduledProtocolCodeSequence[0].CodeValue=X",
    )
    first = (Element(0x00080060, "CS", b"CT"), Element(0x00400001, "AE", b"AE1"))
    second = (Element(0x00400008, "SQ", ((Element(0x00080100, "SH", b"X"),),)),)
    assert got == (Element(0x00100010, "PN", b""), Element(0x00400100, "SQ", (first, second)))


def test_a_path_may_end_with_an_item_and_makes_those_before_it() -> None:
    assert identifier("(0040,0100)[1]") == (Element(0x00400100, "SQ", ((), ())),)


def test_path_of_a_key_goes_into_a_files_item() -> None:
    base = (Element(0x00400100, "SQ", ((Element(0x00400001, "AE", b"AE1"),),)),)
    got = identifier("(0040,0100)[0].Modality=CT", base=base)
    assert got == (
        Element(0x00400100, "SQ", ((Element(0x00080060, "CS", b"CT"), Element(0x00400001, "AE", b"AE1")),)),
    )


def test_later_keys_override_files_and_earlier_keys() -> None:
    base = (Element(0x00100010, "PN", b"FILE"), Element(0x00100020, "LO", b"FILE"))
    got = identifier("0010,0020=A", "0008,0060=CT", "PatientID=B", base=base)
    assert got == (
        Element(0x00080060, "CS", b"CT"),
        Element(0x00100010, "PN", b"FILE"),
        Element(0x00100020, "LO", b"B"),
    )


def test_sequence_without_value_empties_a_files_but_not_what_paths_made() -> None:
    base = (Element(0x00400100, "SQ", ((Element(0x00400001, "AE", b"AE1"),),)),)
    assert identifier("0040,0100", base=base) == (Element(0x00400100, "SQ", ()),)
    made = (Element(0x00400100, "SQ", ((Element(0x00080060, "CS", b"CT"),),)),)
    assert identifier("0040,0100[0].Modality=CT", "0040,0100") == made
    assert identifier("0040,0100", "0040,0100[0].Modality=CT") == made


def test_private_attributes() -> None:
    assert element("0009,0010=ACME") == Element(0x00090010, "LO", b"ACME")
    assert element("0009,1001") == Element(0x00091001, "UN", b"")


def test_all_old_names_stand_for_known_attributes() -> None:
    names = old_names()
    assert len(names) == 122
    for name, tag in names.items():
        assert STANDARD.by_tag(tag) is not None, name
        if STANDARD.by_keyword(name) is None:
            assert parse_key(name, STANDARD).path == (tag,)
