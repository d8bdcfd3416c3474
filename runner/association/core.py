"""An association as its requestor sees it, without I/O: bytes in, events out, and bytes to send.

The states are those of PS3.8 9.2, as far as a requestor has them. One operation goes on at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from runner.association import command as commands
from runner.association import pdu as pdus
from runner.association.command import Command, CommandSetError
from runner.association.events import (
    Aborted,
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
from runner.association.items import NegotiationError
from runner.association.negotiation import (
    Proposal,
    read_acceptance,
    read_rejection,
    request_pdu,
)
from runner.association.reading import PduReader, ViolationError
from runner.association.similar import SimilarResponses
from runner.errors import LocalProtocolError
from runner.status import PENDING, PENDING_WARNING, StatusDetail

#: The longest identifier that is taken, in bytes. Real ones have some hundreds.
MAX_IDENTIFIER = 64 * 1024 * 1024
#: The longest command set that is taken, in bytes.
MAX_COMMAND_SET = 64 * 1024

_REMEMBERED_COMMANDS = 64
_LONGEST_REMEMBERED = 1024


class State(Enum):
    """Where the association stands; the comments name the states of PS3.8 9.2.1."""

    IDLE = auto()  # Sta4
    AWAITING_ANSWER = auto()  # Sta5
    ESTABLISHED = auto()  # Sta6
    RELEASING = auto()  # Sta7, Sta11
    ENDED = auto()  # Sta13


#: Which PDUs the peer may send (PS3.8 9.2.3).
_ALLOWED: dict[State, frozenset[int]] = {
    State.IDLE: frozenset(),
    State.AWAITING_ANSWER: frozenset({pdus.ASSOCIATE_AC, pdus.ASSOCIATE_RJ, pdus.ABORT}),
    State.ESTABLISHED: frozenset({pdus.P_DATA_TF, pdus.RELEASE_RQ, pdus.ABORT}),
    State.RELEASING: frozenset({pdus.P_DATA_TF, pdus.RELEASE_RQ, pdus.RELEASE_RP, pdus.ABORT}),
    State.ENDED: frozenset(),
}


class _Operation:
    """The C-FIND or C-ECHO that goes on.

    Attributes:
        context: its presentation context ID.
        message_id: of its request.
        response_field: the command field of its responses.
        until_cancel: how many pending responses are to come until a C-CANCEL is sent; None for never.
        cancelled: whether one was sent.
        pending: the response whose identifier is due.
        similar: what the next pending response looks like, if one came.
    """

    __slots__ = (
        "cancelled",
        "context",
        "message_id",
        "pending",
        "response_field",
        "similar",
        "until_cancel",
    )

    def __init__(self, context: int, message_id: int, response_field: int, until_cancel: int | None) -> None:
        self.context = context
        self.message_id = message_id
        self.response_field = response_field
        self.until_cancel = until_cancel
        self.cancelled = False
        self.pending: Command | None = None
        self.similar: SimilarResponses | None = None


class Association:
    """One association.

    Call `request`, then `find`, `echo`, `cancel`, `release` and `abort` as wished; after each of them, and
    after each `receive`, send what `outgoing` returns. A call that the state does not allow raises
    LocalProtocolError.

    Attributes:
        messages: how many whole messages have been received, counted for time-outs.
    """

    def __init__(self, proposal: Proposal) -> None:
        self.messages = 0
        self._state = State.IDLE
        self._proposal = proposal
        self._contexts: dict[str, NegotiatedContext] = {}
        self._max_pdu = 0
        self._outgoing = bytearray()
        self._message_id = 0
        self._operation: _Operation | None = None
        self._reader = PduReader(proposal.max_pdu)
        # The command set or identifier that is under way.
        self._fragments = bytearray()
        # Whether a data set may follow the last final response; nobody wants it.
        self._data_set_may_follow = False
        self._remembered: dict[bytes, Command] = {}

    # --- what we do -----------------------------------------------------------------------------

    def request(self) -> None:
        """Ask for the association (PS3.8 7.1.1).

        Raises:
            InvalidJobError: if an AE title cannot be sent.
        """
        self._require(State.IDLE)
        self._outgoing += request_pdu(self._proposal)
        self._enter(State.AWAITING_ANSWER)

    def find(self, abstract_syntax: str, identifier: bytes, cancel_after: int | None = None) -> None:
        """Send a C-FIND-RQ (PS3.7 9.1.2).

        Args:
            abstract_syntax: one whose context was accepted.
            identifier: encoded in the context's transfer syntax.
            cancel_after: a C-CANCEL-RQ is sent as soon as so many pending responses have been received;
                None for never.
        """
        operation = self._begin(abstract_syntax, commands.C_FIND_RSP, cancel_after)
        self._send(operation, commands.find_request(abstract_syntax, operation.message_id))
        self._outgoing += pdus.data_pdus(operation.context, identifier, command=False, max_pdu=self._max_pdu)

    def echo(self, abstract_syntax: str) -> None:
        """Send a C-ECHO-RQ (PS3.7 9.1.5) over the context of that abstract syntax."""
        operation = self._begin(abstract_syntax, commands.C_ECHO_RSP, None)
        self._send(operation, commands.echo_request(abstract_syntax, operation.message_id))

    def cancel(self) -> None:
        """Send a C-CANCEL-RQ for the C-FIND that goes on, once (PS3.7 9.3.2.3).

        The operation goes on to its final response.
        """
        operation = self._operation
        if operation is None or operation.response_field != commands.C_FIND_RSP:
            raise LocalProtocolError("there is no C-FIND to cancel")
        operation.until_cancel = None
        if not operation.cancelled:
            operation.cancelled = True
            self._send(operation, commands.cancel_request(operation.message_id))

    def release(self) -> None:
        """Ask for the release of the association (PS3.8 7.2). Messages that still come are passed over."""
        self._require(State.ESTABLISHED)
        if self._operation is not None:
            raise LocalProtocolError("an operation is going on")
        self._outgoing += pdus.RELEASE_REQUEST
        self._reader.discard_data()
        self._enter(State.RELEASING)

    def abort(self) -> None:
        """End the association at once (PS3.8 7.3); nothing happens where it has ended."""
        if self._state is not State.ENDED:
            self._outgoing += pdus.abort_pdu()
            self._end()

    def outgoing(self) -> bytes:
        """Take what is to be sent."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether an operation goes on."""
        return self._operation is not None

    @property
    def amid_pdu(self) -> bool:
        """Whether a PDU has begun to arrive and is not whole."""
        reader = self._reader
        return not reader.at_pdu or reader.at < len(reader.data)

    @property
    def cancelled(self) -> bool:
        """Whether a C-CANCEL-RQ was sent for the operation that goes on."""
        return self._operation is not None and self._operation.cancelled

    def _require(self, state: State) -> None:
        if self._state is not state:
            raise LocalProtocolError(f"the association is {self._state.name}, not {state.name}")

    def _enter(self, state: State) -> None:
        self._state = state
        self._reader.allowed = _ALLOWED[state]

    def _end(self) -> None:
        self._operation = None
        self._enter(State.ENDED)

    def _begin(self, abstract_syntax: str, response_field: int, cancel_after: int | None) -> _Operation:
        self._require(State.ESTABLISHED)
        if self._operation is not None:
            raise LocalProtocolError("an operation is going on")
        context = self._contexts.get(abstract_syntax)
        if context is None or context.transfer_syntax is None:
            raise LocalProtocolError(f"there is no presentation context for {abstract_syntax}")
        # 1 to 65535, then from the start again.
        self._message_id = self._message_id % 0xFFFF + 1
        self._operation = _Operation(context.context_id, self._message_id, response_field, cancel_after)
        return self._operation

    def _send(self, operation: _Operation, command: bytes) -> None:
        self._outgoing += pdus.data_pdus(operation.context, command, command=True, max_pdu=self._max_pdu)

    # --- what the peer does ---------------------------------------------------------------------

    def receive(self, data: bytes | memoryview) -> Sequence[Event]:
        """Take bytes as they came, however they are cut, and return what they mean.

        Nothing more is read after the end of the association.
        """
        events: list[Event] = []
        if self._state is State.ENDED:
            return events
        self._reader.feed(data)
        try:
            self._read(events)
        except ViolationError as violation:
            # A fault of the upper layer is its provider's to complain about, any other its user's.
            source = pdus.SERVICE_USER if violation.reason is None else pdus.SERVICE_PROVIDER
            self._outgoing += pdus.abort_pdu(source, violation.reason or pdus.REASON_NOT_SPECIFIED)
            self._end()
            events.append(Violation(violation.what, violation.advice))
        return events

    def receive_end(self) -> Sequence[Event]:
        """Take note that the peer closed the connection."""
        if self._state is State.ENDED:
            return []
        self._end()
        return [ConnectionClosed()]

    def _read(self, events: list[Event]) -> None:
        reader = self._reader
        while self._state is not State.ENDED:
            operation = self._operation
            if operation is not None and operation.similar is not None and reader.at_pdu:
                self._read_similar(operation, operation.similar, events)
            unit = reader.read()
            if unit is None:
                break
            kind, context, control, value = unit
            if kind == pdus.P_DATA_TF:
                self._take_fragment(context, control, value, events)
            else:
                self._take_pdu(kind, value, events)

    def _take_pdu(self, kind: int, pdu: bytes, events: list[Event]) -> None:
        """Take a PDU other than P-DATA-TF, header included."""
        if kind == pdus.ASSOCIATE_AC:
            try:
                accepted = read_acceptance(pdu, self._proposal)
            except NegotiationError as error:
                what = f"an A-ASSOCIATE-AC that is broken: {error}"
                raise ViolationError(what, pdus.INVALID_PDU_PARAMETER) from None
            self._contexts = dict(accepted.contexts)
            self._max_pdu = accepted.max_pdu
            self._enter(State.ESTABLISHED)
            events.append(accepted)
        elif kind == pdus.ASSOCIATE_RJ:
            self._end()
            events.append(read_rejection(pdu, self._proposal))
        elif kind == pdus.RELEASE_RQ:
            self._outgoing += pdus.RELEASE_RESPONSE
            # If both asked at once, the answer to ours is still to come (PS3.8 9.2.3, AR-8 and AR-9).
            if self._state is State.ESTABLISHED:
                self._end()
                events.append(ReleaseRequested())
        elif kind == pdus.RELEASE_RP:
            self._end()
            events.append(Released())
        else:
            self._end()
            source, reason = pdu[8:10].ljust(2, b"\0")
            events.append(Aborted(source, reason))

    # --- messages -------------------------------------------------------------------------------

    def _take_fragment(self, context: int, control: int, value: bytes, events: list[Event]) -> None:
        """Take the whole or a part of a command set or data set (PS3.8 E)."""
        operation = self._operation
        is_command = bool(control & pdus.COMMAND)
        if not is_command and (operation is None or operation.pending is None):
            if not self._data_set_may_follow:
                raise ViolationError("a data set without a command set before it")
            # Some peers send one with their final response: it is read past.
            self._data_set_may_follow = not control & pdus.LAST
            return
        if operation is None:
            raise ViolationError("a message that nobody asked for")
        if context != operation.context:
            raise ViolationError(
                f"a message in presentation context {context},"
                f" while the operation goes on in {operation.context}"
            )
        if is_command and operation.pending is not None:
            self._miss_identifier(operation, operation.pending, events)
        whole = not self._fragments
        message = self._assembled(value, is_command=is_command, last=bool(control & pdus.LAST))
        if message is None:
            return
        if is_command:
            self._take_command(operation, message, events)
            if whole:
                self._expect_similar(operation)
        elif operation.pending is not None:
            self._take_identifier(operation, operation.pending, message, events)

    def _assembled(self, value: bytes, *, is_command: bool, last: bool) -> bytes | None:
        """Return the command set or identifier that `value` completes, None if it is not the last."""
        longest = MAX_COMMAND_SET if is_command else MAX_IDENTIFIER
        if len(self._fragments) + len(value) > longest:
            what = "a command set" if is_command else "an identifier"
            raise ViolationError(f"{what} of more than {longest} bytes")
        if last and not self._fragments:
            return value
        self._fragments += value
        if not last:
            return None
        message = bytes(self._fragments)
        self._fragments = bytearray()
        return message

    def _miss_identifier(self, operation: _Operation, pending: Command, events: list[Event]) -> None:
        """Note that the next message begins before the identifier of this one was whole."""
        operation.pending = None
        if self._fragments:
            events.append(TruncatedResponse(bytes(self._fragments), pending.detail.status))
            self._fragments = bytearray()
        else:
            events.append(ResponseWithoutIdentifier(pending.detail.status))
        self._count_responses(operation, 1)

    def _take_identifier(
        self, operation: _Operation, pending: Command, identifier: bytes, events: list[Event]
    ) -> None:
        operation.pending = None
        if not pending.has_data_set:
            events.append(Oddity("a pending response announced no identifier, but brought one"))
        _append_responses(events, [identifier], pending.detail.status)
        self.messages += 1
        self._count_responses(operation, 1)

    def _count_responses(self, operation: _Operation, count: int) -> None:
        if operation.until_cancel is not None:
            operation.until_cancel -= count
            if operation.until_cancel <= 0:
                self.cancel()

    def _take_command(self, operation: _Operation, value: bytes, events: list[Event]) -> None:
        self._data_set_may_follow = False
        command = self._decode(value)
        if command.field != operation.response_field:
            raise ViolationError(
                f"a message with the command field 0x{command.field:04x}, while a response was due"
            )
        if command.message_id != operation.message_id:
            raise ViolationError(
                f"a response to message {command.message_id}, while message {operation.message_id} goes on"
            )
        self._message_ended(operation, command, events)

    def _decode(self, value: bytes) -> Command:
        """Decode a command set; that of pending responses is the same again and again."""
        command = self._remembered.get(value)
        if command is None:
            try:
                command = commands.decode_response(value)
            except CommandSetError as error:
                raise ViolationError(f"a command set that cannot be read: {error}") from None
            if len(self._remembered) >= _REMEMBERED_COMMANDS:
                self._remembered.clear()
            if len(value) <= _LONGEST_REMEMBERED:
                self._remembered[value] = command
        return command

    def _message_ended(self, operation: _Operation, command: Command, events: list[Event]) -> None:
        detail: StatusDetail = command.detail
        is_find = operation.response_field == commands.C_FIND_RSP
        if is_find and detail.status in (PENDING, PENDING_WARNING):
            operation.pending = command
            if not command.has_data_set:
                self.messages += 1
            return
        self.messages += 1
        self._operation = None
        self._data_set_may_follow = True
        if command.has_data_set:
            events.append(
                Oddity("the final response announced a data set, though it has none by the standard")
            )
        events.append(FinalResponse(detail))

    # --- the way of the many --------------------------------------------------------------------

    def _expect_similar(self, operation: _Operation) -> None:
        """Expect the next pending response to have the command set that just came whole."""
        reader, pending = self._reader, operation.pending
        if pending is None or not pending.has_data_set or reader.pdv_start < 0:
            return
        shared = not reader.at_pdu
        start = reader.pdv_start if shared else reader.pdu_start
        # Only the first PDV of its P-DATA-TF tells how a response is made.
        if reader.pdu_start >= 0 and reader.pdv_start == reader.pdu_start + pdus.PDU_HEADER.size:
            operation.similar = SimilarResponses(
                reader.data[start : reader.at], shared, operation.context, pending.detail.status
            )

    def _read_similar(self, operation: _Operation, similar: SimilarResponses, events: list[Event]) -> None:
        """Read all responses that are made like the one before."""
        if operation.pending is not None or self._fragments:
            return
        reader = self._reader
        identifiers: list[bytes] = []
        most = len(reader.data) if operation.until_cancel is None else operation.until_cancel
        reader.at = similar.read(reader.data, reader.at, most, identifiers)
        if identifiers:
            _append_responses(events, identifiers, similar.status)
            self.messages += len(identifiers)
            self._count_responses(operation, len(identifiers))


def _append_responses(events: list[Event], identifiers: list[bytes], status: int) -> None:
    """Append responses, to those before them where the status is the same."""
    last = events[-1] if events else None
    if isinstance(last, Responses) and last.status == status:
        last.identifiers.extend(identifiers)
    else:
        events.append(Responses(identifiers, status))
