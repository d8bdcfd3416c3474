"""Which keys a query has at which level, by the information models of PS3.4 C.6 and K.6.1.2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from runner.dicom.dictionary import STANDARD
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
#: What describes a study that was done and is not part of a worklist item, though it is often tried.
_NOT_IN_WORKLIST = """
    QueryRetrieveLevel StudyDate StudyTime StudyDescription StudyID ModalitiesInStudy SOPClassesInStudy
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
def keys_not_in_worklist() -> frozenset[int]:
    """Return attributes of studies that a worklist does not have, though it is often asked for them."""
    return tags(_NOT_IN_WORKLIST)
