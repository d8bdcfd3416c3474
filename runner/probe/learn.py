"""Which C-FINDs teach what of a peer, one following from the answers to those before; no I/O.

Each fact has a question that must find something and one that must not, since a peer that ignores what it
does not know answers both. Values come from the peer's own records and stay within this package.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence

from runner.dicom.dictionary import STANDARD
from runner.dicom.identifier import Path, text_at
from runner.dicom.path import path_text
from runner.model import InformationModel, Level
from runner.probe import values
from runner.probe.answer import Answer, Question, Record
from runner.probe.facts import NAMES, Fact, Findings
from runner.probe.ground import (
    ACCESSION_NUMBER,
    PATIENT_ID,
    PATIENT_NAME,
    STUDY_UID,
    Ground,
    Key,
    Stage,
)
from runner.status import CANCEL, SUCCESS

#: So many C-FINDs are sent at most to learn of one peer.
MAX_QUESTIONS = 40
#: Where a question needs some answers only, it is cancelled after so many.
NEAR_LIMIT = 200
#: A peer that sends so many responses after a C-CANCEL does not heed it; fewer may have been on their way.
MANY = 1000
#: As many responses there must be for a C-CANCEL to come before the last of them.
FEW = 20

_UTF_8, _LATIN_1 = "ISO_IR 192", "ISO_IR 100"

Dialogue = Generator[Question, Answer, Findings]
Asking = Generator[Question, Answer, Answer]
Step = Generator[Question, Answer, None]


class _NoMoreError(Exception):
    """Nothing more can be asked; the argument says why."""


def learn(ground: Ground, limit: int) -> Dialogue:
    """Ask questions, and return what their answers teach.

    Args:
        ground: where to ask.
        limit: how many responses are let come to one question.

    Yields:
        Questions; each is to be sent an Answer.
    """
    learning = _Learning(ground, limit)
    return (yield from learning.run())


class _Learning:
    def __init__(self, ground: Ground, limit: int) -> None:
        self.ground = ground
        self.limit = limit
        self.near_limit = min(limit, NEAR_LIMIT)
        self.findings = Findings()
        self.top, self.last = ground.stages[0], ground.stages[-1]
        # All that there is, what the job asks for, and the record that control questions are made from.
        self.all = Answer()
        self.own: Answer | None = None
        self.record: Record | None = None
        # A value that leads to few records, and those records, by stage.
        self.anchor: tuple[Path, str] | None = None
        self.near: dict[Stage, Answer] = {}

    def run(self) -> Dialogue:
        steps: tuple[Callable[[], Step], ...] = (
            self.find_records,
            self.find_near,
            self.learn_keys,
            self.learn_wildcards,
            self.learn_dates,
            self.learn_times,
            self.learn_relational,
            self.learn_cap,
            self.learn_cancel,
            self.learn_character_sets,
        )
        missing = "no record came that it could be learned from"
        try:
            for step in steps:
                yield from step()
        except _NoMoreError as why:
            missing = str(why)
        for name in NAMES:
            if name == "relational" and self.ground.model is InformationModel.WORKLIST:
                continue
            self.findings.facts.setdefault(name, Fact(None, missing))
        return self.findings

    # --- asking ---------------------------------------------------------------------------------

    def ask(
        self,
        stage: Stage,
        asked: Mapping[Path, str],
        cancel_after: int | None = None,
        *,
        without: Sequence[Path] = (),
        character_set: str = "",
    ) -> Asking:
        if self.findings.questions >= MAX_QUESTIONS:
            raise _NoMoreError(f"not asked, since {MAX_QUESTIONS} C-FINDs were sent already")
        identifier = stage.identifier(asked, without=without, character_set=character_set)
        answer = yield Question(identifier, cancel_after or self.near_limit)
        self.findings.questions += answer.attempts
        if answer.over:
            raise _NoMoreError("not asked, since the peer was lost before")
        if answer.refusal:
            self.findings.refusals.append(answer.refusal)
        else:
            self.findings.answers += 1
        return answer

    def beside(self, stage: Stage, asked: Mapping[Path, str], cancel_after: int | None = None) -> Asking:
        """Ask for some of the few records that the anchor leads to."""
        assert self.anchor is not None
        return self.ask(stage, {self.anchor[0]: self.anchor[1], **asked}, cancel_after)

    def tell(self, name: str, value: bool | int | tuple[str, ...] | None, evidence: str) -> None:
        self.findings.facts[name] = Fact(value, evidence)

    # --- where there is something ---------------------------------------------------------------

    def find_records(self) -> Step:
        """Ask for what the job asks for, then for all that there is."""
        if self.ground.values:
            self.own = yield from self.ask(self.top, self.ground.values, self.limit)
        self.all = yield from self.ask(self.top, {}, self.limit)
        records = [*(self.own.records if self.own is not None else ()), *self.all.records]
        if records:
            self.record = max(records, key=self.fitness)

    def fitness(self, record: Record) -> int:
        """How many of the questions can be made from a record."""
        at = record.identifier
        return (
            4 * bool(values.single(text_at(at, PATIENT_ID)))
            + 2 * bool(values.name(text_at(at, PATIENT_NAME)))
            + bool(values.date(text_at(at, self.ground.date)))
            + bool(values.hour(text_at(at, self.ground.time)))
        )

    def find_near(self) -> Step:
        """Find a value that leads to few records, at each stage."""
        if self.record is None:
            return
        for path in (PATIENT_ID, STUDY_UID, ACCESSION_NUMBER):
            value = values.single(text_at(self.record.identifier, path))
            if not value or (path != PATIENT_ID and self.last is not self.top):
                continue
            answer = yield from self.ask(self.top, {path: value})
            if answer.records and not answer.refusal:
                self.anchor, self.near[self.top] = (path, value), answer
                break
        if self.anchor is not None and self.last is not self.top:
            answer = yield from self.beside(self.last, {})
            if answer.records and not answer.refusal:
                self.near[self.last] = answer

    def known(self, stage: Stage, path: Path, fit: Callable[[str], str]) -> str:
        """Return a value that some record near by has, "" where none has one that can be asked for."""
        if stage not in self.near or self.record is None:
            return ""
        preferred = fit(text_at(self.record.identifier, path))
        found = values.values_of(self.near[stage].records, path)
        if preferred and preferred in found:
            return preferred
        return next((value for value in map(fit, found) if value), "")

    # --- keys -----------------------------------------------------------------------------------

    def learn_keys(self) -> Step:
        """Ask for values that no record has: a peer that ignores the key answers all the same."""
        for stage in self.ground.stages:
            for key in stage.keys:
                if stage in self.near:
                    self.findings.keys[path_text(key.path, STANDARD)] = yield from self.key(stage, key)

    def key(self, stage: Stage, key: Key) -> Generator[Question, Answer, Fact]:
        near = self.near[stage].records
        value = contradiction = values.contradiction(key.path, key.vr, values.values_of(near, key.path))
        if value is None or contradiction is None:
            return Fact(None, "no value is known that no record has")
        if self.anchor is not None and key.path == self.anchor[0]:
            answer = yield from self.ask(stage, {key.path: value})
        else:
            answer = yield from self.beside(stage, {key.path: value})
        if answer.refusal:
            return Fact(None, f"asked for a value that no record has, it ended with {answer.refusal}")
        if not answer.responses:
            return Fact(False, "a value that no record has found nothing")
        if values.is_empty(near, key.path):
            return Fact(None, "records without a value came, which some peers take for a match")
        return Fact(True, f"{_answers(answer)} came to a value that no record has")

    # --- wildcards ------------------------------------------------------------------------------

    def learn_wildcards(self) -> Step:
        stage = self.top
        name = self.known(stage, PATIENT_NAME, values.name)
        if name:
            found = yield from self.beside(stage, {PATIENT_NAME: values.beginning(name)})
            gap = yield from self.beside(stage, {PATIENT_NAME: values.with_gap(name)})
            other = yield from self.beside(stage, {PATIENT_NAME: values.NO_NAME})
            fact = _judged(found, other, "a beginning and *", "another beginning and *")
            if fact.value and not gap.responses:
                fact = Fact(None, "* is a wildcard, ? found nothing")
            self.findings.facts["wildcards.names"] = fact
        else:
            self.tell("wildcards.names", None, "no record has a name of plain letters")
        identifier = self.known(stage, PATIENT_ID, values.single)
        if identifier:
            found = yield from self.ask(stage, {PATIENT_ID: f"{identifier}*"})
            other = yield from self.ask(stage, {PATIENT_ID: values.NO_ID})
            fact = _judged(found, other, "a PatientID and *", "another beginning and *")
            self.findings.facts["wildcards.texts"] = fact
        else:
            self.tell("wildcards.texts", None, "no record has a PatientID of plain letters and digits")

    # --- ranges ---------------------------------------------------------------------------------

    def learn_dates(self) -> Step:
        day = self.known(self.last, self.ground.date, values.date)
        if not day:
            for name in ("ranges.dates", "ranges.open_ended"):
                self.tell(name, None, "no record has a date")
            return
        path = self.ground.date
        found = yield from self.beside(self.last, {path: f"{day}-{day}"})
        other = yield from self.beside(self.last, {path: values.NO_DATES})
        self.findings.facts["ranges.dates"] = _judged(found, other, "the day of a record", "days of long ago")
        after = yield from self.beside(self.last, {path: f"{day}-"})
        before = yield from self.beside(self.last, {path: f"-{day}"})
        other = yield from self.beside(self.last, {path: values.NO_DATES_AFTER})
        fact = _judged(after, other, "from the day of a record", "far in the future")
        if fact.value:
            fact = _judged(before, other, "up to and from the day of a record", "far in the future")
        self.findings.facts["ranges.open_ended"] = fact

    def learn_times(self) -> Step:
        path = self.ground.time
        hour = self.known(self.last, path, values.hour)
        if not hour:
            self.tell("ranges.times", None, "no record has a time")
            return
        hour = hour[:2]
        near = self.near[self.last]
        found = yield from self.beside(self.last, {path: f"{hour}0000-{hour}5959"})
        free = values.free_hour(values.values_of(near.records, path))
        if free is None or near.cancelled:
            self.tell("ranges.times", None, "no hour is known in which there is no record")
            return
        other = yield from self.beside(self.last, {path: f"{free}0000-{free}5959"})
        self.findings.facts["ranges.times"] = _judged(
            found, other, "the hour of a record", "an hour without records"
        )

    # --- relational queries ---------------------------------------------------------------------

    def learn_relational(self) -> Step:
        """Ask for what lies below without the unique key above (PS3.4 C.4.1.2.2.1)."""
        if self.ground.model is InformationModel.WORKLIST or self.anchor is None:
            return
        if self.last is self.top:
            stage = Stage(Level.SERIES, (Key((0x0020000E,), "UI"),))
            asked = {self.anchor[0]: self.anchor[1]} if self.anchor[0] == PATIENT_ID else {}
            what = "series without StudyInstanceUID"
        else:
            stage = self.last
            day = self.known(stage, self.ground.date, values.date)
            asked = {self.ground.date: day} if day else {}
            what = "studies without PatientID"
        answer = yield from self.ask(stage, asked, FEW)
        if answer.refusal:
            value = False if answer.is_unsupported else None
            self.tell("relational", value, f"asked for {what}, it ended with {answer.refusal}")
        elif answer.responses:
            self.tell("relational", True, f"asked for {what}, it answered")
        else:
            self.tell("relational", False, f"asked for {what}, it found nothing")

    # --- caps -----------------------------------------------------------------------------------

    def learn_cap(self) -> Step:
        for answer in (self.all, self.own):
            if answer is not None and answer.cap:
                self.tell("result_limit", answer.responses, f"after so many it ended with {answer.cap}")
                return
        count = self.all.responses
        if self.all.refusal:
            self.tell("result_limit", None, f"asked for all, it ended with {self.all.refusal}")
        elif self.all.cancelled:
            self.tell("result_limit", None, f"none was met with up to {count} answers")
        elif count < 2:
            self.tell("result_limit", None, "too few records came to tell")
        else:
            yield from self.learn_silent_cap(count)

    def learn_silent_cap(self, count: int) -> Step:
        """Ask for two parts of all that there is: together they have no more answers, or a cap was hit."""
        dates = [day for day in map(values.date, values.values_of(self.all.records, self.ground.date)) if day]
        ranges = self.findings.facts.get("ranges.dates")
        if not dates or not self.ground.has_dates_above or ranges is None or ranges.value is not True:
            evidence = f"{count} records came, which are all or as many as it gives"
            self.tell("result_limit", None, evidence)
            return
        total = 0
        for part in values.halves(dates):
            answer = yield from self.ask(self.top, {self.ground.date: part}, count + 1)
            if answer.refusal:
                self.tell("result_limit", None, f"asked for a part, it ended with {answer.refusal}")
                return
            total += answer.responses
            if total > count:
                evidence = "without a word it gives no more: two parts of all that there is have more answers"
                self.tell("result_limit", count, evidence)
                return
        self.tell("result_limit", None, f"none was met with: {count} records came, and their parts add up")

    # --- cancel ---------------------------------------------------------------------------------

    def learn_cancel(self) -> Step:
        answer, total = self.all, self.all.responses
        if not answer.cancelled:
            if total < FEW or answer.refusal:
                self.tell("cancel", None, "too few records came for a C-CANCEL to come in time")
                return
            answer = yield from self.ask(self.top, {}, 1)
        after = answer.responses - (self.limit if answer is self.all else 1)
        if answer.status == CANCEL and (answer is self.all or answer.responses < total):
            self.tell("cancel", True, f"it ended the answer, {after} responses after the C-CANCEL was sent")
        elif answer.overrun or (answer.status == SUCCESS and after >= MANY):
            self.tell("cancel", False, f"{after} responses came after the C-CANCEL was sent")
        elif answer.refusal:
            self.tell("cancel", None, f"after the C-CANCEL, it ended with {answer.refusal}")
        else:
            self.tell(
                "cancel", None, f"{after} responses came after the C-CANCEL: they may have been on their way"
            )

    # --- character sets -------------------------------------------------------------------------

    def learn_character_sets(self) -> Step:
        if self.anchor is None:
            return
        path, value = self.anchor
        declared = [record for record in self.all.records if record.character_set]
        for record in declared:  # of plain ASCII none need be declared
            other = values.single(text_at(record.identifier, path))
            if other:
                value = other
                break
        seen: dict[str, set[str]] = {}
        for terms in (_UTF_8, _LATIN_1):
            answer = yield from self.ask(self.top, {path: value}, character_set=terms)
            seen[terms] = {record.character_set for record in answer.records} - {""}
        counted = Counter(record.character_set for record in self.all.records)
        answers = tuple(sorted({*counted, *seen[_UTF_8], *seen[_LATIN_1]} - {""}))
        if not answers:
            for name in ("character_set.echoed", "character_set.answers"):
                self.tell(name, None, "no answer says in which character set it is")
            return
        self.tell("character_set.answers", answers, "what SpecificCharacterSet was in the answers")
        if seen[_UTF_8] == {_UTF_8} and seen[_LATIN_1] == {_LATIN_1}:
            self.tell("character_set.echoed", True, f"asked in {_UTF_8} and {_LATIN_1}, it answered in them")
        elif seen[_UTF_8] and seen[_UTF_8] == seen[_LATIN_1]:
            self.tell("character_set.echoed", False, "the same, whatever the query was in")
        else:
            self.tell("character_set.echoed", None, "some answers are in that of the query, some in another")


def _judged(found: Answer, other: Answer, what: str, contrary: str) -> Fact:
    """Return whether a kind of matching works: one question is to find something, the other nothing."""
    if found.refusal:
        value = False if found.is_unsupported else None
        return Fact(value, f"asked for {what}, it ended with {found.refusal}")
    if not found.responses:
        return Fact(False, f"asked for {what}, it found nothing")
    if other.refusal:
        return Fact(None, f"asked for {contrary}, it ended with {other.refusal}")
    if other.responses:
        return Fact(False, f"asked for {contrary}, it answered all the same")
    return Fact(True, f"asked for {what}, it answered; for {contrary}, it did not")


def _answers(answer: Answer) -> str:
    return f"{answer.responses} answer{'s' if answer.responses > 1 else ''}"
