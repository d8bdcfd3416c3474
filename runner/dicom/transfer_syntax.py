"""The transfer syntaxes that an identifier can be sent and received in (PS3.5 10 and A)."""

from __future__ import annotations

from enum import Enum


class TransferSyntax(Enum):
    """An uncompressed or deflated transfer syntax; the value is its UID."""

    IMPLICIT_LITTLE = "1.2.840.10008.1.2"
    EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
    DEFLATED = "1.2.840.10008.1.2.1.99"
    EXPLICIT_BIG = "1.2.840.10008.1.2.2"

    @property
    def uid(self) -> str:
        """The UID, as in a presentation context."""
        return self.value

    @property
    def explicit(self) -> bool:
        """Whether each element states its VR."""
        return self is not TransferSyntax.IMPLICIT_LITTLE

    @property
    def little(self) -> bool:
        """Whether numbers are in little endian."""
        return self is not TransferSyntax.EXPLICIT_BIG

    @property
    def deflated(self) -> bool:
        """Whether the whole data set is compressed with raw deflate (RFC 1951)."""
        return self is TransferSyntax.DEFLATED

    @property
    def struct_order(self) -> str:
        """The byte order character of `struct`."""
        return "<" if self.little else ">"
