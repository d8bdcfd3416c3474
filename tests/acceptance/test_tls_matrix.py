"""Every member of a peer's `tls` in a job file before a real peer: what it makes work and what it refuses."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from acceptance.command import ROOT, Cfind, job, query
from peers.certificates import PASSWORD, Certificates
from peers.process import HOST, Server
from peers.tap import Tap
from peers.tls_terminator import TlsTerminator, server_context

CA = {"ca_files": ["ca.pem"]}
OWN = {**CA, "key": "client.key", "certificate": "client.pem"}
ENCRYPTED = {**OWN, "key": "encrypted.key"}
DER = {
    "key_format": "der",
    "key": "client.key.der",
    "certificate": "client.pem.der",
    "ca_files": ["ca.pem.der"],
}
UNTRUSTED = "its issuer is unknown"


@dataclass(frozen=True)
class Row:
    """A job's `tls`, before a server, and what comes of it.

    Attributes:
        of: the member that it is about.
        tls: as in the job.
        server: a name of `SERVERS`.
        status: the exit status.
        said: on stderr, where that is not 0.
        seen: by the server: attributes of the terminator, and what they hold.
    """

    of: str
    tls: dict[str, Any]
    server: str = "server"
    status: int = 0
    said: str = ""
    seen: dict[str, Any] = field(default_factory=dict)


def works(of: str, tls: dict[str, Any], server: str = "server", **seen: Any) -> Row:
    return Row(of, tls, server, seen=seen)


def refused(of: str, tls: dict[str, Any], said: str, server: str = "server") -> Row:
    """The job is valid, and TLS does not come about."""
    return Row(of, tls, server, 4, said)


def unusable(of: str, tls: dict[str, Any], said: str) -> Row:
    """What the job names cannot be used, and nothing is connected to."""
    return Row(of, tls, "server", 3, said)


MATRIX = [
    works("key", OWN, "wants", clients=["client"]),
    unusable("key", {**OWN, "key": "missing.key"}, "missing.key: the private key cannot be read"),
    unusable("key", {**OWN, "key": "client.pem"}, "no private key in PEM"),
    refused("key", CA, "our certificate", "wants"),
    works("certificate", OWN, "server", clients=["client"]),
    unusable("certificate", {**OWN, "certificate": "server.pem"}, "does not belong to the certificate"),
    unusable("certificate", {**OWN, "certificate": "client.key"}, "no certificate in PEM"),
    works("password", {**ENCRYPTED, "password": "${env:KEY_PASSWORD}"}, "wants", clients=["client"]),
    works("password", {**ENCRYPTED, "password": "${file:password.txt}"}, "wants", clients=["client"]),
    works("password", {**ENCRYPTED, "key": "traditional.key", "password": PASSWORD}, clients=["client"]),
    unusable("password", {**ENCRYPTED, "password": "wrong"}, "the private key cannot be decrypted"),
    unusable("password", {**ENCRYPTED, "password": "${env:NO_SUCH}"}, "NO_SUCH is not set"),
    unusable("password", {**ENCRYPTED, "password": "${file:none.txt}"}, "none.txt"),
    unusable("password", {**ENCRYPTED, "password": "prompt"}, "nobody to ask"),
    works("key_format", {**OWN, "key_format": "pem"}, "wants", clients=["client"]),
    works("key_format", DER, "wants", clients=["client"]),
    works("key_format", {**DER, "key": "encrypted.der", "password": PASSWORD}, "wants", clients=["client"]),
    unusable("key_format", {**DER, "key": "encrypted.der", "password": "no"}, "cannot be decrypted"),
    unusable("key_format", {**OWN, "key_format": "der"}, "no private key in DER"),
    unusable("key_format", {**DER, "key_format": "pem"}, "no private key in PEM"),
    works("ca_files", CA),
    works("ca_files", {"ca_files": ["other_ca.pem", "ca.pem"]}),
    works("ca_files", {"ca_files": ["self_signed.pem"]}, "self_signed"),
    works("ca_files", CA, "chain"),
    refused("ca_files", {"ca_files": ["other_ca.pem"]}, UNTRUSTED),
    refused("ca_files", {}, "no CA is trusted"),
    refused("ca_files", CA, "it is self-signed and not trusted", "self_signed"),
    refused("ca_files", CA, UNTRUSTED, "under_middle"),
    unusable(
        "ca_files", {"ca_files": ["missing.pem"]}, "missing.pem: the trusted certificates cannot be read"
    ),
    works("ca_directories", {"ca_directories": ["plain"]}),
    works("ca_directories", {"ca_directories": ["hashed"]}),
    works("ca_directories", {"ca_directories": ["others", "hashed"]}),
    refused("ca_directories", {"ca_directories": ["others"]}, UNTRUSTED),
    unusable("ca_directories", {"ca_directories": ["empty"]}, "the folder has no certificates"),
    works("verification", {**CA, "verification": "require"}),
    works("verification", {**CA, "verification": "if-present"}),
    works("verification", {"verification": "ignore"}, "expired"),
    refused("verification", {**CA, "verification": "require"}, "it has expired", "expired"),
    refused("verification", {**CA, "verification": "if-present"}, "it is not yet valid", "early"),
    works("check_host", {**CA, "check_host": True}),
    works("check_host", {**CA, "check_host": False}, "elsewhere", names=[None]),
    refused("check_host", {**CA, "check_host": True}, f"for another host than {HOST}", "elsewhere"),
    works("server_name", {**CA, "server_name": "localhost"}, names=["localhost"]),
    works("server_name", {**CA, "server_name": "elsewhere.example.org"}, "elsewhere"),
    refused("server_name", {**CA, "server_name": "pacs.example.org"}, "another host than pacs.example.org"),
    works("fingerprints", {"verification": "ignore", "fingerprints": ["server"]}),
    works("fingerprints", {**CA, "fingerprints": ["ca", "server"]}),
    refused(
        "fingerprints", {"verification": "ignore", "fingerprints": ["ca"]}, "which the job does not name"
    ),
    refused("fingerprints", {**CA, "fingerprints": ["expired"]}, "it has expired", "expired"),
    works("profile", {**CA, "profile": "bcp195-rfc8996"}, versions=["TLSv1.3"]),
    works("profile", {**CA, "profile": "bcp195-rfc8996-modified"}, "1.2", versions=["TLSv1.2"]),
    works("profile", {**CA, "profile": "bcp195-extended"}, versions=["TLSv1.2"]),
    works("profile", {**CA, "profile": "aes"}, ciphers=["AES128-SHA"]),
    refused("profile", {**CA, "profile": "bcp195-extended"}, "protocol version", "1.3"),
    refused("profile", {**CA, "profile": "null"}, "handshake failure"),
    works("minimum_version", {**CA, "minimum_version": "1.2"}, "1.2", versions=["TLSv1.2"]),
    works("minimum_version", {**CA, "minimum_version": "1.3"}, versions=["TLSv1.3"]),
    refused("minimum_version", {**CA, "minimum_version": "1.3"}, "version", "1.2"),
    works("ciphers", {**CA, "ciphers": ["ECDHE-RSA-AES128-SHA256"]}, ciphers=["ECDHE-RSA-AES128-SHA256"]),
    works("ciphers", {**CA, "ciphers": ["TLS_RSA_WITH_AES_128_CBC_SHA"]}, ciphers=["AES128-SHA"]),
    refused("ciphers", {**CA, "ciphers": ["ECDHE-ECDSA-AES128-GCM-SHA256"]}, "handshake failure"),
    unusable("ciphers", {**CA, "ciphers": ["TLS_RSA_WITH_AES_512_CBC_SHA"]}, "has no cipher suite"),
    works("dh_parameters", {**CA, "dh_parameters": "dh.pem", "ciphers": ["DHE-RSA-AES256-GCM-SHA384"]}),
    unusable("dh_parameters", {**CA, "dh_parameters": "ca.pem"}, "no usable Diffie-Hellman parameters"),
    works("crl_files", {**CA, "crl_files": ["ca.crl"]}),
    refused("crl_files", {**CA, "crl_files": ["ca.crl"]}, "it has been revoked", "revoked"),
    refused("crl_files", {**CA, "crl_files": ["old.crl"]}, "the revocation list has expired"),
    refused("crl_files", {**CA, "crl_files": ["middle.crl"]}, "no revocation list of its issuer is at hand"),
    unusable("crl_files", {**CA, "crl_files": ["ca.pem"]}, "no certificate revocation list"),
    works("revocation", {**CA, "crl_files": ["ca.crl"], "revocation": "none"}, "revoked"),
    works("revocation", {**CA, "crl_files": ["ca.crl", "middle.crl"], "revocation": "chain"}, "chain"),
    works("revocation", {**CA, "crl_files": ["middle.crl"], "revocation": "leaf"}, "chain"),
    refused("revocation", {**CA, "revocation": "leaf"}, "no revocation list of its issuer is at hand"),
    refused(
        "revocation",
        {**CA, "crl_files": ["middle.crl"], "revocation": "chain"},
        "no revocation list",
        "chain",
    ),
    works("seed", {**CA, "seed": "seed"}),
    unusable("seed", {**CA, "seed": "missing"}, "the random seed cannot be read"),
    works("write_seed", {**CA, "write_seed": "next-seed"}),
    unusable("write_seed", {**CA, "write_seed": "empty"}, "the random seed cannot be written"),
]


@contextmanager
def serving(server: Server, certificates: Certificates, material: Path, kind: str) -> Iterator[TlsTerminator]:
    """A TLS server in front of dcmqrscp: `kind` is its certificate, its only version, or what it wants."""
    name = kind if kind not in ("1.2", "1.3", "wants") else "server"
    context = server_context(
        certificates[f"{name}.pem"],
        certificates["server.key"],
        newest=ssl.TLSVersion.TLSv1_2 if kind == "1.2" else ssl.TLSVersion.TLSv1_3,
        client_ca=certificates["ca.pem"],
        ciphers="DEFAULT:@SECLEVEL=1",
        dh_parameters=material / "dh.pem",
    )
    if kind != "wants":
        context.verify_mode = ssl.CERT_OPTIONAL
    if kind == "1.3":
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    with TlsTerminator(server.port, context) as terminator:
        yield terminator


@pytest.fixture(scope="module")
def material(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the jobs name."""
    folder = tmp_path_factory.mktemp("material")
    for name in ("ca.pem", "other_ca.pem", "self_signed.pem", "server.pem", "client.pem", "ca.crl", "old.crl",
                 "middle.crl", "client.key", "encrypted.key", "traditional.key"):  # fmt: skip
        (folder / name).write_bytes(certificates[name].read_bytes())
        (folder / name).chmod(0o600)

    def der(kind: str, name: str, *more: str) -> None:
        certificates.openssl(kind, "-in", name, "-outform", "DER", "-out", str(folder / f"{name}.der"), *more)

    der("x509", "ca.pem")
    der("x509", "client.pem")
    der("pkey", "client.key")
    certificates.openssl(
        "pkcs8", "-topk8", "-in", "client.key", "-outform", "DER", "-out", str(folder / "encrypted.der"),
        "-v2", "aes256", "-passout", f"pass:{PASSWORD}",
    )  # fmt: skip
    certificates.openssl(
        "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out",
        str(folder / "dh.pem"),
    )  # fmt: skip
    hashed = certificates.openssl("x509", "-in", "ca.pem", "-noout", "-subject_hash").strip() + ".0"
    for place, name, certificate in (
        ("plain", "ca.crt", "ca.pem"),
        ("hashed", hashed, "ca.pem"),
        ("others", "a.pem", "other_ca.pem"),
    ):
        (folder / place).mkdir()
        (folder / place / name).write_bytes(certificates[certificate].read_bytes())
    (folder / "empty").mkdir()
    (folder / "seed").write_bytes(bytes(range(256)))
    (folder / "password.txt").write_text(f"{PASSWORD}\n")
    return folder


def fingerprint(certificates: Certificates, name: str) -> str:
    said = certificates.openssl("x509", "-in", f"{name}.pem", "-noout", "-fingerprint", "-sha256")
    return said.partition("=")[2].strip()


@pytest.mark.parametrize("row", MATRIX, ids=[f"{row.of}-{number}" for number, row in enumerate(MATRIX)])
def test_each_member(
    cfind: Cfind,
    material: Path,
    certificates: Certificates,
    dcmqrscp_peer: Server,
    monkeypatch: pytest.MonkeyPatch,
    row: Row,
) -> None:
    monkeypatch.setenv("KEY_PASSWORD", PASSWORD)
    for path in material.iterdir():
        (cfind.folder / path.name).symlink_to(path)
    tls = dict(row.tls)
    if "fingerprints" in tls:
        tls["fingerprints"] = [fingerprint(certificates, name) for name in tls["fingerprints"]]
    with (
        serving(dcmqrscp_peer, certificates, material, row.server) as terminator,
        Tap(terminator.port) as tap,
    ):
        to = {"host": HOST, "port": tap.port, "ae_title": "QR", "tls": tls}
        outcome = cfind.run(job({"main": to}, {"studies": query("study-root", "STUDY", {"PatientID": None})}))
    assert outcome.status == row.status, outcome.stderr
    assert row.said in outcome.stderr
    tap.check_secured(0 if row.status == 3 else 1)
    if row.status:
        assert outcome.report["responses"] == 0
        (operation,) = outcome.operations
        assert operation["error"]["exit_status"] == row.status
        assert operation["error"]["advice"]
    else:
        assert outcome.report["responses"] > 3
        assert outcome.report["peers"][0]["tls"]["protocol"] == terminator.versions[0]
    for name, expected in row.seen.items():
        assert getattr(terminator, name) == expected


def test_each_member_is_in_the_matrix() -> None:
    """Each with what it makes work and what it refuses."""
    schema = json.loads((ROOT / "schemas" / "job.schema.json").read_text("utf-8"))
    members = set(schema["definitions"]["tls"]["properties"])
    assert {row.of for row in MATRIX if row.status == 0} == members
    assert {row.of for row in MATRIX if row.status != 0} == members
    for row in MATRIX:
        # What a row is about is in it, but for those that show what comes of its absence.
        assert row.of in row.tls or row.said in ("our certificate", "no CA is trusted")


def test_a_plain_peer_is_sent_nothing_but_tls(cfind: Cfind, material: Path, dcmqrscp_peer: Server) -> None:
    """There is no second attempt in plain TCP, whatever the job's settings are."""
    (cfind.folder / "ca.pem").symlink_to(material / "ca.pem")
    for tls in (CA, {"verification": "ignore"}):
        with Tap(dcmqrscp_peer.port) as tap:
            to = {"host": HOST, "port": tap.port, "ae_title": "QR", "tls": tls}
            asked = {"studies": query("study-root", "STUDY", {"PatientID": None})}
            outcome = cfind.run(job({"main": to}, asked))
            assert outcome.status == 4
            assert cfind("echo", "job.yaml")[0] == 4
        tap.check_secured(2)
