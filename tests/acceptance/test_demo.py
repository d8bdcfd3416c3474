"""The demo needs nothing but the installed package: no peer, no network but loopback."""

from __future__ import annotations

from acceptance.command import ROOT, Cfind


def test_demo_prints_real_results(cfind: Cfind) -> None:
    status, stdout, stderr = cfind("run", ROOT / "jobs" / "demo.yaml", "--output-dir", cfind.folder)
    assert status == 0, stderr
    assert len(stdout.decode("utf-8").splitlines()) > 5


def test_demo_from_the_folder_of_jobs(cfind: Cfind) -> None:
    cfind.folder = ROOT / "jobs"
    status, stdout, stderr = cfind("plan", "demo.yaml")
    assert status == 0, stderr
    assert b"STUDY" in stdout
