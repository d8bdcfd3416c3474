"""What real peers refuse, limit and abort, and what cfind says of it."""

from __future__ import annotations

from typing import Any

import pytest

from acceptance.command import Cfind, Job, Outcome, job, peer, query
from peers.process import HOST, Server, free_ports

ALL_STUDIES = query("study-root", "STUDY", {"StudyInstanceUID": None, "PatientName": None})
CSV = {"type": "csv", "path": "responses.csv"}


def _assert_failed(outcome: Outcome, status: int, kind: str, verdict: str = "failed") -> None:
    """One readable message that names the peer and the query, and a report that says the same."""
    assert outcome.status == status, outcome.stderr
    assert outcome.report["exit_status"] == status
    assert outcome.report["verdict"] == verdict
    (operation,) = outcome.operations
    assert operation["verdict"] == verdict
    assert operation["error"]["kind"] == kind
    assert operation["error"]["exit_status"] == status
    assert operation["error"]["message"] in outcome.stderr
    assert "main" in outcome.stderr
    assert "studies" in outcome.stderr


def _job(server_peer: Job, **queries: Job) -> Job:
    return job({"main": server_peer}, queries or {"studies": ALL_STUDIES}, [CSV])


def test_unknown_called_ae_title(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    outcome = cfind.run(_job(peer(dcmqrscp_peer, "NOBODY")))
    _assert_failed(outcome, 4, "AssociationRejected")
    assert "called" in outcome.stderr.lower()
    assert not (outcome.output / "responses.csv").exists()


def test_unknown_worklist_ae_title(cfind: Cfind, wlmscpfs_peer: Server) -> None:
    items = query("worklist", None, {"PatientName": None})
    outcome = cfind.run(_job(peer(wlmscpfs_peer, "NOBODY"), studies=items))
    _assert_failed(outcome, 4, "AssociationRejected")


@pytest.mark.parametrize(("model", "level"), [("patient-root", "PATIENT"), ("patient-study-only", "PATIENT")])
def test_model_that_the_peer_lacks(
    cfind: Cfind, dcmqrscp_study_root_only: Server, model: str, level: str
) -> None:
    patients = query(model, level, {"PatientID": None})
    outcome = cfind.run(_job(peer(dcmqrscp_study_root_only, "QR"), studies=patients))
    _assert_failed(outcome, 4, "NoPresentationContext")


def test_model_that_orthanc_lacks(cfind: Cfind, orthanc_limited: Server) -> None:
    items = query("worklist", None, {"PatientName": None})  # its plug-in is not loaded
    outcome = cfind.run(_job(peer(orthanc_limited, "ORTHANC"), studies=items))
    assert outcome.status in {4, 5}, outcome.stderr
    assert outcome.report["verdict"] == "failed"


def test_a_model_that_is_lacking_does_not_keep_others_from_being_asked(
    cfind: Cfind, dcmqrscp_study_root_only: Server
) -> None:
    outcome = cfind.run(
        _job(
            peer(dcmqrscp_study_root_only, "QR"),
            patients=query("patient-root", "PATIENT", {"PatientID": None}),
            studies=ALL_STUDIES,
        )
    )
    assert outcome.status == 4, outcome.stderr
    assert [(o["query"], o["verdict"], o["responses"]) for o in outcome.operations] == [
        ("patients", "failed", 0),
        ("studies", "complete", 22),
    ]


def test_status_with_comment_and_offending_element(cfind: Cfind, wlmscpfs_peer: Server) -> None:
    step = [{"Modality": "CT\\MR"}]
    items = query("worklist", None, {"PatientName": None, "ScheduledProcedureStepSequence": step})
    outcome = cfind.run(_job(peer(wlmscpfs_peer, "WLA"), studies=items))
    _assert_failed(outcome, 5, "FailureStatus")
    assert outcome.operations[0]["status"] == "0xA900"
    assert "A900" in outcome.stderr
    assert "OffendingElement" in outcome.stderr
    assert "ErrorComment" in outcome.stderr


def test_unique_key_missing(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    series = query("study-root", "SERIES", {"SeriesInstanceUID": None})
    outcome = cfind.run(_job(peer(dcmqrscp_peer, "QR"), studies=series))
    _assert_failed(outcome, 5, "FailureStatus")
    assert outcome.operations[0]["status"] == "0xC000"


def test_a_failure_does_not_stop_the_following_queries(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    series = query("study-root", "SERIES", {"SeriesInstanceUID": None})
    outcome = cfind.run(_job(peer(dcmqrscp_peer, "QR"), series=series, studies=ALL_STUDIES))
    assert outcome.status == 5
    assert [(o["query"], o["status"], o["responses"]) for o in outcome.operations] == [
        ("series", "0xC000", 0),
        ("studies", "0x0000", 312),
    ]


@pytest.mark.parametrize(
    ("model", "level"),
    [
        ("study-root", "PATIENT"),
        ("patient-study-only", "SERIES"),
        ("patient-study-only", "IMAGE"),
        ("worklist", "STUDY"),
    ],
)
def test_level_that_the_model_lacks(cfind: Cfind, model: str, level: str) -> None:
    nowhere = {"host": HOST, "port": free_ports(1)[0]}
    file = cfind.job_file(_job(nowhere, studies=query(model, level, {"PatientID": None})))
    status, stdout, stderr = cfind("run", file)
    assert (status, stdout) == (3, b"")
    assert "level" in stderr
    assert "job.yaml" in stderr


def test_result_limit(cfind: Cfind, orthanc_limited: Server) -> None:
    outcome = cfind.run(_job(peer(orthanc_limited, "ORTHANC")))
    _assert_failed(outcome, 6, "Incomplete", verdict="incomplete")
    assert outcome.operations[0]["status"] == "0xFE00"
    assert outcome.operations[0]["responses"] == 5
    assert outcome.report["responses"] == 5


def test_as_many_matches_as_the_limit(cfind: Cfind, orthanc_limited: Server) -> None:
    five = query("study-root", "STUDY", {"StudyInstanceUID": None, "AccessionNumber": "B0000[1-5]"})
    five["keys"]["AccessionNumber"] = "B00001\\B00002\\B00003\\B00004\\B00005"
    outcome = cfind.run(_job(peer(orthanc_limited, "ORTHANC"), studies=five))
    assert outcome.status == 0, outcome.stderr
    assert outcome.operations[0]["responses"] == 5


def test_abort_for_the_query(cfind: Cfind, orthanc_closed: Server) -> None:
    outcome = cfind.run(_job(peer(orthanc_closed, "ORTHANC")))
    _assert_failed(outcome, 5, "PeerAborted")
    assert outcome.operations[0]["status"] is None


def test_nobody_listens(cfind: Cfind) -> None:
    outcome = cfind.run(_job({"host": HOST, "port": free_ports(1)[0]}))
    _assert_failed(outcome, 4, "Connect")


def test_host_without_address(cfind: Cfind) -> None:
    outcome = cfind.run(_job({"host": "nowhere.invalid", "port": 104}))
    _assert_failed(outcome, 4, "NameLookup")
    assert "nowhere.invalid" in outcome.stderr


@pytest.mark.parametrize(
    ("server", "ae_title", "least", "statuses"),
    [("dcmqrscp_peer", "QR", 5, {"0xFE00", "0x0000"}), ("orthanc_peer", "ORTHANC", 5, {"0xFE00", "0x0000"})],
)
@pytest.mark.parametrize("level", ["STUDY", "IMAGE"])
def test_cancel_that_the_job_asked_for(
    cfind: Cfind,
    request: pytest.FixtureRequest,
    server: str,
    ae_title: str,
    least: int,
    statuses: set[str],
    level: str,
) -> None:
    """It is success; and whatever comes after it, the next query of the association is not disturbed."""
    if (server, level) == ("dcmqrscp_peer", "IMAGE"):
        level = "SERIES"  # of one study: it asks for the unique keys
    keys: dict[str, Any] = {"StudyInstanceUID": None, "PatientName": None}
    keys.update({"IMAGE": {"SOPInstanceUID": None}, "SERIES": {"SeriesInstanceUID": None}}.get(level, {}))
    if level == "SERIES":
        keys["StudyInstanceUID"] = "1.2.826.0.1.3680043.10.1111.10"
        least = 3
    running: Server = request.getfixturevalue(server)
    one = query("study-root", "STUDY", {"StudyInstanceUID": None, "AccessionNumber": "ACC0003"})
    outcome = cfind.run(
        _job(
            peer(running, ae_title),
            cancelled=query("study-root", level, keys, cancel_after=min(least, 5)),
            after=one,
        )
    )
    assert outcome.status == 0, outcome.stderr
    cancelled, after = outcome.operations
    assert cancelled["status"] in statuses
    assert cancelled["verdict"] == "complete"
    assert least <= cancelled["responses"] <= 336
    assert (after["status"], after["responses"]) == ("0x0000", 1)
    assert (
        len((outcome.output / "responses.csv").read_text("utf-8").splitlines())
        == 1 + outcome.report["responses"]
    )
