"""The same query gives what DCMTK's findscu gets, byte for byte, from each real peer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest

from acceptance.command import Cfind, job, peer, query
from peers import dcmqrscp, orthanc
from peers.archive import WORKLIST
from peers.findscu import Response, extract
from peers.process import Server

RSP = {"type": "rsp", "directory": "rsp"}
ROOT = "1.2.826.0.1.3680043.10.1111"
EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2",
)


@dataclass(frozen=True)
class Case:
    """A query and how many responses it has from the synthetic archive."""

    model: str
    level: str | None
    keys: Mapping[str, Any]
    count: int
    name: str


STUDY_KEYS = {
    "StudyInstanceUID": None,
    "StudyDate": None,
    "StudyTime": None,
    "AccessionNumber": None,
    "PatientName": None,
    "PatientID": None,
    "PatientBirthDate": None,
    "PatientSex": None,
    "StudyDescription": None,
    "ReferringPhysicianName": None,
}
SERIES_KEYS = {"SeriesInstanceUID": None, "Modality": None, "SeriesNumber": None, "SeriesDescription": None}
IMAGE_KEYS = {"SOPInstanceUID": None, "InstanceNumber": None}
P08 = {"PatientID": "P08"}
STUDY_10 = {"StudyInstanceUID": f"{ROOT}.10"}
SERIES_4_2 = {"StudyInstanceUID": f"{ROOT}.4", "SeriesInstanceUID": f"{ROOT}.4.2"}

PATIENT_ROOT = [
    Case("patient-root", "PATIENT", {"PatientID": None, "PatientName": None, "PatientSex": None}, 11, "all"),
    Case("patient-root", "PATIENT", {"PatientID": None, "PatientName": "DOE^*"}, 2, "wildcard"),
    Case("patient-root", "PATIENT", {"PatientID": "P0?", "PatientName": None}, 9, "id-wildcard"),
    Case("patient-root", "PATIENT", {"PatientID": "NOBODY", "PatientName": None}, 0, "none"),
    Case("patient-root", "STUDY", {**STUDY_KEYS, "PatientID": "P06"}, 2, "of-patient"),
    Case("patient-root", "SERIES", {**SERIES_KEYS, **P08, **STUDY_10}, 3, "of-study"),
    Case("patient-root", "IMAGE", {**IMAGE_KEYS, "PatientID": "P03", **SERIES_4_2}, 4, "of-series"),
]
STUDY_ROOT = [
    Case("study-root", "STUDY", STUDY_KEYS, 312, "all"),
    Case("study-root", "STUDY", {**STUDY_KEYS, "StudyDate": "20240101-20240131"}, 9, "date-range"),
    Case("study-root", "STUDY", {**STUDY_KEYS, "StudyDate": "-20240110"}, 303, "open-date-range"),
    Case("study-root", "STUDY", {**STUDY_KEYS, "StudyTime": "090000-103059"}, 52, "time-range"),
    Case("study-root", "STUDY", {**STUDY_KEYS, "AccessionNumber": "B0012*"}, 10, "accession-wildcard"),
    Case("study-root", "STUDY", {"StudyInstanceUID": f"{ROOT}.1\\{ROOT}.3\\{ROOT}.99"}, 2, "uid-list"),
    Case("study-root", "STUDY", {"AccessionNumber": "ACC0012", "PatientName": None}, 1, "quotes-in-name"),
    Case("study-root", "SERIES", {**SERIES_KEYS, **STUDY_10}, 3, "of-study"),
    Case("study-root", "SERIES", {**SERIES_KEYS, **STUDY_10, "Modality": "US"}, 1, "modality"),
    Case("study-root", "IMAGE", {**IMAGE_KEYS, **SERIES_4_2}, 4, "of-series"),
]
PATIENT_STUDY_ONLY = [
    Case("patient-study-only", "PATIENT", {"PatientID": None, "PatientName": None}, 11, "all"),
    Case("patient-study-only", "STUDY", {**STUDY_KEYS, "PatientID": "P01"}, 2, "of-patient"),
]
CHARACTER_SETS = [
    Case(
        "study-root",
        "STUDY",
        {"SpecificCharacterSet": terms, "StudyInstanceUID": None, "PatientName": None, "PatientID": "P*"},
        12,
        terms.replace(" ", "-"),
    )
    for terms in ("ISO_IR 192", "ISO_IR 100", "ISO_IR 144", "GB18030")
]


def _cases(*lists: list[Case]) -> list[Any]:
    return [
        pytest.param(case, id=f"{case.model}-{case.level or 'item'}-{case.name}")
        for cases in lists
        for case in cases
    ]


def _findscu_keys(keys: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in keys.items():
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from _findscu_keys(item, f"{path}{name}[{number}].")
        else:
            yield f"{path}{name}" if value is None else f"{path}{name}={value}"


def _reference(folder: Path, server: Server, ae_title: str, case: Case, *options: str) -> list[Response]:
    folder.mkdir()
    level = [f"QueryRetrieveLevel={case.level}"] if case.level else []
    return extract(folder, server.port, ae_title, case.model, [*level, *_findscu_keys(case.keys)], options)


def _ordered(responses: list[Response]) -> list[tuple[str, bytes]]:
    return sorted((response.transfer_syntax, response.data_set) for response in responses)


def _assert_same_bytes(cfind: Cfind, server: Server, ae_title: str, case: Case) -> None:
    outcome = cfind.run(
        job({"main": peer(server, ae_title)}, {"q": query(case.model, case.level, case.keys)}, [RSP])
    )
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout == b""
    reference = _reference(cfind.folder / "reference", server, ae_title, case)
    assert len(reference) == case.count
    assert _ordered(outcome.rsp()) == _ordered(reference)
    assert outcome.report["verdict"] == "complete"
    assert " ignored: " not in outcome.stderr  # these peers match by all of these keys
    assert outcome.report["responses"] == case.count
    assert outcome.report["sinks"][0]["state"] == "committed"
    assert outcome.report["sinks"][0]["responses"] == case.count


@pytest.mark.parametrize("case", _cases(PATIENT_ROOT, STUDY_ROOT, PATIENT_STUDY_ONLY, CHARACTER_SETS))
def test_dcmqrscp(cfind: Cfind, dcmqrscp_peer: Server, case: Case) -> None:
    _assert_same_bytes(cfind, dcmqrscp_peer, dcmqrscp.AE_TITLE, case)


@pytest.mark.parametrize("case", _cases(PATIENT_ROOT, STUDY_ROOT, CHARACTER_SETS))
def test_orthanc(cfind: Cfind, orthanc_peer: Server, case: Case) -> None:
    _assert_same_bytes(cfind, orthanc_peer, orthanc.AE_TITLE, case)


STEP = "ScheduledProcedureStepSequence"
ITEM_KEYS = {"PatientName": None, "PatientID": None, "AccessionNumber": None, "RequestedProcedureID": None}
WORKLIST_CASES = [
    Case("worklist", None, ITEM_KEYS, 6, "all"),
    Case("worklist", None, {**ITEM_KEYS, "PatientName": "B*"}, 1, "name"),
    Case(
        "worklist",
        None,
        {**ITEM_KEYS, STEP: [{"Modality": "CT", "ScheduledStationAETitle": None}]},
        3,
        "modality",
    ),
    Case(
        "worklist",
        None,
        {**ITEM_KEYS, STEP: [{"ScheduledProcedureStepStartDate": "20240201-20240203", "Modality": None}]},
        3,
        "dates",
    ),
    Case(
        "worklist",
        None,
        {**ITEM_KEYS, STEP: [{"ScheduledProtocolCodeSequence": [{"CodeValue": None, "CodeMeaning": None}]}]},
        6,
        "nested-twice",
    ),
    Case("worklist", None, {**ITEM_KEYS, "SpecificCharacterSet": "ISO_IR 192"}, 6, "utf-8"),
    Case("worklist", None, {**ITEM_KEYS, STEP: [{"Modality": "XA"}]}, 0, "none"),
]


def _decoded(responses: list[Response]) -> list[tuple[str, str]]:
    """Without regard for the form of sequence lengths, which findscu writes anew."""
    return sorted((response.transfer_syntax, _data_set(response).to_json()) for response in responses)


def _data_set(response: Response) -> pydicom.Dataset:
    return pydicom.dcmread(
        io.BytesIO(_PART10_START[response.transfer_syntax] + response.data_set), force=True
    )


def _part10_start(transfer_syntax: str) -> bytes:
    uid = transfer_syntax.encode() + b"\0" * (len(transfer_syntax) % 2)
    element = b"\x02\x00\x10\x00UI" + len(uid).to_bytes(2, "little") + uid
    length = len(element).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM\x02\x00\x00\x00UL\x04\x00" + length + element


_PART10_START = {uid: _part10_start(uid) for uid in (EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE)}


@pytest.mark.parametrize("case", _cases(WORKLIST_CASES))
@pytest.mark.parametrize(("server", "ae_title"), [("wlmscpfs_peer", "WLA"), ("orthanc_peer", "ORTHANC")])
def test_worklist(
    cfind: Cfind, request: pytest.FixtureRequest, server: str, ae_title: str, case: Case
) -> None:
    running: Server = request.getfixturevalue(server)
    outcome = cfind.run(
        job({"main": peer(running, ae_title)}, {"q": query("worklist", None, case.keys)}, [RSP])
    )
    assert outcome.status == 0, outcome.stderr
    reference = _reference(cfind.folder / "reference", running, ae_title, case)
    assert len(reference) == case.count <= len(WORKLIST)
    assert _decoded(outcome.rsp()) == _decoded(reference)


@pytest.mark.parametrize(
    ("syntaxes", "option"),
    [
        (["implicit-le"], "-xi"),
        (["explicit-be", "explicit-le", "implicit-le"], "-xb"),
        (["explicit-le", "explicit-be", "implicit-le"], "-xe"),
        (["deflated", "explicit-le", "explicit-be", "implicit-le"], "-xd"),
    ],
)
@pytest.mark.parametrize(
    ("server", "ae_title"),
    [("dcmqrscp_prefers_big", "QR"), ("orthanc_peer", "ORTHANC"), ("dcmqrscp_peer", "QR")],
)
def test_transfer_syntaxes(
    cfind: Cfind,
    request: pytest.FixtureRequest,
    server: str,
    ae_title: str,
    syntaxes: list[str],
    option: str,
) -> None:
    running: Server = request.getfixturevalue(server)
    case = Case("study-root", "STUDY", {**STUDY_KEYS, "PatientID": "P*"}, 12, "transfer-syntax")
    outcome = cfind.run(
        job(
            {"main": peer(running, ae_title, transfer_syntaxes=syntaxes)},
            {"q": query(case.model, case.level, case.keys)},
            [RSP],
        )
    )
    assert outcome.status == 0, outcome.stderr
    reference = _reference(cfind.folder / "reference", running, ae_title, case, option)
    assert len(reference) == case.count
    assert _ordered(outcome.rsp()) == _ordered(reference)
