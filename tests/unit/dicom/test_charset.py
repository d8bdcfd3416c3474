import pytest
from pydicom.charset import convert_encodings
from pydicom.valuerep import PersonName

from runner.dicom.charset import UnknownCharacterSetError, character_set, lenient_character_set

# the names are the examples of PS3.5 H to K and one of each other repertoire
NAMES = [
    ("ISO_IR 100", "Buc^Jérôme", b"Buc^J\xe9r\xf4me"),
    ("ISO_IR 101", "Wałęsa", b"Wa\xb3\xeasa"),
    ("ISO_IR 109", "Ĝis", b"\xd8is"),
    ("ISO_IR 110", "Šķ", b"\xa9\xf3"),
    ("ISO_IR 126", "Διονυσιος", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2"),
    ("ISO_IR 127", "قباني^لنزار", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1"),
    ("ISO_IR 138", "שרון^דבורה", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4"),
    ("ISO_IR 144", "Люкceмбypг", b"\xbb\xee\xdace\xdc\xd1yp\xd3"),
    ("ISO_IR 148", "Çavuşoğlu", b"\xc7avu\xfeo\xf0lu"),
    ("ISO_IR 166", "นามสกุล", b"\xb9\xd2\xc1\xca\xa1\xd8\xc5"),
    ("ISO_IR 203", "Œuvre €", b"\xbcuvre \xa4"),
    ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=", b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1="),
    ("GB18030", "Wang^XiaoDong=王^小东=", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="),
    ("GBK", "王^小东", b"\xcd\xf5^\xd0\xa1\xb6\xab"),
    (
        "\\ISO 2022 IR 87",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    ),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
    ),
    (
        "\\ISO 2022 IR 149",
        "Hong^Gildong=洪^吉洞=홍^길동",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
    ),
    (
        "\\ISO 2022 IR 58",
        "Zhang^XiaoDong=张^小东=",
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
    ),
    ("\\ISO 2022 IR 159", "丂^丂", b"\x1b$(D0!\x1b(B^\x1b$(D0!\x1b(B"),
]


@pytest.mark.parametrize(("terms", "text", "data"), NAMES)
def test_names_of_each_repertoire(terms, text, data):
    assert character_set(terms).encode(text, "PN") == data
    assert character_set(terms).decode_strict(data, "PN") == text
    assert lenient_character_set(terms).decode(data, "PN") == text


# pydicom has no Latin-9 and leaves the escapes of IR 58 in the text
@pytest.mark.parametrize(
    ("terms", "text", "data"), [name for name in NAMES if name[0] not in {"ISO_IR 203", "\\ISO 2022 IR 58"}]
)
def test_pydicom_reads_the_same(terms, text, data):
    name = PersonName(data, convert_encodings(terms.split("\\")))
    assert str(name).rstrip("=") == text.rstrip("=")


def test_what_is_active_at_first_is_active_again_behind_each_delimiter():
    extended = character_set("ISO 2022 IR 100\\ISO 2022 IR 144")
    data = extended.encode("é Люк^é=Ф", "PN")
    assert data == b"\xe9 \x1b-L\xbb\xee\xda\x1b-A^\xe9=\x1b-L\xc4"
    assert extended.decode_strict(data, "PN") == "é Люк^é=Ф"
    # without the escape back, the caret alone does it
    assert extended.decode_strict(b"\x1b-L\xbb^\xe9", "PN") == "Л^é"
    # in LO a caret is no delimiter, a backslash is one; in LT only line ends are
    assert extended.decode_strict(b"\x1b-L\xbb^\xe9", "LO") == "Л^щ"
    assert extended.decode_strict(b"\x1b-L\xbb\\\xe9", "LO") == "Л\\é"
    assert extended.decode_strict(b"\x1b-L\xbb\\\xe9\r\n\xe9", "LT") == "Л\\щ\r\né"


def test_backslashes_within_two_byte_characters_are_no_delimiters():
    kanji = character_set("\\ISO 2022 IR 87")
    data = kanji.encode("′\\予", "LO")
    assert data == b"\x1b$B!l\x1b(B\\\x1b$BM=\x1b(B"
    assert kanji.decode_strict(data, "LO") == "′\\予"
    assert kanji.decode_strict(b"\x1b$B!\\M=\x1b(B", "LO") == "＋予"
    assert character_set("GB18030").decode_strict(b"\x81\x5c", "LO") == "乗"


def test_lone_surrogates_are_the_bytes_that_they_came_from():
    for terms in (
        "",
        "ISO_IR 100",
        "ISO_IR 192",
        "GB18030",
        "GBK",
        "\\ISO 2022 IR 87",
        "ISO_IR 166",
        "ISO_IR 13",
    ):
        assert character_set(terms).encode("A\udcff\udc80B", "PN") == b"A\xff\x80B"
        assert character_set(terms).encode("A\udcff", "CS") == b"A\xff"


@pytest.mark.parametrize("terms", ["", "ISO_IR 6", "ISO_IR 100", "ISO_IR 13", "\\ISO 2022 IR 87", "GBK"])
def test_characters_that_are_not_in_the_set_are_an_error(terms):
    with pytest.raises(UnicodeEncodeError):
        character_set(terms).encode("\U0001f600", "PN")


def test_vrs_other_than_text_are_ascii():
    with pytest.raises(UnicodeEncodeError):
        character_set("ISO_IR 192").encode("é", "CS")
    with pytest.raises(UnicodeDecodeError):
        character_set("ISO_IR 192").decode_strict("é".encode(), "CS")
    assert character_set("ISO_IR 192").decode(b"C\xe9", "CS") == "C\ufffd"


@pytest.mark.parametrize(
    ("terms", "data"),
    [
        ("ISO_IR 192", b"A\xff\xfeB"),
        ("ISO_IR 192", b"A\xe7\x8e"),
        ("GB18030", b"A\xff"),
        ("ISO_IR 127", b"A\xff"),
        ("\\ISO 2022 IR 87", b"A\xe9"),
        ("\\ISO 2022 IR 87", b"\x1b$B;3E"),
        ("\\ISO 2022 IR 149", b"\x1b$)C\xfb"),
        ("", b"A\xe9"),
    ],
)
def test_broken_bytes_are_shown_as_such(terms, data):
    with pytest.raises(UnicodeDecodeError):
        character_set(terms).decode_strict(data, "LO")
    assert "\ufffd" in character_set(terms).decode(data, "LO")


def test_utf_8_that_nobody_declared_is_read_leniently():
    assert character_set("").decode("山田".encode(), "PN") == "山田"
    with pytest.raises(UnicodeDecodeError):
        character_set("").decode_strict("山田".encode(), "PN")


@pytest.mark.parametrize(
    "terms",
    [
        "ISO_IR 999",
        "UTF-8",
        "ISO_IR 192\\ISO 2022 IR 87",
        "ISO_IR 87",
        "\\ISO_IR 192",
        "latin1",
        "iso_ir 100",
        "x\x1b",
    ],
)
def test_undefined_terms(terms):
    with pytest.raises(UnknownCharacterSetError) as caught:
        character_set(terms)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "terms", ["", " ", "ISO_IR 100 ", "ISO_IR 100\0", "\\ISO 2022 IR 87 ", "ISO 2022 IR 6\\ISO 2022 IR 149"]
)
def test_padding_and_empty_values_are_fine(terms):
    assert character_set(terms).encode("A", "PN") == b"A"


@pytest.mark.parametrize(
    ("terms", "text", "data"),
    [
        ("ISO-IR 100", "é", b"\xe9"),
        ("iso_ir_100", "é", b"\xe9"),
        ("ISO IR 192", "é", b"\xc3\xa9"),
        ("UTF-8", "é", b"\xc3\xa9"),
        ("ISO_IR 100\\ISO_IR 192", "é", b"\xc3\xa9"),
        ("\\ISO_IR 87", "山", b"\x1b$B;3\x1b(B"),
        ("NONSENSE\\ISO 2022 IR 87", "山", b"\x1b$B;3\x1b(B"),
        ("NONSENSE", "é", b"\xc3\xa9"),
        ("NONSENSE", "\ufffd", b"\xe9"),
        ("ISO_IR 13", "山田", "山田".encode("shift_jis")),
    ],
)
def test_wrong_terms_are_read_as_they_are_meant(terms, text, data):
    assert lenient_character_set(terms).decode(data, "PN") == text


def test_what_keyboards_type_is_encoded_as_jis_x_0208():
    kanji = character_set("\\ISO 2022 IR 87")
    assert kanji.encode("－～", "LO") == kanji.encode("−〜", "LO")
    assert kanji.decode_strict(kanji.encode("－～", "LO"), "LO") == "−〜"
