"""Inflating identifiers of the deflated transfer syntax (PS3.5 A.5), each on its own."""

from __future__ import annotations

from runner.errors import UndecodableIdentifierError

#: An identifier that inflates to more than this is a bomb, in bytes.
MAX_INFLATED = 64 * 1024 * 1024


def inflate(deflated: bytes) -> bytes:
    """Inflate an identifier (RFC 1951); padding behind it is passed over.

    Raises:
        UndecodableIdentifierError: if it is broken, truncated, or inflates to more than MAX_INFLATED bytes.
    """
    import zlib

    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, MAX_INFLATED)
    except zlib.error:
        raise UndecodableIdentifierError("it cannot be inflated") from None
    if not inflater.eof:
        if inflater.unconsumed_tail:
            raise UndecodableIdentifierError(f"it inflates to more than {MAX_INFLATED} bytes")
        raise UndecodableIdentifierError("its deflated bytes are truncated", offset=len(deflated))
    return inflated
