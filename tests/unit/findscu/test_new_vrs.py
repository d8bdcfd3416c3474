"""What -u does to requests: as the manual says, UN and UT become OB, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers.dataset_notation import SYNTAXES, part10, read
from runner.dicom.encoding import encode
from runner.dicom.transfer_syntax import TransferSyntax
from runner.findscu.command_line import parse
from runner.findscu.job import job_of

DATA = [
    ["0008,0119", "UC", "long code "],
    ["0008,0120", "UR", "http://x"],
    ["0009,0010", "LO", "ACME"],
    ["0009,1001", "UN", {"hex": "0102"}],
    ["0040,0100", "SQ", [[["0040,a160", "UT", "odd"]]]],
    ["0040,a160", "UT", "text"],
    ["0066,0016", "OF", {"hex": "0000c03f"}],
    ["0066,0040", "OL", {"hex": "01000000"}],
]
CHANGED = {"UN": "OB", "UT": "OB"}


@pytest.mark.parametrize(("option", "changed"), [("-u", CHANGED), ("+u", {})])
def test_un_and_ut_of_a_query_file_become_ob(option: str, changed: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "q.dcm"
    file.write_bytes(part10(DATA, SYNTAXES["explicit"]))
    (query,) = job_of(parse(["-W", option, "pacs", "104", str(file)], {})).queries
    sent = read(encode(query.requests[0].identifier, TransferSyntax.EXPLICIT_LITTLE), SYNTAXES["explicit"])
    assert {tag: vr for tag, vr, _ in sent} == {str(tag): changed.get(str(vr), vr) for tag, vr, *_ in DATA}
    (item,) = next(value for tag, _, value in sent if tag == "0040,0100")
    assert item == [["0040,a160", changed.get("UT", "UT"), b"odd ".hex()]]


def test_keys_too() -> None:
    keys = ["-k", "0040,a160=odd", "-k", "0066,0016=1.5", "-k", "0008,0120=http://x"]
    (query,) = job_of(parse(["-W", "-u", *keys, "pacs", "104"], {})).queries
    assert [(element.vr, element.value) for element in query.requests[0].identifier] == [
        ("UR", b"http://x"),
        ("OB", b"odd "),
        ("OF", b"\0\0\xc0\x3f"),
    ]
