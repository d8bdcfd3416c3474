"""An association as its requestor sees it, without I/O: bytes in, events out, and bytes to send.

The states are those of PS3.8 9.2, as far as a requestor has them. One operation goes on at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class

from runner.association import command as commands
from runner.association import pdu as pdus
from runner.association.command import Command, CommandSetError
from runner.association.events import (
    Aborted,
    Accepted,
    ConnectionClosed,
    Event,
    FinalResponse,
    NegotiatedContext,
    Oddity,
    Released,
    ReleaseRequested,
    Responses,
    ResponseWithoutIdentifier,
    TruncatedResponse,
    Violation,
)
from runner.association.negotiation import (
    NegotiationError,
    Proposal,
    read_acceptance,
    read_rejection,
    request_pdu,
)
from runner.errors import LocalProtocolError
from runner.status import PENDING, PENDING_WARNING

#: The longest identifier that is taken, in bytes. Real ones have some hundreds.
MAX_IDENTIFIER = 64 * 1024 * 1024
#: The longest command set that is taken, in bytes.
MAX_COMMAND_SET = 64 * 1024
#: The longest P-DATA-TF that is taken, in bytes: peers exceed what was announced, and it does no harm.
MAX_DATA_PDU = MAX_IDENTIFIER + MAX_COMMAND_SET
_MAX_ACCEPTANCE = 1024 * 1024
_MAX_SHORT_PDU = 1024
_REMEMBERED_COMMANDS = 64
_LONGEST_REMEMBERED = 1024

#: PDU header and PDV header of a P-DATA-TF with one PDV: type, PDU length, PDV length, and context ID and
#: message control header as one number.
_SINGLE_PDV = Struct(">BxLLH")
_PDV = Struct(">LH")
#: What a P-DATA-TF is longer than the value of its only PDV, by its PDU length field.
_SINGLE_PDV_SIZE = _SINGLE_PDV.size


class State(Enum):
    """Where the association stands (PS3.8 9.2.1, the numbers are its)."""

    IDLE = auto()  # Sta1, Sta4
    AWAITING_ANSWER = auto()  # Sta5
    ESTABLISHED = auto()  # Sta6
    RELEASING = auto()  # Sta7, Sta11
    ENDED = auto()  # Sta13, Sta1


class _ViolationError(Exception):
    """Ends reading; `reason` is that of the A-ABORT, None where the fault lies above the upper layer."""

    def __init__(self, what: str, reason: int | None = None, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.reason = reason
        self.advice = advice


class _Operation:
    """The C-FIND or C-ECHO that goes on."""

    __slots__ = ("cancelled", "context", "message_id", "response_field", "sop_class_uid", "until_cancel")

    def __init__(
        self, sop_class_uid: str, context: int, message_id: int, response_field: int, cancel_after: int | None
    ) -> None:
        self.sop_class_uid = sop_class_uid
        self.context = context
        self.message_id = message_id
        self.response_field = response_field
        # Pending responses until a C-CANCEL is due; None for never.
        self.until_cancel = cancel_after
        self.cancelled = False


class Association:
    """One association.

    Call `request`, then `find`, `echo`, `cancel`, `release` and `abort` as wished; after each, and after each
    `receive`, send what `outgoing` returns. A call that the state does not allow raises LocalProtocolError.

    Attributes:
        state: where it stands.
        messages: how many whole messages have been received, counted for time-outs.
    """

    def __init__(self, proposal: Proposal) -> None:
        self.state = State.IDLE
        self.messages = 0
        self._proposal = proposal
        self._contexts: dict[str, NegotiatedContext] = {}
        self._max_pdu = 0
        self._outgoing = bytearray()
        self._message_id = 0
        self._operation: _Operation | None = None
        self._longest_data_pdu = MAX_DATA_PDU if proposal.max_pdu else 0xFFFFFFFF

        # Bytes that are too few to be understood.
        self._tail = b""
        # Bytes left of the P-DATA-TF behind the current PDV, and of the value of the current PDV.
        self._pdu_left = 0
        self._pdv_left = 0
        self._in_pdv = False
        self._pdv_kind = 0
        # Bytes of a P-DATA-TF that nobody wants.
        self._unwanted = 0
        # The message under way.
        self._fragments = bytearray()
        self._pending: Command | None = None  # its identifier is due
        self._after_final = False  # a data set may follow that nobody wants
        # What the command of the next pending response will most probably be.
        self._remembered: dict[bytes, Command] = {}
        self._likely_command = b""  # its P-DATA-TF; b"" for none
        self._likely_pdv = b""  # its PDV, where the identifier shares its P-DATA-TF
        self._likely: Command | None = None

    # --- what we do -----------------------------------------------------------------------------

    def request(self) -> None:
        """Ask for the association (PS3.8 7.1.1)."""
        self._require(State.IDLE)
        self._outgoing += request_pdu(self._proposal)
        self.state = State.AWAITING_ANSWER

    def find(self, abstract_syntax: str, identifier: bytes, cancel_after: int | None = None) -> None:
        """Send a C-FIND-RQ (PS3.7 9.1.2).

        Args:
            abstract_syntax: one whose context was accepted.
            identifier: encoded in the context's transfer syntax.
            cancel_after: a C-CANCEL-RQ is sent as soon as so many pending responses have been received;
                None for never.
        """
        operation = self._begin(abstract_syntax, commands.C_FIND_RSP, cancel_after)
        command = commands.find_request(abstract_syntax, operation.message_id)
        self._send_message(operation.context, command, identifier)

    def echo(self, abstract_syntax: str) -> None:
        """Send a C-ECHO-RQ (PS3.7 9.1.5) over a context of that abstract syntax."""
        operation = self._begin(abstract_syntax, commands.C_ECHO_RSP, None)
        self._send_message(operation.context, commands.echo_request(abstract_syntax, operation.message_id))

    def cancel(self) -> None:
        """Send a C-CANCEL-RQ for the C-FIND that goes on, once; the operation goes on to its final response."""
        operation = self._operation
        if operation is None:
            raise LocalProtocolError("there is no operation to cancel")
        operation.until_cancel = None
        if not operation.cancelled and operation.response_field == commands.C_FIND_RSP:
            operation.cancelled = True
            self._send_message(operation.context, commands.cancel_request(operation.message_id))

    def release(self) -> None:
        """Ask for the release of the association (PS3.8 7.2). What else the peer sends is passed over."""
        self._require(State.ESTABLISHED)
        if self._operation is not None:
            raise LocalProtocolError("an operation is going on")
        self._outgoing += pdus.RELEASE_REQUEST
        self.state = State.RELEASING
        self._unwanted = self._pdu_left + self._pdv_left
        self._pdu_left = self._pdv_left = 0
        self._in_pdv = False

    def abort(self) -> None:
        """End the association at once (PS3.8 7.3)."""
        if self.state is not State.ENDED:
            self._outgoing += pdus.abort_pdu()
            self._end()

    def outgoing(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    @property
    def busy(self) -> bool:
        """Whether an operation goes on."""
        return self._operation is not None

    @property
    def cancelled(self) -> bool:
        """Whether a C-CANCEL-RQ was sent for the operation that goes on."""
        return self._operation is not None and self._operation.cancelled

    @property
    def within_message(self) -> bool:
        """Whether a message or a PDU has begun to arrive and is not whole."""
        return bool(self._tail or self._pdu_left or self._in_pdv or self._fragments or self._pending)

    def _require(self, state: State) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"the association is {self.state.name}, not {state.name}")

    def _begin(self, abstract_syntax: str, response_field: int, cancel_after: int | None) -> _Operation:
        self._require(State.ESTABLISHED)
        if self._operation is not None:
            raise LocalProtocolError("an operation is going on")
        context = self._contexts.get(abstract_syntax)
        if context is None or context.transfer_syntax is None:
            raise LocalProtocolError(f"there is no presentation context for {abstract_syntax}")
        # 1 to 65535, then from the start (PS3.7 9.1.2.1.1).
        self._message_id = self._message_id % 0xFFFF + 1
        operation = _Operation(
            abstract_syntax, context.context_id, self._message_id, response_field, cancel_after
        )
        self._operation = operation
        self._likely = None
        self._likely_command = self._likely_pdv = b""
        return operation

    def _send_message(self, context: int, command: bytes, identifier: bytes | None = None) -> None:
        self._outgoing += pdus.data_pdus(context, command, command=True, max_pdu=self._max_pdu)
        if identifier is not None:
            self._outgoing += pdus.data_pdus(context, identifier, command=False, max_pdu=self._max_pdu)

    def _end(self) -> None:
        self.state = State.ENDED
        self._operation = None

    # --- what the peer does ---------------------------------------------------------------------

    def receive(self, data: bytes | memoryview) -> Sequence[Event]:
        """Take bytes as they came, however they are cut, and return what they mean.

        Nothing more is read after the end of the association.
        """
        events: list[Event] = []
        if self.state is State.ENDED:
            return events
        whole = b"".join((self._tail, data)) if self._tail else bytes(data)
        try:
            at = self._read(whole, events)
        except _ViolationError as violation:
            # A fault of the upper layer is its provider's to complain about, any other its user's.
            source = pdus.SERVICE_USER if violation.reason is None else pdus.SERVICE_PROVIDER
            self._outgoing += pdus.abort_pdu(source, violation.reason or pdus.REASON_NOT_SPECIFIED)
            self._end()
            events.append(Violation(violation.what, violation.advice))
            at = len(whole)
        self._tail = whole[at:]
        return events

    def receive_end(self) -> Sequence[Event]:
        """Take note that the peer closed the connection."""
        if self.state is State.ENDED:
            return []
        beginning, state = self._tail, self.state
        self._end()
        words = pdus.describe_other_protocol(beginning) if state is State.AWAITING_ANSWER else ""
        return [Violation("the peer does not speak DICOM", words) if words else ConnectionClosed()]

    def _read(self, data: bytes, events: list[Event]) -> int:
        """Read as far as `data` goes; return where it stopped."""
        at, end = 0, len(data)
        while self.state is not State.ENDED:
            if self._unwanted:
                taken = min(self._unwanted, end - at)
                self._unwanted -= taken
                at += taken
                if self._unwanted:
                    break
            pdu_start = -1
            if not self._pdu_left and not self._in_pdv:
                if self._likely is not None and self._pending is None and not self._fragments:
                    at = self._read_likely(data, at, events)
                if end - at < pdus.PDU_HEADER.size:
                    break
                kind, length = pdus.PDU_HEADER.unpack_from(data, at)
                self._check_pdu(kind, length, data, at)
                if kind != pdus.P_DATA_TF:
                    start, stop = at, at + pdus.PDU_HEADER.size + length
                    if stop > end:
                        break
                    at = stop
                    self._read_control(kind, data[start:stop], events)
                    continue
                pdu_start = at
                at += pdus.PDU_HEADER.size
                if self.state is State.RELEASING:
                    self._unwanted = length
                    continue
                self._pdu_left = length
            if not self._in_pdv:
                if self._pdu_left and end - at < pdus.PDV_HEADER.size <= self._pdu_left:
                    break
                if not self._pdu_left:
                    continue
                pdv_start = at
                at = self._read_pdv_header(data, at, events)
            else:
                pdv_start = -1
            stop = at + self._pdv_left
            if stop > end:
                self._take_fragment(data[at:end])
                self._pdv_left -= end - at
                at = end
                break
            value = data[at:stop]
            at = stop
            self._pdv_left = 0
            self._in_pdv = False
            if self._pdv_kind & pdus.LAST:
                if self._fragments:
                    self._take_fragment(value)
                    value = bytes(self._fragments)
                    self._fragments = bytearray()
                    pdv_start = -1
                self._take_whole(value, events)
                if pdv_start >= 0 and self._pending is not None and self._pdv_kind & pdus.COMMAND:
                    self._remember_likely(data, pdu_start, pdv_start, at)
            else:
                self._take_fragment(value)
        return at

    def _check_pdu(self, kind: int, length: int, data: bytes, at: int) -> None:
        """Raise for a PDU that is unknown, not allowed now, or impossibly long."""
        if not pdus.ASSOCIATE_RQ <= kind <= pdus.ABORT:
            words = pdus.describe_other_protocol(data[at : at + 8])
            first = self.state is State.AWAITING_ANSWER
            raise _ViolationError(
                "the peer does not speak DICOM" if words and first else f"a PDU of unknown type 0x{kind:02x}",
                pdus.UNRECOGNIZED_PDU,
                words if first and words else ("check host and port" if first else ""),
            )
        if kind not in _ALLOWED[self.state]:
            raise _ViolationError(f"an unexpected {_PDU_NAMES[kind]}", pdus.UNEXPECTED_PDU)
        if kind == pdus.P_DATA_TF:
            longest = self._longest_data_pdu
        else:
            longest = _MAX_ACCEPTANCE if kind == pdus.ASSOCIATE_AC else _MAX_SHORT_PDU
        if length > longest:
            raise _ViolationError(
                f"a {_PDU_NAMES[kind]} that says that it is {length} bytes long", pdus.INVALID_PDU_PARAMETER
            )

    def _read_control(self, kind: int, pdu: bytes, events: list[Event]) -> None:
        """Read a PDU other than P-DATA-TF."""
        if kind == pdus.ASSOCIATE_AC:
            try:
                accepted = read_acceptance(pdu, self._proposal)
            except NegotiationError as error:
                raise _ViolationError(
                    f"an A-ASSOCIATE-AC that lies: {error}", pdus.INVALID_PDU_PARAMETER
                ) from None
            self._accept(accepted)
            events.append(accepted)
        elif kind == pdus.ASSOCIATE_RJ:
            self._end()
            events.append(read_rejection(pdu, self._proposal))
        elif kind == pdus.RELEASE_RQ:
            self._outgoing += pdus.RELEASE_RESPONSE
            if self.state is State.ESTABLISHED:
                self._end()
                events.append(ReleaseRequested())
            # Otherwise both asked at once (PS3.8 9.2.3, AR-8): the answer to ours is still to come.
        elif kind == pdus.RELEASE_RP:
            self._end()
            events.append(Released())
        else:
            self._end()
            source, reason = pdu[8:10] if len(pdu) >= 10 else (pdus.SERVICE_PROVIDER, 0)
            events.append(Aborted(source, reason))

    def _accept(self, accepted: Accepted) -> None:
        self._contexts = dict(accepted.contexts)
        self._max_pdu = accepted.max_pdu
        self.state = State.ESTABLISHED

    def _read_pdv_header(self, data: bytes, at: int, events: list[Event]) -> int:
        """Read a PDV's header and prepare for its value; return where the value starts."""
        left = self._pdu_left
        if left < pdus.PDV_HEADER.size:
            raise _ViolationError(f"{left} stray bytes at the end of a P-DATA-TF", pdus.INVALID_PDU_PARAMETER)
        length, context, kind = pdus.PDV_HEADER.unpack_from(data, at)
        if length < 2 or length + 4 > left:
            raise _ViolationError(
                f"a PDV that says that it is {length} bytes long, in a P-DATA-TF with {left - 4} bytes left",
                pdus.INVALID_PDU_PARAMETER,
            )
        self._pdu_left = left - length - 4
        self._pdv_left = length - 2
        self._pdv_kind = kind
        self._in_pdv = True
        self._check_pdv(context, kind, events)
        return at + pdus.PDV_HEADER.size

    def _check_pdv(self, context: int, kind: int, events: list[Event]) -> None:
        """Look whether a PDV of that kind may come now."""
        operation = self._operation
        if kind & pdus.COMMAND:
            if operation is None:
                raise _ViolationError("a message that nobody asked for")
            self._after_final = False
            pending = self._pending
            if pending is not None:
                # The next message begins before this one was whole.
                self._pending = None
                self._miss_identifier(pending, events)
        elif self._pending is None and not self._after_final:
            raise _ViolationError("an identifier without a command set before it")
        if operation is not None and context != operation.context:
            raise _ViolationError(
                f"a message in presentation context {context}, while that of the operation is {operation.context}"
            )

    def _miss_identifier(self, pending: Command, events: list[Event]) -> None:
        status = pending.status or PENDING
        if self._fragments:
            events.append(TruncatedResponse(bytes(self._fragments), status))
            self._fragments = bytearray()
        else:
            events.append(ResponseWithoutIdentifier(status))
        self._count_response()

    def _take_fragment(self, value: bytes) -> None:
        command = self._pdv_kind & pdus.COMMAND
        if not command and self._after_final:
            return
        self._fragments += value
        if len(self._fragments) > (MAX_COMMAND_SET if command else MAX_IDENTIFIER):
            what = "a command set" if command else "an identifier"
            raise _ViolationError(
                f"{what} of more than {MAX_COMMAND_SET if command else MAX_IDENTIFIER} bytes"
            )

    def _take_whole(self, value: bytes, events: list[Event]) -> None:
        """Take a whole command set or identifier."""
        if self._pdv_kind & pdus.COMMAND:
            self._take_command(value, events)
            return
        pending = self._pending
        if pending is None:  # the data set of a final response
            self._after_final = False
            return
        self._pending = None
        self.messages += 1
        if len(value) > MAX_IDENTIFIER:
            raise _ViolationError(f"an identifier of more than {MAX_IDENTIFIER} bytes")
        if not pending.has_data_set:
            events.append(Oddity("a pending response announced no identifier, and one followed"))
        status = pending.status or PENDING
        last = events[-1] if events else None
        if isinstance(last, Responses) and last.status == status:
            last.identifiers.append(value)
        else:
            events.append(Responses([value], status))
        self._count_response()

    def _count_response(self, count: int = 1) -> None:
        operation = self._operation
        if operation is not None and operation.until_cancel is not None:
            operation.until_cancel -= count
            if operation.until_cancel <= 0:
                self.cancel()

    def _take_command(self, value: bytes, events: list[Event]) -> None:
        command = self._remembered.get(value)
        if command is None:
            if len(value) > MAX_COMMAND_SET:
                raise _ViolationError(f"a command set of more than {MAX_COMMAND_SET} bytes")
            try:
                command = commands.decode(value)
            except CommandSetError as error:
                raise _ViolationError(f"a command set that cannot be read: {error}") from None
            if len(self._remembered) >= _REMEMBERED_COMMANDS:
                self._remembered.clear()
            if len(value) <= _LONGEST_REMEMBERED:
                self._remembered[value] = command
        operation = self._operation
        if operation is None:
            raise _ViolationError("a message that nobody asked for")
        if command.field != operation.response_field:
            raise _ViolationError(
                f"a message with command field 0x{command.field:04x} in place of a response to the operation"
            )
        if command.message_id != operation.message_id:
            raise _ViolationError(
                f"a response to message {command.message_id}, while {operation.message_id} is going on"
                if command.message_id is not None
                else "a response that does not say what it responds to"
            )
        if command.detail is None:
            raise _ViolationError("a response without a status")
        find = operation.response_field == commands.C_FIND_RSP
        if find and command.status in (PENDING, PENDING_WARNING):
            self._pending = command
            if not command.has_data_set:
                self.messages += 1
        else:
            self.messages += 1
            self._operation = None
            self._likely = None
            self._after_final = True
            if find and command.has_data_set:
                events.append(Oddity("the final response announced a data set, which it does not have"))
            events.append(FinalResponse(command.detail))

    # --- the way of the many --------------------------------------------------------------------

    def _remember_likely(self, data: bytes, pdu_start: int, pdv_start: int, stop: int) -> None:
        """Remember the command of a pending response: the next one's is most probably the same bytes."""
        if pdu_start < 0 or self._pending is None or not self._pending.has_data_set:
            return
        if self._pdu_left:
            self._likely_command, self._likely_pdv = b"", data[pdv_start:stop]
        else:
            self._likely_command, self._likely_pdv = data[pdu_start:stop], b""
        self._likely = self._pending

    def _read_likely(self, data: bytes, at: int, events: list[Event]) -> int:
        """Read whole pending responses that are made like the one before.

        Everything else, and what is not all there, is left to the general way. Each response costs one
        comparison of the command's bytes and one look at the headers of its identifier.
        """
        operation, likely = self._operation, self._likely
        if operation is None or likely is None or likely.status is None:
            return at
        identifiers: list[bytes] = []
        limit = operation.until_cancel
        if limit is None:
            limit = len(data)
        header = operation.context << 8 | pdus.LAST
        if self._likely_command:
            at = _read_alternating(data, at, self._likely_command, header, limit, identifiers)
        else:
            at = _read_joined(data, at, self._likely_pdv, header, limit, identifiers)
        if identifiers:
            self.messages += len(identifiers)
            last = events[-1] if events else None
            if isinstance(last, Responses) and last.status == likely.status:
                last.identifiers.extend(identifiers)
            else:
                events.append(Responses(identifiers, likely.status))
            self._count_response(len(identifiers))
        return at


def _read_alternating(
    data: bytes, at: int, command: bytes, header: int, limit: int, identifiers: list[bytes]
) -> int:
    """Read responses of two P-DATA-TF each: `command`, then the whole identifier in one PDV."""
    unpack, startswith, append = _SINGLE_PDV.unpack_from, data.startswith, identifiers.append
    size, end = len(command), len(data)
    try:
        for _ in range(limit):
            if not startswith(command, at):
                break
            start = at + size
            kind, pdu_length, pdv_length, pdv_header = unpack(data, start)
            stop = start + 10 + pdv_length
            if (
                pdv_header != header
                or kind != 4  # noqa: PLR2004 - P-DATA-TF, and every look-up counts here
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


def _read_joined(data: bytes, at: int, pdv: bytes, header: int, limit: int, identifiers: list[bytes]) -> int:
    """Read responses of one P-DATA-TF each: `pdv` with the command, then the whole identifier in one PDV."""
    unpack_pdu, unpack_pdv = pdus.PDU_HEADER.unpack_from, _PDV.unpack_from
    size, end = len(pdv) + 6, len(data)
    try:
        for _ in range(limit):
            if not data.startswith(pdv, at + 6):
                break
            kind, pdu_length = unpack_pdu(data, at)
            start = at + size
            pdv_length, pdv_header = unpack_pdv(data, start)
            stop = start + 4 + pdv_length
            if (
                pdv_header != header
                or kind != pdus.P_DATA_TF
                or pdu_length != stop - at - 6
                or pdv_length < 2
                or stop > end
            ):
                break
            identifiers.append(data[start + 6 : stop])
            at = stop
    except StructError:  # the headers are not all there
        pass
    return at


_PDU_NAMES = {
    pdus.ASSOCIATE_RQ: "A-ASSOCIATE-RQ",
    pdus.ASSOCIATE_AC: "A-ASSOCIATE-AC",
    pdus.ASSOCIATE_RJ: "A-ASSOCIATE-RJ",
    pdus.P_DATA_TF: "P-DATA-TF",
    pdus.RELEASE_RQ: "A-RELEASE-RQ",
    pdus.RELEASE_RP: "A-RELEASE-RP",
    pdus.ABORT: "A-ABORT",
}

#: Which PDUs the peer may send in which state (PS3.8 9.2.3).
_ALLOWED = {
    State.IDLE: frozenset[int](),
    State.AWAITING_ANSWER: frozenset({pdus.ASSOCIATE_AC, pdus.ASSOCIATE_RJ, pdus.ABORT}),
    State.ESTABLISHED: frozenset({pdus.P_DATA_TF, pdus.RELEASE_RQ, pdus.ABORT}),
    State.RELEASING: frozenset({pdus.P_DATA_TF, pdus.RELEASE_RQ, pdus.RELEASE_RP, pdus.ABORT}),
}
