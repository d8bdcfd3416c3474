"""`cfind serve` over TLS, for trying a job's TLS set-up; clients that break the handshake do it no harm."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from acceptance.command import ROOT, Cfind, Job, job, query
from peers.certificates import PASSWORD, Certificates
from peers.findscu import findscu
from peers.process import HOST

DEMO = ROOT / "jobs" / "demo-archive"


@dataclass
class Served:
    """A `cfind serve`; `stderr` is what it said, once it has ended."""

    port: int
    stderr: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)


@contextmanager
def served(cfind: Cfind, *options: str | Path) -> Iterator[Served]:
    with cfind.start("serve", DEMO, *options) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode("utf-8")
            running = Served(int(line.rpartition(":")[2] or 0), process=process)
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            _, stderr = process.communicate(timeout=30)
            assert b"Traceback" not in stderr, stderr
    running.stderr = stderr.decode("utf-8")
    assert process.returncode in {0, 143}


def options(certificates: Certificates, *more: str | Path) -> tuple[str | Path, ...]:
    return ("--tls-key", certificates["server.key"], "--tls-cert", certificates["server.pem"], *more)


def studies(port: int, **tls: object) -> Job:
    to = {"host": HOST, "port": port, **({"tls": tls} if tls else {})}
    return job({"main": to}, {"studies": query("study-root", "STUDY", {"PatientID": None})})


def test_serve_over_tls(cfind: Cfind, certificates: Certificates) -> None:
    ca = str(certificates["ca.pem"])
    with served(cfind, *options(certificates)) as server:
        secured = cfind.run(studies(server.port, ca_files=[ca]))
        assert secured.status == 0, secured.stderr
        assert secured.report["responses"] > 3
        assert secured.report["peers"][0]["tls"]["protocol"] == "TLSv1.3"
        assert cfind("echo", "job.yaml")[0] == 0
        plain = cfind.run(studies(server.port))
        assert plain.status == 4
        reference = subprocess.run(
            [findscu(), "-S", "+tla", "+cf", ca, "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID",
             HOST, str(server.port)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert reference.returncode == 0, reference.stderr
        assert (reference.stdout + reference.stderr).count("Pending") == secured.report["responses"]
    assert "no TLS: " in server.stderr


def test_serve_wants_certificates(cfind: Cfind, certificates: Certificates) -> None:
    ca = str(certificates["ca.pem"])
    own = {"key": str(certificates["client.key"]), "certificate": str(certificates["client.pem"])}
    with served(cfind, *options(certificates, "--tls-ca", ca)) as server:
        assert cfind.run(studies(server.port, ca_files=[ca], **own)).status == 0
        without = cfind.run(studies(server.port, ca_files=[ca]))
        assert without.status == 4
        assert "our certificate" in without.stderr
    assert "peer did not return a certificate" in server.stderr


def test_serve_with_an_encrypted_key(cfind: Cfind, certificates: Certificates) -> None:
    password = cfind.folder / "password.txt"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o640)
    files = ("--tls-key", certificates["encrypted.key"], "--tls-cert", certificates["client.pem"])
    ca = str(certificates["ca.pem"])
    with served(cfind, *files, "--tls-key-password-file", password) as server:
        outcome = cfind.run(studies(server.port, ca_files=[ca], check_host=False))
        assert outcome.status == 4  # the certificate is a client's
        assert "not made for a TLS server" in outcome.stderr
        assert cfind.run(studies(server.port, verification="ignore")).status == 0
    assert f"warning: {password} holds a secret, and its group can read it; chmod 600" in server.stderr
    status, _, stderr = cfind("serve", DEMO, *files)
    assert status == 3
    assert "nobody to ask for" in stderr


def test_clients_that_break_the_handshake(cfind: Cfind, certificates: Certificates) -> None:
    """They are told of, and neither end nor hold up the server."""
    ca = str(certificates["ca.pem"])
    with served(cfind, *options(certificates)) as server, ExitStack() as stack:
        address = (HOST, server.port)
        stalling = [stack.enter_context(socket.create_connection(address)) for _ in range(5)]
        stalling[0].sendall(b"\x16\x03\x01\x40\x00")
        for said in (
            b"",
            b"GET / HTTP/1.0\r\n\r\n",
            b"\x1b[2J\n\n\n\n",
            b"\x16\x03\x01\x00\x04\xff\xff\xff\xff",
        ):
            with socket.create_connection(address) as client, suppress(ConnectionError):
                client.settimeout(20)
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
        assert cfind.run(studies(server.port, ca_files=[ca])).status == 0
    assert server.stderr.count("no TLS: ") >= 4
    assert "http request" in server.stderr
    assert "\x1b" not in server.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--tls-key", "a.key"), 2, "belong together"),
        (("--tls-cert", "a.pem"), 2, "belong together"),
        (("--tls-ca", "a.pem"), 2, "no TLS without"),
        (("--tls-key-password-file", "a"), 2, "no TLS without"),
        (("--tls-key", "a.key", "--tls-cert", "a.pem"), 3, "a.key: the private key cannot be read"),
    ],
)
def test_options_that_cannot_be(cfind: Cfind, arguments: tuple[str, ...], status: int, said: str) -> None:
    ended, printed, stderr = cfind("serve", DEMO, *arguments)
    assert ended == status
    assert said in stderr
    assert not printed
