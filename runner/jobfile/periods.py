"""Periods as people say them, as range matching (PS3.4 C.2.2.2.5).

They are `{from: 2024-01-01, to: today}`, where either end may be left open, `{last: 7d}`, and
`{on: yesterday}`. An end is a date in words (runner.jobfile.moments), of ISO 8601, or of DICOM.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from runner.dicom.date_time import span
from runner.jobfile.clock import Clock
from runner.jobfile.moments import (
    FORMS,
    Moment,
    MomentError,
    begins_like_one,
    form_for,
    formatted,
    is_length,
    moment,
)

_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_ISO_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,6})?))?")
_ISO_DATE_TIME = re.compile(
    rf"{_ISO_DATE.pattern}(?:[T ]{_ISO_TIME.pattern}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
)
_DICOM_DATE = re.compile("[0-9]{8}")
_DICOM_TIME = re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:\.[0-9]{1,6})?)?)?")
_DAY_OR_LONGER = re.compile("[0-9]{4}(?:[0-9]{2}){0,2}")

_FORMS = {
    "DA": "write a date such as 2024-01-31 or 20240131, or today, yesterday, today-7d",
    "TM": "write a time such as 08:30 or 083000, or now, now-2h",
    "DT": "write a time such as 2024-01-31T08:30, 2024-01-31 or 20240131083000, or now, today, now-2h",
}


class PeriodError(ValueError):
    """A period cannot be asked for; its arguments are what is wrong, what to do, and the member at fault."""


@dataclass(frozen=True, slots=True)
class _End:
    """One end: as DICOM writes it, and the moment that it means where it is one in words."""

    text: str
    meant: Moment | None = None


@lru_cache(1024)  # rows often have the same ones
def compiled(vr: str, members: tuple[tuple[str, str], ...], clock: Clock) -> tuple[str, ...]:
    """Return the values that ask for a period: one; two where a time of day passes midnight.

    Args:
        vr: DA, TM or DT.
        members: names and texts: `from` and `to`, one of them, `last`, or `on`. Empty ones are open; "" is
            the value where all are.
        clock: for words.

    Raises:
        PeriodError: an end is not one, or there is nothing between them.
    """
    name, text = members[0]
    try:
        if name == "last":
            return _range(vr, *_last(vr, text, clock))
        if name == "on":
            return (_whole(vr, _end(vr, text, clock, name)),)
        ends = dict(members)
        lower, upper = (_end(vr, ends.get(name, ""), clock, name) for name in ("from", "to"))
        return _range(vr, lower, upper)
    except OverflowError:
        raise PeriodError("the period leaves the years 1 to 9999", "check the numbers", "") from None


def _end(vr: str, text: str, clock: Clock, name: str) -> _End | None:
    text = text.strip(" ")
    if not text:
        return None
    try:
        meant = moment(text, clock)
        if meant is not None:
            return _End(formatted(meant, form_for(vr, meant)), meant)
    except MomentError as error:
        raise PeriodError(*error.args, name) from None
    if begins_like_one(text):
        raise PeriodError("this is no date, although it begins like one", FORMS, name)
    written = _written(vr, text)
    if written is None or span(vr, written) is None:
        raise PeriodError(f"this is not taken for a {_CALLED[vr]} ({vr})", _FORMS[vr], name)
    return _End(written)


_CALLED = {"DA": "date", "TM": "time of day", "DT": "date and time"}


def _written(vr: str, text: str) -> str | None:
    """Return a date or time of ISO 8601 or of DICOM as DICOM writes it."""
    if vr == "DA":
        return text.replace("-", "") if _ISO_DATE.fullmatch(text) or _DICOM_DATE.fullmatch(text) else None
    if vr == "TM":
        return text.replace(":", "") if _ISO_TIME.fullmatch(text) or _DICOM_TIME.fullmatch(text) else None
    match = _ISO_DATE_TIME.fullmatch(text)
    if match is None:
        return text
    *numbers, offset = match.groups()
    offset = "+0000" if offset == "Z" else (offset or "").replace(":", "")
    return "".join(number or "" for number in numbers) + offset


def _last(vr: str, text: str, clock: Clock) -> tuple[_End | None, _End | None]:
    """Return the ends of the time before now, of DA those of the days up to today, both included."""
    text = text.strip(" ")
    if not text:
        return None, None
    if not is_length(text):
        raise PeriodError(
            "this is no length of time", "write one such as 7d, 2w, 1mo, 1y, 12h or 90min", "last"
        )
    word = "today" if vr == "DA" and not re.search("h|min", text) else "now"
    return _end(vr, word + re.sub("([0-9]+)", r"-\1", text), clock, "last"), _end(vr, word, clock, "last")


def _whole(vr: str, end: _End | None) -> str:
    """Return the value for all that a date or time may mean: a range where that is not one second."""
    if end is None:
        return ""
    last = _last_second(vr, end.text)
    if last == end.text:
        return last
    return f"{end.text if vr == 'DT' else end.text.ljust(6, '0')}-{last}"


def _last_second(vr: str, text: str) -> str:
    """Return the last second of what a text means; of DA, the day."""
    if vr == "DA":
        return text
    if vr == "DT" and len(text) == 4:
        text += "12"
    if vr == "DT" and len(text) == 6:
        text += str(monthrange(int(text[:4]), int(text[4:]))[1])
    missing = (6 if vr == "TM" else 14) - len(text)
    return text + "235959"[-missing:] if missing > 0 and text.isdigit() else text


def _range(vr: str, lower: _End | None, upper: _End | None) -> tuple[str, ...]:
    if lower is None and upper is None:
        return ("",)
    if upper is not None and vr == "DT" and _DAY_OR_LONGER.fullmatch(upper.text):
        # many archives compare texts, and would take a day for its first moment
        upper = _End(_last_second(vr, upper.text), upper.meant)
    if lower is None or upper is None:
        return (f"{lower.text if lower else ''}-{upper.text if upper else ''}",)
    if lower.meant is not None and upper.meant is not None and lower.meant.at and upper.meant.at:
        return _between(vr, lower.meant, upper.meant)
    first, last = span(vr, lower.text), span(vr, upper.text)
    if first is not None and last is not None and first.first > last.last:
        advice = "exchange the ends"
        if vr == "TM":
            advice = "for a night write any_of with two: its evening has only 'from', its morning only 'to'"
        raise PeriodError("the period ends before it begins", advice, "")
    return (f"{lower.text}-{upper.text}",)


def _between(vr: str, lower: Moment, upper: Moment) -> tuple[str, ...]:
    """Return the values for the time between two instants."""
    begin, end = lower.instant(), upper.instant()
    elapsed = end.astimezone(timezone.utc) - begin.astimezone(timezone.utc)
    if elapsed < timedelta():
        raise PeriodError("the period ends before it begins", "exchange the ends", "")
    first, last = begin.replace(tzinfo=None), end.replace(tzinfo=None)
    if begin.utcoffset() != end.utcoffset():  # all of an hour that the clocks show twice is within
        first, last = first - _shown_again(first, lower.clock), last + _shown_again(last, upper.clock)
    one, other = (formatted(Moment(at.date(), at, lower.clock), _FORMATS[vr]) for at in (first, last))
    if vr != "TM" or first.date() == last.date():
        return (f"{one}-{other}",)
    if elapsed >= timedelta(days=1) or last.time() >= first.time():
        what = "the period has every time of day"
        raise PeriodError(what, "leave the key empty, or ask for a period of a date", "")
    return (f"{one}-", f"-{other}")


_FORMATS = {"DA": "%Y%m%d", "TM": "%H%M%S", "DT": "%Y%m%d%H%M%S"}


def _shown_again(local: datetime, clock: Clock) -> timedelta:
    """Return how much later the clocks show a time again; nothing where they do not."""
    one, other = (local.replace(fold=fold, tzinfo=clock.zone).astimezone(timezone.utc) for fold in (0, 1))
    return max(other - one, timedelta())
