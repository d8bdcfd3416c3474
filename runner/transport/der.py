"""Reading DER (X.690), as far as telling apart and showing certificates and keys needs it.

No cryptography: what is read here has been, or will be, judged by OpenSSL.
"""

from __future__ import annotations

SEQUENCE = 0x30


def members(data: bytes) -> list[tuple[int, bytes]]:
    """Return tags and values of the elements that follow each other in `data`; empty for what is no DER."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        value = _value(data, at)
        if value is None:
            return []
        begin, end = value
        found.append((data[at], data[begin:end]))
        at = end
    return found


def sequence(data: bytes) -> list[tuple[int, bytes]]:
    """Return the members of a sequence that is all of `data`; empty for anything else."""
    whole = members(data)
    return members(whole[0][1]) if len(whole) == 1 and whole[0][0] == SEQUENCE else []


def _value(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the value of an element begins and ends (X.690 8.1)."""
    if at + 2 > len(data):
        return None
    length, begin = data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[begin : begin + count], "big")
        begin += count
    end = begin + length
    return (begin, end) if end <= len(data) else None
