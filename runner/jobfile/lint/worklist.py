"""Rules about worklists: what an item has, and where (PS3.4 K.6.1.2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from runner.dicom.matching import is_matched
from runner.jobfile.keys import QUERY_RETRIEVE_LEVEL
from runner.jobfile.lint.subject import Asked, Finding, Subject, name_of
from runner.model import InformationModel
from runner.query_keys import is_worklist_key, keys_not_in_worklist, scheduled_step_keys

_STEP = 0x00400100  # ScheduledProcedureStepSequence
_STUDY_DATE, _STUDY_TIME = 0x00080020, 0x00080030


def keys_not_of_worklists(subject: Subject) -> Iterator[Finding]:
    """What describes a study that was done is not in a worklist."""
    for asked in _worklists(subject):
        for tag in asked.named(all_of_identifier=True):
            is_date = tag in (_STUDY_DATE, _STUDY_TIME) and tag in set(asked.narrowing())
            if tag in keys_not_in_worklist() or is_date:
                what = (
                    f"{name_of(subject, tag)} describes a study that was done, which a worklist does not have"
                )
                if tag == QUERY_RETRIEVE_LEVEL:
                    what = "a worklist has no levels"
                advice = "take it out"
                if is_date:
                    name = "Date" if tag == _STUDY_DATE else "Time"
                    advice = f"write ScheduledProcedureStepStart{name}, within ScheduledProcedureStepSequence"
                yield Finding(asked.place_of(tag), what, advice)


def misplaced_keys(subject: Subject) -> Iterator[Finding]:
    """What is scheduled stands in ScheduledProcedureStepSequence, what it is scheduled for beside it."""
    for asked in _worklists(subject):
        for tag in asked.named():
            if tag in scheduled_step_keys() and not is_worklist_key(tag):
                what = (
                    f"a worklist has {name_of(subject, tag)} within ScheduledProcedureStepSequence, not here"
                )
                yield Finding(asked.place_of(tag), what, "write it as an item of that: '- KEYWORD: …'")
        inner = {
            element.tag
            for sent in asked.sent
            for top, element in sent.leaves()
            if top == _STEP and is_matched(element.tag)
        }
        for tag in sorted(inner):
            if is_worklist_key(tag) and tag not in scheduled_step_keys():
                what = f"a worklist has {name_of(subject, tag)} outside of ScheduledProcedureStepSequence"
                yield Finding(asked.place_of(_STEP), what, "write it among the keys of the query itself")


def _worklists(subject: Subject) -> Iterator[Asked]:
    return (asked for asked in subject.queries if asked.query.model is InformationModel.WORKLIST)
