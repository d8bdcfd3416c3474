"""Files with secrets that others can read are warned of, wherever they are named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from peers.certificates import PASSWORD, Certificates
from runner.findscu.command_line import parse
from runner.findscu.job import job_of
from runner.jobfile.load import load_job
from runner.secret_file import exposure, key_exposure


@pytest.mark.parametrize(
    ("mode", "readers"),
    [
        (0o600, None),
        (0o400, None),
        (0o611, None),
        (0o640, "its group"),
        (0o644, "every user of this machine"),
        (0o604, "every user of this machine"),
    ],
)
def test_who_can_read(tmp_path: Path, mode: int, readers: str | None) -> None:
    path = tmp_path / "password.txt"
    path.write_text("sesame")
    path.chmod(mode)
    assert exposure(path) == readers
    link = tmp_path / "link"
    link.symlink_to(path)
    assert exposure(link) == readers


def test_what_is_no_file(tmp_path: Path) -> None:
    assert exposure(tmp_path) is None
    assert exposure(tmp_path / "missing") is None
    assert exposure(Path("with\0nul")) is None
    os.mkfifo(tmp_path / "pipe", 0o644)
    assert exposure(tmp_path / "pipe") is None
    assert key_exposure(tmp_path / "pipe") is None


def test_keys(certificates: Certificates, tmp_path: Path) -> None:
    """Only a key that is not encrypted is a secret as it lies there."""
    secret = ("-passout", f"pass:{PASSWORD}")
    made = {
        "client.key": False,
        "encrypted.key": True,
        "traditional.key": True,
        "pkcs8.der": False,
        "pkcs8-encrypted.der": True,
        "rsa.der": False,
    }
    to = {name: str(tmp_path / name) for name in made}
    for name in ("client.key", "encrypted.key", "traditional.key"):
        Path(to[name]).write_bytes(certificates[name].read_bytes())
    der = ("-in", "client.key", "-outform", "DER", "-out")
    certificates.openssl("pkcs8", "-topk8", "-nocrypt", *der, to["pkcs8.der"])
    certificates.openssl("pkcs8", "-topk8", *secret, *der, to["pkcs8-encrypted.der"])
    certificates.openssl("rsa", "-traditional", *der, to["rsa.der"])
    for name, encrypted in made.items():
        Path(to[name]).chmod(0o644)
        assert key_exposure(Path(to[name])) == (None if encrypted else "every user of this machine"), name
        Path(to[name]).chmod(0o600)
        assert key_exposure(Path(to[name])) is None


def job(folder: Path, **tls: str) -> Path:
    path = folder / "job.yaml"
    document = {
        "version": 1,
        "peers": {"main": {"host": "pacs", "port": 104, "tls": tls}},
        "queries": {"q": {"model": "study-root", "level": "STUDY", "keys": {"PatientID": "4711"}}},
    }
    path.write_text(json.dumps(document))
    return path


def test_job_files(certificates: Certificates, tmp_path: Path) -> None:
    for name in ("client.key", "client.pem"):
        (tmp_path / name).write_bytes(certificates[name].read_bytes())
    password = tmp_path / "password.txt"
    password.write_text("sesame")
    own = {"key": "client.key", "certificate": "client.pem", "password": "${file:password.txt}"}
    for mode, expected in ((0o600, 0), (0o640, 2)):
        for path in (password, tmp_path / "client.key"):
            path.chmod(mode)
        read, problems = load_job(job(tmp_path, **own))
        assert read is not None
        assert len(problems) == expected
    assert [problem.path for problem in problems] == ["peers.main.tls.key", "peers.main.tls.password"]
    assert all("its group can read" in problem.what for problem in problems)
    assert f"chmod 600 {password}" in problems[1].advice
    assert not any("sesame" in str(problem) for problem in problems)


def test_command_lines(certificates: Certificates, tmp_path: Path) -> None:
    key = tmp_path / "client.key"
    key.write_bytes(certificates["client.key"].read_bytes())
    words = ["+tls", str(key), str(certificates["client.pem"]), "-S", "-k", "PatientID", "pacs", "104"]
    for mode, expected in ((0o600, 0), (0o644, 1)):
        key.chmod(mode)
        said: list[str] = []
        job_of(parse(words, {}), said.append)
        assert len(said) == expected
    assert said[0].endswith(f"every user of this machine can read it; chmod 600 {key}")
