"""Lines of DCMTK's dumps."""

from __future__ import annotations

from typing import Any

import pytest

from peers.dataset_notation import write
from runner.dicom.dictionary import STANDARD
from runner.dicom.dump import Dump, DumpStyle
from runner.dicom.transfer_syntax import TransferSyntax


def line(
    element: list[Any],
    syntax: TransferSyntax = TransferSyntax.EXPLICIT_LITTLE,
    style: DumpStyle = DumpStyle.RAW,
) -> str:
    (text,) = Dump(syntax, STANDARD, style).texts((write([element], syntax.uid),))
    return " ".join(text.split())


@pytest.mark.parametrize("style", DumpStyle)
@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("0028,0106", "xs 1\\65535 # 4, 2 SmallestImagePixelValue"),
        ("0028,1101", "xs 1\\65535 # 4, 2 RedPaletteColorLookupTableDescriptor"),
        ("0028,3006", "lt 0001\\ffff # 4, 1 LUTData"),
        ("5400,1010", "ox 01\\00\\ff\\ff # 4, 1 WaveformData"),
        ("5002,3000", "OB 01\\00\\ff\\ff # 4, 1 CurveData"),
        ("6002,3000", "OW 0001\\ffff # 4, 1 OverlayData"),
        ("7fe0,0010", "OW 0001\\ffff # 4, 1 PixelData"),
        ("0028,0010", "US 1\\65535 # 4, 2 Rows"),
    ],
)
def test_choices_of_vrs_in_implicit_vr(tag: str, expected: str, style: DumpStyle) -> None:
    element = [tag, "US", [1, 65535]]
    assert line(element, TransferSyntax.IMPLICIT_LITTLE, style) == f"({tag}) {expected}"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("0028,0106", "xs (no value available) # 0, 0 S"), ("0028,3006", "lt (no value available) # 0, 1 L")],
)
def test_choices_without_a_value(tag: str, expected: str) -> None:
    assert line([tag, "US", None], TransferSyntax.IMPLICIT_LITTLE).startswith(f"({tag}) {expected}")


def test_a_vr_that_is_stated_is_no_choice() -> None:
    assert line(["0028,0106", "SS", [-1]]) == "(0028,0106) SS -1 # 2, 1 SmallestImagePixelValue"
    assert line(["0028,3006", "US", [1, 2]]) == "(0028,3006) US 1\\2 # 4, 2 LUTData"
    assert line(["7fe0,0010", "OB", {"hex": "0102"}]) == "(7fe0,0010) OB 01\\02 # 2, 1 PixelData"


@pytest.mark.parametrize("style", DumpStyle)
def test_spaces_of_uids_stay_and_then_there_is_no_name(style: DumpStyle) -> None:
    known = "1.2.840.10008.5.1.4.1.1.2"
    assert line(["0008,0016", "UI", f"{known}\0"], style=style).startswith("(0008,0016) UI =CTImageStorage #")
    assert line(["0008,0016", "UI", f"{known} "], style=style).startswith(
        f"(0008,0016) UI [{known} ] # 26, 1"
    )
    assert line(["0008,0018", "UI", " 1.2 3"], style=style).startswith("(0008,0018) UI [ 1.2 3] # 6, 1")


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (["0010,0020", "LO", {"hex": "0041"}], "LO [] # 2, 1 PatientID"),
        (["0020,000e", "UI", {"hex": "0000"}], "UI [] # 2, 1 SeriesInstanceUID"),
        (["0010,0010", "PN", {"hex": "415c004200"}], "PN [A\\] # 5, 2 PatientName"),
        (["0010,0010", "PN", None], "PN (no value available) # 0, 0 PatientName"),
    ],
)
def test_a_text_ends_at_its_first_nul_but_is_a_value(element: list[Any], expected: str) -> None:
    syntax = TransferSyntax.IMPLICIT_LITTLE
    assert line(element, syntax) == f"({element[0]}) {expected}"


@pytest.mark.parametrize(
    ("element", "raw", "decoded"),
    [
        (["0028,0010", "US", {"hex": "010203"}], "US 513 # 3, 1 Rows", "US 01\\02\\03 # 3, 1 Rows"),
        (["0028,0010", "US", {"hex": "01"}], "US (no value available) # 1, 0 Rows", "US 01 # 1, 1 Rows"),
        (
            ["0018,6018", "UL", {"hex": "010000000203"}],
            "UL 1 # 6, 1 RegionLocationMinX0",
            "UL 01\\00\\00\\00\\02\\03 # 6, 1 RegionLocationMinX0",
        ),
        (
            ["0020,9165", "AT", {"hex": "1800631001"}],
            "AT (0018,1063) # 5, 1 DimensionIndexPointer",
            "AT 18\\00\\63\\10\\01 # 5, 1 DimensionIndexPointer",
        ),
        (
            ["0028,0009", "AT", {"hex": "180063"}],
            "AT (no value available) # 3, 0 FrameIncrementPointer",
            "AT 18\\00\\63 # 3, 1 FrameIncrementPointer",
        ),
        (
            ["0028,1201", "OW", {"hex": "010203"}],
            "OW 0201 # 3, 1 RedPaletteColorLookupTableData",
            "OW 01\\02\\03 # 3, 1 RedPaletteColorLookupTableData",
        ),
        (
            ["0066,0016", "OF", {"hex": "0000c03f01"}],
            "OF 1.5 # 5, 1 PointCoordinatesData",
            "OF 00\\00\\c0\\3f\\01 # 5, 1 PointCoordinatesData",
        ),
    ],
)
def test_numbers_that_are_cut_off(element: list[Any], raw: str, decoded: str) -> None:
    """findscu shows the whole ones; a dump of ours shows that there is more."""
    syntax = TransferSyntax.IMPLICIT_LITTLE
    assert line(element, syntax) == f"({element[0]}) {raw}"
    assert line(element, syntax, DumpStyle.DECODED) == f"({element[0]}) {decoded}"


def test_long_words_are_decimal() -> None:
    assert line(["0066,0040", "OL", {"hex": "01000000ff000000"}]).startswith("(0066,0040) OL 1\\255 # 8, 1")


def test_findscu_3_6_says_that_a_number_without_enough_bytes_is_invalid() -> None:
    syntax, style = TransferSyntax.IMPLICIT_LITTLE, DumpStyle.RAW_3_6
    assert line(["0028,0010", "US", {"hex": "01"}], syntax, style).startswith(
        "(0028,0010) US (invalid value) # 1, 0"
    )
    no_tag = line(["0028,0009", "AT", {"hex": "180063"}], syntax, style)
    assert no_tag.startswith("(0028,0009) AT (no value available) # 3, 0")
