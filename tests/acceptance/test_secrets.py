"""A secret is nowhere but where it was put: in no output, message, report, plan or translation."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.command import Cfind, Job, job, query
from peers.certificates import Certificates
from peers.negotiating_scp import negotiating_scp
from peers.process import HOST, Server
from peers.tls_terminator import TlsTerminator, server_context

CANARY = "hopscotch-7c1f"
#: Nobody listens there.
CLOSED = 1
#: Where a job has the password of the key.
WAYS = {"literal": CANARY, "env": "${env:CANARY}", "file": "${file:canary.txt}"}


@dataclass
class Setting:
    """A peer that wants a certificate; of our keys, `right.key` is encrypted with the canary."""

    cfind: Cfind
    port: int
    printed: str = ""

    def __call__(self, *arguments: str) -> int:
        """Run a command, and keep all that it says."""
        status, stdout, stderr = self.cfind(*arguments)
        self.printed += stdout.decode("utf-8", "replace") + stderr
        return status

    def check(self) -> None:
        """Look for the canary in what was said, and in every file that was not there before."""
        assert self.printed
        assert CANARY not in self.printed
        for path in self.cfind.folder.rglob("*"):
            if path.is_file() and path.name not in {"canary.txt", "job.yaml"}:
                assert CANARY.encode() not in path.read_bytes(), path


@pytest.fixture
def setting(
    cfind: Cfind, certificates: Certificates, dcmqrscp_peer: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Setting]:
    monkeypatch.setenv("CANARY", CANARY)
    for name in ("ca.pem", "client.pem"):
        (cfind.folder / name).write_bytes(certificates[name].read_bytes())
    for name, password in (("right.key", CANARY), ("wrong.key", "another")):
        path = str(cfind.folder / name)
        certificates.openssl(
            "pkey", "-in", "client.key", "-aes256", "-passout", f"pass:{password}", "-out", path
        )
    (cfind.folder / "canary.txt").write_text(f"{CANARY}\n")
    (cfind.folder / "canary.txt").chmod(0o644)
    context = server_context(
        certificates["server.pem"], certificates["server.key"], client_ca=certificates["ca.pem"]
    )
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsTerminator(dcmqrscp_peer.port, context) as terminator:
        yield Setting(cfind, terminator.port)


def asking(port: int, key: str, password: str) -> Job:
    tls = {"key": key, "certificate": "client.pem", "ca_files": ["ca.pem"], "password": password}
    to = {"host": HOST, "port": port, "ae_title": "QR", "tls": tls}
    sinks = [{"type": "stdout", "format": "dump"}, {"type": "csv", "path": "found.csv"}]
    return job({"main": to}, {"studies": query("study-root", "STUDY", {"PatientID": None})}, sinks)


@pytest.mark.parametrize("way", WAYS)
def test_in_a_job(setting: Setting, way: str) -> None:
    cases = ((setting.port, "right.key", 0), (setting.port, "wrong.key", 3), (CLOSED, "right.key", 4))
    for port, key, expected in cases:
        setting.cfind.job_file(asking(port, key, WAYS[way]))
        report = f"report-{key}-{port}.json"
        assert setting("run", "job.yaml", "--debug", "--report", report) == expected, setting.printed
        assert (setting.cfind.folder / report).exists()
        assert setting("echo", "job.yaml", "--debug") == expected
    for form in ("text", "json", "github"):
        assert setting("validate", "job.yaml", "--format", form) == 0
    assert ("chmod 600" in setting.printed) == (way != "env")
    for options in ((), ("--format", "json"), ("--as", "findscu"), ("--as", "findscu", "--format", "json")):
        assert setting("plan", "job.yaml", *options) == 0
    setting.check()


@pytest.mark.parametrize(
    "password", [["LIST", CANARY], {"map": CANARY}, f"${{env:CANARY:-{CANARY}}}", f"${CANARY}"]
)
def test_in_a_job_that_is_invalid(setting: Setting, password: object) -> None:
    asked = asking(CLOSED, "right.key", "")
    asked["peers"]["main"]["tls"].update(password=password, passwrd=CANARY)
    setting.cfind.job_file(asked)
    for command in ("run", "validate", "plan", "echo"):
        assert setting(command, "job.yaml", "--debug") == 3
    for form in ("json", "github"):
        assert setting("validate", "job.yaml", "--format", form) == 3
    setting.check()


def test_in_a_command_line(setting: Setting) -> None:
    words = ("-S", "-aec", "QR", "-k", "0008,0052=STUDY", "-k", "PatientID", "+cf", "ca.pem", "+pw", CANARY)
    cases = ((setting.port, "right.key", 0), (setting.port, "wrong.key", 3), (CLOSED, "right.key", 4))
    for port, key, expected in cases:
        line = (*words, "+tls", key, "client.pem", HOST, str(port))
        for verbosity in ((), ("--log-level", "trace"), ("--arguments",)):
            assert setting("findscu", *verbosity, *line) == expected, setting.printed
        for form in ((), ("--json",)):
            assert setting("translate", *form, "--", *line) == 0, setting.printed
    assert setting("findscu", "--no-such-option", *line) == 2
    assert setting("findscu", *words, CANARY, "+pw") != 0
    setting.check()


def test_in_a_script(setting: Setting) -> None:
    script = setting.cfind.folder / "canary.txt"
    script.write_text(f"findscu -S -k PatientID +tls right.key client.pem +pw {CANARY} {HOST} {CLOSED}\n")
    assert setting("translate", "--script", "canary.txt") == 0, setting.printed
    setting.check()


def test_in_a_password_file_of_serve(setting: Setting) -> None:
    demo = Path(__file__).parents[2] / "jobs" / "demo-archive"
    key = ("--tls-key", "wrong.key", "--tls-cert", "client.pem", "--tls-key-password-file", "canary.txt")
    assert setting("serve", str(demo), *key, "--debug") == 3
    setting.check()


#: What proves an identity, by its type.
PROOFS = {"username-passcode": "passcode", "saml": "assertion", "jwt": "token", "kerberos": "ticket"}


@pytest.mark.parametrize(
    ("kind", "way"),
    [(kind, way) for kind in PROOFS for way in WAYS if way == "file" or kind != "kerberos"],
)
def test_in_an_identity(cfind: Cfind, monkeypatch: pytest.MonkeyPatch, kind: str, way: str) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    (cfind.folder / "canary.txt").write_text(CANARY)
    with negotiating_scp(lambda *_: (allowed, CANARY.encode())) as scp:
        setting = Setting(cfind, scp.port)
        identity = {"type": kind, PROOFS[kind]: WAYS[way], "positive_response": True}
        if kind == "username-passcode":
            identity["username"] = "research"
        for allowed, expected in ((True, 0), (False, 4)):
            cfind.job_file(identified(scp.port, identity))
            assert setting("run", "job.yaml", "--debug", "--report", "report.json") == expected, (
                setting.printed
            )
            assert setting("echo", "job.yaml", "--debug") == expected
            (peer,) = Cfind.checked_report(cfind.folder / "report.json")["peers"]
            told = peer["negotiated"]
            if not allowed:
                assert told is None
            else:
                length = None if kind == "username-passcode" else len(CANARY)
                assert told["user_identity"] == {"type": kind, "response_bytes": length}
                assert told["models"]["study-root"]["extended"] == {"relational": True, "fuzzy": True}
    assert {identity for identity in scp.identities if CANARY.encode() in identity} == set(scp.identities)
    assert "study-root: relational accepted, fuzzy accepted" in setting.printed
    assert "check user_identity" in setting.printed
    for options in (("--format", "text"), ("--format", "json"), ("--as", "findscu")):
        assert setting("plan", "job.yaml", *options) == 0
    setting.check()


@pytest.mark.parametrize("kind", PROOFS)
@pytest.mark.parametrize(
    "proof", [["LIST", CANARY], {"map": CANARY}, f"${{env:CANARY:-{CANARY}}}", f"{CANARY}${{env:CANARY}}"]
)
def test_in_an_identity_that_is_invalid(cfind: Cfind, kind: str, proof: object) -> None:
    setting = Setting(cfind, CLOSED)
    cfind.job_file(identified(CLOSED, {"type": kind, PROOFS[kind]: proof, "secret": CANARY}))
    for command in ("run", "validate", "plan", "echo"):
        assert setting(command, "job.yaml", "--debug") == 3
    cfind.job_file(identified(CLOSED, f"{kind} {CANARY}"))
    assert setting("validate", "job.yaml") == 3
    setting.check()


def identified(port: int, identity: object) -> Job:
    to = {"host": HOST, "port": port, "user_identity": identity}
    to["extended_negotiation"] = {"relational": "require", "fuzzy": True}
    return job({"main": to}, {"studies": query("study-root", "STUDY", {"PatientID": None})}, [])
