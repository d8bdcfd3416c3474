"""What of a folder is served, and how it is grouped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.archive.answers import Archive, encoded
from runner.archive.catalogue import Catalogue, read_catalogue
from runner.archive.hierarchy import Hierarchy, Refusal, is_supported
from runner.dicom.dictionary import STANDARD
from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import Attributes, attributes, text_of
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import InformationModel, Level
from runner.query_keys import level_of

PATIENT_ID, PATIENT_NAME, STUDY, SERIES, INSTANCE = 0x00100020, 0x00100010, 0x0020000D, 0x0020000E, 0x00080018


def instance(patient: str, study: str, series: str, uid: str, *more: Element) -> Attributes:
    elements = (
        Element(INSTANCE, "UI", uid),
        Element(PATIENT_ID, "LO", patient),
        Element(STUDY, "UI", study),
        Element(SERIES, "UI", series),
        *more,
    )
    return attributes(tuple(sorted(elements, key=lambda element: element.tag)))


def json_file(path: Path, *data_sets: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(list(data_sets)))


def uids(number: int) -> dict[str, Any]:
    return {tag: {"vr": "UI", "Value": [f"2.25.{number}"]} for tag in ("00080018", "0020000D", "0020000E")}


def test_folders_are_read_whole(tmp_path: Path) -> None:
    json_file(tmp_path / "a.json", uids(1), uids(2))
    json_file(tmp_path / "below" / "b.json", uids(3))
    json_file(tmp_path / ".hidden" / "c.json", uids(4))
    json_file(tmp_path / "again.json", uids(3))
    json_file(tmp_path / "study.json", {"0020000D": {"vr": "UI", "Value": ["2.25.5"]}})
    (tmp_path / ".hidden.json").write_text("x")
    (tmp_path / "LOCKFILE").touch()
    (tmp_path / "text").write_text("x")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    catalogue = read_catalogue(tmp_path)
    assert [text_of(found[INSTANCE]) for found in catalogue.instances] == ["2.25.1", "2.25.2", "2.25.3"]
    assert catalogue.worklist == ()
    assert catalogue.skipped == (
        (
            tmp_path / "study.json",
            "neither an instance (no SOPInstanceUID, SeriesInstanceUID) nor a worklist item"
            " (no ScheduledProcedureStepSequence)",
        ),
        (tmp_path / "text", "it is neither DICOM nor DICOM JSON"),
        (tmp_path / "below" / "b.json", "another file has the same SOPInstanceUID"),
    )


def test_each_scheduled_step_is_an_item(tmp_path: Path) -> None:
    steps = [{"00080060": {"vr": "CS", "Value": [modality]}} for modality in ("CT", "MR")]
    json_file(tmp_path / "item.json", {"00400100": {"vr": "SQ", "Value": steps}})
    worklist = read_catalogue(tmp_path).worklist
    assert [record[0x00400100].value for record in worklist] == [
        ((Element(0x00080060, "CS", "CT"),),),
        ((Element(0x00080060, "CS", "MR"),),),
    ]


def test_grouping() -> None:
    hierarchy = Hierarchy(
        [
            instance("P1", "1", "1.1", "1.1.1"),
            instance("P1", "1", "1.1", "1.1.2"),
            instance("P2", "2", "2.1", "2.1.1"),
            instance("P1", "1", "1.2", "1.2.1"),
            instance("P1", "3", "3.1", "3.1.1"),
        ]
    )
    assert [text_of(record[PATIENT_ID]) for record in hierarchy.records(Level.PATIENT)] == ["P1", "P2"]
    assert [text_of(record[STUDY]) for record in hierarchy.records(Level.STUDY)] == ["1", "3", "2"]
    assert [text_of(record[SERIES]) for record in hierarchy.records(Level.SERIES)] == [
        "1.1",
        "1.2",
        "3.1",
        "2.1",
    ]
    assert len(hierarchy.records(Level.IMAGE)) == 5


def test_patients_without_an_id_are_told_apart_by_name() -> None:
    named = [Element(PATIENT_NAME, "PN", name) for name in ("A", "B", "A")]
    instances = [instance("", str(n), str(n), str(n), name) for n, name in enumerate(named)]
    assert len(Hierarchy(instances).records(Level.PATIENT)) == 2


def test_entities_have_the_first_values_that_are_not_empty() -> None:
    description = 0x00081030
    hierarchy = Hierarchy(
        [
            instance("P1", "1", "1.1", "1", Element(description, "LO", "")),
            instance("P1", "1", "1.1", "2", Element(description, "LO", "first")),
            instance("P1", "1", "1.1", "3", Element(description, "LO", "second")),
        ]
    )
    (study,) = hierarchy.records(Level.STUDY)
    assert study[description].value == "first"
    assert [text_of(found[description]) for found in hierarchy.records(Level.IMAGE)] == [
        "",
        "first",
        "second",
    ]


def test_entities_have_the_private_attributes_that_their_instances_share() -> None:
    shared, own = Element(0x00091001, "LO", "x"), 0x00091002
    hierarchy = Hierarchy(
        [
            instance("P1", "1", "1.1", "1", shared, Element(own, "LO", "1")),
            instance("P1", "1", "1.1", "2", shared, Element(own, "LO", "2")),
        ]
    )
    (series,) = hierarchy.records(Level.SERIES)
    assert series[shared.tag] == shared
    assert own not in series


@pytest.mark.parametrize(
    ("keyword", "level"),
    [
        ("PatientName", Level.PATIENT),
        ("NumberOfPatientRelatedStudies", Level.PATIENT),
        ("PatientAge", Level.STUDY),
        ("AccessionNumber", Level.STUDY),
        ("ModalitiesInStudy", Level.STUDY),
        ("Modality", Level.SERIES),
        ("NumberOfSeriesRelatedInstances", Level.SERIES),
        ("SOPInstanceUID", Level.IMAGE),
        ("Rows", Level.IMAGE),
    ],
)
def test_levels_of_attributes(keyword: str, level: Level) -> None:
    entry = STANDARD.by_keyword(keyword)
    assert entry is not None
    assert (level_of(entry.tag) or Level.IMAGE) is level
    assert [other for other in Level if is_supported(entry.tag, other)] == list(Level)[
        list(Level).index(level) :
    ]


ARCHIVE = Archive(
    Catalogue((instance("P1", "1", "1.1", "1.1.1", Element(PATIENT_NAME, "PN", "Müller")),), (), ())
)


def found(*keys: Element) -> list[Identifier]:
    answers = ARCHIVE.find(InformationModel.STUDY_ROOT, keys, "AE")
    assert not isinstance(answers, Refusal)
    return list(answers)


def test_keys_in_disorder_are_answered_in_order() -> None:
    (answer,) = found(
        Element(PATIENT_ID, "LO"), Element(0x00080052, "CS", "STUDY "), Element(PATIENT_NAME, "PN", "m*")
    )
    assert answer == (
        Element(0x00080052, "CS", "STUDY"),
        Element(0x00080054, "AE", "AE"),
        Element(PATIENT_NAME, "PN", "Müller"),
        Element(PATIENT_ID, "LO", "P1"),
    )


def test_comments_fit_their_vr() -> None:
    for model in InformationModel:
        for keys in ((), (Element(0x00080052, "CS", "X"),), (Element(0x00080052, "CS", "IMAGE"),)):
            refusal = ARCHIVE.find(model, keys, "AE")
            assert not isinstance(refusal, Refusal) or 0 < len(refusal.comment) <= 64


NAME = Element(PATIENT_NAME, "PN", "Müller")


@pytest.mark.parametrize(
    ("answer", "terms", "expected"),
    [
        ((Element(PATIENT_ID, "LO", "P1"),), "", b"\x10\0\x20\0LO\2\0P1"),
        ((Element(PATIENT_ID, "LO", "P1"),), "nonsense", b"\x10\0\x20\0LO\2\0P1"),
        ((NAME,), "ISO_IR 100", b"\x08\0\5\0CS\x0a\0ISO_IR 100\x10\0\x10\0PN\6\0M\xfcller"),
        ((NAME,), "ISO_IR 144", b"\x08\0\5\0CS\x0a\0ISO_IR 192\x10\0\x10\0PN\x08\0M\xc3\xbcller "),
        ((NAME,), "", b"\x08\0\5\0CS\x0a\0ISO_IR 192\x10\0\x10\0PN\x08\0M\xc3\xbcller "),
        # stored against the rules: sent empty
        ((Element(0x00080060, "CS", "C\ufffd"),), "", b"\x08\0\5\0CS\x0a\0ISO_IR 192\x08\0\x60\0CS\0\0"),
        ((Element(0x00280010, "US", "x"),), "", b"\x08\0\5\0CS\x0a\0ISO_IR 192\x28\0\x10\0US\0\0"),
    ],
)
def test_encoding_of_answers(answer: Identifier, terms: str, expected: bytes) -> None:
    assert encoded(answer, terms, TransferSyntax.EXPLICIT_LITTLE) == expected
