"""The five fields of cron, with cron's own rules (crontab(5) of Vixie cron)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

#: Words that stand for all five fields.
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_ITEM = re.compile(
    r"(?:(?P<all>\*)|(?P<first>[0-9]+|[a-z]+)(?:-(?P<last>[0-9]+|[a-z]+))?)(?:/(?P<step>[0-9]+))?",
    re.ASCII | re.IGNORECASE,
)

#: The most days that months have.
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronError(ValueError):
    """A text is not cron's; its arguments are what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Minutes, hours and days, in ascending order.

    Attributes:
        minutes: 0 to 59.
        hours: 0 to 23.
        days: of the month, 1 to 31.
        months: 1 to 12.
        weekdays: 0 (Sunday) to 6.
        any_day: whether the field of `days` begins with a star, and with it means no day by itself.
        any_weekday: the same of `weekdays`.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    any_day: bool
    any_weekday: bool

    @property
    def either_day(self) -> bool:
        """Whether a day is meant by its number or by its weekday: where neither field begins with a star."""
        return not (self.any_day or self.any_weekday)

    @property
    def every_hour(self) -> bool:
        """Whether no hour is left out, so that the times count elapsed time more than hours of the day."""
        return len(self.hours) == 24

    def has(self, day: date) -> bool:
        """Whether it has times on a day."""
        if day.month not in self.months:
            return False
        by_number, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_number or by_weekday if self.either_day else by_number and by_weekday


def fields_of(text: str) -> list[str]:
    """Return the fields as they are written, or those that a word stands for.

    Raises:
        CronError: the word is not cron's.
    """
    text = text.strip()
    return (_by_word(text) if text.startswith("@") else text).split()


def parse_cron(text: str) -> Cron:
    """Read five fields, or a word such as @daily.

    Names of months and days may stand wherever their numbers may, 7 is Sunday as 0 is.

    Raises:
        CronError: the text is not cron's, or means no day that there is.
    """
    fields = fields_of(text)
    if len(fields) != len(_FIELDS):
        what = "cron has five fields (minute, hour, day of the month, month, day of the week)"
        advice = 'write such as "0 2 * * 1-5", in quotes: in braces a comma would end it'
        if len(fields) == 6:
            advice = "leave the seconds out"
        raise CronError(f"{what}, and here are {len(fields)}", advice)
    minutes, hours, days, months, weekdays = (
        _values(field, written) for field, written in zip(_FIELDS, fields, strict=True)
    )
    cron = Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({day % 7 for day in weekdays})),
        any_day=fields[2].startswith("*"),
        any_weekday=fields[4].startswith("*"),
    )
    if not cron.either_day and all(min(days) > _LENGTHS[month - 1] for month in months):
        raise CronError("no month that is meant has such a day", "check the day of the month, and the month")
    return cron


def _by_word(word: str) -> str:
    if word.lower() == "@reboot":
        raise CronError("@reboot is no time", "write the five fields of a time, or @daily")
    if word.lower() not in _WORDS:
        raise CronError("cron has no such word", f"known are {', '.join(_WORDS)}")
    return _WORDS[word.lower()]


def _values(field: _Field, written: str) -> tuple[int, ...]:
    """Return what a field means, in ascending order."""
    found: set[int] = set()
    for item in written.split(","):
        found.update(_item(field, item))
    return tuple(sorted(found))


def _item(field: _Field, text: str) -> range:
    match = _ITEM.fullmatch(text)
    if match is None:
        shown = (
            f"{text!r} is no {field.name}"
            if text
            else f"there is an empty item in the field of the {field.name}"
        )
        raise CronError(
            shown, "write *, a number, a range such as 1-5, a step such as */15, or a list of them"
        )
    if match["all"]:
        first, last = field.low, field.high  # of weekdays up to 7, so that */7 is Sunday
    else:
        first = last = _number(field, match["first"])
        if match["last"]:
            last = _number(field, match["last"])
            if last == 0 < first and field.high == 7:  # a range may end on Sunday, which 7 is too
                last = 7
        elif match["step"]:
            what = f"a step of the {field.name} needs a range or a star before it"
            raise CronError(what, f"write {first}-{field.high}/{match['step']}")
    if first > last:
        raise CronError(
            f"the range of the {field.name} runs backwards", "write the lower end first, or two ranges"
        )
    step = _digits(match["step"]) if match["step"] else 1
    if not step:
        raise CronError(
            f"the step of the {field.name} is zero", "leave it out, or write how far it is to the next"
        )
    if step > max(1, last - first):
        what = f"the step of the {field.name} is longer than {first} to {last}"
        raise CronError(what, "write a shorter one, or the one value that is meant")
    return range(first, last + 1, step)


def _number(field: _Field, text: str) -> int:
    if text.lower() in field.names:
        return field.names.index(text.lower()) + field.first_name
    if text.isdigit():
        number = _digits(text)
        if field.low <= number <= field.high:
            return number
        raise CronError(f"the {field.name} goes from {field.low} to {field.high}", "check the number")
    names = f", or such as {field.names[1]}" if field.names else ""
    raise CronError(f"{text!r} is no {field.name}", f"write a number from {field.low} to {field.high}{names}")


def _digits(text: str) -> int:
    """Return a number, or a large one that is in no field where there are more digits than int() takes."""
    return int(text.lstrip("0")[:9] or "0")
