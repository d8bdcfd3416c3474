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
