"""Received identifiers as DICOM JSON Model objects (PS3.18 F), and pydicom's view of the same."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydicom.dataset import Dataset

from peers.dataset_notation import BIG, EXPLICIT, IMPLICIT, write
from runner.dicom.charset import character_set
from runner.dicom.dictionary import STANDARD
from runner.dicom.response_json import ResponseJson
from runner.dicom.transfer_syntax import TransferSyntax


def as_json(data: bytes, syntax: str = EXPLICIT) -> Any:
    (text,) = ResponseJson(TransferSyntax(syntax), STANDARD).objects((data,))
    assert "\n" not in text
    return json.loads(text)


def attribute(tag: str, vr: str, value: Any, syntax: str = EXPLICIT) -> Any:
    (found,) = as_json(write([[tag, vr, value]], syntax), syntax).values()
    return found


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        ("0008,0061", "CS", "CT\\SR", ["CT", "SR"]),
        ("0008,0061", "CS", "CT\\\\SR", ["CT", None, "SR"]),
        ("0010,0010", "PN", "A^B==C^D", [{"Alphabetic": "A^B", "Phonetic": "C^D"}]),
        ("0010,4000", "LT", "a\\b ", ["a\\b"]),
        ("0020,1208", "IS", " 300\\+7\\-0012 ", [300, 7, -12]),
        ("0020,1208", "IS", "many", ["many"]),
        ("0018,0050", "DS", "1.50\\1e3\\.5", [1.5, 1000.0, ".5"]),
        ("0018,0050", "DS", "0.12345678901234567", ["0.12345678901234567"]),
        ("0028,0009", "AT", ["0018,1063"], ["00181063"]),
        ("0028,0010", "US", [512, 1], [512, 1]),
        ("0018,6020", "SL", [-5], [-5]),
        ("0070,0022", "FL", [0.1], [0.1]),
        ("0018,9087", "FD", [1e300, float("inf"), float("nan")], [1e300, "inf", "nan"]),
    ],
)
def test_values(syntax: str, tag: str, vr: str, value: Any, expected: Any) -> None:
    assert attribute(tag, vr, value, syntax) == {"vr": vr, "Value": expected}


@pytest.mark.parametrize("vr", ["PN", "CS", "US", "OB", "UN", "IS", "SQ", "AT"])
def test_no_value(vr: str) -> None:
    assert attribute("0009,1001", vr, None) == {"vr": vr}


def test_binary_values_are_inline_in_little_endian() -> None:
    def inline(value: bytes) -> str:
        return base64.b64encode(value).decode()

    assert attribute("0028,1201", "OW", [0x0102, 0x0304], BIG) == {
        "vr": "OW",
        "InlineBinary": inline(b"\2\1\4\3"),
    }
    assert attribute("0028,1201", "OW", [0x0102]) == {"vr": "OW", "InlineBinary": inline(b"\2\1")}
    assert attribute("0042,0011", "OB", {"hex": "0102"}, BIG) == {"vr": "OB", "InlineBinary": inline(b"\1\2")}
    assert attribute("0028,0010", "US", {"hex": "010203"}) == {"vr": "US", "InlineBinary": inline(b"\1\2\3")}
    assert attribute("0019,1001", "LO", "ab", IMPLICIT) == {"vr": "UN", "InlineBinary": inline(b"ab")}


def test_text_is_utf8_and_says_so() -> None:
    name = character_set("\\ISO 2022 IR 87").encode("山田^太郎", "PN")
    data = write(
        [["0008,0005", "CS", "\\ISO 2022 IR 87"], ["0010,0010", "PN", {"hex": name.hex()}]], EXPLICIT
    )
    assert as_json(data) == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "山田^太郎"}]},
    }


def test_sequences_and_what_pydicom_reads() -> None:
    step = [
        ["0008,0060", "CS", "CT"],
        ["0040,0008", "SQ", [[["0008,0100", "SH", "X"]], []], "items", "sequence"],
    ]
    data = write(
        [["0010,0010", "PN", "DOE"], ["0040,0100", "SQ", [step]], ["0028,0010", "US", [5]]], EXPLICIT
    )
    found = as_json(data)
    assert list(found) == ["00100010", "00280010", "00400100"]
    dataset = Dataset.from_json(found)
    assert dataset.ScheduledProcedureStepSequence[0].Modality == "CT"
    assert len(dataset.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence) == 2
    assert dataset.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence[0].CodeValue == "X"


def test_a_thousand_nested_sequences_are_written() -> None:
    content = write([["0008,0060", "CS", "CT"]], EXPLICIT)
    head = b"\x40\0\0\x01SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    data = head * 1000 + content + end * 1000
    (text,) = ResponseJson(TransferSyntax.EXPLICIT_LITTLE, STANDARD).objects((data,))
    assert text.count('"vr":"SQ"') == 1000
    assert text.count("}]}") == 1000
    assert text.count("{") == text.count("}")
