"""Matching against oracles: regular expressions for wildcards, Python's dates for ranges."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from runner.dicom.date_time import bounds, span
from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import Matcher, attributes, value_matches

FEW = st.text("ab.*?", min_size=1, max_size=8)
TIMES = st.times()
DATES = st.dates()


def _oracle(key: str, value: str) -> bool:
    pattern = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in key)
    return re.fullmatch(pattern, value, re.DOTALL) is not None


@given(FEW, st.text("ab.", max_size=10))
def test_wildcards_are_as_a_regular_expression(key: str, value: str) -> None:
    assert value_matches("LO", key, value) == _oracle(key, value)


@given(st.text(st.characters(exclude_characters="\\\0 ", codec="utf-8"), min_size=1, max_size=12))
def test_every_text_matches_itself(text: str) -> None:
    assert value_matches("LO", text, text)
    assert value_matches("PN", text, text) or not text.strip("^= ")


@given(DATES, DATES, DATES)
def test_date_ranges(lower: date, upper: date, value: date) -> None:
    key = f"{_da(lower)}-{_da(upper)}"
    assert value_matches("DA", key, _da(value)) == (lower <= value <= upper)
    assert value_matches("DA", f"{_da(lower)}-", _da(value)) == (lower <= value)
    assert value_matches("DA", f"-{_da(upper)}", _da(value)) == (value <= upper)
    assert value_matches("DA", _da(lower), _da(value)) == (lower == value)


@given(TIMES, st.integers(0, 9), TIMES, st.integers(0, 9), TIMES)
def test_time_ranges(lower: time, lower_digits: int, upper: time, upper_digits: int, value: time) -> None:
    lower_text, first = _tm(lower, lower_digits)
    upper_text, start = _tm(upper, upper_digits)
    value_text = value.strftime("%H%M%S.%f")
    last = start + _precision(upper_digits) - timedelta(microseconds=1)
    moment = _since_midnight(value)
    assert value_matches("TM", f"{lower_text}-{upper_text}", value_text) == (first <= moment <= last)
    assert value_matches("TM", f"{lower_text}-", value_text) == (first <= moment)
    assert value_matches("TM", f"-{upper_text}", value_text) == (moment <= last)
    assert value_matches("TM", lower_text, value_text) == (first == moment)


OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# far enough from the ends that no offset leaves Python's calendar
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_date_time_ranges_with_offsets(lower: datetime, upper: datetime, value: datetime) -> None:
    key = f"{_dt(lower)}-{_dt(upper)}"
    assert value_matches("DT", key, _dt(value)) == (lower <= value <= upper)
    assert value_matches("DT", f"{_dt(lower)}-", _dt(value)) == (lower <= value)
    assert value_matches("DT", _dt(lower), _dt(value)) == (lower == value)


@given(st.sampled_from(["DA", "TM", "DT"]), st.text("0123456789-+.: ", max_size=30))
def test_no_text_breaks_the_readers(vr: str, text: str) -> None:
    found = span(vr, text)
    assert found is None or found.first <= found.last
    assert found is None or bounds(vr, text) is None


VRS = st.sampled_from(
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "OB", "PN", "TM", "UI", "UN", "US"]
)
TEXTS = st.text(max_size=8)


def _elements(items: st.SearchStrategy[Identifier]) -> st.SearchStrategy[Element]:
    tags = st.integers(0x00080000, 0x0009FFFF)
    values = st.one_of(TEXTS, st.binary(max_size=6), st.lists(items, max_size=2).map(tuple))
    return st.builds(Element, tags, VRS, values)


IDENTIFIERS: st.SearchStrategy[Identifier] = st.recursive(
    st.just(()), lambda items: st.lists(_elements(items), max_size=4).map(tuple), max_leaves=6
)


@given(IDENTIFIERS, IDENTIFIERS)
def test_no_identifier_breaks_matching(keys: Identifier, record: Identifier) -> None:
    assert Matcher(keys).matches(attributes(record)) in {True, False}


def _da(day: date) -> str:
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def _dt(moment: datetime) -> str:
    offset = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset), 60)
    return f"{_da(moment)}{moment:%H%M%S.%f}{sign}{hours:02d}{minutes:02d}"


def _tm(moment: time, digits: int) -> tuple[str, timedelta]:
    """Write a time to the hour (0), minute (1), second (2, 3), or with `digits` less three of a fraction."""
    text = moment.strftime("%H%M%S.%f")
    kept = text[: {0: 2, 1: 4, 2: 6, 3: 6}.get(digits, 4 + digits)]
    full = f"{kept:0<6}" if "." not in kept else kept
    whole, _, fraction = full.partition(".")
    start = timedelta(
        hours=int(whole[:2]),
        minutes=int(whole[2:4]),
        seconds=int(whole[4:6]),
        microseconds=int(f"{fraction:0<6}") if fraction else 0,
    )
    return kept, start


def _precision(digits: int) -> timedelta:
    if digits < 4:
        return [timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1), timedelta(seconds=1)][digits]
    return timedelta(microseconds=10 ** (6 - (digits - 3)))


def _since_midnight(moment: time) -> timedelta:
    return timedelta(
        hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond
    )
