"""`cfind probe` against real peers: what it learns is so, and a job that includes it heeds it."""

from __future__ import annotations

from typing import Any

import yaml

from acceptance.command import ROOT, Cfind, job, peer, query
from peers.archive import PATIENTS, WORKLIST
from peers.process import Server

STUDIES = query("study-root", "STUDY", {"StudyDate": "20240101-20240131", "PatientName": None})
STEPS = query("worklist", None, {"ScheduledProcedureStepSequence": [{"Modality": "CT"}]})


def probed(
    cfind: Cfind, asked: dict[str, Any], one: dict[str, Any], *options: str
) -> tuple[dict[str, Any], str]:
    """The profile that is learned, and what is said on stderr."""
    path = cfind.job_file(job({"main": one}, {"q": asked}))
    status, out, said = cfind("probe", path, *options)
    assert status == 0, said
    text = out.decode("utf-8")
    for patient in (*PATIENTS, *WORKLIST):
        for word in patient.name.replace("=", "^").split("^"):
            assert len(word) < 3 or word not in text + said
    assert "ACC0" not in text + said
    profile: dict[str, Any] = yaml.safe_load(text)["profiles"]["main"]
    (cfind.folder / "profile.yaml").write_text(text, "utf-8")
    status, _, said_of_it = cfind("validate", "profile.yaml")
    assert status == 0, said_of_it
    assert profile["model"] == asked["model"]
    return profile, said


def test_dcmqrscp(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    profile, said = probed(cfind, STUDIES, peer(dcmqrscp_peer, "QR"))
    assert profile["ignored_keys"] == ["ModalitiesInStudy"]
    assert profile["ranges"] == {"dates": True, "times": True, "open_ended": True}
    assert profile["wildcards"] == {"names": True, "texts": True}
    assert (profile["relational"], profile["cancel"]) == (False, True)
    assert (profile["result_limit"], profile["max_associations"]) == (None, 4)
    assert profile["operations_per_association"] is None
    assert "C-FINDs of study-root" in said


def test_orthanc(cfind: Cfind, orthanc_peer: Server) -> None:
    profile, _ = probed(cfind, STUDIES, peer(orthanc_peer, "ORTHANC"))
    assert profile["ignored_keys"] == []
    assert profile["ranges"] == {"dates": True, "times": True, "open_ended": True}
    assert profile["wildcards"] == {"names": True, "texts": True}
    assert profile["relational"] is True
    assert profile["character_set"] == {"echoed": False, "answers": ["ISO_IR 192"]}
    assert profile["result_limit"] is None


def test_wlmscpfs(cfind: Cfind, wlmscpfs_peer: Server) -> None:
    profile, _ = probed(cfind, STEPS, peer(wlmscpfs_peer, "WLA"))
    assert profile["ignored_keys"] == [
        "StudyInstanceUID",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepID",
    ]
    assert profile["wildcards"] == {"names": True, "texts": False}
    assert profile["ranges"] == {"dates": True, "times": True, "open_ended": True}
    assert "relational" not in profile
    assert profile["character_set"]["echoed"] is False


def test_the_embedded_archive(cfind: Cfind) -> None:
    profile, _ = probed(cfind, STUDIES, {"archive": str(ROOT / "jobs" / "demo-archive")})
    assert profile["ignored_keys"] == []
    assert profile["wildcards"] == {"names": True, "texts": True}
    assert profile["character_set"]["echoed"] is True


def test_a_limit_that_is_learned_is_that_of_jobs_that_include_it(
    cfind: Cfind, orthanc_limited: Server
) -> None:
    one = peer(orthanc_limited, "ORTHANC")
    asked = query("study-root", "STUDY", {"StudyDate": "20240110-20240120"})
    five = job({"main": one}, {"q": asked})
    assert cfind.run(five).status == 0
    profile, _ = probed(cfind, STUDIES, one)
    assert profile["result_limit"] == 5
    outcome = cfind.run({**five, "include": "profile.yaml"})
    assert outcome.status == 6
    assert "5 responses came, which is the 'result_limit' of the peer" in outcome.stderr
