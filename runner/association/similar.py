"""The way of the many: pending responses that are made like the one before.

A C-FIND's pending responses have the same command set, byte for byte. So a response costs one comparison
of these bytes and one look at the headers of its identifier; what is made otherwise, or is not all there,
is left to the general way.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class

from runner.association.pdu import LAST, P_DATA_TF, PDU_HEADER

#: Headers of a P-DATA-TF and of its first PDV, context ID and message control header as one number.
_PDU_AND_PDV = Struct(">BxLLH")
_PDV = Struct(">LH")


@dataclass(frozen=True, slots=True)
class SimilarResponses:
    """What the next pending response most probably looks like.

    Attributes:
        command: the bytes of the command set: as a P-DATA-TF, or as a PDV where the identifier shares its
            P-DATA-TF.
        shared: which of the two.
        context: the presentation context ID.
        status: of the response.
    """

    command: bytes
    shared: bool
    context: int
    status: int

    def read(self, data: bytes, at: int, most: int, identifiers: list[bytes]) -> int:
        """Read whole responses from `at`, where a PDU begins.

        Args:
            data: what came.
            at: where to start.
            most: how many are read at most.
            identifiers: gets the identifiers.

        Returns:
            Where the last of them ends.
        """
        read = self._read_shared if self.shared else self._read_separate
        return read(data, at, most, identifiers)

    def _read_separate(self, data: bytes, at: int, most: int, identifiers: list[bytes]) -> int:
        command, header = self.command, self.context << 8 | LAST
        unpack, startswith, append = _PDU_AND_PDV.unpack_from, data.startswith, identifiers.append
        size, end = len(command), len(data)
        try:
            for _ in range(most):
                if not startswith(command, at):
                    break
                start = at + size
                kind, pdu_length, pdv_length, pdv_header = unpack(data, start)
                stop = start + 10 + pdv_length
                if (
                    pdv_header != header
                    or kind != 4
                    or pdu_length != pdv_length + 4
                    or pdv_length < 2
                    or stop > end
                ):
                    break
                append(data[start + 12 : stop])
                at = stop
        except StructError:  # the headers are not all there
            pass
        return at

    def _read_shared(self, data: bytes, at: int, most: int, identifiers: list[bytes]) -> int:
        command, header = self.command, self.context << 8 | LAST
        unpack_pdu, unpack_pdv, startswith = PDU_HEADER.unpack_from, _PDV.unpack_from, data.startswith
        size, end = 6 + len(command), len(data)
        try:
            for _ in range(most):
                if not startswith(command, at + 6):
                    break
                kind, pdu_length = unpack_pdu(data, at)
                start = at + size
                pdv_length, pdv_header = unpack_pdv(data, start)
                stop = start + 4 + pdv_length
                if (
                    pdv_header != header
                    or kind != P_DATA_TF
                    or pdu_length != stop - at - 6
                    or pdv_length < 2
                    or stop > end
                ):
                    break
                identifiers.append(data[start + 6 : stop])
                at = stop
        except StructError:
            pass
        return at
