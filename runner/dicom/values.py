r"""What texts are legal as matching keys of each VR (PS3.5 6.2, PS3.4 C.2.2.2).

A key may have several values with backslashes between them, the wildcards `*` and `?` in text, and
ranges `a-b`, `a-` and `-b` of dates and times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from struct import pack

#: VRs whose values are numbers in binary, as `struct` codes of one value (PS3.5 6.2).
NUMBER_FORMATS = {
    "US": "H",
    "SS": "h",
    "UL": "I",
    "SL": "i",
    "UV": "Q",
    "SV": "q",
    "FL": "f",
    "FD": "d",
}
#: VRs whose values are bytes, and the length of the words that byte ordering swaps.
BYTES_VRS = {"OB": 1, "OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8, "UN": 1}
#: VRs of text, in which `*` and `?` may stand for other characters (PS3.4 C.2.2.2.4).
WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
#: All VRs.
VRS = frozenset(
    {"AS", "AT", "DA", "DS", "DT", "IS", "SQ", "TM", "UI", *NUMBER_FORMATS, *BYTES_VRS, *WILDCARD_VRS}
)

_MAX_LENGTH = {"AE": 16, "CS": 16, "SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
_SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR"})
_ASCII_VRS = frozenset({"AE", "UR"})  # the others that are not in a character set have narrower forms
_NOT_ASCII = re.compile(r"[^\x00-\x7f\udc80-\udcff]")  # but bytes of no known encoding (surrogateescape)
_FREE_TEXT = frozenset({"ST", "LT", "UT"})
_LEADING_SPACE_COUNTS = _FREE_TEXT | {"UC", "UR", "UI"}
_INTEGER_RANGES = {
    "US": (0, 2**16 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "UL": (0, 2**32 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UV": (0, 2**64 - 1),
    "SV": (-(2**63), 2**63 - 1),
    "IS": (-(2**31), 2**31 - 1),
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_AGE = re.compile(r"[0-9]{3}[DWMY]")
_CODE = re.compile(r"[A-Z0-9 _*?]*")
_LEADING_ZERO = re.compile(r"(?:^|\.)0[0-9]")
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
_AT = re.compile(r"\([0-9a-fA-F]{4},[0-9a-fA-F]{4}\)")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SEPARATED_DATE = re.compile(r"(?<![0-9])[0-9]{4}([-./])[0-9]{1,2}\1[0-9]{1,2}(?![0-9])")
_TIME = re.compile(r"([01][0-9]|2[0-3])(?:([0-5][0-9])(?:([0-5][0-9]|60)(?:\.([0-9]{1,6}))?)?)?")
_DATE_TIME_PATTERN = (
    r"[0-9]{4}(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12][0-9]|3[01])(?:(?:[01][0-9]|2[0-3])"
    r"(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?)?)?)?(?:[+-](?:0[0-9]|1[0-4])[0-5][0-9])?"
)
_DATE_TIME_KEY = re.compile(f"(?:{_DATE_TIME_PATTERN})?-(?:{_DATE_TIME_PATTERN})?|{_DATE_TIME_PATTERN}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


class Fault(Enum):
    """In what way a value is not legal."""

    FORM = "form"
    CONTROL = "control"
    WILDCARD = "wildcard"
    LENGTH = "length"
    REPERTOIRE = "repertoire"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class ValueProblem:
    """Why a value is not legal.

    Attributes:
        fault: the kind of the problem.
        text: what is wrong and what would be right, for people, without the value itself.
    """

    fault: Fault
    text: str

    def __str__(self) -> str:
        return self.text


def problem_with_value(vr: str, text: str) -> ValueProblem | None:
    """Say why a text is not legal as a matching key's value.

    Args:
        vr: the attribute's value representation.
        text: the value, several with backslashes between them; "" is universal matching.

    Returns:
        What is wrong; None where the text is legal.
    """
    if not text or vr == "UN":
        return None
    check = _CHECKS.get(vr)
    if check is None:
        return _form(f"{vr} is not a value representation")
    control = (_CONTROL_IN_TEXT if vr in _FREE_TEXT else _CONTROL).search(text)
    if control is not None:
        what = f"it has the control character {control.group()!a}, which {vr} does not allow"
        return ValueProblem(Fault.CONTROL, what)
    if vr in _ASCII_VRS and _NOT_ASCII.search(text):
        return _foreign(f"{vr} has ASCII characters only")
    values = (text,) if vr in _SINGLE_VALUED else text.split("\\")
    # leading spaces are padding too, but where the text is free (PS3.5 6.2)
    tidy = (value.rstrip(" ") if vr in _LEADING_SPACE_COUNTS else value.strip(" ") for value in values)
    return next((problem for value in tidy if (problem := check(vr, value)) is not None), None)


def _form(text: str, value: str = "") -> ValueProblem:
    """Return the problem of a value that has not its VR's form, or of the wildcards in it."""
    return ValueProblem(Fault.WILDCARD if "*" in value or "?" in value else Fault.FORM, text)


def _too_long(what: str, limit: int, length: int) -> ValueProblem:
    return ValueProblem(Fault.LENGTH, f"{what} has at most {limit} characters, this has {length}")


def _foreign(text: str) -> ValueProblem:
    return ValueProblem(Fault.REPERTOIRE, text)


def _sequence(_vr: str, _value: str) -> ValueProblem:
    return _form("SQ is a sequence: its value is a list of items, each with keys of its own")


def _binary(vr: str, _value: str) -> ValueProblem:
    return _form(f"{vr} is binary, it can only be asked for with an empty value")


def _text(vr: str, value: str) -> ValueProblem | None:
    limit = _MAX_LENGTH.get(vr)
    if limit is not None and len(value) > limit and "*" not in value:
        return _too_long(vr, limit, len(value))
    return None


def _code_string(vr: str, value: str) -> ValueProblem | None:
    if not _CODE.fullmatch(value):
        if _CODE.fullmatch(value.upper()):
            return _foreign("CS has upper-case letters only, this has lower-case ones")
        return _foreign(
            "CS has upper-case letters, digits, spaces and underscores only (and * ? as wildcards)"
        )
    return _text(vr, value)


def _person_name(_vr: str, value: str) -> ValueProblem | None:
    groups = value.split("=")
    if len(groups) > 3:
        return _form("PN has at most 3 component groups, with = between them")
    for group in groups:
        if len(group) > 64 and "*" not in group:
            return _too_long("a component group of PN", 64, len(group))
        if group.count("^") > 4:
            return _form(
                "PN has at most 5 components (family^given^middle^prefix^suffix), with ^ between them"
            )
    return None


def _uri(_vr: str, value: str) -> ValueProblem | None:
    return _form("UR has no spaces and no backslashes") if " " in value or "\\" in value else None


def _uid(_vr: str, value: str) -> ValueProblem | None:
    if value and not _UID.fullmatch(value):
        if "*" in value or "?" in value:
            form = "UI has no wildcards: each value is matched as a whole"
        elif _LEADING_ZERO.search(value):
            form = "one of its numbers begins with 0, but UI has numbers without leading zeros"
        else:
            form = "UI has numbers without leading zeros and full stops between them"
        return _form(form, value)
    return _too_long("UI", 64, len(value)) if len(value) > 64 else None


def _age(_vr: str, value: str) -> ValueProblem | None:
    if not value or _AGE.fullmatch(value):
        return None
    form = "AS is three digits and one of D, W, M, Y, such as 042Y; it has no wildcards and no ranges"
    return _form(form, value)


def _integer(vr: str, value: str) -> ValueProblem | None:
    if not value:
        return None if vr == "IS" else _form(f"{vr} has a number in each of its values")
    low, high = _INTEGER_RANGES[vr]
    if not _INTEGER.fullmatch(value):
        return _form(f"{vr} is a whole number; it has no wildcards and no ranges", value)
    return None if low <= int(value) <= high else _form(f"{vr} is from {low} to {high}")


def _integer_string(vr: str, value: str) -> ValueProblem | None:
    return _too_long("IS", 12, len(value)) if len(value) > 12 else _integer(vr, value)


def _decimal(vr: str, value: str) -> ValueProblem | None:
    if not value:
        return None if vr == "DS" else _form(f"{vr} has a number in each of its values")
    if not _DECIMAL.fullmatch(value):
        return _form(f"{vr} is a decimal number; it has no wildcards and no ranges", value)
    if vr == "DS" and len(value) > 16:
        return _too_long("DS", 16, len(value))
    if vr in NUMBER_FORMATS:
        try:
            pack(f"<{NUMBER_FORMATS[vr]}", float(value))
            finite = isfinite(float(value))
        except OverflowError:
            finite = False
        return None if finite else _form(f"the number is too large for {vr}")
    return None


def _attribute_tag(_vr: str, value: str) -> ValueProblem | None:
    return None if _AT.fullmatch(value) else _form("AT is a tag, such as (0010,0020)")


def _date(_vr: str, value: str) -> ValueProblem | None:
    form = "DA is YYYYMMDD or a range such as 20240101-20240131, 20240101- or -20240131"
    if _SEPARATED_DATE.search(value):
        return _form(f"a date has nothing between year, month and day; {form}")
    return _range_problem(value, _DATE, _is_date, form, "the range ends before it begins")


def _is_date(match: re.Match[str]) -> bool:
    from datetime import date

    try:
        date(*(int(part) for part in match.groups()))
    except ValueError:
        return False
    return True


def _time(_vr: str, value: str) -> ValueProblem | None:
    form = "TM is HH, HHMM, HHMMSS or HHMMSS.FFFFFF, or a range such as 0800-1200"
    if ":" in value and "*" not in value and "?" not in value:
        return _form(f"a time has no colons; {form}")
    order = "the range ends before it begins, for a range of times does not go past midnight"
    return _range_problem(value, _TIME, lambda _: True, form, order)


def _range_problem(
    value: str, pattern: re.Pattern[str], is_legal: Callable[[re.Match[str]], bool], form: str, order: str
) -> ValueProblem | None:
    """Say what is wrong with a single value or a range of them (PS3.4 C.2.2.2.5)."""
    if not value:
        return None
    if "*" in value or "?" in value:
        return _form(f"dates and times have no wildcards; {form}", value)
    ends = [end.strip(" ") for end in value.split("-")]
    matches = [pattern.fullmatch(end) for end in ends if end]
    if len(ends) > 2 or not matches or None in matches:
        return _form(form)
    if not all(match is not None and is_legal(match) for match in matches):
        return _form(f"there is no such day; {form}")
    # both have the most significant digits first, and a shorter time is the earliest it can mean
    if len(ends) == 2 and all(ends) and ends[1] < ends[0] and not ends[0].startswith(ends[1]):
        return ValueProblem(Fault.ORDER, f"{order}; {form}")
    return None


def _date_time(_vr: str, value: str) -> ValueProblem | None:
    form = "DT is YYYYMMDDHHMMSS.FFFFFF&ZZXX, or less from the right, or a range such as 2024-202406"
    if not value:
        return None
    if "*" in value or "?" in value:
        return _form(f"dates and times have no wildcards; {form}", value)
    text = value.replace(" ", "")
    if value == "-" or not _DATE_TIME_KEY.fullmatch(text):
        return _form(form)
    from runner.dicom.date_time import bounds

    lower, upper = bounds("DT", text) or (None, None)
    if lower is not None and upper is not None and upper < lower:
        return ValueProblem(Fault.ORDER, f"the range ends before it begins; {form}")
    return None


_CHECKS: dict[str, Callable[[str, str], ValueProblem | None]] = {
    "AE": _text,
    "AS": _age,
    "AT": _attribute_tag,
    "CS": _code_string,
    "DA": _date,
    "DS": _decimal,
    "DT": _date_time,
    "FD": _decimal,
    "FL": _decimal,
    "IS": _integer_string,
    "LO": _text,
    "LT": _text,
    "PN": _person_name,
    "SH": _text,
    "SL": _integer,
    "SQ": _sequence,
    "SS": _integer,
    "ST": _text,
    "SV": _integer,
    "TM": _time,
    "UC": _text,
    "UI": _uid,
    "UL": _integer,
    "UR": _uri,
    "US": _integer,
    "UT": _text,
    "UV": _integer,
    **{vr: _binary for vr in BYTES_VRS if vr != "UN"},
}
