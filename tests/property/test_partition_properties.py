"""No archive, cap and split lose a record when the driver says complete; and how many queries it takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.dicom.date_time import range_ends
from runner.dicom.identifier import Element, Identifier, text_at, with_value
from runner.dicom.matching import Matcher, attributes, value_matches
from runner.model import DateSplit, LetterSplit, ListSplit, Split
from runner.partition.cutting import cut, first_parts, note
from runner.partition.experience import Experience
from runner.partition.part import Part

UID, STUDY_DATE, STUDY_TIME = 0x0020000D, 0x00080020, 0x00080030
MODALITIES, NAME, MOMENT = 0x00080061, 0x00100010, 0x0008002A
SEQUENCE, START_DATE, START_TIME = 0x00400100, 0x00400002, 0x00400003
DAY = 86400

Match = Callable[[Identifier, Identifier], bool]


def strict(keys: Identifier, record: Identifier) -> bool:
    """As the standard says."""
    return Matcher(keys).matches(attributes(record))


def textual(keys: Identifier, record: Identifier) -> bool:
    """As Orthanc does: dates and times are compared as texts, an absent one is in no range."""
    found = attributes(record)
    for key in keys:
        if isinstance(key.value, tuple):
            items = found[key.tag].value if key.tag in found else ()
            assert isinstance(items, tuple)
            if not all(any(textual(item, record) for record in items) for item in key.value):
                return False
            continue
        text = text_at(keys, (key.tag,))
        if text in ("", "-"):
            continue
        if key.tag not in found:
            return False
        value = text_at(record, (key.tag,))
        if key.vr not in ("DA", "TM", "DT"):
            if not value_matches(key.vr, text.casefold(), value.casefold()):
                return False
            continue
        ends = range_ends(key.vr, text)
        lower, upper = ends or (text, text)
        if not (lower <= value and (not upper or value <= upper)):
            return False
    return True


@dataclass
class Archive:
    """A simulated SCP with a cap: what it has is in no order that a client knows of."""

    records: list[Identifier]
    match: Match
    cap: int
    kind: str = "silent"  # or A700, FE00
    deaf_to: tuple[int, ...] = ()
    queries: int = 0

    def find(self, identifier: Identifier) -> tuple[list[Identifier], str]:
        """Return responses and how the answer ended."""
        self.queries += 1
        keys = tuple(element for element in identifier if element.tag not in self.deaf_to)
        found = [record for record in self.records if self.match(keys, record)]
        if len(found) <= self.cap:
            return found, "0000"
        return found[: self.cap], {"silent": "0000"}.get(self.kind, self.kind)

    def all(self, identifier: Identifier) -> set[str]:
        return {uid(record) for record in self.records if self.match(identifier, record)}


@dataclass
class Outcome:
    verdict: str
    found: set[str]
    gaps: tuple[Any, ...] = ()
    reasons: list[str] = field(default_factory=list)
    asked: list[Part] = field(default_factory=list)


def uid(record: Identifier) -> str:
    return text_at(record, (UID,))


def drive(split: Split, identifier: Identifier, archive: Archive) -> Outcome:
    """Do what an engine does: depth first, raw responses counted, records known by their unique key."""
    experience = Experience(archive.cap)
    found: set[str] = set()
    asked, whole, reasons = [], [], []
    waiting = list(first_parts(split, identifier))[::-1]
    while waiting:
        part = waiting.pop()
        asked.append(part)
        responses, end = archive.find(part.identifier)
        capped = end != "0000" or len(responses) == archive.cap
        note(experience, part, len(responses), capped=capped)
        found.update(
            uid(record)
            for record in responses
            if part.only_without is None or not text_at(record, part.only_without)
        )
        if not capped:
            whole.append(part)
            continue
        made = cut(split, part, experience, answer=responses)
        waiting += made.parts[::-1]
        if not made.parts and not part.closes:
            assert made.reason
            reasons.append(made.reason)
    closed = {gap for part in whole for gap in part.closes}
    gaps = tuple(dict.fromkeys(gap for part in asked for gap in part.leaves if gap not in closed))
    verdict = "incomplete" if reasons else "unknown" if gaps else "complete"
    return Outcome(verdict, found, gaps, reasons, asked)


def element(tag: int, text: str) -> Element:
    vr = {UID: "UI", STUDY_DATE: "DA", STUDY_TIME: "TM", START_DATE: "DA", START_TIME: "TM", NAME: "PN"}
    return Element(tag, vr.get(tag, "DT" if tag == MOMENT else "CS"), text)


def record(number: int, **values: str | None) -> Identifier:
    """A study; None for an attribute that is absent."""
    tags = {"day": STUDY_DATE, "time": STUDY_TIME, "modality": MODALITIES, "name": NAME, "moment": MOMENT}
    elements = [element(UID, f"1.2.{number}")]
    elements += (element(tags[name], text) for name, text in values.items() if text is not None)
    return tuple(sorted(elements, key=lambda one: one.tag))


def keys(**values: str) -> Identifier:
    return tuple(one for one in record(0, **values) if one.tag != UID)


def day(ordinal: int) -> str:
    return date.fromordinal(ordinal).strftime("%Y%m%d")


FIRST = date(2024, 1, 1).toordinal()

days = st.one_of(
    st.none(), st.just(""), st.integers(FIRST, FIRST + 12).map(day), st.just("20240103"),
    st.sampled_from(["19000101", "20231231", "20240131", "20991231"]),
)  # fmt: skip
times = st.one_of(
    st.none(),
    st.just(""),
    st.sampled_from(
        ["00", "0000", "000000", "12", "1200", "120000", "120000.000000", "115959.999999", "120000.5",
         "235959", "235959.999999", "235960", "115960", "23", "2359", "000000.000001", "080000", "0900"]
    ),
    st.integers(0, DAY - 1).map(lambda s: f"{s // 3600:02}{s // 60 % 60:02}{s % 60:02}"),
)  # fmt: skip
many = st.lists(st.tuples(days, times), max_size=60)
#: Archives in which every record has both, so that parts can be complete.
legal = st.lists(
    st.tuples(
        st.integers(FIRST, FIRST + 12).map(day),
        times.filter(bool),
    ),
    max_size=60,
)
caps = st.integers(2, 12)
kinds = st.sampled_from(["silent", "A700", "FE00"])
matches = st.sampled_from([strict, textual])
steps = st.sampled_from([None, 8 * 3600, DAY, 3 * DAY])
floors = st.sampled_from([None, 1, 60, 3600, DAY, 3 * DAY])
ranges = st.sampled_from(
    [("20240101", "20240131"), ("20240103", "20240103"), ("20240102", "20240109"), ("20240103", ""),
     ("", "20240105"), ("", "")]
)  # fmt: skip
queries = st.sampled_from(
    [{}, {"day": "", "time": ""}, {"day": "20240101-20240131"}, {"day": "20240103"}, {"day": "-20240105"},
     {"day": "20240104-"}, {"day": "20240103", "time": "0800-1200"}, {"time": "08-"}, {"time": "-12"},
     {"day": "20240101-20240110", "time": "115959-120000"}]
)  # fmt: skip


def archive_of(rows: Sequence[tuple[str | None, str | None]], match: Match, cap: int, kind: str) -> Archive:
    records = [record(number, day=on, time=at) for number, (on, at) in enumerate(rows)]
    return Archive(records, match, cap, kind)


def asked_days(split: DateSplit, identifier: Identifier, archive: Archive) -> set[str]:
    """What the question asks for, by the peer's own matching."""
    undated = with_value(identifier, (STUDY_DATE,), "DA", "")
    if split.first or split.last:
        identifier = with_value(identifier, (STUDY_DATE,), "DA", f"{split.first}-{split.last}")
    wanted = archive.all(identifier)
    if split.residue:
        without = {uid(one) for one in archive.records if not text_at(one, (STUDY_DATE,))}
        wanted |= archive.all(undated) & without
    return wanted


@settings(max_examples=400)
@given(st.one_of(many, legal), matches, caps, kinds, queries, ranges, steps, floors, st.booleans())
def test_dates_lose_and_double_nothing(rows, match, cap, kind, query, ends, every, until, residue):
    identifier = keys(**query)
    first, last = ends if not query.get("day") else ("", "")
    split = DateSplit((STUDY_DATE,), "StudyDate", "DA", first, last, every, until, residue)
    archive = archive_of(rows, match, cap, kind)
    wanted = asked_days(split, identifier, archive)
    outcome = drive(split, identifier, archive)
    assert outcome.found <= wanted
    if outcome.verdict == "complete":
        assert outcome.found == wanted
    if outcome.verdict == "unknown":
        lost = [one for one in archive.records if uid(one) in wanted - outcome.found]
        assert all(not text_at(one, (STUDY_DATE,)) or not text_at(one, (STUDY_TIME,)) for one in lost)
    assert len({part.label for part in outcome.asked}) == len(outcome.asked)


@settings(max_examples=200)
@given(legal, matches, caps, kinds)
def test_a_range_without_crowded_days_is_complete(rows, match, cap, kind):
    by_day: dict[str, int] = {}
    kept = []
    for on, at in rows:
        by_day[on] = by_day.get(on, 0) + 1
        if by_day[on] < cap:
            kept.append((on, at))
    split = DateSplit((STUDY_DATE,), "StudyDate", "DA", "20240101", "20240131")
    archive = archive_of(kept, match, cap, kind)
    outcome = drive(split, keys(), archive)
    assert (outcome.verdict, len(outcome.found)) == ("complete", len(kept))


@settings(max_examples=200)
@given(many, matches, caps, kinds, st.booleans())
def test_a_question_for_times_is_complete_or_at_its_floor(rows, match, cap, kind, residue):
    split = DateSplit((STUDY_DATE,), "StudyDate", "DA", "20240101", "20240131", residue=residue)
    archive = archive_of(rows, match, cap, kind)
    identifier = keys(time="00-")
    wanted = asked_days(split, identifier, archive)
    outcome = drive(split, identifier, archive)
    assert outcome.verdict in (
        {"complete", "incomplete", "unknown"} if residue else {"complete", "incomplete"}
    )
    if outcome.verdict == "complete":
        assert outcome.found == wanted


moments = st.one_of(
    st.none(),
    st.just(""),
    st.sampled_from(["2024", "202401", "20240103", "20240103120000.5", "20240103235960", "20240103120000"]),
    st.tuples(st.integers(FIRST, FIRST + 3), st.integers(0, 23)).map(
        lambda at: f"{day(at[0])}{at[1]:02}1500"
    ),
)


@settings(max_examples=200)
@given(
    st.lists(moments, max_size=40), matches, caps, kinds, steps,
    st.sampled_from(["", "20240101-20240110", "20240102120000-", "-2024010312"]),
)  # fmt: skip
def test_moments_lose_and_double_nothing(rows, match, cap, kind, every, asked):
    identifier = keys(moment=asked)
    split = DateSplit((MOMENT,), "AcquisitionDateTime", "DT", every=every)
    records = [record(number, moment=at) for number, at in enumerate(rows)]
    archive = Archive(records, match, cap, kind)
    outcome = drive(split, identifier, archive)
    wanted = archive.all(identifier)
    assert outcome.found <= wanted
    if outcome.verdict == "complete":
        assert outcome.found == wanted
    if asked:
        assert outcome.verdict in {"complete", "incomplete"}


@settings(max_examples=150)
@given(st.lists(st.tuples(days, times), max_size=40), matches, caps, kinds)
def test_steps_of_a_worklist_are_split_inside_their_sequence(rows, match, cap, kind):
    def item(on: str | None, at: str | None) -> Identifier:
        values = ((START_DATE, on), (START_TIME, at))
        return tuple(element(tag, text) for tag, text in values if text is not None)

    records = [
        (element(UID, f"1.{number}"), Element(SEQUENCE, "SQ", (item(on, at),)))
        for number, (on, at) in enumerate(rows)
    ]
    identifier = (Element(SEQUENCE, "SQ", (item("20240101-20240131", ""),)),)
    split = DateSplit((SEQUENCE, 0, START_DATE), "ScheduledProcedureStepStartDate")
    archive = Archive(records, match, cap, kind)
    outcome = drive(split, identifier, archive)
    wanted = archive.all(identifier)
    assert outcome.found <= wanted
    if outcome.verdict == "complete":
        assert outcome.found == wanted


names = st.one_of(st.none(), st.just(""), st.text("ABCa^é1", max_size=4).map(str.strip))


@settings(max_examples=200)
@given(
    st.lists(names, max_size=40), matches, caps, kinds, st.sampled_from(["", "A*", "AB*", "*", "?A*", "A"])
)
def test_letters_lose_nothing_when_complete(rows, match, cap, kind, asked):
    identifier = keys(name=asked)
    split = LetterSplit((NAME,), "PatientName", "PN", "ABC1")
    archive = Archive([record(n, name=name) for n, name in enumerate(rows)], match, cap, kind)
    outcome = drive(split, identifier, archive)
    wanted = archive.all(identifier)
    assert outcome.found <= wanted
    if outcome.verdict == "complete":
        assert outcome.found == wanted
    if len(outcome.asked) > 1:
        assert outcome.verdict != "complete"  # the alphabet is not known to have every letter


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([None, "", "CT", "MR", "US", "XA", "CT\\MR"]), max_size=40),
    matches, caps, kinds, st.sampled_from(["", "CT\\MR\\XA"]),
)  # fmt: skip
def test_lists_lose_nothing_when_complete(rows, match, cap, kind, asked):
    identifier = keys(modality=asked)
    split = ListSplit((MODALITIES,), "ModalitiesInStudy", "CS", () if asked else ("CT", "MR"))
    archive = Archive([record(n, modality=one) for n, one in enumerate(rows)], match, cap, kind)
    outcome = drive(split, identifier, archive)
    wanted = {
        uid(one)
        for one in archive.records
        if not asked or {"CT", "MR", "XA"} & set(text_at(one, (MODALITIES,)).split("\\"))
    }
    if outcome.verdict == "complete":
        assert outcome.found == wanted
    if len(outcome.asked) > 1:
        assert outcome.verdict in ({"complete", "incomplete"} if asked else {"unknown", "incomplete"})


def test_a_peer_that_does_not_match_the_key_is_not_asked_for_ever():
    split = DateSplit((STUDY_DATE,), "StudyDate", "DA", "20240101", "20241231")
    records = [record(number, day="20240105", time="12") for number in range(20)]
    archive = Archive(records, strict, 10, deaf_to=(STUDY_DATE, STUDY_TIME))
    outcome = drive(split, keys(), archive)
    assert outcome.verdict == "incomplete"
    assert any("does not match what splits the query" in reason for reason in outcome.reasons)
    assert archive.queries < 100
    mute = Archive([record(number) for number in range(20)], strict, 10, deaf_to=(STUDY_DATE, STUDY_TIME))
    outcome = drive(split, keys(), mute)
    assert (outcome.verdict, outcome.reasons[-1]) == (
        "incomplete", "part after part hit a cap: the peer seems not to match StudyDate, or its time"
    )  # fmt: skip
    assert mute.queries < 300


# --- how many queries -----------------------------------------------------------------------------------


def uniform(source: random.Random) -> tuple[int, int]:
    return source.randrange(365), source.randrange(DAY)


def clustered(source: random.Random) -> tuple[int, int]:
    """Half of all in three bursts of some days, the rest anywhere."""
    if source.random() < 0.5:
        return min(364, max(0, round(source.gauss(source.choice((40, 200, 310)), 4)))), source.randrange(DAY)
    return uniform(source)


def office_hours(source: random.Random) -> tuple[int, int]:
    """No weekends and no nights."""
    while (number := source.randrange(365)) % 7 in (5, 6):
        pass
    return number, min(DAY - 1, max(0, round(source.gauss(12.5 * 3600, 2.5 * 3600))))


def one_month(source: random.Random) -> tuple[int, int]:
    """So many a day that each has to be cut on its time."""
    number, second = office_hours(source)
    return number % 30, second


@pytest.mark.parametrize("cap", [10])
@pytest.mark.parametrize("distribution", [uniform, clustered, office_hours, one_month])
@pytest.mark.parametrize("ends", [("20240101", "20241231"), ("19900101", "20261231"), ("", "")])
def test_few_queries_are_needed(distribution, cap, ends):
    worst = 0.0
    for seed in range(2):
        source = random.Random(seed)
        rows = []
        for _ in range(1000):
            number, second = distribution(source)
            rows.append((day(FIRST + number), f"{second // 3600:02}{second // 60 % 60:02}{second % 60:02}"))
        archive = archive_of(rows, textual, cap, "FE00")
        split = DateSplit((STUDY_DATE,), "StudyDate", "DA", *ends)
        outcome = drive(split, keys(), archive)
        assert len(outcome.found) == 1000
        assert outcome.verdict in {"complete", "unknown"}
        worst = max(worst, archive.queries / (1000 / cap))
    assert worst < 4
