"""SIGINT and SIGTERM in the middle of answers from real peers."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from acceptance.command import Cfind, job, peer, query
from peers.process import Server

ENDLESS = query("study-root", "STUDY", {"StudyInstanceUID": None, "PatientName": None}, repeat=1_000_000)
SINKS = [
    {"type": "stdout", "format": "csv"},
    {"type": "csv", "path": "studies.csv"},
    {"type": "rsp", "directory": "rsp"},
]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(("server", "ae_title"), [("dcmqrscp_peer", "QR"), ("orthanc_peer", "ORTHANC")])
def test_a_signal_ends_the_run_in_order(
    cfind: Cfind,
    request: pytest.FixtureRequest,
    server: str,
    ae_title: str,
    number: signal.Signals,
    status: int,
) -> None:
    running: Server = request.getfixturevalue(server)
    output = cfind.folder / "output"
    output.mkdir()
    report = cfind.folder / "report.json"
    file = cfind.job_file(job({"main": peer(running, ae_title)}, {"endless": ENDLESS}, SINKS))
    with cfind.start("run", file, "--output-dir", output, "--report", report) as process:
        assert process.stdout is not None
        assert process.stdout.read(100), process.communicate()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == status, stderr
    assert b"Traceback" not in stderr
    assert not (output / "studies.csv").exists()
    assert list(output.glob("rsp/rsp*")) == []
    document = Cfind.checked_report(report)
    assert document["exit_status"] == status
    assert document["verdict"] == "incomplete"
    assert document["interrupted"] is True
    assert document["responses"] > 0
    assert {sink["state"] for sink in document["sinks"]} == {"partial"}
    table, files = (Path(sink["kept_in"]) for sink in document["sinks"][1:])
    assert len(table.read_bytes().splitlines()) == 1 + document["sinks"][1]["responses"]
    assert len(list(files.glob("rsp*.dcm"))) == document["sinks"][2]["responses"]


def test_the_peer_lives_on(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    """An interrupted run leaves no association behind that would use up the peer's."""
    for _ in range(3):
        file = cfind.job_file(job({"main": peer(dcmqrscp_peer, "QR")}, {"endless": ENDLESS}, SINKS[:1]))
        with cfind.start("run", file) as process:
            assert process.stdout is not None
            assert process.stdout.read(100), process.communicate()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    status, _, stderr = cfind("echo", file)
    assert status == 0, stderr
