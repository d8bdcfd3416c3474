"""Comparisons of runs, and of two real archives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from acceptance.command import ROOT, Cfind, job, peer, query
from peers.process import HOST, Server, free_ports

STUDIES = query(
    "study-root",
    "STUDY",
    {"StudyInstanceUID": None, "PatientID": None, "PatientName": None, "StudyDate": None, "StudyTime": None},
)


def test_two_real_archives_with_the_same_files(
    cfind: Cfind, dcmqrscp_peer: Server, orthanc_peer: Server
) -> None:
    peers = {"qr": peer(dcmqrscp_peer, "QR"), "orthanc": peer(orthanc_peer, "ORTHANC")}
    path = cfind.job_file(job(peers, {"studies": {**STUDIES, "peer": "qr"}}))
    status, stdout, stderr = cfind("run", path, "--compare", "qr", "orthanc", "--report", "r.json")
    assert (status, stdout) == (0, b"no difference in 312 records\n"), stderr
    verdicts = [one["verdict"] for one in cfind.checked_report(cfind.folder / "r.json")["jobs"]]
    assert verdicts == ["complete", "complete"]
    for folder in ("qr", "orthanc"):
        assert len(list((cfind.folder / folder).glob("rsp*.dcm"))) == 312
    # by hand: who answered is a difference now
    status, stdout, _ = cfind("diff", "qr", "orthanc")
    assert status == 7
    assert b"\n  RetrieveAETitle: QR -> ORTHANC\n" in stdout
    assert cfind("diff", "qr", "orthanc", "--ignore", "RetrieveAETitle")[0] == 0
    # and a second time nothing is mixed with what is there
    assert cfind("run", path, "--compare", "qr", "orthanc")[0] == 2


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The demo archive without one of its patients."""
    folder = tmp_path / "demo"
    shutil.copytree(ROOT / "jobs" / "demo-archive", folder)
    shutil.rmtree(folder / "DEMO002")
    return folder


def test_a_study_that_a_migration_lost(cfind: Cfind, demo: Path) -> None:
    peers = {"old": {"archive": str(ROOT / "jobs" / "demo-archive")}, "new": {"archive": str(demo)}}
    path = cfind.job_file(job(peers, {"studies": {**STUDIES, "peers": ["old", "new"]}}))
    status, stdout, stderr = cfind("run", path, "--compare", "old", "new")
    assert status == 7, stderr
    lines = stdout.decode().splitlines()
    assert all(line.startswith("only in A: StudyInstanceUID ") for line in lines[:-1])
    assert len(lines) > 1
    assert lines[-1] == f"{len(lines) - 1} only in A; {17 - len(lines)} records alike"
    assert "StudyInstanceUID" not in stderr


def test_a_dead_peer(cfind: Cfind, demo: Path) -> None:
    peers = {"alive": {"archive": str(demo)}, "dead": {"host": HOST, "port": free_ports(1)[0]}}
    path = cfind.job_file(job(peers, {"studies": {**STUDIES, "peer": "alive"}}))
    status, stdout, stderr = cfind("run", path, "--compare", "alive", "dead")
    assert (status, stdout) == (4, b"")
    assert "not compared: there are no answers of the peer dead" in stderr


def test_an_answer_that_is_cut_off(cfind: Cfind, demo: Path) -> None:
    peers = {"one": {"archive": str(demo)}, "capped": {"archive": str(demo), "result_limit": 14}}
    path = cfind.job_file(
        job(peers, {"studies": {**STUDIES, "peer": "one"}}, [{"type": "rsp", "directory": "unused"}])
    )
    status, stdout, stderr = cfind("run", path, "--compare", "one", "capped")
    assert (status, stdout) == (6, b"no difference in 14 records\n")
    assert "the answer of the peer capped is incomplete, so this comparison cannot be trusted" in stderr
    assert "B: capped/partial-1: 14 records" in stderr
    assert not (cfind.folder / "unused").exists()


def test_two_runs_by_their_reports(cfind: Cfind, demo: Path) -> None:
    sinks = [{"type": "rsp", "directory": "rsp"}, {"type": "csv", "path": "studies.csv"}]
    for name, archive in (("old", ROOT / "jobs" / "demo-archive"), ("new", demo)):
        (cfind.folder / name).mkdir()
        path = cfind.job_file(job({"main": {"archive": str(archive)}}, {"studies": STUDIES}, sinks))
        report = f"{name}/report.json"
        assert cfind("run", path, "--output-dir", name, "--report", report)[0] == 0
    status, from_rsp, stderr = cfind("diff", "old/report.json", "new/report.json")
    assert status == 7
    assert "cfind: A: old/rsp: 16 records (DICOM files)\n" in stderr
    assert "cfind: not compared: old/studies.csv\n" in stderr
    status, from_csv, _ = cfind("diff", "old/studies.csv", "new/studies.csv")
    assert (status, from_csv) == (7, from_rsp)
    assert cfind("diff", "old", "old/report.json")[0] == 0


def test_the_readme_shows_what_is_printed(cfind: Cfind) -> None:
    def table(name: str, *rows: str) -> None:
        lines = ["StudyInstanceUID,StudyDescription", *rows, *(f"9.{row},Same" for row in range(310))]
        (cfind.folder / name).write_text("\n".join(lines) + "\n", "utf-8")

    table("a.csv", "1.2.3,CT Thorax", "1.2.4,MR")
    table("b.csv", "1.2.3,CT Head")
    status, stdout, _ = cfind("diff", "a.csv", "b.csv")
    assert status == 7
    assert f"```text\n{stdout.decode()}```" in (ROOT / "README.md").read_text("utf-8")
