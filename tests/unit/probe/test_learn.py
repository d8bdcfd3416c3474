"""What is learned from the answers of imagined peers, and how little is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from runner.dicom.identifier import Element, Identifier, text_at
from runner.dicom.matching import Matcher, attributes
from runner.dicom.values import WILDCARD_VRS
from runner.model import InformationModel
from runner.probe.answer import Answer, Question, Record
from runner.probe.facts import Findings
from runner.probe.ground import ground_of
from runner.probe.learn import MAX_QUESTIONS, Dialogue, learn

LEVEL, CHARACTER_SET = 0x00080052, 0x00080005
DATE, TIME, STEP = 0x00080020, 0x00080030, 0x00400100


def study(number: int, **more: str) -> Identifier:
    values = {
        0x00080020: ("DA", f"202401{number % 28 + 1:02}"),
        0x00080030: ("TM", f"{8 + number % 9:02}1500"),
        0x00080050: ("SH", f"ACC{number}"),
        0x00080061: ("CS", "CT\\SR"),
        0x00080090: ("PN", "REFERRING^DOCTOR"),
        0x00081030: ("LO", f"STUDY {number}"),
        0x00100010: ("PN", f"SURNAME{'ABCDEFGHIJ'[number % 10]}^GIVEN"),
        0x00100020: ("LO", f"SECRET{number % 20}"),
        0x00100030: ("DA", "19700101"),
        0x00100040: ("CS", "F"),
        0x0020000D: ("UI", f"1.2.3.{number}"),
        0x00200010: ("SH", f"S{number}"),
    }
    values.update({int(tag[1:], 16): (values[int(tag[1:], 16)][0], text) for tag, text in more.items()})
    return tuple(Element(tag, *values[tag]) for tag in sorted(values))


def step(number: int) -> Identifier:
    inner = (
        Element(0x00080060, "CS", "CT"),
        Element(0x00400001, "AE", "STATION"),
        Element(0x00400002, "DA", f"202401{number % 28 + 1:02}"),
        Element(0x00400003, "TM", "101500"),
        Element(0x00400009, "SH", f"SPS{number}"),
    )
    kept = (0x00080050, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x0020000D)
    top = [element for element in study(number) if element.tag in kept]
    return (*top, Element(STEP, "SQ", (inner,)), Element(0x00401001, "SH", f"RP{number}"))


@dataclass
class Imagined:
    """A peer as it could be.

    Attributes:
        records: what it has.
        ignored: tags of keys that it does not match by.
        cap: how many answers it gives at most, and the status with which it then ends.
        literal: VRs in which * and ? are no wildcards.
        spoiled: whether a key is one that it does not understand, which then finds nothing.
        refused: whether a question is one that it refuses, with 0xA900.
        heeds_cancel: whether it ends an answer on a C-CANCEL.
        character_set: that of an answer, by that of the question.
        questions: what it was asked.
    """

    records: Sequence[Identifier] = tuple(study(number) for number in range(120))
    ignored: frozenset[int] = frozenset()
    cap: tuple[int, int] | None = None
    literal: frozenset[str] = frozenset()
    spoiled: Callable[[Element], bool] = lambda _: False
    refused: Callable[[Identifier], bool] = lambda _: False
    heeds_cancel: bool = True
    character_set: Callable[[str], str] = lambda _: ""
    questions: list[Question] = field(default_factory=list)

    def answer(self, question: Question) -> Answer:
        self.questions.append(question)
        if self.refused(question.identifier):
            return Answer(status=0xA900)
        found = [record for record in self.records if self.matches(question.identifier, record)]
        status = 0
        if self.cap is not None and len(found) > self.cap[0]:
            found, status = found[: self.cap[0]], self.cap[1]
        cancelled = len(found) >= question.cancel_after
        if cancelled and self.heeds_cancel:
            found, status = found[: question.cancel_after], 0xFE00
        terms = self.character_set(text_at(question.identifier, (CHARACTER_SET,)))
        return Answer(status, len(found), tuple(Record(one, terms) for one in found), cancelled)

    def matches(self, keys: Identifier, record: Identifier) -> bool:
        kept = tuple(
            key if key.tag != STEP else Element(STEP, "SQ", (self.matched(key.value[0]),))  # type: ignore[index,arg-type]
            for key in self.matched(keys)
        )
        leaves = [*keys, *(inner for key in keys if key.tag == STEP for inner in key.value[0])]  # type: ignore[union-attr,misc]
        if any(self.spoiled(leaf) or (leaf.vr in self.literal and "*" in str(leaf.value)) for leaf in leaves):  # type: ignore[union-attr]
            return False
        return Matcher(kept).matches(attributes(record))

    def matched(self, keys: Identifier) -> Identifier:
        return tuple(key for key in keys if key.tag not in self.ignored)


def level(identifier: Identifier) -> str:
    return text_at(identifier, (LEVEL,))


def learned(
    peer: Imagined,
    model: InformationModel = InformationModel.STUDY_ROOT,
    asked: Identifier = (),
    limit: int = 2000,
) -> Findings:
    findings = ended(learn(ground_of(model, asked), limit), peer.answer)
    assert findings.questions == len(peer.questions) <= MAX_QUESTIONS
    told = [fact.evidence for fact in (*findings.facts.values(), *findings.keys.values())]
    assert not any(word in text for text in told for word in ("SECRET", "SURNAME", "ACC", "202401"))
    return findings


def ended(dialogue: Dialogue, reply: Callable[[Question], Answer]) -> Findings:
    question = next(dialogue)
    try:
        while True:
            question = dialogue.send(reply(question))
    except StopIteration as end:
        findings: Findings = end.value
        return findings


def values(findings: Findings) -> dict[str, object]:
    return {name: fact.value for name, fact in findings.facts.items() if fact.value is not None}


def ignored(findings: Findings) -> list[str]:
    return [name for name, fact in findings.keys.items() if fact.value]


GOOD = {
    "wildcards.names": True,
    "wildcards.texts": True,
    "ranges.dates": True,
    "ranges.times": True,
    "ranges.open_ended": True,
    "cancel": True,
}


def test_of_a_good_peer_all_is_known():
    findings = learned(Imagined(refused=lambda keys: level(keys) == "SERIES"))
    assert values(findings) == {**GOOD, "relational": False}
    assert len(findings.keys) == 12
    assert all(fact.value is False for fact in findings.keys.values())


def test_keys_that_are_ignored_are_told_from_those_that_are_not():
    findings = learned(Imagined(ignored=frozenset({0x00100030, 0x00080061, 0x00081030})))
    assert ignored(findings) == ["PatientBirthDate", "StudyDescription", "ModalitiesInStudy"]


def test_keys_of_the_job_are_looked_at_too():
    asked = (
        Element(LEVEL, "CS", "SERIES"),
        Element(0x00100020, "LO", "SECRET1"),
        Element(0x00180015, "CS", "CHEST"),  # of the level below
        Element(0x00321033, "LO", "SOMEONE"),
    )
    findings = learned(Imagined(ignored=frozenset({0x00321033})), asked=asked)
    assert ignored(findings) == ["RequestingService"]
    assert "BodyPartExamined" not in findings.keys


def test_an_empty_value_that_matches_all_is_not_taken_for_an_ignored_key():
    records = [study(number, x00081030="") for number in range(30)]
    findings = learned(Imagined(records, ignored=frozenset({0x00081030})))
    assert findings.keys["StudyDescription"].value is None


@pytest.mark.parametrize("status", [0xFE00, 0xA700, 0xB001])
def test_a_cap_that_is_told(status):
    findings = learned(Imagined(cap=(40, status)))
    assert findings.facts["result_limit"].value == 40
    assert f"0x{status:04X}" in findings.facts["result_limit"].evidence


@pytest.mark.parametrize("order", [1, -1])
def test_a_silent_cap_is_found_by_parts_that_have_more(order):
    records = [study(number) for number in range(120)][::order]
    findings = learned(Imagined(records, cap=(40, 0)))
    assert findings.facts["result_limit"].value == 40


def test_no_cap_is_found_where_there_is_none():
    fact = learned(Imagined()).facts["result_limit"]
    assert fact.value is None
    assert "120 records came, and their parts add up" in fact.evidence


def test_a_cap_above_the_limit_is_not_found():
    peer = Imagined(cap=(100, 0xFE00))
    fact = learned(peer, limit=60).facts["result_limit"]
    assert (fact.value, fact.evidence) == (None, "none was met with up to 60 answers")
    assert max(question.cancel_after for question in peer.questions) == 60


def test_a_silent_cap_is_not_guessed_at_without_ranges():
    findings = learned(Imagined(cap=(40, 0), spoiled=lambda key: key.vr == "DA" and "-" in str(key.value)))
    assert findings.facts["result_limit"].value is None
    assert findings.facts["ranges.dates"].value is False
    assert findings.facts["ranges.open_ended"].value is False
    assert findings.facts["ranges.times"].value is True


def test_wildcards_that_are_taken_literally():
    facts = learned(Imagined(literal=WILDCARD_VRS - {"PN"})).facts
    assert (facts["wildcards.names"].value, facts["wildcards.texts"].value) == (True, False)
    facts = learned(Imagined(literal=frozenset({"PN"}))).facts
    assert (facts["wildcards.names"].value, facts["wildcards.texts"].value) == (False, True)
    facts = learned(Imagined(spoiled=lambda key: "?" in str(key.value))).facts
    assert facts["wildcards.names"].value is None


def test_a_name_that_is_ignored_has_no_wildcards():
    facts = learned(Imagined(ignored=frozenset({0x00100010}))).facts
    assert facts["wildcards.names"].value is False


def test_what_is_refused_is_not_supported():
    refuses = Imagined(refused=lambda keys: any("-" in text_at(keys, (tag,)) for tag in (DATE, TIME)))
    facts = learned(refuses).facts
    for name in ("ranges.dates", "ranges.times", "ranges.open_ended"):
        assert facts[name].value is False
        assert "0xA900" in facts[name].evidence


@pytest.mark.parametrize("failed", [Answer(None, failure="no answer in time"), Answer(0xA700)])
def test_what_only_failed_is_not_known(failed):
    peer = Imagined()

    def reply(question: Question) -> Answer:
        answer = peer.answer(question)
        asked = question.identifier
        hard = level(asked) == "SERIES" or any("-" in text_at(asked, (tag,)) for tag in (DATE, TIME))
        return failed if hard else answer

    facts = ended(learn(ground_of(InformationModel.STUDY_ROOT), 2000), reply).facts
    for name in ("ranges.dates", "ranges.times", "ranges.open_ended", "relational"):
        assert facts[name].value is None
        assert facts[name].evidence.endswith(failed.refusal)


def test_relational_queries():
    assert learned(Imagined()).facts["relational"].value is True
    nothing = Imagined(spoiled=lambda key: key.tag == LEVEL and key.value == "SERIES")
    assert learned(nothing).facts["relational"].value is False


def test_a_cancel_that_is_not_heeded():
    assert learned(Imagined(heeds_cancel=False)).facts["cancel"].value is None
    many = [study(number) for number in range(1100)]
    assert learned(Imagined(many, heeds_cancel=False)).facts["cancel"].value is False


@pytest.mark.parametrize(
    ("character_set", "echoed", "answers"),
    [
        (lambda asked: asked, True, ("ISO_IR 100", "ISO_IR 192")),
        (lambda _: "ISO_IR 192", False, ("ISO_IR 192",)),
        (lambda _: "", None, None),
        (lambda asked: asked or "ISO_IR 101", True, ("ISO_IR 100", "ISO_IR 101", "ISO_IR 192")),
        (
            lambda asked: "ISO_IR 192" if asked == "ISO_IR 192" else "ISO_IR 13",
            None,
            ("ISO_IR 13", "ISO_IR 192"),
        ),
    ],
)
def test_character_sets(character_set, echoed, answers):
    facts = learned(Imagined(character_set=character_set)).facts
    assert facts["character_set.echoed"].value is echoed
    assert facts["character_set.answers"].value == answers


@pytest.mark.parametrize("model", [InformationModel.PATIENT_ROOT, InformationModel.PATIENT_STUDY_ONLY])
def test_below_patients_studies_are_asked_for(model):
    peer = Imagined(ignored=frozenset({0x00200010, 0x00100040}))
    findings = learned(peer, model)
    assert ignored(findings) == ["PatientSex", "StudyID"]
    assert values(findings) == {**GOOD, "relational": True}
    for question in peer.questions:
        if level(question.identifier) == "STUDY" and question.cancel_after > 20:
            assert text_at(question.identifier, (0x00100020,))
        assert level(question.identifier) in ("PATIENT", "STUDY")


def test_a_worklist():
    peer = Imagined([step(number) for number in range(40)], ignored=frozenset({0x0020000D, 0x00400009}))
    findings = learned(peer, InformationModel.WORKLIST)
    assert ignored(findings) == [
        "StudyInstanceUID",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepID",
    ]
    assert values(findings) == GOOD
    assert "relational" not in findings.facts
    assert not any(level(question.identifier) for question in peer.questions)


def test_what_the_job_asks_for_leads_to_records():
    only = Imagined(refused=lambda keys: not text_at(keys, (0x00100020,)) and not text_at(keys, (DATE,)))
    asked = (Element(DATE, "DA", "20240105"),)
    findings = learned(only, asked=asked)
    assert findings.facts["wildcards.names"].value is True
    assert findings.facts["result_limit"].value is None
    assert "0xA900" in findings.facts["result_limit"].evidence


def test_an_empty_archive_teaches_little():
    peer = Imagined(())
    findings = learned(peer)
    assert values(findings) == {}
    assert len(peer.questions) == 1
    assert findings.facts["relational"].evidence == "no record came that it could be learned from"


def test_a_peer_that_refuses_everything_teaches_nothing():
    findings = learned(Imagined(refused=lambda _: True))
    assert (findings.answers, values(findings)) == (0, {})
    assert findings.refusals == ["0xA900 (the identifier does not match the SOP class)"]


def test_what_is_left_when_the_peer_is_lost_is_not_known():
    peer = Imagined(ignored=frozenset({0x00100040}))

    def reply(question: Question) -> Answer:
        return Answer(None, over=True) if len(peer.questions) == 6 else peer.answer(question)

    findings = ended(learn(ground_of(InformationModel.STUDY_ROOT), 2000), reply)
    assert ignored(findings) == ["PatientSex"]
    assert findings.facts["cancel"].evidence == "not asked, since the peer was lost before"


def test_no_more_is_asked_than_allowed():
    peer = Imagined()
    twice = learn(ground_of(InformationModel.STUDY_ROOT), 2000)
    findings = ended(twice, lambda question: replace(peer.answer(question), attempts=2))
    assert findings.questions == MAX_QUESTIONS
    assert findings.facts["character_set.echoed"].evidence == "not asked, since 40 C-FINDs were sent already"


def test_narrow_questions_are_cancelled_early():
    peer = Imagined([study(number) for number in range(1100)], ignored=frozenset({0x00100020}))
    learned(peer)
    assert [question.cancel_after for question in peer.questions].count(2000) == 1
    assert all(question.cancel_after <= 200 or question.cancel_after >= 1100 for question in peer.questions)
