"""CSV, JSON and dump of real responses: decoded by each response's own character set."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from acceptance.command import Cfind, Job, job, peer, query
from peers.archive import PATIENTS, WORKLIST
from peers.process import Server

NAMES = {patient.patient_id: patient.name for patient in PATIENTS}
KEYS = {"PatientID": "P*", "PatientName": None, "PatientBirthDate": None}
PEERS = [("dcmqrscp_peer", "QR"), ("orthanc_peer", "ORTHANC")]


def _patients(**more: Any) -> dict[str, Any]:
    return query("patient-root", "PATIENT", {**more, **KEYS})


@pytest.mark.parametrize(("server", "ae_title"), PEERS)
@pytest.mark.parametrize("character_set", [None, "ISO_IR 192"])
def test_csv(
    cfind: Cfind, request: pytest.FixtureRequest, server: str, ae_title: str, character_set: str | None
) -> None:
    more = {"SpecificCharacterSet": character_set} if character_set else {}
    outcome = cfind.run(
        job(
            {"main": peer(request.getfixturevalue(server), ae_title)},
            {"patients": _patients(**more)},
            [
                {
                    "type": "csv",
                    "path": "patients.csv",
                    "columns": ["PatientID", "PatientName", "PatientBirthDate"],
                }
            ],
        )
    )
    assert outcome.status == 0, outcome.stderr
    with (outcome.output / "patients.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["PatientID", "PatientName", "PatientBirthDate"]
    assert {row["PatientID"]: row["PatientName"] for row in rows} == NAMES
    assert {row["PatientID"]: row["PatientBirthDate"] for row in rows} == {
        patient.patient_id: patient.birth_date for patient in PATIENTS
    }


@pytest.mark.parametrize(("server", "ae_title"), PEERS)
def test_json(cfind: Cfind, request: pytest.FixtureRequest, server: str, ae_title: str) -> None:
    outcome = cfind.run(
        job(
            {"main": peer(request.getfixturevalue(server), ae_title)},
            {"patients": _patients()},
            [{"type": "stdout", "format": "json"}],
        )
    )
    assert outcome.status == 0, outcome.stderr
    names = {}
    for line in outcome.json_lines:
        components = line["00100010"]["Value"][0]
        groups = [components.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        names[line["00100020"]["Value"][0]] = "=".join(groups).rstrip("=")
        assert line["00100020"]["vr"] == "LO"
    assert names == NAMES


@pytest.mark.parametrize(("server", "ae_title"), PEERS)
def test_dump(cfind: Cfind, request: pytest.FixtureRequest, server: str, ae_title: str) -> None:
    outcome = cfind.run(
        job(
            {"main": peer(request.getfixturevalue(server), ae_title)},
            {"patients": _patients()},
            [{"type": "stdout", "format": "dump"}],
        )
    )
    assert outcome.status == 0, outcome.stderr
    text = outcome.stdout.decode("utf-8")
    for name in NAMES.values():
        assert f"(0010,0010) PN [{name}" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(("server", "ae_title"), [("wlmscpfs_peer", "WLA"), ("orthanc_peer", "ORTHANC")])
def test_worklist_csv_with_nested_columns(
    cfind: Cfind, request: pytest.FixtureRequest, server: str, ae_title: str
) -> None:
    step = {"Modality": None, "ScheduledStationAETitle": None, "ScheduledProcedureStepStartDate": None}
    keys = {"PatientName": None, "AccessionNumber": None, "ScheduledProcedureStepSequence": [step]}
    outcome = cfind.run(
        job(
            {"main": peer(request.getfixturevalue(server), ae_title)},
            {"items": query("worklist", None, keys)},
            [{"type": "csv", "path": "items.csv"}],
        )
    )
    assert outcome.status == 0, outcome.stderr
    with (outcome.output / "items.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    sequence = "ScheduledProcedureStepSequence[0]"
    assert rows[0] == [
        "PatientName",
        "AccessionNumber",
        f"{sequence}.Modality",
        f"{sequence}.ScheduledStationAETitle",
        f"{sequence}.ScheduledProcedureStepStartDate",
    ]
    expected = [[i.name, f"W{i.number:04}", i.modality, i.station, i.date] for i in WORKLIST]
    assert sorted(rows[1:]) == sorted(expected)


def test_a_matching_key_in_another_character_set(cfind: Cfind, orthanc_peer: Server) -> None:
    outcome = cfind.run(
        job(
            {"main": peer(orthanc_peer, "ORTHANC")},
            {
                "one": _patients(SpecificCharacterSet="ISO_IR 192")
                | {
                    "keys": {
                        "SpecificCharacterSet": "ISO_IR 192",
                        "PatientID": None,
                        "PatientName": "MÜLLER^JÜRGEN",
                    }
                }
            },
            [{"type": "stdout", "format": "json"}],
        )
    )
    assert outcome.status == 0, outcome.stderr
    assert [line["00100020"]["Value"] for line in outcome.json_lines] == [["P03"]]


def test_every_sink_at_once(cfind: Cfind, orthanc_peer: Server) -> None:
    sinks: list[Job] = [
        {"type": "stdout", "format": "csv"},
        {"type": "rsp", "directory": "rsp"},
        {"type": "csv", "path": "a/b.csv"},
        {"type": "csv", "path": "c.csv", "columns": ["PatientID"]},
    ]
    (cfind.folder / "output" / "a").mkdir(parents=True)
    outcome = cfind.run(job({"main": peer(orthanc_peer, "ORTHANC")}, {"patients": _patients()}, sinks))
    assert outcome.status == 0, outcome.stderr
    assert [sink["state"] for sink in outcome.report["sinks"]][1:] == ["committed"] * 3
    assert {sink["responses"] for sink in outcome.report["sinks"]} == {10}
    assert len(outcome.rsp()) == 10
    assert (outcome.output / "a" / "b.csv").read_bytes() == outcome.stdout
    assert len((outcome.output / "c.csv").read_text("utf-8").splitlines()) == 11


def test_rsp_files_are_never_overwritten(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    outcome = cfind.run(
        job(
            {"main": peer(dcmqrscp_peer, "QR")},
            {"patients": {**_patients(), "repeat": 2}, "again": _patients()},
            [{"type": "rsp", "directory": "rsp"}],
        )
    )
    assert outcome.status == 0, outcome.stderr
    names = sorted(path.name for path in (outcome.output / "rsp").iterdir())
    assert names == [f"rsp{number:04}.dcm" for number in range(1, 31)]
    assert len({response.data_set for response in outcome.rsp()}) == 10
