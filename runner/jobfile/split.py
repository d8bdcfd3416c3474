"""From the `split` of a query to the model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.dicom.date_time import range_ends, span
from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Identifier, Path, text_at
from runner.dicom.matching import WILDCARD_VRS
from runner.dicom.path import PathError, parse_path
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.dicom.values import problem_with_value
from runner.jobfile.keys import problem_with_text
from runner.jobfile.section import Section
from runner.model import (
    DateSplit,
    InformationModel,
    LetterSplit,
    Level,
    ListSplit,
    Request,
    Requests,
    Split,
)

_DAY = 86400
_UNITS = {"w": 7 * _DAY, "d": _DAY, "h": 3600, "min": 60, "s": 1}
_LENGTH = re.compile(r"(?:[0-9]{1,6}(?:min|[wdhs]))+")
_TERM = re.compile(r"([0-9]+)(min|[wdhs])")
_STEPS = 0x00400100

#: How many parts may be asked for at once.
_MOST = 100_000

_OF_DATES = ("from", "to", "every", "until")


def read_split(
    query: Section,
    model: InformationModel | None,
    requests: tuple[Request, ...] | Requests,
    dictionary: Dictionary,
) -> Split | None:
    """Make the split of a query; None where it has none, or none that is right.

    Args:
        query: the query.
        model: its information model, None where the job does not say.
        requests: what it sends.
        dictionary: names and VRs.
    """
    split = query["split"]
    if not isinstance(split.data, dict) or not split["key"].text():
        return None
    if query["cancel_after"].integer(None) is not None:
        what = "'cancel_after' asks for a part of the answer, and 'split' for all of it"
        split.problem(what, "keep one of them", of_key=True)
    errors = split.complaints.errors
    reading = _Reading(split, query, model, requests, dictionary)
    found = reading.read()
    return found if split.complaints.errors == errors else None


class _Reading:
    """The parts of a job that a split is read from."""

    def __init__(
        self,
        split: Section,
        query: Section,
        model: InformationModel | None,
        requests: tuple[Request, ...] | Requests,
        dictionary: Dictionary,
    ) -> None:
        self.split = split
        self.query = query
        self.model = model
        self.dictionary = dictionary
        self.identifiers, self.from_rows = _identifiers(requests)

    def read(self) -> Split | None:
        key = self.split["key"]
        try:
            path = parse_path(key.text(), self.dictionary)
        except PathError as error:
            key.problem(error.what, error.advice)
            return None
        entry = self.dictionary.by_tag(path[-1])
        if entry is None or not entry.vr:
            key.problem("the VR of this attribute is not known", "split by another one")
            return None
        path = self.placed(path)
        if not self.check_level(path) or not self.check_items(path):
            return None
        return self.by_kind(path, entry.keyword or key.text(), entry.vr)

    def by_kind(self, path: Path, name: str, vr: str) -> Split | None:
        if "values" in self.split or "letters" in self.split:
            self.check_members()
            return (self.by_values if "values" in self.split else self.by_letters)(path, name, vr)
        if vr in ("DA", "DT"):
            return self.by_dates(path, name, vr)
        if vr == "CS" and next(self.own(path), ""):
            self.check_members()
            return self.by_values(path, name, vr)
        key = self.split["key"]
        if vr == "TM":
            key.problem("a time alone does not split a query", "name its date: days are cut on their times")
        elif vr in WILDCARD_VRS:
            advice = 'add letters: "A-Z0-9", or values with a list'
            key.problem(f"{name} is no date, so the split needs letters or values", advice)
        else:
            key.problem(f"{name} has the VR {vr}, which does not split a query", "name a date")
        return None

    # --- the key ----------------------------------------------------------------------------------------

    def placed(self, path: Path) -> Path:
        """Return the path of a key; one of a worklist's step may be named without its sequence."""
        if self.model is not InformationModel.WORKLIST or len(path) > 1:
            return path
        from runner.query_keys import scheduled_step_keys

        return (_STEPS, 0, *path) if path[0] in scheduled_step_keys() else path

    def check_level(self, path: Path) -> bool:
        text = self.query["level"].text()
        if self.model in (None, InformationModel.WORKLIST) or text not in {level.value for level in Level}:
            return True
        from runner.query_keys import level_of, levels_counted

        assert self.model is not None
        level, key = Level(text), self.split["key"]
        described = level_of(path[0])
        if described is None or described in levels_counted(self.model, level):
            return True
        levels = list(Level)
        levels = list(Level)
        if levels.index(described) < levels.index(level):
            return True  # for peers with relational queries; a rule warns where it is among the keys
        what = f"it is an attribute of the level {described.value}, and the query is at {text}"
        key.problem(what, f"split by one of the level {text}")
        return False

    def check_items(self, path: Path) -> bool:
        """Check that a nested key has its item in the query: without one, all of the item is returned."""
        for position in range(0, len(path) - 1, 2):
            for identifier in self.identifiers:
                if not _has_item(identifier, path[: position + 2]):
                    entry = self.dictionary.by_tag(path[position])
                    named = entry.keyword if entry is not None else "the sequence"
                    what = f"the query has no item of {named}, in which this key stands"
                    self.split["key"].problem(what, "add it to the keys, with what is to be returned")
                    return False
        return True

    def own(self, path: Path) -> Iterator[str]:
        """Yield what the query itself asks of the key, where it does."""
        for identifier in self.identifiers:
            text = text_at(identifier, path)
            if text and text.strip("*"):
                yield text

    # --- dates ------------------------------------------------------------------------------------------

    def by_dates(self, path: Path, name: str, vr: str) -> Split | None:
        first, last = self.period()
        own = list(self.own(path))
        if (first or last) and (own or path in self.from_rows):
            wanted = tuple(end for end in (first, last))
            if path in self.from_rows or vr != "DA" or any(_ends(vr, text) != wanted for text in own):
                what = f"the keys say already which {name} is asked for"
                self.split.problem(what, "take 'from' and 'to' out, or the key", of_key=True)
        for text in own:
            if _ends(vr, text) is None:
                what = f"{name} is asked for by a value that is no range"
                self.split["key"].problem(what, "ask for one range of dates")
        split = DateSplit(
            key=path,
            name=name,
            vr=vr,
            first=first,
            last=last,
            every=self.seconds("every"),
            until=self.seconds("until"),
            residue=self.split["residue"].data is True,
        )
        self.check_lengths(split, own, path)
        return split

    def period(self) -> tuple[str, str]:
        from runner.jobfile.periods import PeriodError, compiled

        members = tuple((name, self.split[name].text()) for name in ("from", "to") if self.split[name].text())
        if not members:
            return "", ""
        try:
            (text,) = compiled("DA", members, self.split.complaints.clock)
        except PeriodError as error:
            what, advice, member = error.args
            (self.split[member] if member else self.split).problem(what, advice, of_key=not member)
            return "", ""
        return range_ends("DA", text) or (text, text)

    def seconds(self, member: str) -> int | None:
        section = self.split[member]
        text = section.text()
        if not text:
            return None
        if _LENGTH.fullmatch(text) is None:
            section.problem("this is no length of time", "write one such as 30d, 1w, 12h, 90min or 1s")
            return None
        length = sum(int(number) * _UNITS[unit] for number, unit in _TERM.findall(text))
        if not length:
            section.problem("this is no time at all", "write 1s or more")
            return None
        return length

    def check_lengths(self, split: DateSplit, own: list[str], path: Path) -> None:
        from runner.partition.dates import time_key

        for member, length in (("every", split.every), ("until", split.until)):
            if length is not None and length < _DAY and split.vr == "DA" and time_key(split) is None:
                what = f"no time is known to belong to {split.name}, so a day cannot be cut"
                self.split[member].problem(what, "write 1d or more")
        if split.every is None or path in self.from_rows:
            return
        periods = [(split.first, split.last)] if split.first or split.last else []
        periods = periods or [_ends(split.vr, text) or ("", "") for text in own] or [("", "")]
        for lower, upper in periods:
            first, last = span(split.vr, lower), span(split.vr, upper)
            if first is None or last is None:
                what = "parts of one length need a beginning and an end"
                self.split["every"].problem(what, "add 'from' and 'to', or take 'every' out")
                return
            unit = 1 if split.vr == "DA" else _DAY * 1_000_000
            parts = (last.last - first.first + 1) * _DAY // unit // split.every
            if parts > _MOST:
                what = f"these are {parts:,} queries at once, at most {_MOST:,} are sent"
                self.split["every"].problem(what, "write a longer time; what hits a cap is cut anyway")

    # --- letters and values -----------------------------------------------------------------------------

    def check_members(self) -> None:
        kind = "letters" if "letters" in self.split else "values"
        for member in _OF_DATES:
            if member in self.split:
                self.split[member].problem(
                    f"{member!r} is for dates, not for {kind!r}", "take it out", of_key=True
                )
        if "values" in self.split and "letters" in self.split:
            self.split["letters"].problem("there are 'values' already", "keep one of them", of_key=True)

    def by_letters(self, path: Path, name: str, vr: str) -> Split | None:
        from runner.partition.values import prefix_of

        section = self.split["letters"]
        if vr not in WILDCARD_VRS:
            section.problem(f"{name} has the VR {vr}, in which no * is known", "name a date, or values")
            return None
        letters = self.alphabet(section, vr)
        if any(prefix_of(text) is None for text in self.own(path)):
            what = f"{name} is asked for by more than its first letters"
            self.split["key"].problem(what, "ask for it by first letters and *, or split by another key")
        return LetterSplit(path, name, vr, letters)

    def alphabet(self, section: Section, vr: str) -> str:
        text = section.text()
        letters: dict[str, None] = {}
        position = 0
        while position < len(text):
            first = last = text[position]
            position += 1
            if text[position : position + 1] == "-" and position + 1 < len(text):
                last = text[position + 1]
                position += 2
            if last < first or ord(last) - ord(first) > 500:
                what = "a range of letters ends before it begins" if last < first else "a range is too long"
                section.problem(what, 'write ranges such as "A-Z0-9", a hyphen at the end')
                return ""
            letters.update(dict.fromkeys(map(chr, range(ord(first), ord(last) + 1))))
        for letter in letters:
            wrong = problem_with_value(vr, letter)
            if letter in "*?\\=" or letter.isspace() or wrong is not None:
                section.problem(f"U+{ord(letter):04X} is no letter that a value begins with", "take it out")
                return ""
        self.check_character_set(section, vr, "".join(letters))
        return "".join(letters)

    def check_character_set(self, section: Section, vr: str, text: str) -> None:
        if text.isascii():
            return
        for identifier in self.identifiers:
            declared = text_at(identifier, (SPECIFIC_CHARACTER_SET,))
            if not declared:
                what = "the letters are not all of ASCII, and the query declares no character set"
                section.problem(what, "add 'SpecificCharacterSet: ISO_IR 192' to its keys")
                return
            for letter in text:
                wrong = problem_with_text(vr, letter, declared, frozenset())
                if wrong is not None:
                    section.problem(wrong.what, wrong.advice)
                    return

    def by_values(self, path: Path, name: str, vr: str) -> Split | None:
        from runner.partition.values import list_values

        section = self.split["values"]
        values = tuple(dict.fromkeys(item.text() for item in section.items() if item.text()))
        for item in section.items():
            found = problem_with_value(vr, item.text())
            wrong = str(found) if found is not None else ""
            if not wrong and any(mark in item.text() for mark in "*?\\"):
                wrong = "it has a wildcard or a backslash"
            if wrong:
                item.problem(f"the value is not legal here: {wrong}", "write single values of the key")
        self.check_character_set(section, vr, "".join(values))
        for text in self.own(path):
            own = list_values(text)
            if not own:
                self.split["key"].problem(
                    f"{name} is asked for by wildcards", "ask for a list of values, or for none"
                )
            elif values and not set(own) <= set(values):
                what = f"the keys ask for values of {name} that are not in this list"
                section.problem(what, "add them, or take the list out", of_key=True)
        return ListSplit(path, name, vr, values)


def _identifiers(requests: tuple[Request, ...] | Requests) -> tuple[list[Identifier], frozenset[Path]]:
    """Return what is sent, but for what comes from rows; and which keys do."""
    if isinstance(requests, tuple):
        return [request.identifier for request in requests], frozenset()
    from runner.jobfile.foreach import RowRequests

    if not isinstance(requests, RowRequests):
        return [], frozenset()
    paths = frozenset(key.path for template in requests.templates for key in template.keys)
    return [template.identifier for template in requests.templates], paths


def _has_item(identifier: Identifier, path: Path) -> bool:
    """Whether there is the item in which a path ends."""
    for element in identifier:
        if element.tag == path[0] and isinstance(element.value, tuple) and path[1] < len(element.value):
            return len(path) == 2 or _has_item(element.value[path[1]], path[2:])
    return False


def _ends(vr: str, text: str) -> tuple[str, str] | None:
    """Return the ends of what a key asks for; None where that is no range."""
    if vr == "DA" and span(vr, text) is not None:
        return text, text
    return range_ends(vr, text)
