r"""What texts are legal as matching keys of each VR (PS3.5 6.2, PS3.4 C.2.2.2).

A key may have several values with backslashes between them, the wildcards `*` and `?` in text, and
ranges `a-b`, `a-` and `-b` of dates and times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
_AT = re.compile(r"\([0-9a-fA-F]{4},[0-9a-fA-F]{4}\)")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_TIME = re.compile(r"([01][0-9]|2[0-3])(?:([0-5][0-9])(?:([0-5][0-9]|60)(?:\.([0-9]{1,6}))?)?)?")
_DATE_TIME_PATTERN = (
    r"[0-9]{4}(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12][0-9]|3[01])(?:(?:[01][0-9]|2[0-3])"
    r"(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?)?)?)?(?:[+-](?:0[0-9]|1[0-4])[0-5][0-9])?"
)
_DATE_TIME_KEY = re.compile(f"(?:{_DATE_TIME_PATTERN})?-(?:{_DATE_TIME_PATTERN})?|{_DATE_TIME_PATTERN}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


def problem_with_value(vr: str, text: str) -> str | None:
    """Say why a text is not legal as a matching key's value.

    Args:
        vr: the attribute's value representation.
        text: the value, several with backslashes between them; "" is universal matching.

    Returns:
        What is wrong and what would be right, for people; None where the text is legal.
    """
    if not text or vr == "UN":
        return None
    check = _CHECKS.get(vr)
    if check is None:
        return f"{vr} is not a value representation"
    control = (_CONTROL_IN_TEXT if vr in _FREE_TEXT else _CONTROL).search(text)
    if control is not None:
        return f"it has the control character {control.group()!a}, which {vr} does not allow"
    if vr in _ASCII_VRS and _NOT_ASCII.search(text):
        return f"{vr} has ASCII characters only"
    values = (text,) if vr in _SINGLE_VALUED else text.split("\\")
    # leading spaces are padding too, but where the text is free (PS3.5 6.2)
    tidy = (value.rstrip(" ") if vr in _LEADING_SPACE_COUNTS else value.strip(" ") for value in values)
    return next((problem for value in tidy if (problem := check(vr, value)) is not None), None)


def _sequence(_vr: str, _value: str) -> str:
    return "SQ is a sequence: its value is a list of items, each with keys of its own"


def _binary(vr: str, _value: str) -> str:
    return f"{vr} is binary, it can only be asked for with an empty value"


def _text(vr: str, value: str) -> str | None:
    limit = _MAX_LENGTH.get(vr)
    if limit is not None and len(value) > limit and "*" not in value:
        return f"{vr} has at most {limit} characters, this has {len(value)}"
    return None


def _code_string(vr: str, value: str) -> str | None:
    if not _CODE.fullmatch(value):
        return "CS has upper-case letters, digits, spaces and underscores only (and * ? as wildcards)"
    return _text(vr, value)


def _person_name(_vr: str, value: str) -> str | None:
    groups = value.split("=")
    if len(groups) > 3:
        return "PN has at most 3 component groups, with = between them"
    for group in groups:
        if len(group) > 64 and "*" not in group:
            return f"a component group of PN has at most 64 characters, this has {len(group)}"
        if group.count("^") > 4:
            return "PN has at most 5 components (family^given^middle^prefix^suffix), with ^ between them"
    return None


def _uri(_vr: str, value: str) -> str | None:
    return "UR has no spaces and no backslashes" if " " in value or "\\" in value else None


def _uid(_vr: str, value: str) -> str | None:
    if value and not _UID.fullmatch(value):
        return "UI has numbers without leading zeros and full stops between them; it has no wildcards"
    return f"UI has at most 64 characters, this has {len(value)}" if len(value) > 64 else None


def _age(_vr: str, value: str) -> str | None:
    if not value or _AGE.fullmatch(value):
        return None
    return "AS is three digits and one of D, W, M, Y, such as 042Y; it has no wildcards and no ranges"


def _integer(vr: str, value: str) -> str | None:
    if not value:
        return None if vr == "IS" else f"{vr} has a number in each of its values"
    low, high = _INTEGER_RANGES[vr]
    if not _INTEGER.fullmatch(value):
        return f"{vr} is a whole number; it has no wildcards and no ranges"
    return None if low <= int(value) <= high else f"{vr} is from {low} to {high}"


def _integer_string(vr: str, value: str) -> str | None:
    return f"IS has at most 12 characters, this has {len(value)}" if len(value) > 12 else _integer(vr, value)


def _decimal(vr: str, value: str) -> str | None:
    if not value:
        return None if vr == "DS" else f"{vr} has a number in each of its values"
    if not _DECIMAL.fullmatch(value):
        return f"{vr} is a decimal number; it has no wildcards and no ranges"
    if vr == "DS" and len(value) > 16:
        return f"DS has at most 16 characters, this has {len(value)}"
    if vr in NUMBER_FORMATS:
        try:
            pack(f"<{NUMBER_FORMATS[vr]}", float(value))
            finite = isfinite(float(value))
        except OverflowError:
            finite = False
        return None if finite else f"the number is too large for {vr}"
    return None


def _attribute_tag(_vr: str, value: str) -> str | None:
    return None if _AT.fullmatch(value) else "AT is a tag, such as (0010,0020)"


def _date(_vr: str, value: str) -> str | None:
    return _range_problem(
        value, _DATE, _is_date, "DA is YYYYMMDD or a range such as 20240101-20240131, 20240101- or -20240131"
    )


def _is_date(match: re.Match[str]) -> bool:
    from datetime import date

    try:
        date(*(int(part) for part in match.groups()))
    except ValueError:
        return False
    return True


def _time(_vr: str, value: str) -> str | None:
    return _range_problem(
        value, _TIME, lambda _: True, "TM is HH, HHMM, HHMMSS or HHMMSS.FFFFFF, or a range such as 0800-1200"
    )


def _range_problem(
    value: str, pattern: re.Pattern[str], is_legal: Callable[[re.Match[str]], bool], form: str
) -> str | None:
    """Say what is wrong with a single value or a range of them (PS3.4 C.2.2.2.5)."""
    if not value:
        return None
    ends = [end.strip(" ") for end in value.split("-")]
    if len(ends) > 2 or not any(ends):
        return form
    for end in filter(None, ends):
        match = pattern.fullmatch(end)
        if match is None:
            return form
        if not is_legal(match):
            return f"there is no such day; {form}"
    # both have the most significant digits first, and a shorter time is the earliest it can mean
    if len(ends) == 2 and all(ends) and ends[1] < ends[0] and not ends[0].startswith(ends[1]):
        return f"the range ends before it begins; {form}"
    return None


def _date_time(_vr: str, value: str) -> str | None:
    if not value or (value != "-" and _DATE_TIME_KEY.fullmatch(value.replace(" ", ""))):
        return None
    return "DT is YYYYMMDDHHMMSS.FFFFFF&ZZXX, or less from the right, or a range such as 2024-202406"


_CHECKS: dict[str, Callable[[str, str], str | None]] = {
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
