"""Queries below others: each record's unique keys are passed down, over the same associations."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from acceptance.command import Cfind, job, peer, query
from peers.process import Server

IMAGES = {"level": "IMAGE", "keys": {"SOPInstanceUID": None, "InstanceNumber": None}}
SERIES = {
    "level": "SERIES",
    "keys": {"SeriesInstanceUID": None, "Modality": None},
    "then": {"images": IMAGES},
}
STUDIES = {"level": "STUDY", "keys": {"StudyInstanceUID": None}, "then": {"series": SERIES}}
COLUMNS = ["parent.PatientID", "SOPInstanceUID", "parent.StudyInstanceUID", "parent.Modality"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def a_job(peers: dict[str, Any], **then: Any) -> dict[str, Any]:
    patients = query("patient-root", "PATIENT", {"PatientID": "P*", "PatientName": None})
    sinks = [
        {"type": "csv", "path": "images.csv", "queries": ["images"], "columns": COLUMNS},
        {"type": "csv", "path": "all.csv", "columns": ["PatientID", "SOPInstanceUID"]},
    ]
    return job(peers, {"patients": {**patients, "then": {"studies": {**STUDIES, **then}}}}, sinks)


@pytest.mark.parametrize("associations", [1, 3])
def test_from_patients_to_images(cfind: Cfind, dcmqrscp_peer: Server, associations: int) -> None:
    """As many images as a relational query would find, each with what was found above it."""
    peers = {"qr": peer(dcmqrscp_peer, "QR", max_associations=associations)}
    outcome = cfind.run(a_job(peers))
    assert outcome.status == 0, outcome.stderr
    images = rows(outcome.output / "images.csv")
    operations = outcome.operations
    by_query = {name: [one for one in operations if one["query"] == name] for name in
                ("patients", "studies", "series", "images")}  # fmt: skip
    assert len(by_query["patients"]) == 1
    assert len(by_query["studies"]) == by_query["patients"][0]["responses"] > 1
    for upper, lower in (("studies", "series"), ("series", "images")):
        assert len(by_query[lower]) == sum(one["responses"] for one in by_query[upper])
    assert len(images) == sum(one["responses"] for one in by_query["images"]) > 0
    assert len({row["SOPInstanceUID"] for row in images}) == len(images)
    assert all(row["parent.PatientID"].startswith("P") for row in images)
    assert all(row["parent.StudyInstanceUID"] and row["parent.Modality"] for row in images)
    # every operation says what it follows from, and that is an operation of the query above
    numbers = {one["number"]: one["query"] for one in operations}
    assert {(one["query"], numbers.get(one["parent"])) for one in operations} == {
        ("patients", None), ("studies", "patients"), ("series", "studies"), ("images", "series"),
    }  # fmt: skip
    assert {row["query"] for row in rows(outcome.output / "all.csv")} == set(by_query)
    assert f"{len(operations)} of {len(operations)} operations complete" in outcome.stderr


def test_a_failure_below_leaves_the_rest(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    """An image without a series in between cannot be asked for: those operations fail, the studies stay."""
    then = {"then": {"images": IMAGES}}
    outcome = cfind.run(a_job({"qr": peer(dcmqrscp_peer, "QR")}, **then))
    assert outcome.status == 5, outcome.stderr
    verdicts = {(one["query"], one["verdict"]) for one in outcome.operations}
    assert verdicts == {("patients", "complete"), ("studies", "complete"), ("images", "failed")}
    assert outcome.report["verdict"] == "failed"


def test_the_same_from_the_embedded_archive(cfind: Cfind) -> None:
    archive = Path(__file__).resolve().parent.parent.parent / "jobs" / "demo-archive"
    document = a_job({"demo": {"archive": str(archive)}})
    document["queries"]["patients"]["keys"]["PatientID"] = "DEMO*"
    document["sinks"].append({"type": "stdout", "format": "json", "queries": ["series"]})
    outcome = cfind.run(document)
    assert outcome.status == 0, outcome.stderr
    series = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert {one["00080052"]["Value"][0] for one in series} == {"SERIES"}
    assert len(series) == sum(one["responses"] for one in outcome.operations if one["query"] == "series")
    found = {row["SOPInstanceUID"] for row in rows(outcome.output / "images.csv")}
    assert len(found) == sum(one["responses"] for one in outcome.operations if one["query"] == "images") > 10


def test_a_plan_shows_what_is_below(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    path = cfind.job_file(a_job({"qr": peer(dcmqrscp_peer, "QR")}))
    status, stdout, _ = cfind("plan", path)
    assert status == 0
    assert (
        b"query images for each record: IMAGE, with its PatientID, StudyInstanceUID, SeriesInstanceUID"
        in stdout
    )
