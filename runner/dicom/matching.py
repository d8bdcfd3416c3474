r"""Whether a data set has what the keys of an identifier ask for (PS3.4 C.2.2.2).

Keys and data sets are identifiers whose text values are decoded. The kinds of matching:

- universal: an empty value, an empty sequence or item, `*` alone;
- single value: person names by their components, numbers, dates and times as what they mean (in TM, `12`
  is `1200` and `120000`), UIDs and everything else as text, in which upper and lower case differ;
- wildcard: `*` and `?`, in the VRs that have them;
- range: DA, TM and DT, each attribute by itself; an end covers all that it may mean;
- list: backslashes between values, of which any may match. The standard has it for UIDs, and for other VRs
  as Multiple Value Matching; peers that support it do so unasked;
- sequence: some item matches all keys of the one item that is asked for.

An attribute with several values matches if one of them does. What is absent or empty matches universal keys
only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runner.dicom.date_time import RANGE_VRS, bounds, span
from runner.dicom.identifier import Element, Identifier
from runner.dicom.tags import is_group_length, is_private, is_private_creator, private_creator_of

#: What an identifier says about itself or its sender: SpecificCharacterSet, QueryRetrieveLevel,
#: QueryRetrieveView, RetrieveAETitle, InstanceAvailability, TimezoneOffsetFromUTC.
NOT_MATCHED = frozenset({0x00080005, 0x00080052, 0x00080053, 0x00080054, 0x00080056, 0x00080201})

#: VRs in which `*` and `?` stand for other characters (PS3.4 C.2.2.2.4).
WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})

_SINGLE_VALUED_VRS = frozenset({"LT", "ST", "UT", "UR"})
_NUMBER_VRS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
_PADDING = " \0"


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """What the standard leaves to the one who matches.

    Attributes:
        name_case: whether upper and lower case differ in person names.
        name_accents: whether letters with and without accents differ in person names.
        utc_offset: of DT values that state none, in minutes east of UTC.
        absent_matches: whether an attribute that a data set does not have is taken to match.
    """

    name_case: bool = False
    name_accents: bool = True
    utc_offset: int = 0
    absent_matches: bool = False


#: Attributes by tag, as they are looked up here.
Attributes = Mapping[int, Element]
_Test = Callable[[str], bool]


def attributes(identifier: Identifier) -> dict[int, Element]:
    """Return the elements of an identifier by their tags."""
    return {element.tag: element for element in identifier}


def find_attribute(record: Attributes, tag: int, creator: str | None = None) -> Element | None:
    """Return the element that a key means, None where there is none.

    A private element is found by its creator, whichever block that has in `record` (PS3.5 7.8.1); without a
    known creator by its tag.
    """
    if creator is not None and private_creator_of(tag) is not None:
        group = tag & 0xFFFF0000
        for block in range(0x10, 0x100):
            reservation = record.get(group | block)
            if reservation is not None and text_of(reservation).strip(_PADDING) == creator:
                return record.get(group | block << 8 | tag & 0xFF)
        return None
    return record.get(tag)


def creator_of(keys: Attributes, tag: int) -> str | None:
    """Return the private creator that `keys` state for a tag; None where they state none."""
    reservation_tag = private_creator_of(tag)
    reservation = None if reservation_tag is None else keys.get(reservation_tag)
    return (text_of(reservation).strip(_PADDING) or None) if reservation is not None else None


def text_of(element: Element) -> str:
    """Return an element's value as text; of bytes of no known VR, what looks like text. "" for sequences."""
    value = element.value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else ""


def is_matched(tag: int) -> bool:
    """Whether an element with that tag is a key, not something that an identifier says about itself."""
    return (
        tag not in NOT_MATCHED
        and tag >> 16 not in (0x0000, 0x0002, 0xFFFE)
        and not is_group_length(tag)
        and not (is_private(tag) and is_private_creator(tag))
    )


def is_universal(key: Element) -> bool:
    """Whether a key matches everything: a return key (PS3.4 C.2.2.2.3)."""
    if isinstance(key.value, tuple):
        return all(is_universal(nested) for item in key.value for nested in item if is_matched(nested.tag))
    text = text_of(key).strip(_PADDING)
    return not text or (key.vr in WILDCARD_VRS and not text.strip("*"))


class Matcher:
    """The keys of an identifier, made ready to be compared with many data sets."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Identifier, rules: MatchingRules = MatchingRules()) -> None:
        by_tag = attributes(keys)
        self._keys = tuple(
            (key.tag, creator_of(by_tag, key.tag), _KeyTest(key, rules))
            for key in keys
            if is_matched(key.tag) and not is_universal(key)
        )

    def matches(self, record: Attributes) -> bool:
        """Whether all keys match."""
        return all(test.matches(find_attribute(record, tag, creator)) for tag, creator, test in self._keys)


class _KeyTest:
    """One key that is not universal."""

    __slots__ = ("_items", "_key", "_rules", "_tests")

    def __init__(self, key: Element, rules: MatchingRules) -> None:
        self._key = key
        self._rules = rules
        self._items = (
            tuple(Matcher(item, rules) for item in key.value) if isinstance(key.value, tuple) else None
        )
        self._tests: dict[str, _Test] = {}

    def matches(self, element: Element | None) -> bool:
        if element is None:
            return self._rules.absent_matches
        if not element.value:
            return False
        if self._items is not None:
            return isinstance(element.value, tuple) and any(
                item.matches(attributes(found)) for item in self._items for found in element.value
            )
        if isinstance(element.value, tuple):
            return False
        # a VR that is not known on one side is the other side's
        vr = self._key.vr if self._key.vr != "UN" else element.vr
        if isinstance(element.value, bytes) and vr == element.vr:
            key, padding = self._key.value, b"\0 " if vr == "UN" else b"\0"
            return isinstance(key, bytes) and key.rstrip(padding) == element.value.rstrip(padding)
        test = self._tests.get(vr)
        if test is None:
            test = self._tests[vr] = _list_test(vr, text_of(self._key), self._rules)
        return any(test(value) for value in _values(vr, text_of(element)))


def value_matches(vr: str, key: str, value: str, rules: MatchingRules = MatchingRules()) -> bool:
    """Whether a value, of which a backslash separates several, matches a key of that VR."""
    return is_universal(Element(0, vr, key)) or _KeyTest(Element(0, vr, key), rules).matches(
        Element(0, vr, value)
    )


def _values(vr: str, text: str) -> list[str]:
    """Return the values of a text without padding, and without the empty ones."""
    if vr in _SINGLE_VALUED_VRS:
        values = [text.rstrip(_PADDING)]
    else:
        values = [value.strip(_PADDING) for value in text.split("\\")]
    return [value for value in values if value]


def _list_test(vr: str, text: str, rules: MatchingRules) -> _Test:
    tests = [_single_test(vr, key, rules) for key in _values(vr, text)]
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _single_test(vr: str, key: str, rules: MatchingRules) -> _Test:
    if vr == "PN":
        return _name_test(key, rules)
    if vr in RANGE_VRS:
        return _moment_test(vr, key, rules)
    if vr in _NUMBER_VRS:
        return _number_test(key)
    if vr == "AT":
        return lambda value: _hexadecimal(value) == _hexadecimal(key)
    return _text_test(_composed(key)) if vr in WILDCARD_VRS else lambda value: value == key


def _text_test(key: str) -> _Test:
    pattern = _wildcard_pattern(key)
    if pattern is None:
        return lambda value: _composed(value) == key
    return lambda value: pattern(_composed(value))


def _composed(text: str) -> str:
    """Return the form in which a letter with its accents is one character, where there is one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _wildcard_pattern(key: str) -> _Test | None:
    """Return what tells whether a text fits a key with wildcards; None for a key without.

    What stands between asterisks is looked for from left to right, each at its first place. That finds a fit
    if there is one, in a time that no key can make explode, as it can with one regular expression for all.
    """
    if "*" not in key and "?" not in key:
        return None
    parts = key.split("*")
    patterns = [
        re.compile("".join("." if c == "?" else re.escape(c) for c in part), re.DOTALL) for part in parts
    ]
    if len(parts) == 1:
        return lambda text: patterns[0].fullmatch(text) is not None
    last_length = len(parts[-1])

    def fits(text: str) -> bool:
        start = patterns[0].match(text)
        if start is None:
            return False
        at = start.end()
        for pattern in patterns[1:-1]:
            found = pattern.search(text, at)
            if found is None:
                return False
            at = found.end()
        end = len(text) - last_length
        return end >= at and patterns[-1].fullmatch(text, end) is not None

    return fits


def _name_test(key: str, rules: MatchingRules) -> _Test:
    """Person names (PS3.5 6.2.1): one component group matches any, several match one by one."""
    groups = [_folded(_name_group(group), rules) for group in key.split("=")]
    tests = [_name_group_test(group) for group in groups]
    if len(tests) == 1:
        test = tests[0]

        def matches_any_group(value: str) -> bool:
            found = [_folded(_name_group(group), rules) for group in value.split("=")]
            return any(test(group) for group in found if group) or test("=".join(found))

        return matches_any_group

    def matches_each_group(value: str) -> bool:
        found = [_folded(_name_group(group), rules) for group in value.split("=")]
        found += [""] * (len(tests) - len(found))
        return all(test(group) for test, group in zip(tests, found, strict=False))

    return matches_each_group


def _name_group_test(key: str) -> _Test:
    if not key:
        return lambda group: True  # noqa: ARG005
    pattern = _wildcard_pattern(key)
    if pattern is None:
        return lambda group: group == key
    # `DOE^*` asks for a DOE without a given name too: carets at the end go without saying
    carets = key.count("^")
    return lambda group: pattern(group) or pattern(group + "^" * (carets - group.count("^")))


def _name_group(text: str) -> str:
    """Return a component group without the spaces and the carets that mean nothing."""
    return "^".join(component.strip(_PADDING) for component in text.split("^")).rstrip("^")


def _folded(text: str, rules: MatchingRules) -> str:
    if text.isascii():
        return text if rules.name_case else text.lower()
    if not rules.name_accents:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = unicodedata.normalize("NFC", text)
    return text if rules.name_case else "".join(map(_folded_character, text))


def _folded_character(character: str) -> str:
    """Fold case and stay one character, so that `?` still counts them."""
    folded = character.casefold()
    if len(folded) > 1:
        folded = character.lower()
    return folded if len(folded) == 1 else character


def _moment_test(vr: str, key: str, rules: MatchingRules) -> _Test:
    offset = rules.utc_offset
    wanted = span(vr, key, offset)
    if wanted is not None:
        moment = wanted.first

        def is_moment(value: str) -> bool:
            found = span(vr, value, offset)
            return found is not None and found.first == moment

        return is_moment
    ends = bounds(vr, key, offset)
    if ends is None:
        return lambda value: value == key
    lower, upper = ends

    def is_within(value: str) -> bool:
        found = span(vr, value, offset)
        return (
            found is not None
            and (lower is None or lower <= found.first)
            and (upper is None or found.first <= upper)
        )

    return is_within


def _number_test(key: str) -> _Test:
    wanted = _number(key)
    if wanted is None:
        return lambda value: value == key
    return lambda value: _number(value) == wanted


def _number(text: str) -> object | None:
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _hexadecimal(text: str) -> str:
    return text.translate({ord(c): None for c in "(), "}).lower()
