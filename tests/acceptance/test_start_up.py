"""What a query does not wait for: libraries whose import takes longer than it does itself."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from acceptance.command import ROOT, Cfind, job, query

#: Those that a job or a command line which is as it should be needs nothing of.
SPARED = ("pydicom", "pynetdicom", "jsonschema", "cryptography", "asyncio", "ssl", "rich")


@pytest.mark.parametrize("command", ["run", "findscu", "echo"])
def test_a_query_loads_no_heavy_library(cfind: Cfind, command: str) -> None:
    with cfind.start("serve", ROOT / "jobs" / "demo-archive") as server:
        assert server.stdout is not None
        port = server.stdout.readline().decode().rpartition(":")[2].strip()
        peers = {"main": {"host": "127.0.0.1", "port": int(port)}}
        queries = {"q": query("study-root", "STUDY", {"StudyDate": "20240115", "PatientName": None})}
        file = cfind.job_file(job(peers, queries, [{"type": "stdout", "format": "csv"}]))
        findscu = ["-S", "-k", "0008,0052=STUDY", "-k", "PatientName", "127.0.0.1", port]
        words = findscu if command == "findscu" else [file]
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "runner", command, *words],
            cwd=cfind.folder,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        )
        server.terminate()
        server.communicate(timeout=30)
    assert done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "runner" in imported
    assert imported.isdisjoint(SPARED)


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_what_sends_nothing_loads_nothing_that_sends(cfind: Cfind, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "runner", command, ROOT / "jobs" / "demo.yaml"],
        cwd=cfind.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "runner.jobfile.load" in imported
    assert not {name for name in imported if name.startswith(("runner.engine", "runner.transport"))}
