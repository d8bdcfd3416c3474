"""Dates in words: `today-1mo-2d`, `now+90min`, and the forms in which they are written.

Years, months, weeks and days are calendar time: they keep the time of day, a day that the month does not
have becomes its last one, and a time that a change of clocks leaves out moves on by the gap. Hours and
minutes are elapsed time.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TypeVar

from runner.jobfile.clock import Clock

_Made = TypeVar("_Made")

#: Words, and how many days before today they mean; None for the instant.
_WORDS: dict[str, int | None] = {"today": 0, "yesterday": 1, "now": None}

#: Units of calendar time, in months and days.
_CALENDAR = {"y": (12, 0), "mo": (1, 0), "w": (0, 7), "d": (0, 1)}
#: Units of elapsed time, in minutes.
_ELAPSED = {"h": 60, "min": 1}

_TERM = re.compile(r"([+-])([0-9]{1,9})(mo|min|[ywdh])")
_TERMS = re.compile(rf"(?:{_TERM.pattern})*")
_DAY = re.compile("([0-9]{4})(-?)([0-9]{2})\\2([0-9]{2})")
_EXPRESSION = re.compile(rf"({'|'.join(_WORDS)})((?:{_TERM.pattern})*)")
_LENGTH = re.compile(r"(?:[0-9]{1,9}(?:mo|min|[ywdh]))+")

#: How a date in words is written, for advice.
FORMS = "write today, yesterday or now, and + or - with y, mo, w, d, h or min behind it: today-1mo-2d"


class MomentError(ValueError):
    """A date in words means no day; its arguments are what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, or an instant.

    Attributes:
        day: the day.
        at: the instant, in the clock's time zone, with its offset from UTC; None where a whole day is meant.
        clock: the clock whose zone counts.
    """

    day: date
    at: datetime | None
    clock: Clock

    def instant(self) -> datetime:
        """Return the instant, of a whole day its first one.

        Raises:
            MomentError: it lies outside of the years 1 to 9999.
        """
        if self.at is not None:
            return self.at
        return _bounded(lambda: _settled(datetime(self.day.year, self.day.month, self.day.day), self.clock))

    def moved(self, sign: int, number: int, unit: str) -> Moment:
        """Return the moment so much later, or earlier where the sign is -1.

        Raises:
            MomentError: it lies outside of the years 1 to 9999.
        """
        return _bounded(lambda: self._moved(sign * number, unit))

    def _moved(self, number: int, unit: str) -> Moment:
        if unit in _ELAPSED:
            utc = self.instant().astimezone(timezone.utc) + timedelta(minutes=number * _ELAPSED[unit])
            at = utc.astimezone(self.clock.zone)
            return Moment(at.date(), at, self.clock)
        months, days = _CALENDAR[unit]
        day = _later(self.day, number * months, number * days)
        if self.at is None or day == self.day:
            return Moment(day, self.at, self.clock)
        at = _settled(datetime.combine(day, self.at.time()), self.clock)
        return Moment(at.date(), at, self.clock)


@lru_cache(256)
def moment(text: str, clock: Clock) -> Moment | None:
    """Return what a date in words means; None where the text is none.

    Raises:
        MomentError: it lies outside of the years 1 to 9999.
    """
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        return None
    now = _bounded(clock.now)
    ago = _WORDS[match[1]]
    meant = Moment(now.date(), now if ago is None else None, clock)
    if ago:
        meant = meant.moved(-1, ago, "d")
    return _moved(meant, match[2])


def _moved(meant: Moment, terms: str) -> Moment:
    for sign, number, unit in _TERM.findall(terms):
        meant = meant.moved(-1 if sign == "-" else 1, int(number), unit)
    return meant


def moved_from(instant: int, terms: str, clock: Clock) -> Moment:
    """Return the moment that lies as far from an instant as terms say.

    Args:
        instant: microseconds since 1 January 1970 in UTC.
        terms: such as `-1mo-2d`, which `is_terms` has found to be such; "" for the instant itself.
        clock: whose zone counts.

    Raises:
        MomentError: it lies outside of the years 1 to 9999.
    """
    at = _bounded(replace(clock, instant=instant).now)
    return _moved(Moment(at.date(), at, clock), terms)


def day_or_moment(text: str, clock: Clock) -> Moment | None:
    """Return what a day such as 2024-01-31 or 20240131, or a date in words, means; None where it is neither.

    Raises:
        MomentError: there is no such day, or it lies outside of the years 1 to 9999.
    """
    match = _DAY.fullmatch(text)
    if match is None:
        return moment(text, clock)
    year, _, month, day = match.groups()
    try:
        return Moment(date(int(year), int(month), int(day)), None, clock)
    except ValueError:
        raise MomentError("there is no such day", "check the numbers") from None


def is_terms(text: str) -> bool:
    """Whether a text is terms such as `-1mo-2d`, or none at all."""
    return _TERMS.fullmatch(text) is not None


def is_expression(text: str) -> bool:
    """Whether a text is a date in words."""
    return _EXPRESSION.fullmatch(text) is not None


def is_length(text: str) -> bool:
    """Whether a text is a length of time, such as `7d` or `1mo2d`."""
    return _LENGTH.fullmatch(text) is not None


def begins_like_one(text: str) -> bool:
    """Whether a text begins with one of the words, so that it is likely to be meant as a date."""
    return re.match(rf"({'|'.join(_WORDS)})\b", text) is not None


def _later(day: date, months: int, days: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last)) + timedelta(days=days)


def _settled(local: datetime, clock: Clock) -> datetime:
    """Return a local time with its offset; one that a change of clocks leaves out moves on by the gap."""
    if clock.zone is None:  # astimezone() itself takes another offset for times that are left out
        return datetime.fromtimestamp(local.replace(fold=0).timestamp(), timezone.utc).astimezone()
    utc = local.replace(tzinfo=clock.zone, fold=0).astimezone(timezone.utc)
    return utc.astimezone(clock.zone)


def _bounded(make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except (OverflowError, ValueError, OSError) as error:
        if isinstance(error, MomentError):
            raise
        raise MomentError("the date lies outside of the years 1 to 9999", "check the numbers") from None


# --- forms -------------------------------------------------------------------------------------------

_CODES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "H": lambda at: f"{at.hour:02}",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "f": lambda at: f"{at.microsecond:06}",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "G": lambda at: f"{at.isocalendar()[0]:04}",
    "V": lambda at: f"{at.isocalendar()[1]:02}",
    "u": lambda at: str(at.isoweekday()),
    "z": lambda at: at.strftime("%z")[:5],
    "%": lambda _: "%",
}
_CODE = re.compile("%(.?)", re.DOTALL)


def unknown_code(form: str) -> str | None:
    """Return the first code of a format that is not known, None where all are."""
    return next((match.group() for match in _CODE.finditer(form) if match[1] not in _CODES), None)


def known_codes() -> str:
    """Return the codes of formats, for messages."""
    return " ".join(f"%{code}" for code in _CODES)


def formatted(meant: Moment, form: str) -> str:
    """Write a moment as a format says, of whole days their first instant.

    The codes are strftime's that are the same on every platform and in every language.
    """
    if not re.search("%[HMSfz]", form):  # the day itself may have no such instant
        day = datetime(meant.day.year, meant.day.month, meant.day.day)
        return _CODE.sub(lambda match: _CODES[match[1]](day), form)
    at = meant.instant()
    return _CODE.sub(lambda match: _CODES[match[1]](at), form)


def form_for(vr: str, meant: Moment) -> str:
    """Return the format of a moment where none is given.

    Args:
        vr: of the attribute under which it stands, "" elsewhere.
        meant: the moment.

    Raises:
        MomentError: a time is wanted, and a whole day is given.
    """
    if vr == "TM":
        if meant.at is None:
            raise MomentError("a whole day stands here for a time", "write now, or a time such as 08:30")
        return "%H%M%S"
    if vr == "DA" or meant.at is None:
        return "%Y%m%d"
    # DT has no offset here: archives compare texts, or take its hyphen for that of a range
    return "%Y%m%d%H%M%S" if vr == "DT" else "%Y%m%dT%H%M%S"
