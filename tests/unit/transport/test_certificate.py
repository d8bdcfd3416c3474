"""What certificates say, in words that no terminal obeys."""

from __future__ import annotations

import datetime as dt
import sys

import pytest

from peers.certificates import Certificates
from runner.transport.certificate import Certificate, fingerprint, read_certificate
from runner.transport.tls_session import TlsSession

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
COMMON_NAME = bytes((0x55, 4, 3))


def der(tag: int, *values: bytes) -> bytes:
    value = b"".join(values)
    if len(value) < 128:
        return bytes((tag, len(value))) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + value


#: sha256WithRSAEncryption, and a key of no meaning.
ALGORITHM = der(0x30, der(6, bytes.fromhex("2A864886F70D01010B")), der(5))
KEY = der(0x30, der(0x30, der(6, bytes.fromhex("2A864886F70D010101")), der(5)), der(3, b"\0\0"))


def certificate(subject: bytes, times: bytes = b"", extensions: bytes = b"") -> bytes:
    validity = times or der(0x17, b"250101000000Z") + der(0x18, b"20600101000000Z")
    signed = der(
        0x30,
        der(0xA0, der(2, b"\2")),
        der(2, b"\1"),
        ALGORITHM,
        der(0x30),
        der(0x30, validity),
        der(0x30, subject),
        KEY,
        extensions,
    )
    return der(0x30, signed, ALGORITHM, der(3, b"\0"))


def name(kind: bytes, tag: int, value: bytes) -> bytes:
    return der(0x31, der(0x30, der(6, kind), der(tag, value)))


@pytest.mark.parametrize("which", ["server", "ec", "expired", "self_signed", "ca"])
def test_openssl_says_the_same(certificates: Certificates, which: str) -> None:
    certificates.openssl("x509", "-in", f"{which}.pem", "-outform", "DER", "-out", f"read-{which}.der")
    read = read_certificate(certificates[f"read-{which}.der"].read_bytes())
    said = certificates.openssl(
        "x509", "-in", f"{which}.pem", "-noout", "-subject", "-issuer", "-fingerprint", "-sha256",
        "-nameopt", "sep_comma_plus_space",
    ).splitlines()  # fmt: skip
    assert said == [
        f"subject={read.subject}", f"issuer={read.issuer}", f"sha256 Fingerprint={read.sha256}"
    ]  # fmt: skip
    ends = certificates.openssl("x509", "-in", f"{which}.pem", "-noout", "-enddate").partition("=")[2]
    assert read.not_after is not None
    assert f"{read.not_after:%b %d %H:%M:%S %Y} GMT" == ends.strip().replace("  ", " 0")


@pytest.mark.parametrize(
    ("tag", "value", "shown"),
    [
        (0x0C, "Größe, 山田".encode(), r"CN=Größe\, 山田"),
        (0x13, b"plain", "CN=plain"),
        (0x1E, "PACS".encode("utf-16-be"), "CN=PACS"),
        (0x1C, "PACS".encode("utf-32-be"), "CN=PACS"),
        (0x0C, b"\x1b[2J\x07evil\r\n", r"CN=\1B[2J\07evil\0D\0A"),
        (0x0C, "\u202egp.exe".encode(), r"CN=\E2\80\AEgp.exe"),
        (0x0C, b"\xff\xfe", ""),
        (0x13, b"\x9b2J", ""),
    ],
)
def test_names(tag: int, value: bytes, shown: str) -> None:
    assert read_certificate(certificate(name(COMMON_NAME, tag, value))).subject == shown


def test_parts_of_a_name() -> None:
    both = name(bytes((0x55, 4, 6)), 0x13, b"DE") + name(bytes.fromhex("2A8648"), 0x0C, b"odd")
    both += der(
        0x31,
        der(0x30, der(6, COMMON_NAME), der(0x0C, b"a")),
        der(0x30, der(6, bytes((0x55, 4, 11))), der(0x0C, b"b")),
    )
    assert read_certificate(certificate(both)).subject == "C=DE, 1.2.840=odd, CN=a+OU=b"


def test_an_endless_name_is_cut() -> None:
    subject = read_certificate(certificate(name(COMMON_NAME, 0x0C, b"x" * 100000))).subject
    assert len(subject) == 301
    assert subject.endswith("x…")


def test_names_that_cannot_be_read() -> None:
    broken = der(0x82, b"\xff") + der(0x87, b"\1\2\3")
    extension = der(0x30, der(6, bytes((0x55, 0x1D, 17))), der(4, der(0x30, broken)))
    read = read_certificate(certificate(b"", extensions=der(0xA3, der(0x30, extension))))
    assert (read.names, read.not_after is None) == ((), False)


def test_without_the_library_the_fingerprint_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    read = read_certificate(certificate(name(COMMON_NAME, 0x0C, b"a")))
    assert (read.subject, read.not_after, read.names) == ("", None, ())
    assert len(read.sha256) == 95


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_what_is_no_certificate(cut: int) -> None:
    whole = certificate(name(COMMON_NAME, 0x0C, b"a"))
    read = read_certificate(whole[:cut])
    assert (read.subject, read.not_after) == ("", None)
    assert read.sha256 == fingerprint(whole[:cut])


def test_names_of_hosts(certificates: Certificates) -> None:
    certificates.openssl("x509", "-in", "named.pem", "-outform", "DER", "-out", "read-named.der")
    assert read_certificate(certificates["read-named.der"].read_bytes()).names == (
        "exact.example.org", "*.wild.example.org", "192.0.2.1", "2001:db8::1", "192.0.2.2",
    )  # fmt: skip


def test_odd_names_of_hosts() -> None:
    names = der(0x82, b"\x1b[2J") + der(0x81, b"a@example.org") + der(0x82, b"a")
    extension = der(0x30, der(6, bytes((0x55, 0x1D, 17))), der(4, der(0x30, names)))
    other = der(0x30, der(6, bytes((0x55, 0x1D, 15))), der(1, b"\xff"), der(4, b"\3\2\1\6"))
    extensions = der(0xA3, der(0x30, other, extension))
    read = read_certificate(certificate(b"", extensions=extensions))
    assert read.names == (r"\1B[2J", "a")


def test_times() -> None:
    read = read_certificate(certificate(b""))
    assert read.not_before == dt.datetime(2025, 1, 1, tzinfo=dt.timezone.utc)
    assert read.not_after == dt.datetime(2060, 1, 1, tzinfo=dt.timezone.utc)
    odd = read_certificate(certificate(b"", der(0x17, b"\xff99") + der(0x18, b"20601341000000Z")))
    assert (odd.not_before, odd.not_after) == (None, None)
    assert odd.days_left(NOW) is None


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (31, None),
        (30, None),
        (29, "expires in 29 days, on 2026-01-30"),
        (1, "expires in 1 day, on 2026-01-02"),
        (0, "expires in 0 days, on 2026-01-01"),
        (-3, "has expired on 2025-12-29"),
    ],
)
def test_a_certificate_that_ends_soon_is_warned_of(days: int, said: str | None) -> None:
    shown = Certificate("CN=a", "CN=b", "", None, NOW + dt.timedelta(days=days))
    session = TlsSession("TLSv1.3", "", shown, True, NOW)
    assert session.days_left == days
    assert session.warning == (said and f"the peer's certificate {said}; have it renewed")


def test_a_peer_without_a_certificate_is_not_warned_of() -> None:
    assert TlsSession("TLSv1.2", "", None, False, NOW).warning is None
