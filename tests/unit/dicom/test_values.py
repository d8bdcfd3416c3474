import pytest

from runner.dicom.values import VRS, problem_with_value

LEGAL = [
    ("AE", "STATION 1"),
    ("AS", "042Y"),
    ("AT", "(0010,0020)\\(0010,0010)"),
    ("CS", "CT\\MR"),
    ("CS", "C?*"),
    ("DA", "20240229"),
    ("DA", "20240101-20240131"),
    ("DA", "20240101-"),
    ("DA", "-20240131"),
    ("DA", "20240101\\20240102"),
    ("DS", "1.5\\-2e3"),
    ("DS", "+.5 "),
    ("DT", "2024"),
    ("DT", "20240101120000.5-0500"),
    ("DT", "2024-202406"),
    ("DT", "20240101+0100-20240102-0500"),
    ("DT", "-2024"),
    ("FD", "1e300"),
    ("FL", "-1.5"),
    ("IS", "-5"),
    ("IS", "5\\\\6"),
    ("AE", "A\udcff"),
    ("LO", "x" * 64),
    ("LO", "a\\b"),
    ("LT", "two\r\nlines\twith tabs \\ and all"),
    ("PN", "M*^J?"),
    ("PN", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("SH", "A1*"),
    ("SL", "-2147483648"),
    ("SS", "-32768"),
    ("SV", "-9223372036854775808"),
    ("TM", "08-12"),
    ("TM", "073000.123456"),
    ("TM", "1030-10"),
    ("TM", "235960"),
    ("UC", "x" * 1000),
    ("UI", "1.2.840.10008.1\\1.2.0"),
    ("UL", "4294967295"),
    ("UN", "\0\1"),
    ("UR", "http://example.org/a?b"),
    ("US", "0\\65535"),
    ("UT", "x" * 20000),
    ("UV", "18446744073709551615"),
]
ILLEGAL = [
    ("AE", "x" * 17, "16"),
    ("AS", "42Y", "042Y"),
    ("AS", "04*", "wildcard"),
    ("AT", "0010,0020", "tag"),
    ("CS", "ct", "upper-case"),
    ("CS", "A" * 17, "16"),
    ("DA", "2024-01-01", "YYYYMMDD"),
    ("DA", "20230229", "no such day"),
    ("DA", "-", "YYYYMMDD"),
    ("DA", "2024*", "YYYYMMDD"),
    ("DA", "20240201-20240101", "before it begins"),
    ("DS", "1,5", "decimal"),
    ("DS", "1.23456789012345678", "16"),
    ("DS", "٣", "decimal"),
    ("DT", "-", "range"),
    ("DT", "20241301", "range"),
    ("FD", "1e999", "too large"),
    ("FL", "1e39", "too large"),
    ("IS", "1.5", "whole"),
    ("IS", "2147483648", "from"),
    ("LO", "x" * 65, "64"),
    ("LO", "a\x1b[1m", "control"),
    ("LO", "a\nb", "control"),
    ("LT", "a\0b", "control"),
    ("OB", "00", "binary"),
    ("PN", "a=b=c=d", "3 component groups"),
    ("PN", "a^b^c^d^e^f", "5 components"),
    ("PN", "x" * 65, "64"),
    ("SQ", "x", "items"),
    ("TM", "25", "HH"),
    ("TM", "12:00", "HH"),
    ("TM", "10-09", "before it begins"),
    ("UI", "1.2.03", "leading zeros"),
    ("UI", "1.2.*", "wildcards"),
    ("UI", "1." * 32 + "1", "64"),
    ("UR", "a b", "spaces"),
    ("US", "65536", "from 0 to 65535"),
    ("US", "many", "whole"),
    ("US", "1\\", "each"),
    ("FD", " ", "each"),
    ("AT", "\\", "tag"),
    ("AE", "STÄTION", "ASCII"),
    ("UR", "http://ä", "ASCII"),
    ("XX", "x", "value representation"),
]


@pytest.mark.parametrize(("vr", "text"), LEGAL)
def test_legal_keys(vr, text):
    assert problem_with_value(vr, text) is None


@pytest.mark.parametrize(("vr", "text", "word"), ILLEGAL)
def test_illegal_keys_say_what_is_wrong(vr, text, word):
    problem = problem_with_value(vr, text)
    assert problem is not None
    assert word in str(problem)
    assert vr in str(problem) or word == "no such day"


@pytest.mark.parametrize("vr", sorted(VRS))
def test_the_empty_value_is_legal_for_every_vr(vr):
    assert problem_with_value(vr, "") is None
