"""XML in the form that DCMTK 3.6.7's findscu -Xx writes; the expected texts are its output."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from peers.dataset_notation import EXPLICIT, IMPLICIT, write
from runner.dicom.dictionary import STANDARD
from runner.dicom.response_xml import response_xml
from runner.dicom.transfer_syntax import TransferSyntax

NESTED = [
    [
        "0008,1110",
        "SQ",
        [
            [["0008,1150", "UI", "1.2.3"], ["0008,1140", "SQ", [[["0008,1155", "UI", "1.2.4"]], []]]],
            [["0010,0020", "LO", "X"]],
        ],
    ]
]
EXPECTED = """\
<data-set xfer="1.2.840.10008.1.2.1" name="Little Endian Explicit">
<sequence tag="0008,1110" vr="SQ" card="2" len="82" name="ReferencedStudySequence">
<item card="2" len="56">
<sequence tag="0008,1140" vr="SQ" card="2" len="30" name="ReferencedImageSequence">
<item card="1" len="14">
<element tag="0008,1155" vr="UI" vm="1" len="6" name="ReferencedSOPInstanceUID">1.2.4</element>
</item>
<item card="0" len="0">
</item>
</sequence>
<element tag="0008,1150" vr="UI" vm="1" len="6" name="ReferencedSOPClassUID">1.2.3</element>
</item>
<item card="1" len="10">
<element tag="0010,0020" vr="LO" vm="1" len="2" name="PatientID">X</element>
</item>
</sequence>
</data-set>
"""


def as_xml(*data_set: object, syntax: str = EXPLICIT) -> str:
    return response_xml(write(data_set, syntax), TransferSyntax(syntax), STANDARD)  # type: ignore[arg-type]


def test_nested_sequences() -> None:
    assert as_xml(*NESTED) == EXPECTED


def test_undefined_lengths_are_left_out() -> None:
    text = as_xml([*NESTED[0], "items", "sequence"])
    assert (
        '<sequence tag="0008,1110" vr="SQ" card="2" name="ReferencedStudySequence">\n<item card="2">\n'
        in text
    )


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (["0008,0018", "UI", None], 'vr="UI" vm="0" len="0" name="SOPInstanceUID"></element>'),
        (["0008,0060", "CS", "A\\B\\\\C"], 'vr="CS" vm="4" len="6" name="Modality">A\\B\\\\C</element>'),
        (["0018,6020", "SL", [-1, 2]], 'vr="SL" vm="2" len="8" name="ReferencePixelX0">-1\\2</element>'),
        (
            ["0028,0009", "AT", ["0018,1063"]],
            'vr="AT" vm="1" len="4" name="FrameIncrementPointer">(0018,1063)</element>',
        ),
        (
            ["0042,0011", "OB", {"hex": "00010aff"}],
            'vr="OB" vm="1" len="4" name="EncapsulatedDocument" binary="hidden"></element>',
        ),
        (
            ["0009,1001", "UN", {"hex": "0102"}],
            'vr="UN" vm="1" len="2" name="Unknown Tag &amp; Data" binary="hidden"></element>',
        ),
    ],
)
def test_elements(element: list[object], expected: str) -> None:
    assert f'tag="{element[0]}" {expected}\n' in as_xml(element)


def test_unknown_implicit_elements_are_hidden() -> None:
    text = as_xml(["0019,1001", "LO", "x"], syntax=IMPLICIT)
    assert 'vr="UN" vm="1" len="2" name="Unknown Tag &amp; Data" binary="hidden"></element>' in text


def test_what_xml_cannot_have_is_shown() -> None:
    text = as_xml(
        ["0008,0005", "CS", "ISO_IR 192"], ["0010,4000", "LT", '<é & "x">\r\n\t\x1b[0m\x01\u202eend']
    )
    comments = ET.fromstring(text).findall("element")[1].text
    assert comments == '<é & "x">\r\n\t\\x1b[0m\\x01\\u202eend'


def test_a_thousand_nested_sequences() -> None:
    head = b"\x40\0\0\x01SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    text = response_xml(head * 1000 + end * 1000, TransferSyntax.EXPLICIT_LITTLE, STANDARD)
    assert text.count("<item") == text.count("</item>") == 1000
