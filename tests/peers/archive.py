"""A synthetic archive: invented patients with names in several scripts, written with pydicom."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

#: Studies of the patient BULK, each with one instance: enough for a cancel to come before the end.
BULK_STUDIES = 300
_ROOT = "1.2.826.0.1.3680043.10.1111"
_IMAGE_STORAGE = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
}


@dataclass(frozen=True, slots=True)
class Patient:
    """An invented patient; `studies` are (date, modalities of its series, images in each series)."""

    patient_id: str
    name: str
    character_set: str
    birth_date: str
    sex: str
    studies: Sequence[tuple[str, Sequence[str], int]]


PATIENTS = (
    Patient("P01", "DOE^JANE", "", "19500101", "F", [("20240105", ["CT"], 3), ("20240131", ["CT", "SR"], 2)]),
    Patient("P02", "DOE^JOHN^^DR", "", "19481224", "M", [("20240131", ["MR", "MR"], 2)]),
    Patient("P03", "Müller^Jürgen", "ISO_IR 100", "19620229", "M", [("20240201", ["CT", "PT"], 4)]),
    Patient("P04", "Łukasiewicz^Żaneta", "ISO_IR 192", "19750415", "F", [("20240115", ["US"], 5)]),
    Patient(
        "P05",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "\\ISO 2022 IR 87",
        "19800707",
        "M",
        [("20231130", ["CR"], 1)],
    ),
    Patient(
        "P06", "Люкceмбypг", "ISO_IR 144", "19550505", "O", [("20240120", ["MR"], 2), ("20240220", ["US"], 1)]
    ),
    Patient("P07", "Διονυσιος", "ISO_IR 126", "19330303", "M", [("20240131", ["CT"], 1)]),
    Patient(
        "P08",
        "Hong^Gildong=洪^吉洞=홍^길동",
        "\\ISO 2022 IR 149",
        "19901010",
        "M",
        [("20240110", ["CT", "MR", "US"], 1)],
    ),
    Patient("P09", "Wang^XiaoDong=王^小东", "GB18030", "19850612", "F", [("20240111", ["PT"], 2)]),
    Patient("P10", 'O\'NEIL^"QUOTE",COMMA', "", "20000229", "F", [("20240112", ["CR", "CR"], 1)]),
)


def write_archive(folder: Path, *, bulk: int = BULK_STUDIES) -> list[Path]:
    """Write the instances of all patients, and `bulk` studies of one more, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, instance in enumerate(_instances(bulk), 1):
        path = folder / f"i{number:05}.dcm"
        _write(path, instance)
        files.append(path)
    return files


def _instances(bulk: int) -> Iterator[Dataset]:
    study_number = 0
    for patient in PATIENTS:
        for date, modalities, images in patient.studies:
            study_number += 1
            for series, modality in enumerate(modalities, 1):
                for image in range(1, images + 1):
                    yield _instance(
                        patient, study_number, f"ACC{study_number:04}", date, modality, series, image
                    )
    patient = Patient("BULK", "BULK^PATIENT", "", "19700101", "O", [])
    for number in range(1, bulk + 1):
        yield _instance(patient, 1000 + number, f"B{number:05}", "20220202", "CT", 1, 1)


def _instance(
    patient: Patient, study: int, accession_number: str, date: str, modality: str, series: int, image: int
) -> Dataset:
    instance = Dataset()
    if patient.character_set:
        instance.SpecificCharacterSet = patient.character_set.split("\\")
    instance.SOPClassUID = _IMAGE_STORAGE[modality]
    instance.SOPInstanceUID = f"{_ROOT}.{study}.{series}.{image}"
    instance.StudyDate = instance.SeriesDate = date
    instance.StudyTime = instance.SeriesTime = f"{8 + study % 12:02}3015"
    instance.AccessionNumber = accession_number
    instance.Modality = modality
    instance.Manufacturer = "INVENTED"
    instance.ReferringPhysicianName = "REFERRING^DOCTOR"
    instance.StudyDescription = f"STUDY {study}"
    instance.SeriesDescription = f"{modality} SERIES {series}"
    instance.PatientName = patient.name
    instance.PatientID = patient.patient_id
    instance.PatientBirthDate = patient.birth_date
    instance.PatientSex = patient.sex
    instance.BodyPartExamined = "CHEST"
    instance.StudyInstanceUID = f"{_ROOT}.{study}"
    instance.SeriesInstanceUID = f"{_ROOT}.{study}.{series}"
    instance.StudyID = f"S{study}"
    instance.SeriesNumber = series
    instance.InstanceNumber = image
    return instance


@dataclass(frozen=True, slots=True)
class WorklistItem:
    """An invented scheduled procedure step."""

    number: int
    name: str
    character_set: str
    modality: str
    station: str
    date: str


WORKLIST = (
    WorklistItem(1, "VIVALDI^ANTONIO", "", "MR", "MRROOM", "20240131"),
    WorklistItem(2, "BACH^JOHANN", "", "CT", "CTROOM", "20240131"),
    WorklistItem(3, "Dvořák^Antonín", "ISO_IR 101", "CT", "CTROOM", "20240201"),
    WorklistItem(4, "Fauré^Gabriel", "ISO_IR 100", "US", "USROOM", "20240131"),
    WorklistItem(5, "Takemitsu^Tooru=武満^徹", "\\ISO 2022 IR 87", "CT", "CTROOM", "20240202"),
    WorklistItem(6, "Шостакович^Дмитрий", "ISO_IR 192", "MR", "MRROOM", "20240203"),
)


def write_worklists(folder: Path, ae_title: str = "WLA") -> Path:
    """Write the worklist items into a folder of the called AE title, and return that one."""
    items = folder / ae_title
    items.mkdir(parents=True)
    (items / "lockfile").touch()
    for item in WORKLIST:
        _write(items / f"item{item.number}.wl", _worklist_item(item))
    return items


def _worklist_item(item: WorklistItem) -> Dataset:
    code = Dataset()
    code.CodeValue = f"C{item.number}"
    code.CodingSchemeDesignator = "99INVENTED"
    code.CodeMeaning = f"{item.modality} of something"

    step = Dataset()
    step.Modality = item.modality
    step.ScheduledStationAETitle = item.station
    step.ScheduledProcedureStepStartDate = item.date
    step.ScheduledProcedureStepStartTime = f"{8 + item.number:02}0000"
    step.ScheduledPerformingPhysicianName = "PERFORMING^DOCTOR"
    step.ScheduledProcedureStepDescription = f"STEP {item.number}"
    step.ScheduledProtocolCodeSequence = [code]
    step.ScheduledProcedureStepID = f"SPS{item.number}"
    step.ScheduledStationName = f"{item.station}1"
    step.ScheduledProcedureStepLocation = "FLOOR1"

    data = Dataset()
    if item.character_set:
        data.SpecificCharacterSet = item.character_set.split("\\")
    data.SOPClassUID = "1.2.840.10008.5.1.4.31"
    data.SOPInstanceUID = f"{_ROOT}.9.{item.number}"
    data.AccessionNumber = f"W{item.number:04}"
    data.ReferringPhysicianName = "REFERRING^DOCTOR"
    data.PatientName = item.name
    data.PatientID = f"W{item.number}"
    data.PatientBirthDate = "19600606"
    data.PatientSex = "O"
    data.PatientWeight = "70.5"
    data.StudyInstanceUID = f"{_ROOT}.8.{item.number}"
    data.RequestedProcedureDescription = f"PROCEDURE {item.number}"
    data.RequestedProcedureCodeSequence = [code]
    data.ScheduledProcedureStepSequence = [step]
    data.RequestedProcedureID = f"RP{item.number}"
    data.RequestedProcedurePriority = "LOW"
    return data


def _write(path: Path, data: Dataset) -> None:
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a value that is not as the standard has it
        dcmwrite(path, data, enforce_file_format=True)


def write_studies(folder: Path, moments: Sequence[tuple[str, str]]) -> list[Path]:
    """Write a study of one instance for each date and time, and return the files; "" leaves a value out."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, (date, time) in enumerate(moments, 1):
        patient = Patient(f"S{number:05}", f"STUDY^{number}", "", "19700101", "O", [])
        instance = _instance(patient, number, f"A{number:05}", date, "CT", 1, 1)
        instance.StudyTime = time
        for keyword in [name for name, value in (("StudyDate", date), ("StudyTime", time)) if not value]:
            delattr(instance, keyword)
        files.append(folder / f"i{number:05}.dcm")
        _write(files[-1], instance)
    return files
