"""What holds for every identifier: it can be sent and read back, and readers fail in one way only."""

import io
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from runner.dicom.charset import character_set, lenient_character_set
from runner.dicom.dataset_json import identifier_from_json
from runner.dicom.dictionary import STANDARD
from runner.dicom.dump_text import read_dump_text
from runner.dicom.encoding import EncodingError, decode_text_values, encode
from runner.dicom.identifier import Element
from runner.dicom.part10 import file_meta, read_part10
from runner.dicom.query_file import identifier_from_bytes
from runner.dicom.transfer_syntax import TransferSyntax
from runner.dicom.values import VRS, problem_with_value
from runner.errors import QueryFileError

# --- character sets ---------------------------------------------------------------------------------


def repertoire(codec: str, first: int = 0xA1) -> str:
    """The characters that a single-byte codec has in its upper half."""
    return "".join(bytes([byte]).decode(codec, "ignore") for byte in range(first, 0x100))


ASCII = "".join(map(chr, range(0x20, 0x7F))).replace("\\", "")
KANJI = "山田太郎やまだたろうアイウ亜熙、。々＋−〒"
REPERTOIRES = {
    "ISO_IR 100": repertoire("latin_1"),
    "ISO_IR 101": repertoire("iso8859_2"),
    "ISO_IR 109": repertoire("iso8859_3"),
    "ISO_IR 110": repertoire("iso8859_4"),
    "ISO_IR 126": repertoire("iso8859_7"),
    "ISO_IR 127": repertoire("iso8859_6"),
    "ISO_IR 138": repertoire("iso8859_8"),
    "ISO_IR 144": repertoire("iso8859_5"),
    "ISO_IR 148": repertoire("iso8859_9"),
    "ISO_IR 166": repertoire("tis_620"),
    "ISO_IR 203": repertoire("iso8859_15"),
    "ISO_IR 13": "".join(map(chr, range(0xFF61, 0xFFA0))),
    "ISO_IR 192": "é山𠮷한Ж😀",
    "GB18030": "é山𠮷한Ж😀乗",
    "GBK": "山王小东乗",
    "\\ISO 2022 IR 87": KANJI,
    "\\ISO 2022 IR 159": "丂丄丅",
    "\\ISO 2022 IR 87\\ISO 2022 IR 159": KANJI + "丂丄丅",
    "ISO 2022 IR 13\\ISO 2022 IR 87": KANJI + "ﾔﾏﾀﾞ",
    "\\ISO 2022 IR 149": "홍길동洪吉洞",
    "\\ISO 2022 IR 58": "张小东",
    "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126": "éüЖЯαω",
    "ISO 2022 IR 6\\ISO 2022 IR 100\\ISO 2022 IR 87\\ISO 2022 IR 149": "éü홍길" + KANJI,
    "ISO 2022 IR 166\\ISO 2022 IR 100": "นามé",
}


@st.composite
def declared_texts(draw):
    terms = draw(st.sampled_from(sorted(REPERTOIRES)))
    alphabet = st.one_of(st.sampled_from(REPERTOIRES[terms]), st.sampled_from(ASCII), st.sampled_from("^=\\"))
    return terms, draw(st.text(alphabet, max_size=30))


@given(declared_texts(), st.sampled_from(["PN", "LO", "SH", "UC", "ST", "LT", "UT"]))
def test_text_comes_back_from_its_character_set(declared, vr):
    terms, text = declared
    data = character_set(terms).encode(text, vr)
    assert character_set(terms).decode_strict(data, vr) == text
    assert character_set(terms).decode(data, vr) == text


@given(declared_texts())
def test_each_value_of_a_list_stands_by_itself(declared):
    terms, text = declared
    characters = character_set(terms)
    values = text.split("\\")
    assert characters.encode(text, "LO").endswith(characters.encode(values[-1], "LO"))
    assert characters.encode(text, "LO").startswith(characters.encode(values[0], "LO"))


@given(st.sampled_from(["", *REPERTOIRES]), st.binary(max_size=40), st.sampled_from(sorted(VRS)))
def test_any_bytes_can_be_shown(terms, data, vr):
    assert isinstance(character_set(terms).decode(data, vr), str)
    try:
        text = character_set(terms).decode_strict(data, vr)
    except UnicodeDecodeError:
        return
    assert "\ufffd" not in text or b"\xef\xbf\xbd" in data or terms == "GB18030"


@given(st.text(max_size=30), st.binary(max_size=10))
def test_any_declaration_can_be_read_leniently(terms, data):
    assert isinstance(lenient_character_set(terms).decode(data, "PN"), str)


# --- identifiers ------------------------------------------------------------------------------------

PLAIN = st.text(st.sampled_from(ASCII), max_size=20).map(str.strip)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    return st.lists(st.integers(low, high).map(str), max_size=3).map("\\".join)


FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), max_size=3).map("\\".join)
SINGLE_FLOATS = st.lists(
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr), max_size=3
).map("\\".join)
TEXTS = st.text(st.sampled_from(REPERTOIRES["ISO_IR 192"] + ASCII), max_size=16).map(str.strip)
TAGS = st.lists(
    st.integers(0, 0xFFFFFFFF).map(lambda tag: f"({tag >> 16:04x},{tag & 0xFFFF:04x})"), max_size=3
).map("\\".join)
VALUES = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"), PLAIN),
    **dict.fromkeys(("LO", "LT", "PN", "ST", "UC", "UT"), TEXTS),
    "SH": TEXTS.map(lambda text: text[:4].strip()),  # pydicom warns of more than 16 bytes
    "AT": TAGS,
    "FD": FLOATS,
    "FL": SINGLE_FLOATS,
    "SL": numbers(-(2**31), 2**31 - 1),
    "SS": numbers(-(2**15), 2**15 - 1),
    "SV": numbers(-(2**63), 2**63 - 1),
    "UL": numbers(0, 2**32 - 1),
    "US": numbers(0, 2**16 - 1),
    "UV": numbers(0, 2**64 - 1),
    **{
        vr: st.binary(max_size=4).map(lambda words, width=width: words * width)
        for vr, width in (("OB", 2), ("OW", 2), ("OF", 4), ("OL", 4), ("OD", 8), ("OV", 8), ("UN", 2))
    },
}
#: A tag for each VR that the standard gives no other VR to, or none at all.
TAG_VRS = [
    (tag, entry.vr)
    for tag in (
        *range(0x00080050, 0x00080070),
        *range(0x00100010, 0x00100050),
        *range(0x00189200, 0x00189240),
        *range(0x00209150, 0x00209170),
        *range(0x00280010, 0x00280020),
        *range(0x00720050, 0x00720090),
    )
    if (entry := STANDARD.by_tag(tag)) is not None and entry.vr != "SQ"
]


def identifiers(deeper: st.SearchStrategy) -> st.SearchStrategy:
    plain = st.sampled_from(TAG_VRS).flatmap(
        lambda tag_vr: VALUES[tag_vr[1]].map(lambda value: Element(*tag_vr, value))
    )
    sequences = st.lists(deeper, max_size=3).map(lambda items: Element(0x00400100, "SQ", tuple(items)))
    return st.lists(plain | sequences, max_size=6).map(
        lambda elements: tuple(
            element for _, element in sorted({element.tag: element for element in elements}.items())
        )
    )


NESTED = st.recursive(st.just(()), identifiers, max_leaves=6)
QUERIES = NESTED.map(lambda identifier: (Element(0x00080005, "CS", "ISO_IR 192"), *identifier))


def tidy(identifier):
    """Without what encoding does not keep: paddings, and how numbers are written."""
    tidied = []
    for element in identifier:
        value = element.value
        if isinstance(value, tuple):
            value = tuple(map(tidy, value))
        elif isinstance(value, bytes):
            value = value + b"\0" * (len(value) % 2)
        elif element.vr in {"FL", "FD"} and value:
            value = "\\".join(repr(float(number)) for number in value.split("\\"))
        tidied.append(Element(element.tag, element.vr, value))
    return tuple(tidied)


def same(left, right) -> bool:
    """Whether two identifiers ask the same; FL is compared by its bytes."""
    return encode(left, TransferSyntax.EXPLICIT_LITTLE) == encode(right, TransferSyntax.EXPLICIT_LITTLE)


@given(QUERIES, st.sampled_from(TransferSyntax))
def test_what_is_sent_is_read_back(query, syntax):
    read = decode_text_values(read_part10(file_meta("1.2", "1.3", syntax) + encode(query, syntax), STANDARD))
    assert [element.tag for element in read] == [element.tag for element in query]
    assert same(read, query)


@given(QUERIES, st.sampled_from([syntax for syntax in TransferSyntax if not syntax.deflated]))
def test_the_transfer_syntax_is_found_by_looking(query, syntax):
    assert same(decode_text_values(identifier_from_bytes(encode(query, syntax), STANDARD)), query)


@given(QUERIES, st.sampled_from(TransferSyntax))
def test_pydicom_reads_the_same_elements(query, syntax):
    data = encode(query, syntax)
    if syntax.deflated:
        data = zlib.decompress(data, -zlib.MAX_WBITS)

    def compare(data_set, identifier):
        assert [int(tag) for tag in data_set.keys()] == [element.tag for element in identifier]  # noqa: SIM118
        for element in identifier:
            if element.vr == "SQ":
                items = data_set[element.tag].value
                assert len(items) == len(element.value)
                for item, expected in zip(items, element.value, strict=True):
                    compare(item, expected)
            elif element.vr in {"LO", "LT", "SH", "ST", "UC", "UT"}:
                value = data_set[element.tag].value
                values = value if isinstance(value, (list, tuple)) else [value]
                read = "\\".join(map(str, values)) if value is not None else ""
                # pydicom strips a space behind each value, which is padding
                assert read.split() == str(element.value).split()
            elif element.vr in {"US", "SS", "UL", "SL", "FD"} and element.value:
                value = data_set[element.tag].value
                values = value if not isinstance(value, (int, float)) else [value]
                assert [float(number) for number in str(element.value).split("\\")] == list(
                    map(float, values)
                )

    compare(read_dataset(io.BytesIO(data), not syntax.explicit, syntax.little), query)


@given(st.sampled_from(sorted(VRS)), st.text(max_size=40), st.sampled_from(TransferSyntax))
def test_what_is_legal_can_be_encoded(vr, text, syntax):
    problem = problem_with_value(vr, text)
    query = (Element(0x00080005, "CS", "ISO_IR 192"), Element(0x00100010, vr, text))
    if problem is None and not any("\ud800" <= character <= "\udfff" for character in text):
        assert encode(query, syntax)
    else:
        try:
            encode(query, syntax)
        except EncodingError:
            return


# --- readers of hostile files -----------------------------------------------------------------------


def check_message(error: QueryFileError) -> None:
    assert str(error).isprintable()


SEED = encode(
    (
        Element(0x00080005, "CS", "ISO_IR 192"),
        Element(0x00081110, "SQ", ((Element(0x00100010, "PN", "A"),), ())),
        Element(0x00280010, "US", "1\\2"),
    ),
    TransferSyntax.EXPLICIT_LITTLE,
)


@given(st.binary(max_size=200))
@example(b"\0" * 128 + b"DICM")
def test_any_bytes_are_a_query_or_a_query_file_error(data):
    for start in (b"", b"\0" * 128 + b"DICM", file_meta("1.2", "1.3", TransferSyntax.DEFLATED)):
        try:
            identifier_from_bytes(start + data, STANDARD)
        except QueryFileError as error:
            check_message(error)


@given(st.integers(0, len(SEED) - 1), st.integers(0, 255), st.integers(0, len(SEED)))
def test_a_broken_file_is_a_query_or_a_query_file_error(at, byte, end):
    data = bytearray(SEED)
    data[at] = byte
    for syntax in TransferSyntax:
        try:
            read = read_part10(file_meta("1.2", "1.3", syntax) + bytes(data[:end]), STANDARD)
        except QueryFileError as error:
            check_message(error)
        else:
            assert isinstance(encode(read, TransferSyntax.EXPLICIT_LITTLE), bytes)


LINES = st.builds(
    "{} {} {}".format,
    st.sampled_from(
        ["(0010,0010)", "(0040,0100)", "(fffe,e000)", "(fffe,e00d)", "(fffe,e0dd)", "(0019,1001)", "#", ""]
    ),
    st.sampled_from(["", "??", "na", "SQ", *sorted(VRS)]),
    st.sampled_from(["", "[A]", "[", "]", "=X", "(no value)", "(0010,0010)", "1\\2", "ff", "-1", "<f>"])
    | st.text(max_size=8),
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_any_text_is_a_query_or_a_query_file_error(text):
    try:
        read = read_dump_text(text.encode("utf-8", "surrogatepass"), STANDARD)
    except QueryFileError as error:
        check_message(error)
    else:
        assert [element.tag for element in read] == sorted({element.tag for element in read})
        assert isinstance(encode(read, TransferSyntax.EXPLICIT_LITTLE), bytes)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(sorted(VRS)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["00100010", "00400100", "vr", "Value", "InlineBinary", "Alphabetic"])
            | st.text(max_size=8),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    JSON
    | st.fixed_dictionaries(
        {"00100010": st.fixed_dictionaries({"vr": st.sampled_from(sorted(VRS)), "Value": JSON})}
    )
)
@settings(max_examples=300)
def test_any_json_is_a_query_or_a_query_file_error(document):
    try:
        read = identifier_from_json(document, STANDARD)
    except QueryFileError as error:
        check_message(error)
    else:
        assert [element.tag for element in read] == sorted({element.tag for element in read})


@pytest.mark.parametrize("syntax", TransferSyntax)
def test_every_cut_of_a_file_is_an_error_or_a_shorter_query(syntax):
    whole = file_meta("1.2", "1.3", syntax) + encode(
        tuple(Element(tag, vr, "") for tag, vr in sorted(dict(TAG_VRS).items())), syntax
    )
    reference = len(read_part10(whole, STANDARD))
    for end in range(133, len(whole)):
        try:
            read = read_part10(whole[:end], STANDARD)
        except QueryFileError:
            continue
        assert len(read) < reference or syntax.deflated
