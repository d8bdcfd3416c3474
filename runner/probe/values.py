"""Values for control questions: those that match nothing, and parts of values that were seen."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date as date_of_calendar
from datetime import timedelta

from runner.dicom.identifier import Path, text_at
from runner.probe.answer import Record

_SEX = 0x00100040
_MODALITY_TAGS = frozenset({0x00080060, 0x00080061})
_LONG_AGO = ("18580101", "18580203")
_RARE_MODALITIES = ("OP", "ES", "XC", "IO", "SM")
_NIGHT = ("040417", "031307", "021913")
_TEXTS = {
    "PN": "CFIND^NOBODY",
    "LO": "CFINDPROBE0",
    "SH": "CFINDPROBE0",
    "ST": "CFINDPROBE0",
    "LT": "CFINDPROBE0",
    "UT": "CFINDPROBE0",
    "UC": "CFINDPROBE0",
    "AE": "CFINDPROBE0",
    "CS": "CFINDPROBE0",
    "UI": "2.25.1",
    "IS": "999999999",
    "DS": "999999999",
    "DT": "18580101040417",
}
#: A person's name, of which a part can be asked for: a family name of ASCII letters, and one representation.
_NAME = re.compile(r"([A-Za-z]{3,})(\^[A-Za-z]*)*")
_ID = re.compile(r"[A-Za-z0-9._ -]+")
_DATE = re.compile(r"(?:19|20)[0-9]{6}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9].*")

#: Where a name begins so that nobody's does.
NO_NAME = "ZQXJ*"
#: Where an ID begins so that nobody's does.
NO_ID = "CFINDPROBE0*"
#: Before there were images, and long after.
NO_DATES = "18580101-18580102"
NO_DATES_AFTER = "29990101-"


def contradiction(path: Path, vr: str, seen: Collection[str]) -> str | None:
    """Return a legal value that none of the records has; None where none can be made.

    Args:
        path: the attribute.
        vr: its VR.
        seen: the values of the records.
    """
    values = {part for value in seen for part in value.split("\\")}
    if vr == "DA":
        choices: Iterable[str] = _LONG_AGO
    elif vr == "TM":
        return next((time for time in _NIGHT if not any(value[:4] == time[:4] for value in values)), None)
    elif path[-1] == _SEX:
        choices = ("O", "M", "F")
    elif path[-1] in _MODALITY_TAGS:
        choices = _RARE_MODALITIES
    else:
        choices = (_TEXTS[vr],) if vr in _TEXTS else ()
    return next((choice for choice in choices if choice not in values), None)


def values_of(records: Iterable[Record], path: Path) -> list[str]:
    """Return the values of an attribute in records, without empty ones."""
    return [value for record in records if (value := text_at(record.identifier, path))]


def is_empty(records: Iterable[Record], path: Path) -> bool:
    """Whether an attribute is there in some record, and has a value in none."""
    records = list(records)
    return not values_of(records, path) and any(_has(record, path) for record in records)


def _has(record: Record, path: Path) -> bool:
    identifier = record.identifier
    for step in path[:-1:2]:
        items = [element.value for element in identifier if element.tag == step]
        if not items or not isinstance(items[0], tuple) or not items[0]:
            return False
        identifier = items[0][0]
    return any(element.tag == path[-1] for element in identifier)


def name(text: str) -> str:
    """Return a person's name if a part of it can be asked for, else ""."""
    return text if _NAME.fullmatch(text) else ""


def beginning(text: str) -> str:
    """Return a pattern for names with the same beginning."""
    family = text.split("^", maxsplit=1)[0]
    return f"{family[: (len(family) + 1) // 2]}*"


def with_gap(text: str) -> str:
    """Return a pattern for names that differ in the second character only."""
    return f"{text[0]}?{text[2:]}"


def single(text: str) -> str:
    """Return an ID that can be asked for as a single value, else ""."""
    return text if _ID.fullmatch(text) else ""


def date(text: str) -> str:
    """Return a date that can be asked for, else ""."""
    return text if _DATE.fullmatch(text) and _day(text) is not None else ""


def hour(text: str) -> str:
    """Return the hour of a time, two digits; "" for what is none."""
    return text[:2] if _TIME.fullmatch(text) else ""


def free_hour(texts: Iterable[str]) -> str | None:
    """Return an hour in which none of the times lies; None where there is none."""
    taken = {text[:2] for text in texts}
    return next((f"{number:02}" for number in range(24) if f"{number:02}" not in taken), None)


def halves(dates: Sequence[str]) -> tuple[str, str]:
    """Return two ranges of dates that do not overlap and divide these about evenly.

    Args:
        dates: such as `date` returns, one at least.
    """
    middle = sorted(dates)[(len(dates) - 1) // 2]
    day = _day(middle)
    assert day is not None
    after = (day + timedelta(days=1)).strftime("%Y%m%d")
    return f"18580101-{middle}", f"{after}-29991231"


def _day(text: str) -> date_of_calendar | None:
    try:
        return date_of_calendar(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
