"""A recorded command line, translated to a job file and run, sends and prints the same as itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden.recordings import Recording, essence, recordings
from peers.dataset_notation import SYNTAXES, part10
from peers.scripted_scp import ScriptedSCP

ROOT = Path(__file__).parents[2]

#: What job files refuse, and why.
REFUSED = {
    "key-each-accepted-big": "a value of OW",
    "new-vr-disable-short": "a value of UT that is sent as OB",
    "file-two": "level PATIENT is not of the study root",
    "file-key-overrides": "level PATIENT is not of the study root",
    "key-name-value": "level PATIENT is not of the study root",
    "status-a900": "level PATIENT is not of the study root",
    "status-fe00": "level PATIENT is not of the study root",
    "status-ff01": "level PATIENT is not of the study root",
}
SENDING = [r for r in recordings() if r.expected["sent"] and not r.environment]


def cfind(folder: Path, *argv: str | bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *argv],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("recording", SENDING, ids=lambda recording: str(recording.data["id"]))
def test_translation_does_the_same(recording: Recording, tmp_path: Path) -> None:
    recording.write_files(tmp_path)
    name = recording.data["id"]
    with ScriptedSCP(recording.data.get("scenario")) as scp:
        words = [os.fsencode(word) for word in recording.argv("127.0.0.1", scp.port)]
        translation = cfind(tmp_path, "translate", "--", *words)
        if name in REFUSED:
            assert translation.returncode == 3
            assert b"cannot be carried over" in translation.stderr
            return
        assert translation.returncode == 0, translation.stderr.decode()
        (tmp_path / "job.yaml").write_bytes(translation.stdout)
        assert cfind(tmp_path, "validate", "job.yaml").returncode == 0
        run = cfind(tmp_path, "run", "job.yaml")
    assert run.returncode in recording.expected["exit"], run.stderr.decode()
    got = [essence(association) for association in scp.associations]
    assert got in [[essence(association) for association in sent] for sent in recording.sent()]
    with ScriptedSCP(recording.data.get("scenario")) as scp:
        words = [os.fsencode(word) for word in recording.argv("127.0.0.1", scp.port)]
        direct = cfind(tmp_path, "findscu", *words)
    assert run.stdout == direct.stdout
    report = translation.stderr.decode(errors="replace")
    assert all(word in report for word in recording.data["argv"] if word.isascii() and "{" not in word)


@pytest.mark.parametrize(
    "words",
    [
        ["-W", "-u", "-k", "0010,0010=A", "pacs", "104", "q.dcm"],
        ["-W", "-k", "0010,0010=M\u00fcller", "pacs", "104"],
        ["-W", "-aet", " A B ", "-k", "0010,0010=A", "pacs", "104"],
    ],
    ids=["UT of a file as OB", "no character set", "spaces around an AE title"],
)
def test_a_job_that_does_not_mean_the_same_is_not_a_success(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "q.dcm").write_bytes(part10([["0040,a160", "UT", "text"]], SYNTAXES["explicit"]))
    translation = cfind(tmp_path, "translate", "--", *words)
    assert translation.returncode == 3
    assert b"cannot be carried over: a difference" in translation.stderr
    assert translation.stdout


@pytest.mark.parametrize(
    "key", ["0042,0011=01\\ff", "0028,1201=0001", "0066,0016=1.5", "0021,1001=12", "0008,fff0=A"]
)
def test_a_value_that_a_job_cannot_hold_makes_it_invalid_and_not_universal(key: str, tmp_path: Path) -> None:
    translation = cfind(tmp_path, "translate", "--", "-W", "-k", key, "-k", "0010,0010=A", "pacs", "104")
    assert translation.returncode == 3
    (tmp_path / "job.yaml").write_bytes(translation.stdout)
    assert cfind(tmp_path, "validate", "job.yaml").returncode == 3
    lenient = translation.stdout + b"lint: {ignore: [value-form]}\n"
    (tmp_path / "job.yaml").write_bytes(lenient)
    assert cfind(tmp_path, "validate", "job.yaml").returncode == 3
