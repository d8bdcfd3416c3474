"""Which keys the real peers ignore is told; that they ignore no others is in test_same_responses."""

from __future__ import annotations

from acceptance.command import Cfind, job, peer, query
from peers.process import Server

#: Of the nine studies of the month, four are of CT.
KEYS = {"StudyDate": "20240101-20240131", "StudyInstanceUID": None, "ModalitiesInStudy": "CT"}


def test_dcmqrscp_does_not_match_by_what_it_does_not_support(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    outcome = cfind.run(job({"main": peer(dcmqrscp_peer, "QR")}, {"q": query("study-root", "STUDY", KEYS)}))
    assert outcome.status == 0
    assert outcome.report["responses"] == 9
    assert "q: warning: ModalitiesInStudy probably ignored: 9 of 9 do not have it\n" in outcome.stderr
    assert outcome.operations[0]["match"] == {
        "ModalitiesInStudy": {"mismatched": 0, "empty": 0, "not_returned": 9}
    }


def test_orthanc_matches_by_it(cfind: Cfind, orthanc_peer: Server) -> None:
    outcome = cfind.run(
        job({"main": peer(orthanc_peer, "ORTHANC")}, {"q": query("study-root", "STUDY", KEYS)})
    )
    assert outcome.report["responses"] == 4
    assert " ignored: " not in outcome.stderr
    assert outcome.operations[0]["match"] == {}


def test_each_study_of_two_real_peers_comes_once(
    cfind: Cfind, dcmqrscp_peer: Server, orthanc_peer: Server
) -> None:
    peers = {"a": peer(dcmqrscp_peer, "QR"), "b": peer(orthanc_peer, "ORTHANC")}
    keys = {"StudyDate": KEYS["StudyDate"], "PatientName": None}
    asked = query(
        "study-root", "STUDY", keys, peers=["a", "b"], deduplicate=True, expect={"min": 9, "max": 9}
    )
    outcome = cfind.run(job(peers, {"q": asked}, [{"type": "csv", "path": "studies.csv"}]))
    assert outcome.status == 0
    assert (outcome.report["responses"], outcome.report["delivered"]) == (18, 9)
    assert len((outcome.output / "studies.csv").read_text("utf-8").splitlines()) == 10
