"""Several peers and queries in one job: a failure of one leaves the others alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from acceptance.command import Cfind, job, peer, query
from peers.archive import WORKLIST
from peers.process import HOST, Server, free_ports

STUDIES = query("study-root", "STUDY", {"StudyInstanceUID": None, "PatientID": None, "PatientName": None})


def test_one_of_three_is_dead(cfind: Cfind, dcmqrscp_peer: Server, orthanc_peer: Server) -> None:
    peers = {
        "dead": {"host": HOST, "port": free_ports(1)[0]},
        "qr": peer(dcmqrscp_peer, "QR"),
        "orthanc": peer(orthanc_peer, "ORTHANC"),
    }
    sinks = [{"type": "csv", "path": "all.csv"}, {"type": "rsp", "directory": "rsp"}]
    outcome = cfind.run(job(peers, {"studies": {**STUDIES, "peers": ["dead", "qr", "orthanc"]}}, sinks))
    assert outcome.status == 4, outcome.stderr
    assert "dead" in outcome.stderr
    verdicts = {operation["peer"]: operation["verdict"] for operation in outcome.operations}
    assert verdicts == {"dead": "failed", "qr": "complete", "orthanc": "complete"}
    assert outcome.report["verdict"] == "failed"
    assert outcome.report["responses"] == 624
    # What arrived is kept, but not under the name that says that it is all.
    assert [sink["state"] for sink in outcome.report["sinks"]] == ["partial", "partial"]
    assert not (outcome.output / "all.csv").exists()
    assert list(outcome.output.glob("rsp/rsp*")) == []
    assert [sink["responses"] for sink in outcome.report["sinks"]] == [624, 624]
    kept, files = (Path(sink["kept_in"]) for sink in outcome.report["sinks"])
    assert len(list(files.glob("rsp*.dcm"))) == 624
    assert len(list(csv.DictReader(io.StringIO(kept.read_text("utf-8"), newline="")))) == 624


def test_queries_of_all_models_to_three_peers(
    cfind: Cfind, dcmqrscp_peer: Server, orthanc_peer: Server, wlmscpfs_peer: Server
) -> None:
    peers = {
        "qr": peer(dcmqrscp_peer, "QR", max_associations=3),
        "orthanc": peer(orthanc_peer, "ORTHANC", max_associations=2),
        "worklist": peer(wlmscpfs_peer, "WLA"),
    }
    queries = {
        "studies": {**STUDIES, "peers": ["qr", "orthanc"], "repeat": 3},
        "patients": query("patient-root", "PATIENT", {"PatientID": None, "PatientName": None}, peer="qr"),
        "only": query("patient-study-only", "PATIENT", {"PatientID": None, "PatientName": None}, peer="qr"),
        "items": query(
            "worklist", None, {"PatientID": None, "PatientName": None}, peers=["worklist", "orthanc"]
        ),
    }
    columns = ["PatientID", "PatientName", "StudyInstanceUID"]
    outcome = cfind.run(job(peers, queries, [{"type": "csv", "path": "all.csv", "columns": columns}]))
    assert outcome.status == 0, outcome.stderr
    with (outcome.output / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert outcome.report["responses"] == len(rows) == 6 * 312 + 11 + 11 + 2 * len(WORKLIST)
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        counts[row["query"], row["peer"]] = counts.get((row["query"], row["peer"]), 0) + 1
    assert counts == {
        ("studies", "qr"): 936,
        ("studies", "orthanc"): 936,
        ("patients", "qr"): 11,
        ("only", "qr"): 11,
        ("items", "worklist"): 6,
        ("items", "orthanc"): 6,
    }


def test_a_fresh_association_for_each_operation(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    main = peer(dcmqrscp_peer, "QR", operations_per_association=1)
    outcome = cfind.run(job({"main": main}, {"studies": {**STUDIES, "repeat": 5}}))
    assert outcome.status == 0, outcome.stderr
    assert [operation["repetition"] for operation in outcome.operations] == [1, 2, 3, 4, 5]
    assert outcome.report["responses"] == 5 * 312


def test_more_associations_than_operations(cfind: Cfind, orthanc_peer: Server) -> None:
    outcome = cfind.run(
        job({"main": peer(orthanc_peer, "ORTHANC", max_associations=4)}, {"studies": STUDIES})
    )
    assert outcome.status == 0, outcome.stderr
    assert outcome.report["responses"] == 312


def test_past_the_521st_operation_of_an_association(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    """Message ID 521 is 0x0209, which looks like a part of the Status tag's element."""
    one = query("study-root", "STUDY", {"StudyInstanceUID": None, "AccessionNumber": "ACC0003"}, repeat=530)
    outcome = cfind.run(job({"main": peer(dcmqrscp_peer, "QR")}, {"one": one}))
    assert outcome.status == 0, outcome.stderr
    assert outcome.report["responses"] == 530
