"""Dates and times as numbers: what a value of DA, TM or DT means, as precisely as it says it (PS3.5 6.2).

A value leaves out what it does not know: `12` in TM is some time between 12:00:00 and 12:59:59.999999. It
is read as a span of microseconds (TM: since midnight, DT: since 1 January of the year 1 in UTC) or days
(DA: the proleptic Gregorian ordinal).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The VRs to which range matching applies.
RANGE_VRS = frozenset({"DA", "TM", "DT"})

_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{4})\.([0-9]{2})\.([0-9]{2})")
# the colons are ACR-NEMA's, as are the dots above (PS3.5 6.2, notes on DA and TM)
_TIME = re.compile(r"([01][0-9]|2[0-3])(?:(:?)([0-5][0-9])(?:\2([0-5][0-9]|60)(?:\.([0-9]{1,6}))?)?)?")
_DATE_TIME = re.compile(
    r"([0-9]{4})(?:(0[1-9]|1[0-2])(?:([0-9]{2})(?:([01][0-9]|2[0-3])(?:([0-5][0-9])"
    r"(?:([0-5][0-9]|60)(?:\.([0-9]{1,6}))?)?)?)?)?)?"
    r"(?:(\+(?:0[0-9]|1[0-4])|-(?:0[0-9]|1[0-2]))([0-5][0-9]))?"
)

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Span:
    """All that a value may mean: from `first` to `last`, both included."""

    first: int
    last: int


def span(vr: str, text: str, utc_offset: int = 0) -> Span | None:
    """Return what a value means; None where it is not a value of that VR.

    Args:
        vr: DA, TM or DT.
        text: one value, without padding.
        utc_offset: of DT values that do not state theirs, in minutes east of UTC.
    """
    if vr == "DA":
        return _date_span(text)
    return _time_span(text) if vr == "TM" else _date_time_span(text, utc_offset)


def bounds(vr: str, text: str, utc_offset: int = 0) -> tuple[int | None, int | None] | None:
    """Return the ends of a range (PS3.4 C.2.2.2.5), None for an open one; None where the text is no range.

    An end covers all that it may mean: `-12` in TM goes to the last microsecond before 13:00. In DT, a hyphen
    that can be the sign of an offset from UTC is one.
    """
    ends = range_ends(vr, text, utc_offset)
    if ends is None:
        return None
    first, last = (span(vr, end, utc_offset) for end in ends)
    return (first.first if first else None, last.last if last else None)


def range_ends(vr: str, text: str, utc_offset: int = 0) -> tuple[str, str] | None:
    """Return the two ends of a range as they are written, "" for an open one; None where it is no range."""
    if span(vr, text, utc_offset) is not None:
        return None
    for match in re.finditer("-", text):
        lower, upper = text[: match.start()].strip(), text[match.end() :].strip()
        first, last = span(vr, lower, utc_offset), span(vr, upper, utc_offset)
        if (lower or upper) and (first or not lower) and (last or not upper):
            return lower, upper
    return None


def _date_span(text: str) -> Span | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(digits) for digits in match.groups() if digits is not None)
    ordinal = _ordinal(year, month, day)
    return None if ordinal is None else Span(ordinal, ordinal)


def _ordinal(year: int, month: int, day: int) -> int | None:
    from datetime import date

    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return None


def _time_span(text: str) -> Span | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, _, minute, second, fraction = match.groups()
    return _within_day(hour, minute, second, fraction)


def _within_day(hour: str, minute: str | None, second: str | None, fraction: str | None) -> Span:
    first = int(hour) * _HOUR
    length = _HOUR
    if minute is not None:
        first += int(minute) * _MINUTE
        length = _MINUTE
    if second is not None:
        first += int(second) * _SECOND
        length = _SECOND
    if fraction is not None:
        length = 10 ** (6 - len(fraction))
        first += int(fraction) * length
    return Span(first, first + length - 1)


def _date_time_span(text: str, utc_offset: int) -> Span | None:
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset_hours, offset_minutes = match.groups()
    first_day = _ordinal(int(year), int(month or 1), int(day or 1))
    if first_day is None:
        return None
    if offset_hours is not None:
        utc_offset = int(offset_hours) * 60 + int(offset_hours[0] + offset_minutes)
    start = first_day * _DAY - utc_offset * _MINUTE
    if hour is not None:
        within = _within_day(hour, minute, second, fraction)
        return Span(start + within.first, start + within.last)
    return Span(start, start + _days(int(year), month, day) * _DAY - 1)


def _days(year: int, month: str | None, day: str | None) -> int:
    from calendar import isleap, monthrange

    if day is not None:
        return 1
    return monthrange(year, int(month))[1] if month is not None else 365 + isleap(year)
