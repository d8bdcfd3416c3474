"""What a certificate says of its owner (RFC 5280 4.1), to be shown to people.

Whether it is true is OpenSSL's to say.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

#: A name that is longer is cut, in characters.
_LONGEST_NAME = 300
#: So many names of hosts are shown.
_MOST_NAMES = 50


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, in words.

    Attributes:
        subject: whose it is, such as `C=DE, O=Hospital, CN=pacs`, in the certificate's order, as openssl
            prints it; what cannot be printed is escaped as RFC 4514 has it. "" where it cannot be read.
        issuer: who made it.
        sha256: of its DER, 32 bytes in hexadecimal with colons, as openssl prints it.
        not_before: it is valid from then on, None where that cannot be read.
        not_after: and until then.
        names: the hosts that it is for, names and addresses; empty where none are listed.
    """

    subject: str
    issuer: str
    sha256: str
    not_before: dt.datetime | None
    not_after: dt.datetime | None
    names: tuple[str, ...] = ()

    def days_left(self, now: dt.datetime) -> int | None:
        """Return for how many whole days it is still valid, below 0 where it no longer is."""
        return None if self.not_after is None else (self.not_after - now).days


def read_certificate(data: bytes) -> Certificate:
    """Read a certificate in DER.

    What cannot be read is "" or None: all but the fingerprint, where the library cryptography is not there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is deprecated or odd in it is the peer's affair
        read = _parsed(data)
        if read is None:
            return Certificate("", "", fingerprint(data), None, None)
        not_before, not_after = _validity(read)
        return Certificate(
            _name(read, "subject"),
            _name(read, "issuer"),
            fingerprint(data),
            not_before,
            not_after,
            tuple(_host_names(read)),
        )


def fingerprint(data: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, as `Certificate.sha256` has it."""
    return hashlib.sha256(data).digest().hex(":").upper()


def _parsed(data: bytes) -> x509.Certificate | None:
    try:
        from cryptography import x509
    except ImportError:
        return None
    try:
        return x509.load_der_x509_certificate(data)
    except Exception:  # noqa: BLE001 - it is the peer's, and says of itself what it likes
        return None


def _validity(read: x509.Certificate) -> tuple[dt.datetime | None, dt.datetime | None]:
    try:
        return read.not_valid_before_utc, read.not_valid_after_utc
    except Exception:  # noqa: BLE001 - as above
        return None, None


def _host_names(read: x509.Certificate) -> Iterator[str]:
    """Yield the host names and addresses of the extension subjectAltName (RFC 5280 4.2.1.6)."""
    from cryptography import x509

    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # noqa: BLE001 - as above
        return
    for name in list(names)[:_MOST_NAMES]:
        if isinstance(name, x509.DNSName):
            yield "".join(map(_escaped, name.value[:_LONGEST_NAME]))
        elif isinstance(name, x509.IPAddress):
            yield str(name.value)


def _name(read: x509.Certificate, which: str) -> str:
    """Return a distinguished name: a sequence of sets of type and value (RFC 5280 4.1.2.4)."""
    try:
        parts: x509.Name = getattr(read, which)
        text = ", ".join("+".join(map(_pair, part)) for part in parts.rdns)
    except Exception:  # noqa: BLE001 - as above
        return ""
    return text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…"


def _pair(attribute: x509.NameAttribute[str | bytes]) -> str:
    value = attribute.value
    text = f"#{value[:_LONGEST_NAME].hex()}" if isinstance(value, bytes) else "".join(map(_escaped, value))
    return f"{_NAMES.get(attribute.oid.dotted_string) or attribute.rfc4514_attribute_name}={text}"


#: How openssl names the parts of a name that RFC 4514 has no short name for.
_NAMES = {
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.12": "title",
    "2.5.4.42": "GN",
    "1.2.840.113549.1.9.1": "emailAddress",
}


def _escaped(character: str) -> str:
    if character in ',+"\\<>;':
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
