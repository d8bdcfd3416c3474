"""Items and sub-items of association PDUs (PS3.8 9.3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

_ITEM_HEADER = Struct(">BxH")


class NegotiationError(ValueError):
    """An A-ASSOCIATE-AC cannot be read; the text says why."""


def items(data: bytes, what: str) -> Iterator[tuple[int, bytes]]:
    """Yield type and value of the items or sub-items in `data`, which is called `what` in messages.

    Raises:
        NegotiationError: if one is longer than `data`.
    """
    at, end = 0, len(data)
    while at < end:
        if end - at < _ITEM_HEADER.size:
            raise NegotiationError(f"{end - at} stray bytes at the end of {what}")
        kind, length = _ITEM_HEADER.unpack_from(data, at)
        start = at + _ITEM_HEADER.size
        at = start + length
        if at > end:
            raise NegotiationError(f"an item of {length} bytes, where {what} has {end - start} left")
        yield kind, data[start:at]


def item(kind: int, value: bytes) -> bytes:
    """Return an item."""
    return _ITEM_HEADER.pack(kind, len(value)) + value


def uid_text(value: bytes) -> str:
    """Return a UID without its padding, "" where it is not ASCII."""
    try:
        return value.decode("ascii").strip(" \0")
    except UnicodeDecodeError:
        return ""
