"""TLS peers, good and hostile, through our side of an association."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peers import wire
from peers.certificates import PASSWORD, Certificates
from peers.client import connected, peer, within
from peers.raw_peer import RawPeer, Side
from peers.scripted_scp import ScriptedSCP
from peers.tls_terminator import TlsTerminator, server_context
from runner.cli.tls_text import session_text
from runner.errors import (
    CfindError,
    ConnectionLostError,
    DimseTimeoutError,
    FindError,
    InterruptedRunError,
    InvalidJobError,
    NoAssociationError,
    TlsError,
)
from runner.jobfile.load import load_job
from runner.model import (
    KeyFormat,
    PeerVerification,
    RevocationCheck,
    Secret,
    SecretSource,
    SecurityProfile,
    Tls,
    TlsVersion,
)
from runner.transport.connection import PeerConnection
from runner.transport.stop_signal import StopSignal
from runner.transport.tls_context import context_of
from runner.transport.tls_session import TlsSession

TLS_1_2 = ssl.TLSVersion.TLSv1_2


@contextmanager
def served(context: ssl.SSLContext) -> Iterator[TlsTerminator]:
    """Serve a C-FIND that matches nothing over TLS."""
    with ScriptedSCP({}) as scp, TlsTerminator(scp.port, context) as terminator:
        yield terminator


def asked(context: ssl.SSLContext, tls: Tls, host: str = "127.0.0.1") -> TlsTerminator:
    """Send a C-FIND and return the server, which knows what it saw."""
    with served(context) as terminator:
        to = replace(peer(terminator.port, host=host), tls=tls)
        with connected(to) as client:
            assert client.find().detail.status == 0
    return terminator


def refusal(context: ssl.SSLContext, tls: Tls, host: str = "127.0.0.1") -> CfindError:
    with served(context) as terminator, pytest.raises(CfindError) as caught:
        PeerConnection.open(
            replace(peer(terminator.port, host=host), tls=tls), [wire.STUDY_ROOT], StopSignal()
        )
    assert isinstance(caught.value, (TlsError, InvalidJobError))
    assert caught.value.advice
    assert PASSWORD not in str(caught.value)
    return caught.value


def server(certificates: Certificates, name: str = "server", **more: Any) -> ssl.SSLContext:
    key = "ec.key" if name == "ec" else "server.key"
    return server_context(certificates[f"{name}.pem"], certificates[key], **more)


def trusting(certificates: Certificates, **more: Any) -> Tls:
    return Tls(ca_files=(certificates["ca.pem"],), **more)


def mutual(certificates: Certificates, **more: Any) -> Tls:
    more = {"key": certificates["client.key"], "certificate": certificates["client.pem"], **more}
    return trusting(certificates, **more)


# --- what works -------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest", [TLS_1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["server", "ec"])
def test_anonymous_client(certificates: Certificates, newest: ssl.TLSVersion, name: str) -> None:
    seen = asked(server(certificates, name, newest=newest), trusting(certificates))
    assert seen.clients == [""]
    assert seen.versions == ["TLSv1.2" if newest is TLS_1_2 else "TLSv1.3"]
    assert seen.closed_in_order == 1


def test_intermediate_that_the_peer_sends(certificates: Certificates) -> None:
    asked(server(certificates, "chain"), trusting(certificates))


@pytest.mark.parametrize("newest", [TLS_1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("key", "source", "value"),
    [
        ("client.key", SecretSource.PROMPT, ""),
        ("client.key", SecretSource.EMPTY, ""),
        ("encrypted.key", SecretSource.LITERAL, PASSWORD),
        ("encrypted.key", SecretSource.ENVIRONMENT, "KEY_PASSWORD"),
        ("encrypted.key", SecretSource.FILE, "password.txt"),
        ("traditional.key", SecretSource.LITERAL, PASSWORD),
    ],
)
def test_our_certificate(
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    newest: ssl.TLSVersion,
    key: str,
    source: SecretSource,
    value: str,
) -> None:
    monkeypatch.setenv("KEY_PASSWORD", PASSWORD)
    monkeypatch.chdir(tmp_path)
    Path("password.txt").write_text(f"{PASSWORD}\nmore\n")
    tls = mutual(certificates, key=certificates[key], password=Secret(source, value))
    context = server(certificates, newest=newest, client_ca=certificates["ca.pem"])
    assert asked(context, tls).clients == ["client"]


@pytest.mark.parametrize(
    ("key", "password"),
    [
        ("client.key", Secret()),
        ("encrypted.key", Secret(SecretSource.LITERAL, PASSWORD)),
        ("encrypted.key", Secret(SecretSource.ENVIRONMENT, "KEY_PASSWORD")),
        ("encrypted.key", Secret(SecretSource.FILE, "password.txt")),
    ],
    ids=["plain", "literal", "environment", "file"],
)
def test_der(
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    password: Secret,
) -> None:
    monkeypatch.setenv("KEY_PASSWORD", PASSWORD)
    monkeypatch.chdir(tmp_path)
    Path("password.txt").write_text(f"{PASSWORD}\n")
    secret = ("-aes256", "-passin", f"pass:{PASSWORD}", "-passout", f"pass:{PASSWORD}")
    kind = tmp_path / "key.der"
    certificates.openssl(
        "pkcs8", "-topk8", "-in", key, "-outform", "DER", "-out", str(kind),
        *(("-nocrypt",) if key == "client.key" else secret[1:]),
    )  # fmt: skip
    for name in ("client", "ca"):
        certificates.openssl(
            "x509", "-in", f"{name}.pem", "-outform", "DER", "-out", str(tmp_path / f"{name}.der")
        )
    tls = Tls(
        key=kind,
        certificate=tmp_path / "client.der",
        password=password,
        key_format=KeyFormat.DER,
        ca_files=(tmp_path / "ca.der",),
    )
    context = server(certificates, client_ca=certificates["ca.pem"])
    assert asked(context, tls).clients == ["client"]


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_older_der_keys(certificates: Certificates, tmp_path: Path, kind: str) -> None:
    name = "client" if kind == "rsa" else "ec"
    old = ("-traditional",) if kind == "rsa" else ()
    key, certificate = tmp_path / "key.der", tmp_path / "cert.der"
    certificates.openssl(kind, "-in", f"{name}.key", "-outform", "DER", "-out", str(key), *old)
    certificates.openssl("x509", "-in", f"{name}.pem", "-outform", "DER", "-out", str(certificate))
    tls = Tls(
        key=key, certificate=certificate, key_format=KeyFormat.DER, verification=PeerVerification.IGNORE
    )
    # The EC certificate is a server's, and has no purpose in it that would keep it from being a client's.
    context = server(certificates, client_ca=certificates["ca.pem"])
    assert asked(context, tls).clients == [name]


@pytest.mark.parametrize("hashed", [False, True])
def test_folder_of_authorities(certificates: Certificates, tmp_path: Path, hashed: bool) -> None:
    (tmp_path / "README").write_text("not a certificate")
    name = "ca.crt"
    if hashed:
        name = certificates.openssl("x509", "-in", "ca.pem", "-noout", "-subject_hash").strip() + ".0"
    (tmp_path / name).write_bytes(certificates["ca.pem"].read_bytes())
    asked(server(certificates), Tls(ca_directories=(tmp_path,)))


def test_folder_without_authorities(certificates: Certificates, tmp_path: Path) -> None:
    error = refusal(server(certificates), Tls(ca_directories=(tmp_path,)))
    assert isinstance(error, InvalidJobError)
    assert "no certificates" in error.what


@pytest.mark.parametrize(
    "name",
    [
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "ECDHE-RSA-AES128-SHA256",
        "SSL_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    ],
)
def test_cipher_suites_replace_those_of_the_profile(certificates: Certificates, name: str) -> None:
    seen = asked(server(certificates), trusting(certificates, ciphers=(name,)))
    assert seen.ciphers == ["ECDHE-RSA-AES128-SHA256"]
    assert seen.versions == ["TLSv1.2"]


def test_cipher_suites_of_tls_1_3(certificates: Certificates) -> None:
    every = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
    assert asked(server(certificates), trusting(certificates, ciphers=every)).versions == ["TLSv1.3"]
    tls = trusting(certificates, ciphers=("TLS_AES_128_GCM_SHA256",))
    assert "TLS_AES_256_GCM_SHA384" in refusal(server(certificates), tls).what
    error = refusal(server(certificates, newest=TLS_1_2), tls)
    assert "protocol version" in error.what


@pytest.mark.parametrize(
    ("profile", "offered", "expected"),
    [
        (SecurityProfile.RFC_8996, "ECDHE+AESGCM", "ECDHE-RSA-AES256-GCM-SHA384"),
        (SecurityProfile.RFC_8996_MODIFIED, "DHE-RSA-AES256-CCM", ""),
        (SecurityProfile.NON_DOWNGRADING, "ECDHE+AESGCM", "ECDHE-RSA-AES256-GCM-SHA384"),
        (SecurityProfile.EXTENDED, "ECDHE+AESGCM", "ECDHE-RSA-AES256-GCM-SHA384"),
        (SecurityProfile.RFC_8996, "AES128-SHA", None),
        (SecurityProfile.BCP_195, "AES128-SHA", "AES128-SHA"),
        (SecurityProfile.AES, "AES128-SHA:@SECLEVEL=1", "AES128-SHA"),
        (SecurityProfile.AES, "ECDHE+AESGCM", None),
        (SecurityProfile.NULL, "NULL-SHA:@SECLEVEL=0", "NULL-SHA"),
        (SecurityProfile.NULL, "ECDHE+AESGCM", None),
    ],
)
def test_profiles(
    certificates: Certificates, profile: SecurityProfile, offered: str, expected: str | None
) -> None:
    context = server(certificates, newest=TLS_1_2, ciphers=offered)
    tls = trusting(certificates, profile=profile)
    if expected is None:
        assert "handshake failure" in refusal(context, tls).what
    elif not expected:
        context.load_dh_params(str(_parameters(certificates)))
        assert asked(context, tls).ciphers == [offered]
    else:
        assert asked(context, tls).ciphers == [expected]


def _parameters(certificates: Certificates) -> Path:
    path = certificates[f"dh-{os.getpid()}.pem"]
    if not path.exists():
        certificates.openssl(
            "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", str(path)
        )
    return path


@pytest.mark.parametrize("profile", [SecurityProfile.EXTENDED, SecurityProfile.AES])
def test_profiles_without_tls_1_3(certificates: Certificates, profile: SecurityProfile) -> None:
    context = server(certificates)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert "protocol version" in refusal(context, trusting(certificates, profile=profile)).what


@pytest.mark.parametrize("newest", [SecurityProfile.RFC_8996, SecurityProfile.NON_DOWNGRADING])
def test_older_versions_are_only_in_older_profiles(
    certificates: Certificates, newest: SecurityProfile
) -> None:
    process, port = _old_server(certificates)
    try:
        tls = trusting(certificates, profile=newest)
        with pytest.raises(TlsError, match="version"):
            PeerConnection.open(replace(peer(port), tls=tls), [wire.STUDY_ROOT], StopSignal())
        tls = trusting(certificates, profile=SecurityProfile.BCP_195)
        # The handshake succeeds; s_server does not speak DICOM.
        with pytest.raises(NoAssociationError) as caught:
            PeerConnection.open(replace(peer(port, acse=0.5), tls=tls), [wire.STUDY_ROOT], StopSignal())
        assert not isinstance(caught.value, TlsError)
    finally:
        process.kill()
        process.communicate()


def _old_server(certificates: Certificates) -> tuple[subprocess.Popen[bytes], int]:
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key",
         "-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        cwd=certificates.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b"ACCEPT"):
            return process, int(line.rpartition(b":")[2])
    raise AssertionError("s_server did not start")


def test_diffie_hellman_parameters(certificates: Certificates, tmp_path: Path) -> None:
    context = server(
        certificates, newest=TLS_1_2, ciphers="DHE+AESGCM", dh_parameters=_parameters(certificates)
    )
    tls = trusting(certificates, dh_parameters=_parameters(certificates))
    assert asked(context, tls).ciphers == ["DHE-RSA-AES256-GCM-SHA384"]
    bad = tmp_path / "dh.pem"
    bad.write_text("nothing")
    assert "Diffie-Hellman" in refusal(context, trusting(certificates, dh_parameters=bad)).what


def test_random_seed(certificates: Certificates, tmp_path: Path) -> None:
    seed, written = tmp_path / "seed", tmp_path / "written"
    seed.write_bytes(bytes(100))
    asked(server(certificates), trusting(certificates, seed=seed, write_seed=written))
    assert len(set(written.read_bytes())) > 100
    assert written.stat().st_mode & 0o077 == 0
    asked(server(certificates), trusting(certificates, seed=Path("/dev/urandom"), write_seed=seed))
    assert seed.read_bytes() != bytes(100)
    error = refusal(server(certificates), trusting(certificates, seed=tmp_path / "missing"))
    assert "random seed cannot be read" in error.what
    error = refusal(server(certificates), trusting(certificates, write_seed=tmp_path))
    assert "random seed cannot be written" in error.what


def test_server_name(certificates: Certificates) -> None:
    plain = trusting(certificates)
    assert asked(server(certificates), plain, "localhost").names == ["localhost"]
    assert asked(server(certificates), replace(plain, check_host=False), "localhost").names == [None]
    named = replace(plain, check_host=False, server_name="pacs.example.org")
    assert asked(server(certificates), named).names == ["pacs.example.org"]
    named = replace(plain, server_name="elsewhere.example.org")
    assert asked(server(certificates, "elsewhere"), named).names == ["elsewhere.example.org"]
    assert "for another host than elsewhere.example.org" in refusal(server(certificates), named).what
    assert "name of a TLS server" in refusal(server(certificates), replace(plain, server_name=".x")).what


@pytest.mark.parametrize("revocation", [RevocationCheck.LEAF, RevocationCheck.CHAIN])
@pytest.mark.parametrize("form", ["pem", "der"])
def test_revocation_lists(
    certificates: Certificates, tmp_path: Path, revocation: RevocationCheck, form: str
) -> None:
    lists = []
    for name in ("ca", "middle"):
        lists.append(tmp_path / f"{name}.crl")
        certificates.openssl("crl", "-in", f"{name}.crl", "-outform", form, "-out", str(lists[-1]))
    tls = trusting(certificates, crl_files=tuple(lists), revocation=revocation)
    asked(server(certificates), tls)
    asked(server(certificates, "chain"), tls)
    assert "it has been revoked" in refusal(server(certificates, "revoked"), tls).what
    asked(server(certificates, "revoked"), replace(tls, verification=PeerVerification.IGNORE))


def test_revocation_without_lists(certificates: Certificates, tmp_path: Path) -> None:
    asked(server(certificates, "revoked"), trusting(certificates))
    tls = trusting(certificates, revocation=RevocationCheck.LEAF)
    assert "no revocation list" in refusal(server(certificates), tls).what
    tls = trusting(certificates, revocation=RevocationCheck.CHAIN, crl_files=(certificates["middle.crl"],))
    assert "no revocation list" in refusal(server(certificates, "chain"), tls).what
    asked(server(certificates, "chain"), replace(tls, revocation=RevocationCheck.LEAF))
    bad = trusting(certificates, crl_files=(certificates["ca.pem"],))
    assert "no certificate revocation list" in refusal(server(certificates), bad).what


# --- certificates that are not accepted -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("expired", "it has expired"),
        ("early", "it is not yet valid"),
        ("elsewhere", "for another host than 127.0.0.1"),
        ("self_signed", "it is self-signed"),
        ("under_middle", "its issuer is unknown"),
    ],
)
@pytest.mark.parametrize("verification", [PeerVerification.REQUIRE, PeerVerification.IF_PRESENT])
def test_refused_certificates(
    certificates: Certificates, name: str, said: str, verification: PeerVerification
) -> None:
    tls = trusting(certificates, verification=verification)
    error = refusal(server(certificates, name), tls)
    assert isinstance(error, TlsError)
    assert said in error.what
    asked(server(certificates, name), Tls(verification=PeerVerification.IGNORE))


def test_unknown_issuers(certificates: Certificates) -> None:
    other = Tls(ca_files=(certificates["other_ca.pem"],))
    assert "its issuer is unknown" in refusal(server(certificates), other).what
    assert "no CA is trusted" in refusal(server(certificates), Tls()).what
    asked(server(certificates, "self_signed"), Tls(ca_files=(certificates["self_signed.pem"],)))


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("exact.example.org", True),
        ("EXACT.Example.ORG", True),
        ("other.example.org", False),
        ("exact.example.org.evil.example", False),
        ("sub.exact.example.org", False),
        ("a.wild.example.org", True),
        ("a.b.wild.example.org", False),
        ("wild.example.org", False),
        ("192.0.2.1", True),
        ("192.0.2.2", False),  # it stands there as a name, and an address is none
        ("192.0.2.3", False),
        ("named", False),  # the common name counts no longer where there are others
    ],
)
def test_names_of_a_host(certificates: Certificates, name: str, matches: bool) -> None:
    tls = trusting(certificates, server_name=name)
    if matches:
        asked(server(certificates, "named"), tls)
    else:
        assert f"for another host than {name}" in refusal(server(certificates, "named"), tls).what
    asked(server(certificates, "named"), replace(tls, check_host=False))


def test_a_host_that_is_an_address(certificates: Certificates) -> None:
    """It is compared, and not sent as a server name, which is none (RFC 6066 3)."""
    tls = trusting(certificates)
    assert "for another host than 127.0.0.1" in refusal(server(certificates, "named"), tls).what
    with ScriptedSCP({}) as scp, TlsTerminator(scp.port, server(certificates)) as terminator:
        for host in ("127.0.0.1", "localhost"):
            PeerConnection.open(
                replace(peer(terminator.port, host=host), tls=tls), [wire.STUDY_ROOT], StopSignal()
            ).close()
    assert terminator.names == [None, "localhost"]


def test_a_certificate_with_a_common_name_alone(certificates: Certificates) -> None:
    """As many archives have: it counts where there is no other name (RFC 6125 6.4.4)."""
    tls = trusting(certificates, server_name="unnamed")
    asked(server(certificates, "unnamed"), tls)
    other = replace(tls, server_name="other")
    assert "for another host than other" in refusal(server(certificates, "unnamed"), other).what


@pytest.mark.parametrize("newest", [TLS_1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("name", "said", "advice"),
    [
        ("client_expired", "certificate expired", "have it renewed"),
        ("client_revoked", "certificate revoked", "have another one made"),
    ],
)
def test_a_peer_that_does_not_accept_ours(
    certificates: Certificates, newest: ssl.TLSVersion, name: str, said: str, advice: str
) -> None:
    context = server(certificates, newest=newest, client_ca=certificates["ca.pem"])
    context.load_verify_locations(certificates["ca.crl"])
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    assert asked(context, mutual(certificates)).clients == ["client"]
    error = refusal(context, mutual(certificates, certificate=certificates[f"{name}.pem"]))
    assert said in error.what
    assert advice in error.advice


def test_host_check_can_be_switched_off(certificates: Certificates) -> None:
    asked(server(certificates, "elsewhere"), trusting(certificates, check_host=False))


def test_peer_without_certificate(certificates: Certificates) -> None:
    suite = "ADH-AES128-GCM-SHA256:@SECLEVEL=0"
    context = server(certificates, newest=TLS_1_2, ciphers=suite)
    context.load_dh_params(str(_parameters(certificates)))
    tls = trusting(certificates, ciphers=("TLS_DH_anon_WITH_AES_128_GCM_SHA256",), check_host=False)
    assert "showed no certificate" in refusal(context, tls).what
    asked(context, replace(tls, verification=PeerVerification.IF_PRESENT))


# --- fingerprints and versions ----------------------------------------------------------------------


def sha256(certificates: Certificates, name: str) -> str:
    said = certificates.openssl("x509", "-in", f"{name}.pem", "-noout", "-fingerprint", "-sha256")
    return said.partition("=")[2].strip()


@pytest.mark.parametrize("newest", [TLS_1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["server", "expired", "elsewhere", "self_signed"])
def test_a_fingerprint_in_place_of_the_chain(
    certificates: Certificates, newest: ssl.TLSVersion, name: str
) -> None:
    pinned = Tls(verification=PeerVerification.IGNORE, fingerprints=(sha256(certificates, name),))
    asked(server(certificates, name, newest=newest), pinned)
    both = replace(pinned, fingerprints=(sha256(certificates, "ca"), *pinned.fingerprints))
    asked(server(certificates, name, newest=newest), both)


@pytest.mark.parametrize("verification", list(PeerVerification))
def test_another_fingerprint(certificates: Certificates, verification: PeerVerification) -> None:
    tls = trusting(certificates, verification=verification, fingerprints=(sha256(certificates, "ca"),))
    error = refusal(server(certificates), tls)
    assert isinstance(error, TlsError)
    assert f"fingerprint {sha256(certificates, 'server')}" in error.what


def test_a_fingerprint_does_not_excuse_the_chain(certificates: Certificates) -> None:
    tls = trusting(certificates, fingerprints=(sha256(certificates, "expired"),))
    assert "it has expired" in refusal(server(certificates, "expired"), tls).what
    asked(server(certificates), replace(tls, fingerprints=(sha256(certificates, "server"),)))


@pytest.mark.parametrize("verification", list(PeerVerification))
def test_a_fingerprint_of_a_peer_without_certificate(
    certificates: Certificates, verification: PeerVerification
) -> None:
    context = server(certificates, newest=TLS_1_2, ciphers="ADH-AES128-GCM-SHA256:@SECLEVEL=0")
    context.load_dh_params(str(_parameters(certificates)))
    tls = Tls(
        ciphers=("TLS_DH_anon_WITH_AES_128_GCM_SHA256",),
        verification=verification,
        fingerprints=(sha256(certificates, "server"),),
    )
    assert "showed no certificate" in refusal(context, tls).what


def test_minimum_version(certificates: Certificates) -> None:
    least = trusting(certificates, minimum_version=TlsVersion.TLS_1_3)
    assert asked(server(certificates), least).versions == ["TLSv1.3"]
    assert "version" in refusal(server(certificates, newest=TLS_1_2), least).what
    least = trusting(certificates, minimum_version=TlsVersion.TLS_1_2)
    assert asked(server(certificates, newest=TLS_1_2), least).versions == ["TLSv1.2"]


def test_minimum_version_narrows_a_retired_profile(certificates: Certificates) -> None:
    tls = trusting(certificates, profile=SecurityProfile.BCP_195, minimum_version=TlsVersion.TLS_1_2)
    process, port = _old_server(certificates)
    try:
        with pytest.raises(TlsError, match="version"):
            PeerConnection.open(replace(peer(port), tls=tls), [wire.STUDY_ROOT], StopSignal())
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("profile", list(SecurityProfile))
@pytest.mark.parametrize("version", list(TlsVersion))
@pytest.mark.parametrize("ciphers", [(), ("ECDHE-RSA-AES256-GCM-SHA384",), ("TLS_AES_128_GCM_SHA256",)])
def test_versions_that_leave_nothing_are_found_when_a_job_is_read(
    tmp_path: Path, profile: SecurityProfile, version: TlsVersion, ciphers: tuple[str, ...]
) -> None:
    """What the job file refuses is what could not be offered, and nothing else."""
    document = {
        "version": 1,
        "peers": {
            "main": {
                "host": "pacs",
                "port": 104,
                "tls": {
                    "profile": profile.value,
                    "minimum_version": version.value,
                    **({"ciphers": ciphers} if ciphers else {}),
                },
            }
        },
        "queries": {"q": {"model": "study-root", "level": "STUDY", "keys": {"PatientID": None}}},
    }
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps(document))
    job, _ = load_job(path)
    left = True
    try:
        context_of(Tls(profile=profile, minimum_version=version, ciphers=ciphers), StopSignal())
    except InvalidJobError as error:
        if "has no cipher suite" in error.what:  # OpenSSL was built without it
            return
        left = "no version of TLS" not in error.what
    assert (job is not None) == left


# --- what we name cannot be used --------------------------------------------------------------------


def _bad(certificates: Certificates, folder: Path) -> dict[str, tuple[Tls, str]]:
    garbage, missing = folder / "garbage", folder / "missing"
    garbage.write_text("garbage")
    encrypted = mutual(certificates, key=certificates["encrypted.key"])
    return {
        "key missing": (mutual(certificates, key=missing), "private key cannot be read: No such file"),
        "key garbage": (mutual(certificates, key=garbage), "no private key in PEM"),
        "key a folder": (mutual(certificates, key=folder), "private key cannot be read"),
        "der": (mutual(certificates, key_format=KeyFormat.DER), "no private key in DER"),
        "certificate missing": (mutual(certificates, certificate=missing), "the certificate cannot be read"),
        "certificate garbage": (mutual(certificates, certificate=garbage), "no certificate in PEM"),
        "another's key": (mutual(certificates, key=certificates["server.key"]), "does not belong"),
        "wrong password": (
            replace(encrypted, password=Secret(SecretSource.LITERAL, "wrong")),
            "cannot be decrypted",
        ),
        "no variable": (
            replace(encrypted, password=Secret(SecretSource.ENVIRONMENT, "NO_SUCH_VARIABLE")),
            "NO_SUCH_VARIABLE is not set",
        ),
        "no password file": (
            replace(encrypted, password=Secret(SecretSource.FILE, str(missing))),
            "file with the password cannot be read",
        ),
        "endless password": (
            replace(encrypted, password=Secret(SecretSource.LITERAL, PASSWORD * 200)),
            "takes at most 1023",
        ),
        "ca missing": (Tls(ca_files=(missing,)), "trusted certificates cannot be read"),
        "ca garbage": (Tls(ca_files=(garbage,)), "no certificate in PEM"),
        "folder missing": (Tls(ca_directories=(missing,)), "folder of trusted certificates cannot be read"),
        "cipher unknown": (Tls(ciphers=("HIGH",)), "no name of a cipher suite"),
        "cipher not there": (Tls(ciphers=("TLS_RSA_WITH_AES_512_CBC_SHA",)), "no cipher suite TLS_RSA"),
        "cipher injection": (Tls(ciphers=("ALL:@SECLEVEL=0",)), "no name of a cipher suite"),
    }


BAD = (
    "key missing", "key garbage", "key a folder", "der", "certificate missing", "certificate garbage",
    "another's key", "wrong password", "no variable", "no password file", "endless password", "ca missing",
    "ca garbage", "folder missing", "cipher unknown", "cipher not there", "cipher injection",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used(certificates: Certificates, tmp_path: Path, name: str) -> None:
    tls, said = _bad(certificates, tmp_path)[name]
    # Nobody listens there: it is found before anything is connected to.
    with pytest.raises(InvalidJobError) as caught:
        PeerConnection.open(replace(peer(1), tls=tls), [wire.STUDY_ROOT], StopSignal())
    assert said in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert set(_bad(certificates, tmp_path)) == set(BAD)


def test_files_are_read_once_in_a_run(certificates: Certificates, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certificates["ca.pem"].read_bytes())
    stop = StopSignal()
    with served(server(certificates)) as terminator:
        to = replace(peer(terminator.port), tls=Tls(ca_files=(ca,)))
        with connected(to, stop=stop):
            ca.unlink()
        with connected(to, stop=stop) as client:
            assert client.find().detail.status == 0
        with pytest.raises(InvalidJobError):
            PeerConnection.open(to, [wire.STUDY_ROOT], StopSignal())


# --- peers that refuse us, and hostile ones ---------------------------------------------------------


@pytest.mark.parametrize("newest", [TLS_1_2, ssl.TLSVersion.TLSv1_3])
def test_peer_that_wants_a_certificate(certificates: Certificates, newest: ssl.TLSVersion) -> None:
    context = server(certificates, newest=newest, client_ca=certificates["ca.pem"])
    error = refusal(context, trusting(certificates))
    assert "refused the TLS" in error.what
    assert "our certificate" in error.advice


@pytest.mark.parametrize("newest", [TLS_1_2, ssl.TLSVersion.TLSv1_3])
def test_peer_that_does_not_trust_ours(certificates: Certificates, newest: ssl.TLSVersion) -> None:
    context = server(certificates, newest=newest, client_ca=certificates["other_ca.pem"])
    error = refusal(context, mutual(certificates))
    assert "unknown ca" in error.what


def hostile(certificates: Certificates, behaviour: Callable[[Side], None], **more: Any) -> CfindError:
    with RawPeer(behaviour) as raw:
        to = replace(peer(raw.port, **more), tls=trusting(certificates))
        with pytest.raises(NoAssociationError) as caught:
            PeerConnection.open(to, [wire.STUDY_ROOT], StopSignal())
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize("answer", [wire.RELEASED, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_plain_text(certificates: Certificates, answer: bytes) -> None:
    def behaviour(side: Side) -> None:
        side.read(5)
        side.send(answer)
        side.read_to_end()

    error = hostile(certificates, behaviour)
    assert isinstance(error, TlsError)
    assert "plain text" in error.what


def test_garbage_in_tls(certificates: Certificates) -> None:
    def behaviour(side: Side) -> None:
        side.send(b"\x16\x03\x03\xff\xff" + bytes(70000))
        side.read_to_end()

    assert isinstance(hostile(certificates, behaviour), TlsError)


def test_an_alert_at_once(certificates: Certificates) -> None:
    error = hostile(certificates, lambda side: side.send(b"\x15\x03\x03\0\2\2\x46"))
    assert isinstance(error, TlsError)
    assert "protocol version" in error.what


@pytest.mark.parametrize("drips", [False, True])
def test_stall_in_the_handshake(certificates: Certificates, drips: bool) -> None:
    ended = threading.Event()

    def behaviour(side: Side) -> None:
        while drips and not ended.wait(0.05):
            side.send(b"\x16\x03\x03\x00\x01\x02" if side.received else b"\x16\x03\x03\x40\x00")
            side.received.append((0, b""))
        ended.wait(10)

    with within(0.3, 3):
        try:
            error = hostile(certificates, behaviour_ending(behaviour, ended), connect=0.4)
        finally:
            ended.set()
    assert isinstance(error, TlsError)
    assert drips or "within 0.4 s" in error.what


def behaviour_ending(behaviour: Callable[[Side], None], ended: threading.Event) -> Callable[[Side], None]:
    """Have a behaviour end with the client's connection."""

    def watched(side: Side) -> None:
        thread = threading.Thread(target=lambda: (side.read_to_end(), ended.set()), daemon=True)
        thread.start()
        behaviour(side)

    return watched


def test_stall_without_a_connect_time_out(certificates: Certificates) -> None:
    with within(0.3, 3):
        error = hostile(certificates, lambda side: (side.read_to_end(), None)[1], connect=None, acse=0.4)
    assert isinstance(error, TlsError)
    assert "within 0.4 s" in error.what


@pytest.mark.parametrize("resets", [False, True])
def test_close_in_the_handshake(certificates: Certificates, resets: bool) -> None:
    def behaviour(side: Side) -> None:
        side.read(5)
        if resets:
            side.reset()

    error = hostile(certificates, behaviour)
    assert isinstance(error, TlsError)
    assert "during the TLS handshake" in error.what


def test_stop_in_the_handshake(certificates: Certificates) -> None:
    stop = StopSignal()

    def behaviour(side: Side) -> None:
        side.read(5)
        stop.set()
        side.read_to_end()

    with RawPeer(behaviour) as raw:
        to = replace(peer(raw.port), tls=trusting(certificates))
        with pytest.raises(InterruptedRunError):
            PeerConnection.open(to, [wire.STUDY_ROOT], stop)


def secured(context: ssl.SSLContext, behaviour: Callable[[Side], None]) -> Callable[[Side], None]:
    """A behaviour over TLS."""

    def serve(side: Side) -> None:
        inner = context.wrap_socket(side.socket, server_side=True)
        with inner:
            behaviour(Side(inner))

    return serve


def test_close_without_notify_after_the_handshake(certificates: Certificates) -> None:
    def behaviour(side: Side) -> None:
        side.read_pdu()
        side.socket.shutdown(socket.SHUT_RDWR)

    error = hostile(certificates, secured(server(certificates), behaviour))
    assert isinstance(error, TlsError)
    assert "right after the TLS handshake" in error.what
    error = hostile(certificates, secured(server(certificates, newest=TLS_1_2), behaviour))
    assert "TLS" in str(error)


@pytest.mark.parametrize("notified", [False, True])
def test_close_after_the_answers(certificates: Certificates, notified: bool) -> None:
    def behaviour(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.user_information())
        message = side.read_message()
        side.send(wire.final(0, message.message_id))
        assert isinstance(side.socket, ssl.SSLSocket)
        if notified:
            # Our release is on its way by then.
            with contextlib.suppress(ssl.SSLError):
                side.socket.unwrap()

    with RawPeer(secured(server(certificates), behaviour)) as raw:
        to = replace(peer(raw.port), tls=trusting(certificates))
        connection = PeerConnection.open(to, [wire.STUDY_ROOT], StopSignal())
        outcome = connection.find(wire.STUDY_ROOT, b"\x08\x00\x52\x00CS\x06\x00STUDY ", lambda *_: None, None)
        assert outcome.detail.status == 0
        connection.close()


def test_many_responses_in_one_go(certificates: Certificates) -> None:
    """What OpenSSL has decrypted and not handed out is not waited for; records need not end where PDUs do."""
    identifier = b"\x10\x00\x20\x00LO\x04\x00ID01"

    def behaviour(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.user_information())
        message = side.read_message()
        one = wire.pending(identifier, message.message_id)
        side.send(one * 20000, wire.final(0, message.message_id))
        side.serve_release()

    with RawPeer(secured(server(certificates), behaviour)) as raw:
        to = replace(peer(raw.port), tls=trusting(certificates))
        with connected(to) as client:
            assert client.find().responses == 20000
            assert set(client.identifiers) == {identifier}


def test_a_request_longer_than_the_peers_buffers(certificates: Certificates) -> None:
    identifier = b"\x08\x00\x05\x00UT\0\0" + (3_000_000).to_bytes(4, "little") + b"x" * 3_000_000

    def behaviour(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.user_information())
        message = side.read_message()
        assert message.data_set == identifier
        side.send(wire.final(0, message.message_id))
        side.serve_release()

    with RawPeer(secured(server(certificates), behaviour)) as raw:
        to = replace(peer(raw.port), tls=trusting(certificates))
        with connected(to) as client:
            assert client.find(identifier=identifier).detail.status == 0


def test_password_prompt(certificates: Certificates) -> None:
    """It is asked for once, on stderr, and only where the key is encrypted; an end of input is an error."""
    code = (
        "import sys; from pathlib import Path; from runner.model import Tls;"
        "from runner.transport.tls_context import context_of;"
        "from runner.transport.stop_signal import StopSignal;"
        "stop = StopSignal(); tls = Tls(key=Path(sys.argv[1]), certificate=Path('client.pem'));"
        "context_of(tls, stop); context_of(tls, stop); print('made', sys.stdin.readline())"
    )

    def run(key: str, typed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, key],
            cwd=certificates.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    made = run("encrypted.key", f"{PASSWORD}\nnext\n")
    assert made.stdout.startswith("made next"), made.stderr
    assert made.stderr == "Password of the private key encrypted.key: \n"
    assert run("client.key", "next\n").stdout.startswith("made next")
    assert "nobody to ask" in run("encrypted.key", "").stderr
    assert "cannot be decrypted" in run("encrypted.key", "wrong\n").stderr


# --- hostile after the handshake --------------------------------------------------------------------


VERSIONS = [TLS_1_2, ssl.TLSVersion.TLSv1_3]
ONE = b"\x10\x00\x20\x00LO\x04\x00ID01"


def raw(side: Side, data: bytes) -> None:
    """Send past TLS."""
    socket.socket.send(side.socket, data)


def unfinished(
    certificates: Certificates, newest: ssl.TLSVersion, ending: Callable[[Side], None]
) -> FindError:
    """Answer a C-FIND with two responses and whatever `ending` does; return what comes of it."""

    def behaviour(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.user_information())
        message = side.read_message()
        side.send(wire.pending(ONE, message.message_id) * 2)
        ending(side)

    with RawPeer(secured(server(certificates, newest=newest), behaviour)) as raw_peer:
        to = replace(peer(raw_peer.port, dimse=0.5), tls=trusting(certificates))
        with connected(to) as client, within(0, 5), pytest.raises(FindError) as caught:
            client.find()
        assert client.identifiers == [ONE] * 2
    assert caught.value.outcome.responses == 2
    assert caught.value.outcome.detail is None
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize("begun", [b"", b"\x04\x00\x00", wire.pending(ONE, 1)[:40]])
def test_a_connection_that_is_cut_is_no_end(
    certificates: Certificates, newest: ssl.TLSVersion, begun: bytes
) -> None:
    """Without close_notify, between two PDUs or in one: the answer is not whole (RFC 8446 6.1)."""

    def ending(side: Side) -> None:
        side.send(begun)
        side.socket.shutdown(socket.SHUT_RDWR)

    assert isinstance(unfinished(certificates, newest, ending), ConnectionLostError)


@pytest.mark.parametrize("newest", VERSIONS)
def test_a_goodbye_is_no_end_either(certificates: Certificates, newest: ssl.TLSVersion) -> None:
    """With close_notify, but without a final response."""

    def ending(side: Side) -> None:
        assert isinstance(side.socket, ssl.SSLSocket)
        with contextlib.suppress(OSError):
            side.socket.unwrap()

    assert isinstance(unfinished(certificates, newest, ending), ConnectionLostError)


@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        wire.final(0, 1),
        b"\x17\x03\x03\x00\x20" + bytes(32),
        b"\x17\x03\x03\xff\xff" + bytes(100),
        b"\x15\x03\x03\x00\x02\x02\x50",
        b"\x16\x03\x03\x00\x04\x00\x00\x00\x00",
    ],
    ids=["plain text", "plain DICOM", "forged record", "endless record", "alert", "HelloRequest"],
)
def test_garbage_after_the_handshake(
    certificates: Certificates, newest: ssl.TLSVersion, garbage: bytes
) -> None:
    """What is not secured by TLS is never taken for an answer."""

    def ending(side: Side) -> None:
        raw(side, garbage)
        _read_raw(side)

    error = unfinished(certificates, newest, ending)
    assert "_" not in error.what


@pytest.mark.parametrize("newest", VERSIONS)
@pytest.mark.parametrize("drips", [False, True])
def test_stall_after_the_handshake(certificates: Certificates, newest: ssl.TLSVersion, drips: bool) -> None:
    """A record that comes byte by byte does not last longer than the message that it belongs to may."""
    ended = threading.Event()

    def ending(side: Side) -> None:
        reader = threading.Thread(target=lambda: (_read_raw(side), ended.set()), daemon=True)
        reader.start()
        raw(side, b"\x17\x03\x03\x40\x00")
        while drips and not ended.wait(0.05):
            raw(side, b"\0")
        ended.wait(10)

    assert isinstance(unfinished(certificates, newest, ending), DimseTimeoutError)


def _read_raw(side: Side) -> None:
    """Read to the end, past TLS, which another thread may be using."""
    with contextlib.suppress(OSError):
        while socket.socket.recv(side.socket, 4096):
            pass


@pytest.mark.parametrize(("version", "command"), [("-tls1_2", "r"), ("-tls1_2", "R"), ("-tls1_3", "K")])
def test_renegotiation(certificates: Certificates, version: str, command: str) -> None:
    """A peer that wants the keys to be negotiated anew while we wait for an answer gets no second handshake.

    In TLS 1.3 there is only an update of keys, which is granted (RFC 8446 4.6.3). openssl's server speaks no
    DICOM: what is waited for does not come, and time is up.
    """
    process = subprocess.Popen(
        # what it says does not wait in a buffer
        ["stdbuf", "-o0", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem",
         "-key", "server.key", version],
        cwd=certificates.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    port = next(int(line.rpartition(b":")[2]) for line in process.stdout if line.startswith(b"ACCEPT"))
    end = b"no renegotiation" if version == "-tls1_2" else b"SSL_do_handshake"
    said = b""

    def renegotiate() -> None:
        """Ask once the handshake is over, which the server tells; read on to what becomes of it."""
        nonlocal said
        assert process.stdin is not None
        for line in process.stdout or ():
            said += line
            if line.startswith(b"Secure Renegotiation"):
                process.stdin.write(f"{command}\n".encode())
                process.stdin.flush()
            elif end in line:
                break

    helper = threading.Thread(target=renegotiate, daemon=True)
    helper.start()
    try:
        to = replace(peer(port, acse=1.0), tls=trusting(certificates))
        with within(0, 5), pytest.raises(NoAssociationError) as caught:
            PeerConnection.open(to, [wire.STUDY_ROOT], StopSignal())
        assert caught.value.advice
    finally:
        helper.join(5)
        process.kill()
        said += process.communicate()[0]
    assert b"SSL_do_handshake" in said  # it has asked
    assert (b"no renegotiation" in said) == (version == "-tls1_2")
    assert (b"ERROR" in said) == (version == "-tls1_2")


def test_endless_chain_of_certificates(certificates: Certificates, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    whole = certificates["server.pem"].read_bytes() + certificates["ca.pem"].read_bytes() * 200
    chain.write_bytes(whole)
    context = server_context(chain, certificates["server.key"])
    error = refusal(context, trusting(certificates))
    assert isinstance(error, TlsError)
    assert "excessive message size" in error.what


def test_a_long_chain_of_certificates(certificates: Certificates, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(certificates["server.pem"].read_bytes() + certificates["ca.pem"].read_bytes() * 20)
    asked(server_context(chain, certificates["server.key"]), trusting(certificates))


@pytest.mark.parametrize(
    "name",
    ["/CN=\x1b[2J\x1b]0;owned\x07", "/CN=\u202egpj.exe", "/CN=a\r\ncfind: peer main: all is well", "/"],
)
def test_odd_subjects(certificates: Certificates, tmp_path: Path, name: str) -> None:
    """Whoever makes certificates chooses names; no terminal obeys them, no line of a log is made by them."""
    path = tmp_path / "odd.pem"
    certificates.openssl(
        "req", "-x509", "-key", "server.key", "-out", str(path), "-days", "5", "-utf8", "-subj", name,
        "-config", certificates._request_configuration("server"),
    )  # fmt: skip
    sessions: list[TlsSession] = []
    tls = Tls(ca_files=(path,), check_host=False)
    with served(server_context(path, certificates["server.key"])) as terminator:
        to = replace(peer(terminator.port), tls=tls)
        PeerConnection.open(to, [wire.STUDY_ROOT], StopSignal(), secured=sessions.append).close()
    (session,) = sessions
    assert session_text(session).isprintable()
    assert session.certificate is not None
    assert session.certificate.subject.startswith("CN=") == (name != "/")
    assert session.certificate.subject == session.certificate.issuer
