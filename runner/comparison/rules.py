r"""When two values count as equal.

What encodings are free to do makes no difference: padding, spaces around each of several values, the
carets and equals signs at the end of a person name, how a number is written, how accents are composed.
All else does, unless a rule says otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from runner.dicom.received import LEADING_SPACES_COUNT, NUMBER_FORMATS, SINGLE_VALUED_VRS
from runner.dicom.values import BYTES_VRS

_PADDING = " \0"
_NUMBER_VRS = frozenset({"DS", "IS", *NUMBER_FORMATS})
# no more digits than are exact in a Decimal's default context
_NUMBER = re.compile(r"[+-]?(?=[0-9.]{1,24}(?:[eE]|\Z))(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_FRACTION = re.compile(r"\.[0-9]+")
_ITEM = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes no difference, beside encodings.

    A name means the attribute wherever it stands, in items too, and all that is in it; a path such as
    `ScheduledProcedureStepSequence[0].Modality` only the one there.

    Attributes:
        ignored: names of attributes that are not compared.
        case: whether upper and lower case are the same in all values.
        case_of: names of attributes in whose values they are.
        spaces: whether white space is left out.
        time_fractions: whether fractions of seconds in TM and DT are left out.
        empty: whether an attribute without a value is the same as none.
    """

    ignored: frozenset[str] = frozenset()
    case: bool = False
    case_of: frozenset[str] = frozenset()
    spaces: bool = False
    time_fractions: bool = False
    empty: bool = False

    def ignores(self, name: str) -> bool:
        """Whether an attribute is not compared."""
        return bool(self.ignored) and _is_named(name, self.ignored)

    def canonical(self, name: str, vr: str, text: str) -> str:
        """Return the text that is the same for all values that count as equal."""
        if not text or vr in BYTES_VRS:
            return _binary(vr, text)
        if self.spaces:
            text = "".join(text.split())
        if self.case or (self.case_of and _is_named(name, self.case_of)):
            text = text.casefold()
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if vr in SINGLE_VALUED_VRS:
            return text.rstrip(_PADDING)
        parts = text.split("\\")
        if vr in LEADING_SPACES_COUNT:
            parts = [part.rstrip(_PADDING) for part in parts]
        else:
            parts = [part.strip(_PADDING) for part in parts]
        if vr == "PN":
            parts = [_name(part) for part in parts]
        elif vr in _NUMBER_VRS:
            parts = [_number(part) for part in parts]
        elif self.time_fractions and vr in ("TM", "DT"):
            parts = [_FRACTION.sub("", part, count=1) for part in parts]
        return "\\".join(parts)


def _is_named(name: str, names: frozenset[str]) -> bool:
    if name in names or not names.isdisjoint(_ITEM.sub("", name).split(".")):
        return True
    return any(name.startswith((f"{given}.", f"{given}[")) for given in names)


def _binary(vr: str, text: str) -> str:
    """Return the hexadecimal of bytes without what may be padding: one zero, or where all is unknown all."""
    if vr == "UN":
        while text.endswith(("00", "20")):
            text = text[:-2]
    elif vr == "OB" and not len(text) % 4:
        text = text.removesuffix("00")
    return text


def _name(text: str) -> str:
    """Return a person name without the delimiters that may be left out (PS3.5 6.2.1.1)."""
    return "=".join(group.strip(_PADDING).rstrip("^ ") for group in text.split("=")).rstrip("=")


def _number(text: str) -> str:
    from decimal import Decimal

    if not _NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    return str(number.normalize()) if number else "0"
