import pytest

from runner.dicom.dictionary import STANDARD
from runner.dicom.dump_text import read_dump_text
from runner.dicom.identifier import Element
from runner.errors import QueryFileError


def only(line: str) -> Element:
    (element,) = read_dump_text(line.encode(), STANDARD)
    return element


@pytest.mark.parametrize(
    ("line", "element"),
    [
        ("(0008,0052) CS [STUDY]          #   6, 1 QueryRetrieveLevel", Element(0x00080052, "CS", "STUDY")),
        ("(0010,0010) PN [A]B]   # up to the last bracket", Element(0x00100010, "PN", "A]B")),
        ("(0010,0010) PN [A # B]", Element(0x00100010, "PN", "A # B")),
        ("(0010,0010) PN [ A ]", Element(0x00100010, "PN", " A ")),
        ("(0010,0010) PN []", Element(0x00100010, "PN", "")),
        ("(0010,0010) PN", Element(0x00100010, "PN", "")),
        ("(0010,0010)", Element(0x00100010, "PN", "")),
        ("(0010,0010) PN # nothing", Element(0x00100010, "PN", "")),
        ("(0010,0010) PN (no value available)   #   0, 0 PatientName", Element(0x00100010, "PN", "")),
        ("(0010,0010) PN M*  # bare", Element(0x00100010, "PN", "M*")),
        ("(0010,0010) [M*]", Element(0x00100010, "PN", "M*")),
        ("(0010,0010) ?? [M*]", Element(0x00100010, "PN", "M*")),
        ("  ( 0010 , 0010 )  PN  [M*]", Element(0x00100010, "PN", "M*")),
        ("(0008,0016) UI =CTImageStorage   #  26, 1", Element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2")),
        ("(0008,0016) UI [1.2.3]", Element(0x00080016, "UI", "1.2.3")),
        ("(0028,0010) US 1\\2  #  4, 2 Rows", Element(0x00280010, "US", "1\\2")),
        ("(0028,0106) xs 5", Element(0x00280106, "US", "5")),
        ("(0028,0106) xs -5", Element(0x00280106, "SS", "-5")),
        ("(0054,1321) FL 1.5", Element(0x00541321, "FL", "1.5")),
        (
            "(0020,9165) AT (0010,0020)\\(0010,0030)  # 8, 2",
            Element(0x00209165, "AT", "(0010,0020)\\(0010,0030)"),
        ),
        ("(0020,9165) AT (no value available)", Element(0x00209165, "AT", "")),
        ("(0042,0011) OB 00\\01\\fF", Element(0x00420011, "OB", b"\0\1\xff")),
        ("(0042,0011) OB", Element(0x00420011, "OB", b"")),
        ("(7fe0,0010) OW 0102\\ffFE", Element(0x7FE00010, "OW", b"\2\1\xfe\xff")),
        ("(7fe0,0010) ox 01\\02", Element(0x7FE00010, "OB", b"\1\2")),
        ("(0028,3006) lt 0001\\ffFE", Element(0x00283006, "OW", b"\1\0\xfe\xff")),
        ("(5400,1010) ox 01\\02", Element(0x54001010, "OB", b"\1\2")),
        ("(5600,0020) OF 1.5", Element(0x56000020, "OF", b"\0\0\xc0\x3f")),
        ("(0019,1001) UN 41\\42", Element(0x00191001, "UN", b"AB")),
        ("(0019,1001) UN [AB]", Element(0x00191001, "UN", b"AB")),
        ("(0019,1001) ?? 41\\42", Element(0x00191001, "UN", b"AB")),
        ("(0019,1001) LO [x]", Element(0x00191001, "LO", "x")),
        ("(0040,0100) SQ", Element(0x00400100, "SQ", ())),
        ("(0040,0100) SQ (Sequence with explicit length #=0)", Element(0x00400100, "SQ", ())),
    ],
)
def test_a_line(line, element):
    assert only(line) == element


def test_texts_that_are_not_ascii_stay_bytes():
    data = "(0008,0005) CS [ISO_IR 100]\n(0010,0010) PN [Jérôme]".encode("latin_1")
    assert read_dump_text(data, STANDARD)[1] == Element(0x00100010, "PN", "Jérôme".encode("latin_1"))


def test_sequences_items_comments_and_line_ends():
    text = (
        "\ufeff# Dicom-File-Format\r\n\r\n"
        "(0002,0010) UI =LittleEndianExplicit\r\n"
        "# Dicom-Data-Set\r\n"
        "(0040,0100) SQ (Sequence with undefined length #=2)     # u/l, 1 ScheduledProcedureStepSequence\r\n"
        "  (fffe,e000) na (Item with undefined length #=2)         # u/l, 1 Item\r\n"
        "    (0040,0008) SQ\r\n"
        "    (0040,0002) DA [20240101]\r\n"
        "    (0040,0001) AE\r\n"
        "  (fffe,e00d) na (ItemDelimitationItem)                   #   0, 0 ItemDelimitationItem\r\n"
        "  (fffe,e000) -\r\n"
        "  (fffe,e00d)\r\n"
        "(fffe,e0dd) na (SequenceDelimitationItem)               #   0, 0 SequenceDelimitationItem\r\n"
        "(0032,1064) SQ\r\n"
        "(fffe,e0dd)\r\n"
        "(0010,0010) PN [A]\r\n"
        "(0010,0010) PN [B]\r\n"
        "(0010,0000) UL 10\r\n"
    )
    assert read_dump_text(text.encode(), STANDARD) == (
        Element(0x00100010, "PN", "A"),
        Element(0x00321064, "SQ", ()),
        Element(
            0x00400100,
            "SQ",
            (
                (
                    Element(0x00400001, "AE", ""),
                    Element(0x00400002, "DA", "20240101"),
                    Element(0x00400008, "SQ", ()),
                ),
                (),
            ),
        ),
    )


def test_private_elements_by_their_creator():
    text = b"(0019,0010) LO [SIEMENS MR HEADER]\n(0019,100a) ?? 7\n"
    assert read_dump_text(text, STANDARD)[1] == Element(0x0019100A, "US", "7")


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("# x\nPatientName [x]", 2, "no tag"),
        ("RESPONSE: 1 (Pending)", 1, "no tag"),
        ("(0010,0010) PN [A", 1, "closing"),
        ("(0010,0010) XX [A]", 1, "value representation"),
        ("(0019,1001) 5", 1, "no VR"),
        ("(0008,0016) UI =Nonsense", 1, "unknown name"),
        ("(7fe0,0010) OW =/etc/passwd", 1, "file"),
        ("(7fe0,0010) OW (not loaded)", 1, "not in the text"),
        ("(7fe0,0010) OW 0102\\x", 1, "hexadecimal"),
        ("(7fe0,0010) OB 100", 1, "hexadecimal"),
        ("(5600,0020) OF 1.5\\x", 1, "numbers"),
        ("(5600,0020) OF 1e39", 1, "numbers"),
        ("(0028,0010) US 70000", 1, "65535"),
        ("(0028,0010) US é", 1, "whole number"),
        ("(0020,9165) AT 12", 1, "tag"),
        ("(fffe,e000) na", 1, "outside a sequence"),
        ("(fffe,e00d) na", 1, "none has begun"),
        ("(fffe,e0dd) na", 1, "none has begun"),
        ("(0040,0100) SQ\n(fffe,e000)\n(fffe,e0dd)", 3, "within an item"),
        ("(0040,0100) SQ\n(fffe,e000)\n(fffe,e00d)\n(0010,0010) PN", 4, "between the items"),
        ("(0010,0010) PN\n(0040,0100) SQ\n(fffe,e000)\n(0040,0001) AE", 3, "no end"),
        ("(0040,0100) SQ\n(fffe,e000)\n(fffe,e00d)", 1, "no end"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, line, word):
    with pytest.raises(QueryFileError) as caught:
        read_dump_text(text.encode(), STANDARD)
    assert str(caught.value).startswith(f"line {line}: ")
    assert word in str(caught.value)
