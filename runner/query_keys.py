"""Which keys a query has at which level, by the information models of PS3.4 C.6 and K.6.1.2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache

from runner.dicom.dictionary import STANDARD
from runner.dicom.matching import NOT_MATCHED, is_matched
from runner.dicom.tags import is_private
from runner.dicom.values import BYTES_VRS, WILDCARD_VRS
from runner.model import InformationModel, Level

#: The unique key of each level (PS3.4 C.6.1.1).
UNIQUE_KEYS: Mapping[Level, int] = {
    Level.PATIENT: 0x00100020,
    Level.STUDY: 0x0020000D,
    Level.SERIES: 0x0020000E,
    Level.IMAGE: 0x00080018,
}

#: Attributes that no object has: archives compute them, and match by them or not (PS3.4 C.3.4).
COMPUTED: Mapping[int, Level] = {
    0x00201200: Level.PATIENT,  # NumberOfPatientRelatedStudies
    0x00201202: Level.PATIENT,
    0x00201204: Level.PATIENT,
    0x00080061: Level.STUDY,  # ModalitiesInStudy
    0x00080062: Level.STUDY,  # SOPClassesInStudy
    0x00080063: Level.STUDY,  # AnatomicRegionsInStudyCodeSequence
    0x00201206: Level.STUDY,
    0x00201208: Level.STUDY,
    0x00201209: Level.SERIES,
}

#: Keys that every archive must match by (PS3.4 C.6.1.1.2 to C.6.1.1.5), beside the unique ones.
REQUIRED_KEYS: Mapping[Level, frozenset[int]] = {
    Level.PATIENT: frozenset({0x00100010}),
    Level.STUDY: frozenset({0x00080020, 0x00080030, 0x00080050, 0x00200010}),
    Level.SERIES: frozenset({0x00080060, 0x00200011}),
    Level.IMAGE: frozenset({0x00200013}),
}

#: Attributes of the patient at the time of the study; all others of group 0010 are the patient's.
_PATIENT_STUDY = """
    AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence PatientAge PatientSize PatientWeight
    PatientBodyMassIndex MedicalAlerts Allergies SmokingStatus PregnancyStatus LastMenstrualDate
    AdditionalPatientHistory Occupation PatientState PatientSexNeutered"""
_STUDY = """
    StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence StudyID
    StudyDescription ReferringPhysicianName ReferringPhysicianIdentificationSequence
    ConsultingPhysicianName PhysiciansOfRecord PhysiciansOfRecordIdentificationSequence
    NameOfPhysiciansReadingStudy PhysiciansReadingStudyIdentificationSequence RequestingService
    RequestingServiceCodeSequence RequestingPhysician ReferencedStudySequence ProcedureCodeSequence
    ReasonForPerformedProcedureCodeSequence AdmissionID IssuerOfAdmissionIDSequence OtherStudyNumbers
    TimezoneOffsetFromUTC"""
_SERIES = """
    Modality SeriesInstanceUID SeriesNumber Laterality SeriesDate SeriesTime PerformingPhysicianName
    ProtocolName SeriesDescription SeriesDescriptionCodeSequence OperatorsName
    ReferencedPerformedProcedureStepSequence BodyPartExamined PatientPosition RequestAttributesSequence
    PerformedProcedureStepID PerformedProcedureStepStartDate PerformedProcedureStepStartTime
    PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepDescription
    PerformedProtocolCodeSequence Manufacturer InstitutionName InstitutionAddress StationName
    InstitutionalDepartmentName ManufacturerModelName DeviceSerialNumber SoftwareVersions
    FrameOfReferenceUID PositionReferenceIndicator"""
_IMAGE = """
    SOPInstanceUID SOPClassUID InstanceNumber ContentDate ContentTime AcquisitionDate AcquisitionTime
    AcquisitionDateTime AcquisitionNumber ImageType NumberOfFrames Rows Columns RelatedGeneralSOPClassUID
    ConceptNameCodeSequence ContentTemplateSequence AlternateRepresentationSequence CompletionFlag
    VerificationFlag"""

#: What a worklist item has within its ScheduledProcedureStepSequence (PS3.4 K.6.1.2.2).
_SCHEDULED_STEP = """
    ScheduledStationAETitle ScheduledProcedureStepStartDate ScheduledProcedureStepStartTime
    ScheduledProcedureStepEndDate ScheduledProcedureStepEndTime Modality ScheduledPerformingPhysicianName
    ScheduledProcedureStepDescription ScheduledStationName ScheduledProcedureStepLocation
    ScheduledProtocolCodeSequence PreMedication ScheduledProcedureStepID RequestedContrastAgent
    ScheduledProcedureStepStatus CommentsOnTheScheduledProcedureStep"""
_REQUIRED_IN_STEP = """
    ScheduledStationAETitle ScheduledProcedureStepStartDate ScheduledProcedureStepStartTime Modality
    ScheduledPerformingPhysicianName"""
#: What a worklist item has beside them (PS3.4 K.6.1.2.2), but for the patient's attributes.
_WORKLIST = """
    ScheduledProcedureStepSequence RequestedProcedureID RequestedProcedureDescription
    RequestedProcedureCodeSequence StudyInstanceUID StudyDate StudyTime ReferencedStudySequence
    RequestedProcedurePriority PatientTransportArrangements AccessionNumber IssuerOfAccessionNumberSequence
    RequestingPhysician ReferringPhysicianName AdmissionID IssuerOfAdmissionIDSequence
    CurrentPatientLocation ReferencedPatientSequence ReasonForTheRequestedProcedure
    ReasonForRequestedProcedureCodeSequence RequestingService NamesOfIntendedRecipientsOfResults
    ConfidentialityConstraintOnPatientDataDescription PatientState InstitutionName
    AdmittingDiagnosesDescription"""
#: What describes a study that was done and is not part of a worklist item, though it is often tried.
_NOT_IN_WORKLIST = """
    QueryRetrieveLevel StudyDescription StudyID ModalitiesInStudy SOPClassesInStudy
    SeriesInstanceUID SeriesNumber SeriesDate SeriesTime SeriesDescription SOPInstanceUID InstanceNumber
    NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances NumberOfSeriesRelatedInstances"""


def tags(keywords: str) -> frozenset[int]:
    """Return the tags of keywords with white space between them."""
    entries = (STANDARD.by_keyword(keyword) for keyword in keywords.split())
    return frozenset(entry.tag for entry in entries if entry is not None)


@cache
def _levels() -> dict[int, Level]:
    lists = (
        (Level.STUDY, _PATIENT_STUDY + _STUDY),
        (Level.SERIES, _SERIES),
        (Level.IMAGE, _IMAGE),
    )
    return {tag: level for level, keywords in lists for tag in tags(keywords)} | dict(COMPUTED)


def level_of(tag: int) -> Level | None:
    """Return the level that an attribute describes (PS3.3 C.7 and C.8 by PS3.4 C.6).

    None where that is not known here: it is then one of the many of a kind of object, at the level IMAGE.
    """
    known = _levels().get(tag)
    return Level.PATIENT if known is None and tag >> 16 == 0x0010 else known


def levels_counted(model: InformationModel, level: Level) -> frozenset[Level]:
    """Return the levels whose attributes are keys at a level.

    In study root, those of the patient are keys of a study (PS3.4 C.6.2.1).
    """
    if model is InformationModel.STUDY_ROOT and level is Level.STUDY:
        return frozenset((Level.PATIENT, Level.STUDY))
    return frozenset((level,))


@cache
def scheduled_step_keys() -> frozenset[int]:
    """Return what stands within ScheduledProcedureStepSequence in a worklist (PS3.4 K.6.1.2.2)."""
    return tags(_SCHEDULED_STEP)


@cache
def _required_in_step() -> frozenset[int]:
    return tags(_REQUIRED_IN_STEP)


@cache
def _worklist_keys() -> frozenset[int]:
    return tags(_WORKLIST) | tags(_PATIENT_STUDY)


def is_worklist_key(tag: int) -> bool:
    """Whether a worklist item has an attribute beside ScheduledProcedureStepSequence (PS3.4 K.6.1.2.2)."""
    return tag >> 16 == 0x0010 or tag in _worklist_keys()


@cache
def keys_not_in_worklist() -> frozenset[int]:
    """Return attributes of studies that a worklist does not have, though it is often asked for them."""
    return tags(_NOT_IN_WORKLIST)


class KeyType(str, Enum):
    """What an attribute is to a query (PS3.4 C.2.2.1)."""

    UNIQUE = "unique key"
    REQUIRED = "required key"
    OPTIONAL = "optional key"


def key_type(model: InformationModel, level: Level, tag: int) -> KeyType | None:
    """Return what an attribute is at a level; None where it is no key there (PS3.4 C.6).

    An attribute whose level is not known here is an optional key of those objects that have it.
    """
    own = level_of(tag) or Level.IMAGE
    if level not in model.levels or own not in levels_counted(model, level):
        return None
    if tag == UNIQUE_KEYS[level]:
        return KeyType.UNIQUE
    required = REQUIRED_KEYS[level]
    if own is not level:  # a patient's attribute in study root
        required = REQUIRED_KEYS[own] | {UNIQUE_KEYS[own]}
    return KeyType.REQUIRED if tag in required else KeyType.OPTIONAL


def key_uses(tag: int) -> Iterator[str]:
    """Say for each information model where an attribute is a key; nothing for what is not matched."""
    if tag in NOT_MATCHED or is_private(tag) or not is_matched(tag):
        return
    in_step, in_item = tag in scheduled_step_keys(), is_worklist_key(tag)
    if level_of(tag) is not None or not (in_step or in_item):
        yield from _uses_at_levels(tag)
    if tag in COMPUTED:
        yield "computed by the archive: some return it and do not match by it"
    if in_step:
        use = KeyType.REQUIRED if tag in _required_in_step() else KeyType.OPTIONAL
        yield f"worklist, within ScheduledProcedureStepSequence: {use.value}"
    elif in_item:
        is_required = tag in REQUIRED_KEYS[Level.PATIENT] or tag == UNIQUE_KEYS[Level.PATIENT]
        yield f"worklist: {(KeyType.REQUIRED if is_required else KeyType.OPTIONAL).value}"


def _uses_at_levels(tag: int) -> Iterator[str]:
    for model in InformationModel:
        for level in model.levels:
            use = key_type(model, level, tag)
            below = [other.value for other in model.levels[model.levels.index(level) + 1 :]]
            if use is KeyType.UNIQUE and below:
                more = f"; a single value of it at {' and '.join(below)}"
                yield f"{model.value} {level.value}: {use.value}{more}"
            elif use is not None:
                yield f"{model.value} {level.value}: {use.value}"
    if level_of(tag) is None:
        yield "of the kinds of objects that have it; archives seldom match by it"


_MATCHING = {
    "UI": ("a single value: 1.2.3", r"a list of values: [1.2.3, 1.2.4], or 1.2.3\1.2.4; no wildcards"),
    "DA": ("a single value: 20240131", "a range: 20240101-20240131, 20240101- or -20240131; no wildcards"),
    "TM": ("a single value: 0730", "a range: 0700-1200, 0700- or -1200, of each day by itself; no wildcards"),
    "DT": ("a single value: 202401310730", "a range: 2024-202406, 2024- or -202406; no wildcards"),
    "SQ": ("a sequence: an item in which all keys match; write the item's keys as a list of one mapping",),
    "PN": (
        "a single value: the whole name, DOE^JOHN; whether case and accents count is the peer's choice",
        "wildcards: * for any characters, ? for one, DOE^*",
    ),
}
_TEXT_MATCHING = (
    "a single value, in which upper and lower case differ",
    "wildcards: * for any characters, ? for one",
)


def matching_of(vr: str) -> Iterator[str]:
    """Say how keys of a VR are matched (PS3.4 C.2.2.2)."""
    if vr in BYTES_VRS:
        yield "no value can be matched"
    elif vr in WILDCARD_VRS and vr != "PN":
        yield from _TEXT_MATCHING
    else:
        yield from _MATCHING.get(vr, ("a single value; no wildcards and no ranges",))
    yield "empty: matches everything, and is returned"
