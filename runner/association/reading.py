"""From a stream of bytes to PDUs and PDV fragments (PS3.8 9.3), however the stream is cut."""

from __future__ import annotations

from runner.association import pdu as pdus

#: The longest P-DATA-TF that is taken where a maximum was announced: peers exceed it, and it does no harm.
MAX_DATA_PDU = 64 * 1024 * 1024
_UNLIMITED = 0xFFFFFFFF
_MAX_ACCEPTANCE = 1024 * 1024
_MAX_SHORT_PDU = 1024

#: Type of the PDU, then for P-DATA-TF the presentation context ID, the message control header and bytes of
#: the value; the bit LAST is set only with the last bytes of a last fragment. Any other PDU comes whole, its
#: header included, with two zeroes before it.
Unit = tuple[int, int, int, bytes]


class ViolationError(Exception):
    """The peer sent what cannot be understood or is not allowed.

    Attributes:
        what: a noun phrase.
        reason: of the A-ABORT that it deserves, None where the fault lies above the upper layer.
        advice: what to try, "" for nothing in particular.
    """

    def __init__(self, what: str, reason: int | None = None, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.reason = reason
        self.advice = advice


class PduReader:
    """Cuts what the peer sends into units.

    Long P-DATA-TF PDUs are streamed: what is kept from one `feed` to the next is less than a header, or
    a short PDU.

    Attributes:
        allowed: types of the PDUs that may come now.
        data: what is being read.
        at: how far it has been read.
        pdu_start: where in `data` the P-DATA-TF of the last unit starts, -1 where it is not all there or has
            other PDVs before.
        pdv_start: the same for its PDV.
    """

    def __init__(self, max_pdu: int) -> None:
        self.allowed: frozenset[int] = frozenset()
        self.data = b""
        self.at = 0
        self.pdu_start = self.pdv_start = -1
        self._longest_data_pdu = max(MAX_DATA_PDU, max_pdu) if max_pdu else _UNLIMITED
        # Bytes left of the P-DATA-TF behind the current PDV, and of the value of the current PDV.
        self._pdu_left = 0
        self._pdv_left = 0
        self._in_pdv = False
        self._context = self._control = 0
        self._discards = False
        self._unwanted = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Everything before must have been read."""
        rest = self.data[self.at :]
        self.data = b"".join((rest, data)) if rest else bytes(data)
        self.at = 0
        self.pdu_start = self.pdv_start = -1

    def discard_data(self) -> None:
        """Pass over all P-DATA-TF PDUs from here on."""
        self._discards = True
        self._unwanted = self._pdu_left + self._pdv_left
        self._pdu_left = self._pdv_left = 0
        self._in_pdv = False

    @property
    def at_pdu(self) -> bool:
        """Whether a PDU is to begin."""
        return not (self._pdu_left or self._in_pdv or self._unwanted)

    def read(self) -> Unit | None:
        """Return the next unit, None where more bytes are needed.

        Raises:
            ViolationError: if the bytes are no PDU, or one that is not allowed, or lengths lie.
        """
        while not self._in_pdv:
            if self._unwanted:
                taken = min(self._unwanted, len(self.data) - self.at)
                self._unwanted -= taken
                self.at += taken
                if self._unwanted:
                    return None
            if self._pdu_left:
                if not self._begin_pdv():
                    return None
            elif len(self.data) - self.at < pdus.PDU_HEADER.size:
                return None
            elif self.data[self.at] == pdus.P_DATA_TF:
                self._begin_data_pdu()
            else:
                return self._read_whole_pdu()
        return self._read_value()

    def _begin_data_pdu(self) -> None:
        kind, length = pdus.PDU_HEADER.unpack_from(self.data, self.at)
        self._check(kind, length, self._longest_data_pdu)
        self.pdu_start = self.at
        self.at += pdus.PDU_HEADER.size
        if self._discards:
            self._unwanted = length
        else:
            self._pdu_left = length

    def _read_whole_pdu(self) -> Unit | None:
        kind, length = pdus.PDU_HEADER.unpack_from(self.data, self.at)
        self._check(kind, length, _MAX_ACCEPTANCE if kind == pdus.ASSOCIATE_AC else _MAX_SHORT_PDU)
        start, stop = self.at, self.at + pdus.PDU_HEADER.size + length
        if stop > len(self.data):
            return None
        self.at = stop
        return kind, 0, 0, self.data[start:stop]

    def _check(self, kind: int, length: int, longest: int) -> None:
        """Raise for a PDU that is unknown, not allowed now, or impossibly long."""
        name = pdus.NAMES.get(kind)
        if name is None:
            words = pdus.describe_other_protocol(self.data[self.at : self.at + 8])
            what = f"a PDU of the unknown type 0x{kind:02x}"
            raise ViolationError(what, pdus.UNRECOGNIZED_PDU, words)
        if kind not in self.allowed:
            raise ViolationError(f"an unexpected {name}", pdus.UNEXPECTED_PDU)
        if length > longest:
            raise ViolationError(
                f"a {name} that says that it is {length} bytes long", pdus.INVALID_PDU_PARAMETER
            )

    def _begin_pdv(self) -> bool:
        """Read a PDV's header, if it is there."""
        left = self._pdu_left
        if left < pdus.PDV_HEADER.size:
            raise ViolationError(
                f"a P-DATA-TF with {left} stray bytes at its end", pdus.INVALID_PDU_PARAMETER
            )
        if len(self.data) - self.at < pdus.PDV_HEADER.size:
            return False
        length, context, control = pdus.PDV_HEADER.unpack_from(self.data, self.at)
        if length < 2 or length + 4 > left:
            raise ViolationError(
                f"a PDV that says that it is {length} bytes long, where its P-DATA-TF has {left - 4} left",
                pdus.INVALID_PDU_PARAMETER,
            )
        self.pdv_start = self.at
        self.at += pdus.PDV_HEADER.size
        self._pdu_left = left - length - 4
        self._pdv_left = length - 2
        self._context = context
        self._control = control
        self._in_pdv = True
        return True

    def _read_value(self) -> Unit | None:
        start, stop = self.at, self.at + self._pdv_left
        end = len(self.data)
        if stop <= end:
            self.at = stop
            self._pdv_left = 0
            self._in_pdv = False
            return pdus.P_DATA_TF, self._context, self._control, self.data[start:stop]
        if start == end:
            return None
        self.at = end
        self._pdv_left = stop - end
        return pdus.P_DATA_TF, self._context, self._control & ~pdus.LAST, self.data[start:]
