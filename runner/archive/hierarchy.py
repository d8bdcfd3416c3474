"""Patients, studies, series and instances, and what an identifier may ask of them (PS3.4 C.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from runner.archive.catalogue import SERIES_INSTANCE_UID, STUDY_INSTANCE_UID
from runner.dicom.identifier import Element
from runner.dicom.matching import Attributes, is_matched, text_of
from runner.dicom.tags import format_tag, is_private
from runner.model import InformationModel, Level
from runner.query_keys import UNIQUE_KEYS, level_of

QUERY_RETRIEVE_LEVEL = 0x00080052
PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
_ISSUER_OF_PATIENT_ID = 0x00100021
_MODALITY = 0x00080060
_SOP_CLASS_UID = 0x00080016

#: Statuses of PS3.4 C.4.1.1.4, given as other archives give them.
IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS = 0xA900
UNABLE_TO_PROCESS = 0xC000

_DEPTHS = {level: depth for depth, level in enumerate(Level)}
_OF_PATIENT = {"studies": 0x00201200, "series": 0x00201202, "instances": 0x00201204}
_OF_STUDY = {"series": 0x00201206, "instances": 0x00201208}
_INSTANCES_OF_SERIES = 0x00201209
_MODALITIES_IN_STUDY = 0x00080061
_SOP_CLASSES_IN_STUDY = 0x00080062


def is_supported(tag: int, level: Level | None) -> bool:
    """Whether an attribute can be asked for at a level: those of the level and of the levels above it.

    Private attributes can be asked for at every level, and every attribute of a worklist (None).
    """
    return level is None or is_private(tag) or _DEPTHS[level_of(tag) or Level.IMAGE] <= _DEPTHS[level]


class Hierarchy:
    """Instances grouped into patients, studies and series, with what can be asked for at each level."""

    def __init__(self, instances: Iterable[Attributes]) -> None:
        self._records: dict[Level, list[Attributes]] = {level: [] for level in Level}
        for of_patient in _grouped(instances, _patient_key):
            self._add_patient(of_patient)

    def records(self, level: Level) -> Sequence[Attributes]:
        """Return the patients, studies, series or instances, each with all that is supported at its level."""
        return self._records[level]

    def _add_patient(self, instances: Sequence[Attributes]) -> None:
        studies = _grouped(instances, lambda instance: text_of(instance[STUDY_INSTANCE_UID]))
        series = [
            _grouped(study, lambda instance: text_of(instance[SERIES_INSTANCE_UID])) for study in studies
        ]
        counts = {"studies": len(studies), "series": sum(map(len, series)), "instances": len(instances)}
        computed = {tag: _count(tag, counts[what]) for what, tag in _OF_PATIENT.items()}
        self._records[Level.PATIENT].append(_record(Level.PATIENT, instances, computed))
        for study, series_of_study in zip(studies, series, strict=True):
            self._add_study(study, series_of_study, computed)

    def _add_study(
        self, study: Sequence[Attributes], series: Sequence[Sequence[Attributes]], above: Attributes
    ) -> None:
        counts = {"series": len(series), "instances": len(study)}
        computed = {
            **above,
            **{tag: _count(tag, counts[what]) for what, tag in _OF_STUDY.items()},
            _MODALITIES_IN_STUDY: Element(_MODALITIES_IN_STUDY, "CS", _distinct(study, _MODALITY)),
            _SOP_CLASSES_IN_STUDY: Element(_SOP_CLASSES_IN_STUDY, "UI", _distinct(study, _SOP_CLASS_UID)),
        }
        self._records[Level.STUDY].append(_record(Level.STUDY, study, computed))
        for instances in series:
            count = _count(_INSTANCES_OF_SERIES, len(instances))
            of_series = {**computed, _INSTANCES_OF_SERIES: count}
            self._records[Level.SERIES].append(_record(Level.SERIES, instances, of_series))
            self._records[Level.IMAGE] += ({**instance, **of_series} for instance in instances)


def _grouped(instances: Iterable[Attributes], key: Callable[[Attributes], object]) -> list[list[Attributes]]:
    groups: dict[object, list[Attributes]] = {}
    for instance in instances:
        groups.setdefault(key(instance), []).append(instance)
    return list(groups.values())


def _patient_key(instance: Attributes) -> tuple[str, str, str]:
    """Tell patients apart by their ID, those without one by their name."""
    values = {
        tag: text_of(instance[tag]) if tag in instance else ""
        for tag in (PATIENT_ID, _ISSUER_OF_PATIENT_ID, PATIENT_NAME)
    }
    name = "" if values[PATIENT_ID] else values[PATIENT_NAME]
    return values[PATIENT_ID], values[_ISSUER_OF_PATIENT_ID], name


def _record(level: Level, instances: Sequence[Attributes], computed: Attributes) -> Attributes:
    """Return an entity's attributes: the first that are not empty; private ones that all instances share."""
    record: dict[int, Element] = {}
    shared = {tag: element for tag, element in instances[0].items() if is_private(tag)}
    for instance in instances:
        for tag, element in instance.items():
            if (
                not is_private(tag)
                and is_supported(tag, level)
                and (tag not in record or not record[tag].value)
            ):
                record[tag] = element
        for tag in [tag for tag, element in shared.items() if instance.get(tag) != element]:
            del shared[tag]
    return {**record, **shared, **computed}


def _count(tag: int, number: int) -> Element:
    return Element(tag, "IS", str(number))


def _distinct(instances: Iterable[Attributes], tag: int) -> str:
    values = {text_of(instance[tag]) for instance in instances if tag in instance}
    return "\\".join(sorted(values - {""}))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an identifier is not answered.

    Attributes:
        status: the final status.
        offending_elements: tags, for (0000,0901).
        comment: for (0000,0902), at most 64 characters without values of the identifier.
    """

    status: int
    offending_elements: tuple[int, ...]
    comment: str


def checked_level(model: InformationModel, keys: Attributes) -> Level | Refusal | None:
    """Return the level at which an identifier asks; None for the worklist; or why it cannot be answered.

    The query is hierarchical: above its level, each unique key has a single value (PS3.4 C.4.1.2.1).
    """
    for tag, key in keys.items():
        if isinstance(key.value, tuple) and len(key.value) > 1 and is_matched(tag):
            comment = f"{format_tag(tag)} has more than one item"
            return Refusal(IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS, (tag,), comment)
    if not model.levels:
        return None
    stated = text_of(keys[QUERY_RETRIEVE_LEVEL]).strip(" \0") if QUERY_RETRIEVE_LEVEL in keys else ""
    if not stated:
        comment = "QueryRetrieveLevel is missing"
        return Refusal(IDENTIFIER_DOES_NOT_MATCH_SOP_CLASS, (QUERY_RETRIEVE_LEVEL,), comment)
    level = next((level for level in model.levels if level.value == stated), None)
    if level is None:
        comment = f"QueryRetrieveLevel: {model.value} has {', '.join(level.value for level in model.levels)}"
        return Refusal(UNABLE_TO_PROCESS, (QUERY_RETRIEVE_LEVEL,), comment[:64])
    for above in model.levels[: model.levels.index(level)]:
        tag = UNIQUE_KEYS[above]
        value = text_of(keys[tag]).strip(" \0") if tag in keys else ""
        if not value or any(character in value for character in "*?\\"):
            comment = f"the {above.value} level needs a single value of its unique key"
            return Refusal(UNABLE_TO_PROCESS, (tag,), comment)
    return level
