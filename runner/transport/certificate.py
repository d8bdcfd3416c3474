"""What a certificate says of its owner (RFC 5280 4.1), to be shown to people.

Whether it is true is OpenSSL's to say.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop

from runner.transport.der import members, sequence

#: A name that is longer is cut, in characters.
_LONGEST_NAME = 300

#: Types of the parts of a name (RFC 4514 3), by the bytes of their object identifiers.
_NAMES = {
    bytes((0x55, 4, 3)): "CN",
    bytes((0x55, 4, 4)): "SN",
    bytes((0x55, 4, 5)): "serialNumber",
    bytes((0x55, 4, 6)): "C",
    bytes((0x55, 4, 7)): "L",
    bytes((0x55, 4, 8)): "ST",
    bytes((0x55, 4, 9)): "STREET",
    bytes((0x55, 4, 10)): "O",
    bytes((0x55, 4, 11)): "OU",
    bytes((0x55, 4, 12)): "title",
    bytes((0x55, 4, 42)): "GN",
    bytes.fromhex("0992268993F22C640119"): "DC",
    bytes.fromhex("0992268993F22C640101"): "UID",
    bytes.fromhex("2A864886F70D010901"): "emailAddress",
}
#: The string types that names are written in (RFC 5280 4.1.2.4), and their encodings.
_STRINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_ALTERNATIVE_NAMES = bytes((0x55, 0x1D, 17))
_DNS_NAME, _ADDRESS = 0x82, 0x87
#: So many names of hosts are shown.
_MOST_NAMES = 50


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, in words.

    Attributes:
        subject: whose it is, such as `C=DE, O=Hospital, CN=pacs`, in the certificate's order, as openssl
            prints it; what cannot be printed is escaped as RFC 4514 has it.
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
    """Read a certificate in DER; what it lacks, or cannot be read, is "" or None."""
    whole = sequence(data)
    parts = members(whole[0][1]) if whole else []
    if parts and parts[0][0] == _VERSION:
        del parts[0]
    # Serial number, signature, issuer, validity, subject.
    parts += [(0, b"")] * (5 - len(parts))
    times = [_time(tag, value) for tag, value in members(parts[3][1])]
    return Certificate(
        _name(parts[4][1]),
        _name(parts[2][1]),
        fingerprint(data),
        times[0] if times else None,
        times[1] if len(times) > 1 else None,
        tuple(_host_names(parts[5:])),
    )


def _host_names(parts: list[tuple[int, bytes]]) -> Iterator[str]:
    """Yield the host names and addresses of the extension subjectAltName (RFC 5280 4.2.1.6)."""
    extensions = next((value for tag, value in parts if tag == _EXTENSIONS), b"")
    for _, extension in (read for _, all_of_them in members(extensions) for read in members(all_of_them)):
        read = members(extension)
        if not read or read[0][1] != _ALTERNATIVE_NAMES:
            continue
        for tag, value in sequence(read[-1][1])[:_MOST_NAMES]:
            if tag == _DNS_NAME:
                yield "".join(map(_escaped, value[:_LONGEST_NAME].decode("ascii", "backslashreplace")))
            elif tag == _ADDRESS and len(value) in (4, 16):
                yield inet_ntop(AF_INET if len(value) == 4 else AF_INET6, value)


def fingerprint(data: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, as `Certificate.sha256` has it."""
    return hashlib.sha256(data).digest().hex(":").upper()


def _name(data: bytes) -> str:
    """Return a distinguished name: a sequence of sets of type and value (RFC 5280 4.1.2.4)."""
    text = ", ".join("+".join(_pairs(parts)) for _, parts in members(data))
    return text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…"


def _pairs(parts: bytes) -> Iterator[str]:
    for _, pair in members(parts):
        read = members(pair)
        if len(read) == 2:
            (_, kind), (tag, value) = read
            yield f"{_NAMES.get(kind) or _dotted(kind)}={_text(tag, value)}"


def _text(tag: int, value: bytes) -> str:
    encoding = _STRINGS.get(tag)
    if encoding is not None:
        try:
            return "".join(map(_escaped, value.decode(encoding)))
        except UnicodeDecodeError:
            pass
    return f"#{value[:_LONGEST_NAME].hex()}"


def _escaped(character: str) -> str:
    if character in ',+"\\<>;':
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _dotted(kind: bytes) -> str:
    """Return an object identifier as numbers with dots (X.690 8.19)."""
    numbers: list[int] = []
    number = 0
    for byte in kind:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(number)
            number = 0
    if not numbers:
        return "?"
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:])))[:_LONGEST_NAME]


def _time(tag: int, value: bytes) -> dt.datetime | None:
    """Return a point in time (RFC 5280 4.1.2.5)."""
    text = value.decode("ascii", "replace")
    if tag == _UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    try:
        return dt.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.timezone.utc)
    except ValueError:
        return None
