"""Where a peer is asked: which identifiers of an information model are sent to learn something of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from runner.dicom.dictionary import STANDARD
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.matching import is_matched, is_universal
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, is_private
from runner.model import InformationModel, Level
from runner.plan import QUERY_RETRIEVE_LEVEL
from runner.query_keys import is_worklist_key, level_of, levels_counted, scheduled_step_keys

STEP = 0x00400100  # ScheduledProcedureStepSequence
PATIENT_NAME: Path = (0x00100010,)
PATIENT_ID: Path = (0x00100020,)
STUDY_UID: Path = (0x0020000D,)
ACCESSION_NUMBER: Path = (0x00080050,)

_PATIENT = "PatientName PatientID PatientBirthDate PatientSex"
_STUDY = """
    StudyInstanceUID StudyDate StudyTime AccessionNumber StudyID StudyDescription ReferringPhysicianName
    ModalitiesInStudy"""
_WORKLIST = f"{_PATIENT} AccessionNumber RequestedProcedureID StudyInstanceUID"
_WORKLIST_STEP = """
    Modality ScheduledStationAETitle ScheduledProcedureStepStartDate ScheduledProcedureStepStartTime
    ScheduledProcedureStepID"""

#: So many keys of the job are looked at beside the usual ones.
MAX_OWN_KEYS = 6


class Key(NamedTuple):
    """An attribute that is asked for: where it stands, and its VR."""

    path: Path
    vr: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A level at which is asked.

    Attributes:
        level: None for the worklist.
        keys: those that are asked for.
    """

    level: Level | None
    keys: tuple[Key, ...]

    def identifier(
        self, values: Mapping[Path, str], *, without: Iterable[Path] = (), character_set: str = ""
    ) -> Identifier:
        """Return the identifier with these values, and all other keys empty.

        Args:
            values: of keys, which are those of the stage or PatientID.
            without: keys that are left out.
            character_set: the value of SpecificCharacterSet; "" to leave it out.
        """
        vrs = {PATIENT_ID: "LO", STUDY_UID: "UI", **{key.path: key.vr for key in self.keys}}
        paths = {*(key.path for key in self.keys), *values} - set(without)
        top: dict[int, Element] = {}
        step: dict[int, Element] = {}
        for path in paths:
            found = Element(path[-1], vrs[path], values.get(path, ""))
            (top if len(path) == 1 else step)[path[-1]] = found
        if step:
            top[STEP] = Element(STEP, "SQ", (_in_order(step),))
        if self.level is not None:
            top[QUERY_RETRIEVE_LEVEL] = Element(QUERY_RETRIEVE_LEVEL, "CS", self.level.value)
        if character_set:
            top[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", character_set)
        return _in_order(top)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a peer is asked.

    Attributes:
        model: the information model.
        stages: from the top; in the lower one, PatientID has a single value.
        values: what the job asks for at the first stage.
        date: the date that ranges are tried with, at the last stage.
        time: the time that belongs to it.
    """

    model: InformationModel
    stages: tuple[Stage, ...]
    values: Mapping[Path, str]
    date: Path = (0x00080020,)
    time: Path = (0x00080030,)

    @property
    def has_dates_above(self) -> bool:
        """Whether all that there is can be asked for by dates."""
        return len(self.stages) == 1


def ground_of(model: InformationModel, identifier: Identifier = ()) -> Ground:
    """Return where a peer is asked.

    Args:
        model: the information model.
        identifier: what a job asks for: its values lead to where something is, and its keys are looked at.
    """
    if model is InformationModel.WORKLIST:
        keys = (*_keys(_WORKLIST), *(Key((STEP, 0, key.path[0]), key.vr) for key in _keys(_WORKLIST_STEP)))
        stages: tuple[Stage, ...] = (Stage(None, keys),)
    elif model is InformationModel.STUDY_ROOT:
        stages = (Stage(Level.STUDY, (*_keys(_PATIENT), *_keys(_STUDY))),)
    else:
        stages = (Stage(Level.PATIENT, _keys(_PATIENT)), Stage(Level.STUDY, _keys(_STUDY)))
    own = dict(_own(identifier, model))
    stages = tuple(_with_own(stage, own, model) for stage in stages)
    known = {key.path for key in stages[0].keys}
    values = {key.path: value for key, value in own.items() if key.path in known}
    if model is InformationModel.WORKLIST:
        return Ground(model, stages, values, (STEP, 0, 0x00400002), (STEP, 0, 0x00400003))
    return Ground(model, stages, values)


def _with_own(stage: Stage, own: Mapping[Key, str], model: InformationModel) -> Stage:
    known = {key.path for key in stage.keys}
    added = [key for key in own if key.path not in known and _belongs(key.path, stage.level, model)]
    return replace(stage, keys=(*stage.keys, *added[:MAX_OWN_KEYS]))


def _belongs(path: Path, level: Level | None, model: InformationModel) -> bool:
    if level is None:
        return (
            path[0] == STEP and path[-1] in scheduled_step_keys()
            if len(path) > 1
            else is_worklist_key(path[0])
        )
    return len(path) == 1 and level_of(path[0]) in levels_counted(model, level)


def _own(identifier: Identifier, model: InformationModel) -> Iterator[tuple[Key, str]]:
    """Yield the keys of a job that have a value, and their values."""
    for element in identifier:
        if isinstance(element.value, tuple):
            if element.tag == STEP and model is InformationModel.WORKLIST and len(element.value) == 1:
                for inner in element.value[0]:
                    if _has_text(inner):
                        yield Key((STEP, 0, inner.tag), inner.vr), str(inner.value)
        elif _has_text(element):
            yield Key((element.tag,), element.vr), str(element.value)


def _has_text(element: Element) -> bool:
    return (
        isinstance(element.value, str)
        and element.value.isascii()
        and is_matched(element.tag)
        and not is_private(element.tag)
        and not is_universal(element)
    )


def _keys(keywords: str) -> tuple[Key, ...]:
    entries = (STANDARD.by_keyword(keyword) for keyword in keywords.split())
    return tuple(Key((entry.tag,), entry.vr) for entry in entries if entry is not None)


def _in_order(elements: Mapping[int, Element]) -> Identifier:
    return tuple(elements[tag] for tag in sorted(elements))
