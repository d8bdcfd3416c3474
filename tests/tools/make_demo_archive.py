"""Make `jobs/demo-archive`: small DICOM files and worklist items of people who do not exist.

Run it as `python tests/tools/make_demo_archive.py [FOLDER]`. The content is a function of this file
alone: UIDs are derived from names, and nothing is taken from the clock. A test compares the folder
with what this file makes.
"""

from __future__ import annotations

import io
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

FOLDER = Path(__file__).parents[2] / "jobs" / "demo-archive"

IMPLICIT, EXPLICIT, DEFLATED, BIG, RLE = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
)
IMPLEMENTATION_CLASS_UID = "2.25.290246087146563270117318411410943046385"

SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "US": "1.2.840.10008.5.1.4.1.1.6.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "MG": "1.2.840.10008.5.1.4.1.1.1.2",
    "NM": "1.2.840.10008.5.1.4.1.1.20",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
}


@dataclass(frozen=True)
class Series:
    """A series: its modality, what it shows, how many instances it has."""

    modality: str
    description: str
    instances: int = 1
    body_part: str = ""
    syntax: str = EXPLICIT


@dataclass(frozen=True)
class Study:
    """A study with its series; an empty date stays empty."""

    date: str
    time: str
    description: str
    series: tuple[Series, ...]
    referring: str = ""


@dataclass(frozen=True)
class Patient:
    """A patient with the character set in which the files say the name."""

    number: int
    name: str
    character_set: str
    birth_date: str
    sex: str
    studies: tuple[Study, ...]

    @property
    def patient_id(self) -> str:
        return f"DEMO{self.number:03d}"


PATIENTS = (
    Patient(
        1,
        "Example^Alice^Quinta^Dr",
        "",
        "19610412",
        "F",
        (
            Study(
                "20240115",
                "083000",
                "CT Thorax",
                (
                    Series("CT", "Thorax native", 2, "CHEST"),
                    Series("CT", "Thorax contrast", 2, "CHEST"),
                    Series("SR", "Report", 1, "CHEST"),
                ),
                "Sample^Robert^^Dr",
            ),
            Study(
                "20240612",
                "101530.250000",
                "Follow-up",
                (Series("DX", "Thorax pa", 1, "CHEST"),),
                "Sample^Robert^^Dr",
            ),
        ),
    ),
    Patient(
        2,
        "Müller^Jürgen",
        "ISO_IR 100",
        "19550923",
        "M",
        (
            Study(
                "20240120",
                "140500",
                "MR Schädel",
                (
                    Series("MR", "T1 axial", 2, "HEAD"),
                    Series("MR", "T2 axial", 2, "HEAD"),
                ),
                "Groß^Käthe^^Dr",
            ),
            Study(
                "20240305",
                "0915",
                "Sono Abdomen",
                (Series("US", "Leber", 1, "ABDOMEN", RLE),),
                "Groß^Käthe^^Dr",
            ),
        ),
    ),
    Patient(
        3,
        "Примеров^Иван^Образцович",
        "ISO_IR 144",
        "19720229",
        "M",
        (
            Study("20240131", "235959", "Грудная клетка", (Series("DX", "Прямая проекция", 1, "CHEST"),)),
            Study("20240201", "000000", "КТ головы", (Series("CT", "Без контраста", 2, "HEAD", BIG),)),
        ),
    ),
    Patient(
        4,
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "ISO 2022 IR 6\\ISO 2022 IR 87",
        "19800505",
        "M",
        (
            Study(
                "20240510",
                "120000",
                "PET-CT",
                (
                    Series("CT", "CT AC", 2, "WHOLEBODY"),
                    Series("PT", "PET AC", 2, "WHOLEBODY"),
                ),
            ),
        ),
    ),
    Patient(
        5,
        "Hong^Gildong=洪^吉洞=홍^길동",
        "\\ISO 2022 IR 149",
        "19900817",
        "M",
        (Study("20240217", "1200", "US neck", (Series("US", "Thyroid", 2, "NECK"),)),),
    ),
    Patient(
        6,
        "Wang^XiaoDong=王^小东",
        "GB18030",
        "19850101",
        "M",
        (Study("20240210", "0730", "胸部CT", (Series("CT", "平扫", 2, "CHEST"),)),),
    ),
    Patient(
        7,
        "Παράδειγμα^Ελένη",
        "ISO_IR 126",
        "19681028",
        "F",
        (Study("20240325", "16", "MR γόνατος", (Series("MR", "PD sagittal", 2, "KNEE", IMPLICIT),)),),
    ),
    Patient(
        8,
        "قباني^لنزار",
        "ISO_IR 127",
        "19770715",
        "M",
        (Study("20240409", "181500", "Hand", (Series("DX", "Hand ap", 1, "HAND"),)),),
    ),
    Patient(
        9,
        "שרון^דבורה",
        "ISO_IR 138",
        "19630514",
        "F",
        (
            Study(
                "20240514",
                "093000",
                "Mammography",
                (Series("MG", "L CC", 1, "BREAST"), Series("MG", "R CC", 1, "BREAST")),
            ),
        ),
    ),
    Patient(
        10,
        "Thử^Nghiệm=試驗",
        "ISO_IR 192",
        "20010902",
        "O",
        (Study("20240902", "070000.5", "Chụp mạch", (Series("XA", "Mạch vành", 2, "HEART", DEFLATED),)),),
    ),
    Patient(
        11,
        "Příkladová^Božena",
        "ISO_IR 101",
        "19481120",
        "F",
        (
            Study("20241117", "110000", "Rameno", (Series("CR", "Rameno ap", 1, "SHOULDER"),)),
            Study(
                "20241231",
                "235900",
                "Scintigrafie",
                (Series("NM", "Kosti", 1, "WHOLEBODY"), Series("SR", "Zpráva")),
            ),
        ),
    ),
    Patient(
        12, "Phantom^QC", "", "", "", (Study("", "", "Constancy test", (Series("CT", "Water phantom", 1),)),)
    ),
)

#: Files without preamble and meta header, as some old archives write them.
BARE = {("DEMO012", 1)}


def uid(*names: object) -> str:
    """Return a UID below 2.25 that depends on the names alone (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, 'cfind demo archive/' + '/'.join(map(str, names))).int}"


def images() -> Iterator[tuple[str, bytes]]:
    """Yield the path and the content of each DICOM file of an instance."""
    study_number = 0
    for patient in PATIENTS:
        for study in patient.studies:
            study_number += 1
            for series_number, series in enumerate(study.series, 1):
                for number in range(1, series.instances + 1):
                    dataset = _instance(patient, study, study_number, series, series_number, number)
                    name = f"{study_number:02d}-{series.modality}{series_number}-{number}.dcm"
                    bare = (patient.patient_id, number) in BARE
                    syntax = IMPLICIT if bare else series.syntax
                    yield f"{patient.patient_id}/{name}", _encoded(dataset, syntax, bare=bare)


def _instance(
    patient: Patient, study: Study, study_number: int, series: Series, series_number: int, number: int
) -> Dataset:
    modality = series.modality
    study_uid = uid("study", study_number)
    series_uid = uid("series", study_number, series_number)
    dataset = Dataset()
    if patient.character_set:
        dataset.SpecificCharacterSet = patient.character_set.split("\\")
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.SOPClassUID = SOP_CLASSES[modality]
    dataset.SOPInstanceUID = uid("instance", study_number, series_number, number)
    dataset.StudyDate = study.date
    dataset.SeriesDate = study.date
    dataset.StudyTime = study.time
    dataset.SeriesTime = study.time
    dataset.AccessionNumber = f"A{study_number:04d}" if study.date else ""
    dataset.Modality = modality
    dataset.Manufacturer = "Demo Devices"
    dataset.InstitutionName = "Demo Hospital"
    dataset.ReferringPhysicianName = study.referring
    dataset.StationName = f"{modality}1"
    dataset.StudyDescription = study.description
    dataset.SeriesDescription = series.description
    dataset.PatientName = patient.name
    dataset.PatientID = patient.patient_id
    dataset.PatientBirthDate = patient.birth_date
    dataset.PatientSex = patient.sex
    if series.body_part:
        dataset.BodyPartExamined = series.body_part
    dataset.StudyInstanceUID = study_uid
    dataset.SeriesInstanceUID = series_uid
    dataset.StudyID = f"{study_number}"
    dataset.SeriesNumber = series_number
    dataset.InstanceNumber = number
    block = dataset.private_block(0x0009, "CFIND DEMO 1.0", create=True)
    block.add_new(0x01, "LO", f"demo {study_number}")
    if modality == "SR":
        _report(dataset)
    else:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = f"P-{modality}", "99DEMO", modality
        dataset.ProcedureCodeSequence = [code]
        request = Dataset()
        request.ScheduledProcedureStepID = f"S{study_number:04d}"
        request.RequestedProcedureID = f"R{study_number:04d}"
        dataset.RequestAttributesSequence = [request]
        _pixels(dataset, number, series.syntax)
    return dataset


def _report(dataset: Dataset) -> None:
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = (
        "18748-4",
        "LN",
        "Diagnostic imaging report",
    )
    del dataset.ImageType
    dataset.ValueType = "CONTAINER"
    dataset.ConceptNameCodeSequence = [title]
    dataset.ContinuityOfContent = "SEPARATE"
    dataset.CompletionFlag = "COMPLETE"
    dataset.VerificationFlag = "UNVERIFIED"


def _pixels(dataset: Dataset, number: int, syntax: str) -> None:
    rows = columns = 8
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    pixels = bytes((row * 16 + column * 8 + number) % 256 for row in range(rows) for column in range(columns))
    if syntax == RLE:
        # One literal run (PS3.5 G.3.1), one segment, one fragment behind an empty basic offset table (A.4).
        run = bytes([len(pixels) - 1]) + pixels
        frame = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56) + run + bytes(len(run) % 2)
        item = b"\xfe\xff\x00\xe0"
        pixels = item + bytes(4) + item + len(frame).to_bytes(4, "little") + frame
    dataset.add_new(0x7FE00010, "OB", pixels)
    if syntax == RLE:
        dataset["PixelData"].is_undefined_length = True


def _encoded(dataset: Dataset, syntax: str, *, bare: bool) -> bytes:
    stream = io.BytesIO()
    if bare:
        dcmwrite(stream, dataset, implicit_vr=True, little_endian=True)
        return stream.getvalue()
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "1.2.840.10008.5.1.4.31")
    meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", uid("item", dataset.AccessionNumber))
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = "CFIND_DEMO"
    dataset.file_meta = meta
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


@dataclass(frozen=True)
class Item:
    """A scheduled procedure step of a worklist."""

    number: int
    patient: int
    date: str
    time: str
    modality: str
    station: str
    description: str
    performer: str = ""
    priority: str = "MEDIUM"


ITEMS = (
    Item(1, 1, "20240603", "080000", "CT", "CT1", "CT Thorax", "Operator^Olga"),
    Item(2, 2, "20240603", "0930", "MR", "MR1", "MR Schädel", "Operator^Olga", "HIGH"),
    Item(3, 4, "20240603", "140000", "US", "US1", "腹部超音波"),
    Item(4, 3, "20240604", "08", "CT", "CT2", "КТ головы", "Operator^Otto"),
    Item(5, 6, "20240604", "101500", "DX", "DX1", "胸部正位"),
    Item(6, 7, "20240605", "113000.500000", "MR", "MR1", "MR γόνατος", "Operator^Otto", "STAT"),
)


def _worklist_item(item: Item) -> dict[str, Any]:
    """Return an item in the DICOM JSON model (PS3.18 F)."""
    patient = PATIENTS[item.patient - 1]
    step = {
        "00080060": _json("CS", item.modality),
        "00400001": _json("AE", item.station),
        "00400002": _json("DA", item.date),
        "00400003": _json("TM", item.time),
        "00400006": _json("PN", item.performer),
        "00400007": _json("LO", item.description),
        "00400009": _json("SH", f"SPS{item.number:03d}"),
        "00400010": _json("SH", item.station),
        "00400011": _json("SH", f"Room {item.number}"),
    }
    return {
        "00080005": _json("CS", "ISO_IR 192"),
        "00080050": _json("SH", f"W{item.number:04d}"),
        "00080090": _json("PN", "Sample^Robert^^Dr"),
        "00100010": _json("PN", patient.name),
        "00100020": _json("LO", patient.patient_id),
        "00100030": _json("DA", patient.birth_date),
        "00100040": _json("CS", patient.sex),
        "0020000D": _json("UI", uid("scheduled study", item.number)),
        "00321060": _json("LO", item.description),
        "00400100": {"vr": "SQ", "Value": [step]},
        "00401001": _json("SH", f"RP{item.number:03d}"),
        "00401003": _json("SH", item.priority),
    }


def _json(vr: str, value: str) -> dict[str, Any]:
    if not value:
        return {"vr": vr}
    if vr == "PN":
        names = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False)
        return {"vr": vr, "Value": [{group: text for group, text in names if text}]}
    return {"vr": vr, "Value": [value]}


def worklist() -> Iterator[tuple[str, bytes]]:
    """Yield the path and the content of each file with worklist items."""
    items = [_worklist_item(item) for item in ITEMS]
    contents = {"ct": items[0], "mr": items[1], "us": items[2], "tuesday": items[3:5]}
    for name, content in contents.items():
        yield f"worklist/{name}.json", (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    dataset = Dataset.from_json(items[5])
    dataset.SpecificCharacterSet = "ISO_IR 126"
    yield "worklist/knee.wl", _encoded(dataset, EXPLICIT, bare=False)


def files() -> dict[str, bytes]:
    """Return the whole archive: path below the folder, content."""
    return dict([*images(), *worklist()])


def main(folder: Path) -> None:
    """Write the archive; files that it does not have are left alone."""
    for path, content in files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
