"""Matching by PS3.4 C.2.2.2, case by case."""

from __future__ import annotations

import time

import pytest

from runner.dicom.identifier import Element
from runner.dicom.matching import (
    Matcher,
    MatchingRules,
    attributes,
    find_attribute,
    is_universal,
    value_matches,
)

PATIENT_NAME, PATIENT_ID, STEPS, MODALITY, STEP_DATE = (
    0x00100010,
    0x00100020,
    0x00400100,
    0x00080060,
    0x00400002,
)


@pytest.mark.parametrize(
    ("vr", "key", "value"),
    [
        ("LO", "", "x"),
        ("LO", "", ""),
        ("LO", "*", ""),
        ("LO", "A1", "A1"),
        ("LO", " A1 ", "A1 "),
        ("LO", "A1*", "A1"),
        ("LO", "A1*", "A123"),
        ("LO", "*2?", "A123"),
        ("LO", "A?2*", "A1234"),
        ("LO", "*a*a*", "banana"),
        ("LO", "A1\\B2", "B2"),
        ("LO", "B2", "A1\\B2"),
        ("LO", "Mu\u0308ller", "M\u00fcller"),
        ("LO", "M\u00fcller", "Mu\u0308ller"),
        ("LO", "[a].*", "[a].b"),
        ("CS", "C?", "PT\\CT"),
        ("LT", "a\\b", "a\\b"),
        ("LT", " a*", " a\r\nb"),
        ("UI", "1.2\\1.3\0", "1.3"),
        ("IS", "1", "+01"),
        ("DS", "1.50", "1.5"),
        ("US", "512", "512"),
        ("FD", "1e3", "1000"),
        ("AT", "(0010,0010)", "(0010,0010)"),
        ("AT", "0008000a", "(0008,000A)"),
        ("DA", "20240131", "2024.01.31"),
        ("DA", "20240101-20240131", "20240131"),
        ("DA", "20240101-", "20240101"),
        ("DA", "-20240131", "19000101"),
        ("DA", "20240101 - 20240131", "20240115"),
        ("TM", "12", "1200"),
        ("TM", "1200", "120000"),
        ("TM", "120000.000000", "12"),
        ("TM", "12:00:00", "120000"),
        ("TM", "-12", "125959.999999"),
        ("TM", "10-12", "121500"),
        ("TM", "1215-", "1215"),
        ("TM", "120000.5-120000.5", "120000.59"),
        ("TM", "235960", "235960"),
        ("DT", "20240101", "20240101000000"),
        ("DT", "2023-2024", "20241231235959.9"),
        ("DT", "202402-", "20240201"),
        ("DT", "-202402", "20240229235959"),
        ("DT", "20240101120000+0100", "20240101110000+0000"),
        ("DT", "20240101120000-0500", "20240101170000+0000"),
        ("DT", "20240101000000-0500-20240101120000-0500", "20240101060000+0000"),
        ("PN", "doe^jane", "DOE^JANE"),
        ("PN", "DOE^JANE^^^", "DOE^JANE"),
        ("PN", "DOE ^ JANE", "DOE^JANE"),
        ("PN", "DOE^*", "DOE"),
        ("PN", "DOE*", "Doe^Jane"),
        ("PN", "M\u00dcLLER*", "M\u00fcller^J\u00fcrgen"),
        ("PN", "GRO?", "Gro\u00df"),
        ("PN", "\u03a0\u0391\u03a3*", "\u03c0\u03b1\u03c2"),
        (
            "PN",
            "\u5c71\u7530*",
            "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046",
        ),
        ("PN", "yamada^tarou", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        ("PN", "=\u5c71\u7530*", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        ("PN", "Yamada*=\u5c71\u7530^\u592a\u90ce", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        ("PN", "Yamada*\u592a\u90ce", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        ("PN", "Roe^R", "Doe^J\\Roe^R"),
    ],
)
def test_matches(vr: str, key: str, value: str) -> None:
    assert value_matches(vr, key, value)


@pytest.mark.parametrize(
    ("vr", "key", "value"),
    [
        ("LO", "A1", ""),
        ("LO", "A1", "a1"),
        ("LO", "A1", "A12"),
        ("LO", "A?", "A"),
        ("LO", "?*", ""),
        ("LO", "ab*b", "ab"),
        ("LO", "a.c", "abc"),
        ("CS", "ct", "CT"),
        ("LT", "b", "a\\b"),
        ("UI", "1.2*", "1.2.3"),
        ("UI", "1.2", "1.2.3"),
        ("IS", "1*", "10"),
        ("IS", "NaN", "1"),
        ("DS", "1", "sNaN"),
        ("US", "1", "x"),
        ("DA", "20240101-20240131", "20240201"),
        ("DA", "20240102-", "20240101"),
        ("DA", "20240131-20240101", "20240115"),
        ("DA", "20240101-", "nonsense"),
        ("DA", "20240101-", ""),
        ("DA", "2024*", "20240101"),
        ("DA", "20240230", "20240301"),
        ("DA", "-", "20240101"),
        ("TM", "12", "121500"),
        ("TM", "-12", "13"),
        ("TM", "1215-1230", "12"),
        ("DT", "20240101120000", "20240101120000+0100"),
        ("DT", "2024-1100", "20240601"),
        ("PN", "DOE", "DOE^JANE"),
        ("PN", "DOE????", "DOE"),
        ("PN", "Muller*", "M\u00fcller^J\u00fcrgen"),
        ("PN", "Yamada=\u5c71\u7530*", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce"),
        ("PN", "=\u5c71\u7530*", "Yamada^Tarou"),
    ],
)
def test_does_not_match(vr: str, key: str, value: str) -> None:
    assert not value_matches(vr, key, value)


@pytest.mark.parametrize(
    ("rules", "key", "value", "expected"),
    [
        (MatchingRules(name_case=True), "doe", "Doe", False),
        (MatchingRules(name_case=True), "D\u00f6*", "D\u00f6e", True),
        (MatchingRules(name_accents=False), "muller*", "M\u00fcller^J\u00fcrgen", True),
        (MatchingRules(name_accents=False, name_case=True), "muller", "M\u00fcller", False),
    ],
)
def test_person_names_by_the_rules(rules: MatchingRules, key: str, value: str, expected: bool) -> None:
    assert value_matches("PN", key, value, rules) is expected


def test_offset_of_date_times_that_state_none() -> None:
    assert value_matches("DT", "20240101120000", "20240101110000+0000", MatchingRules(utc_offset=60))


def test_hostile_wildcards_take_no_time() -> None:
    started = time.perf_counter()
    assert not value_matches("UT", "*a" * 500 + "b", "a" * 5000)
    assert time.perf_counter() - started < 1


STEP = (Element(MODALITY, "CS", "CT"), Element(STEP_DATE, "DA", "20240603"))
OTHER_STEP = (Element(MODALITY, "CS", "MR"), Element(STEP_DATE, "DA", "20240604"))
RECORD = attributes((Element(PATIENT_ID, "LO", "P1"), Element(STEPS, "SQ", (STEP, OTHER_STEP))))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((), True),
        (((),), True),
        (((Element(MODALITY, "CS"),),), True),
        (((Element(MODALITY, "CS", "MR"),),), True),
        (((Element(MODALITY, "CS", "US"),),), False),
        (((Element(MODALITY, "CS", "MR"), Element(STEP_DATE, "DA", "20240604-")),), True),
        (((Element(MODALITY, "CS", "CT"), Element(STEP_DATE, "DA", "20240604-")),), False),
    ],
)
def test_sequences(items: tuple[tuple[Element, ...], ...], expected: bool) -> None:
    assert Matcher((Element(STEPS, "SQ", items),)).matches(RECORD) is expected


def test_nested_sequences() -> None:
    inner = Element(0x00400008, "SQ", ((Element(0x00080100, "SH", "C1"),),))
    record = attributes((Element(STEPS, "SQ", ((), (inner,))),))
    assert Matcher((Element(STEPS, "SQ", ((inner,),)),)).matches(record)
    other = Element(0x00400008, "SQ", ((Element(0x00080100, "SH", "C2"),),))
    assert not Matcher((Element(STEPS, "SQ", ((other,),)),)).matches(record)


def test_universal_sequence_matches_what_has_none() -> None:
    key = Element(STEPS, "SQ", ((Element(MODALITY, "CS"),),))
    assert is_universal(key)
    assert Matcher((key,)).matches({})


def test_sequence_and_text_do_not_match_each_other() -> None:
    sequence = Element(STEPS, "SQ", (STEP,))
    text = Element(STEPS, "LO", "CT")
    assert not Matcher((sequence,)).matches({STEPS: text})
    assert not Matcher((text,)).matches({STEPS: sequence})


def test_each_key_counts() -> None:
    keys = (
        Element(PATIENT_NAME, "PN", "DOE*"),
        Element(PATIENT_ID, "LO", "P1"),
        Element(STEPS, "SQ", ((Element(MODALITY, "CS", "US"),),)),
    )
    assert [Matcher((key,)).matches(RECORD) for key in keys] == [False, True, False]
    assert not Matcher(keys[1:]).matches(RECORD)


def test_what_an_identifier_says_about_itself_is_no_key() -> None:
    keys = (
        Element(0x00080005, "CS", "ISO_IR 192"),
        Element(0x00080052, "CS", "STUDY"),
        Element(0x00080054, "AE", "ELSEWHERE"),
        Element(0x00090010, "LO", "NOBODY"),
        Element(0x00100000, "UL", "4"),
    )
    assert Matcher(keys).matches({})


def test_private_keys_are_found_by_their_creator() -> None:
    keys = (Element(0x00090010, "LO", "ACME "), Element(0x00091001, "LO", "yes"))
    stored = attributes(
        (
            Element(0x00090010, "LO", "OTHER"),
            Element(0x00090011, "LO", "ACME"),
            Element(0x00091001, "LO", "no"),
            Element(0x00091101, "LO", "yes"),
        )
    )
    assert Matcher(keys).matches(stored)
    assert not Matcher(keys[1:]).matches(stored)
    assert find_attribute(stored, 0x00091001, "NOBODY") is None


def test_bytes() -> None:
    key = Element(0x00091001, "OB", b"\x01\x02")
    assert Matcher((key,)).matches({key.tag: Element(key.tag, "OB", b"\x01\x02\0")})
    assert not Matcher((key,)).matches({key.tag: Element(key.tag, "OB", b"\x01\x03")})


@pytest.mark.parametrize(("key_vr", "stored_vr"), [("UN", "LO"), ("LO", "UN"), ("UN", "UN")])
def test_unknown_vr_is_read_as_the_other_sides(key_vr: str, stored_vr: str) -> None:
    def element(vr: str, text: str) -> Element:
        return Element(0x00091001, vr, text.encode() if vr == "UN" else text)

    matcher = Matcher((element(key_vr, "A1"),))
    assert matcher.matches({0x00091001: element(stored_vr, "A1")})
    assert not matcher.matches({0x00091001: element(stored_vr, "B2")})
