"""echo, plan, validate, schema and serve."""

from __future__ import annotations

import json
import signal

import pytest

from acceptance.command import ROOT, Cfind, job, peer, query
from peers.findscu import extract
from peers.process import HOST, Server, free_ports

STUDIES = query("study-root", "STUDY", {"StudyInstanceUID": None, "PatientName": "DOE*"})


@pytest.mark.parametrize(
    ("server", "ae_title"), [("dcmqrscp_peer", "QR"), ("orthanc_peer", "ORTHANC"), ("wlmscpfs_peer", "WLA")]
)
def test_echo(cfind: Cfind, request: pytest.FixtureRequest, server: str, ae_title: str) -> None:
    running: Server = request.getfixturevalue(server)
    status, stdout, stderr = cfind(
        "echo", cfind.job_file(job({"main": peer(running, ae_title)}, {"q": STUDIES}))
    )
    assert status == 0, stderr
    assert b"main" in stdout


def test_echo_reaches_the_others(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    peers = {"dead": {"host": HOST, "port": free_ports(1)[0]}, "main": peer(dcmqrscp_peer, "QR")}
    file = cfind.job_file(job(peers, {"q": {**STUDIES, "peer": "main"}}))
    status, stdout, stderr = cfind("echo", file)
    assert status == 4
    assert b"main" in stdout
    assert b"dead" not in stdout
    assert "dead" in stderr


def test_echo_rejected(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    file = cfind.job_file(job({"main": peer(dcmqrscp_peer, "NOBODY")}, {"q": STUDIES}))
    status, stdout, stderr = cfind("echo", file)
    assert (status, stdout) == (4, b"")
    assert "main" in stderr


def test_plan_is_offline_and_what_is_sent(cfind: Cfind) -> None:
    nowhere = {"host": "nowhere.invalid", "port": 104}
    file = cfind.job_file(job({"main": nowhere}, {"q": {**STUDIES, "repeat": 2}}))
    status, stdout, stderr = cfind("plan", file, "--format", "json")
    assert status == 0, stderr
    operations = json.loads(stdout)["operations"]
    assert len(operations) == 2
    for operation in operations:
        assert (operation["query"], operation["peer"]) == ("q", "main")
        assert (operation["model"], operation["level"]) == ("study-root", "STUDY")
        assert operation["identifier"] == {
            "00080052": {"vr": "CS", "Value": ["STUDY"]},
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE*"}]},
            "0020000D": {"vr": "UI"},
        }
    status, stdout, stderr = cfind("plan", file)
    assert status == 0, stderr
    for text in (b"nowhere.invalid", b"1.2.840.10008.5.1.4.1.2.2.1", b"STUDY", b"DOE*", b"(0020,000d)"):
        assert text in stdout


def test_validate(cfind: Cfind) -> None:
    good = cfind.job_file(job({"main": {"host": HOST, "port": 104}}, {"q": STUDIES}), "good.yaml")
    status, _, stderr = cfind("validate", good)
    assert status == 0, stderr


def test_validate_reports_every_problem(cfind: Cfind) -> None:
    bad = job({"main": {"host": HOST, "port": 104, "ae_title": "SEVENTEEN_LETTERS"}}, {"q": dict(STUDIES)})
    bad["queries"]["q"]["keys"] = {"StudyDat": None, "PatientBirthDate": "yesterday"}
    bad["queries"]["q"]["peer"] = "other"
    bad["unheard_of"] = 1
    file = cfind.job_file(bad, "bad.yaml")
    status, stdout, stderr = cfind("validate", file)
    assert status == 3
    text = stdout.decode("utf-8") + stderr
    for part in ("bad.yaml", "StudyDate", "PatientBirthDate", "other", "unheard_of", "ae_title"):
        assert part in text
    status, stdout, stderr = cfind("validate", "--format", "github", file)
    assert status == 3
    assert (stdout.decode("utf-8") + stderr).count("::error ") >= 5
    status, stdout, stderr = cfind("validate", "--format", "json", file)
    assert status == 3
    json.loads(stdout)


def test_every_example_job_is_valid(cfind: Cfind) -> None:
    assert list((ROOT / "jobs").glob("*.yaml")), "there are no example jobs"
    status, stdout, stderr = cfind("validate", ROOT / "jobs")
    assert status == 0, stdout.decode("utf-8") + stderr


def test_schema_is_that_of_the_repository(cfind: Cfind) -> None:
    status, stdout, stderr = cfind("schema")
    assert status == 0, stderr
    assert json.loads(stdout) == json.loads((ROOT / "schemas" / "job.schema.json").read_text("utf-8"))


def test_wrong_command_lines(cfind: Cfind) -> None:
    for arguments in (["runn"], ["run"], ["run", "--no-such-option", "job.yaml"], []):
        status, _, stderr = cfind(*arguments)
        assert status == 2, stderr


def test_a_job_file_that_is_not_there(cfind: Cfind) -> None:
    status, _, stderr = cfind("run", "absent.yaml")
    assert status == 3
    assert "absent.yaml" in stderr


def test_serve_answers_findscu(cfind: Cfind) -> None:
    with cfind.start("serve", ROOT / "jobs" / "demo-archive", "--port", "0") as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().decode("utf-8")
            port = int(address.replace("/", ":").split(":")[-1].split()[0])
            folder = cfind.folder / "reference"
            folder.mkdir()
            keys = ["QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientName"]
            assert len(extract(folder, port, "ANY-SCP", "study-root", keys)) > 1
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert process.returncode in {0, 143}
