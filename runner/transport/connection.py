"""Drives one association over a socket: waits, time-outs, and errors that say what went wrong."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from runner.association.core import Association, State
from runner.association.events import (
    Aborted,
    Accepted,
    Event,
    FinalResponse,
    NegotiatedContext,
    Oddity,
    Rejected,
    Released,
    ReleaseRequested,
    Responses,
    ResponseWithoutIdentifier,
    TruncatedResponse,
    Violation,
)
from runner.association.negotiation import Proposal
from runner.association.pdu import describe_abort
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import (
    AssociationAbortedError,
    AssociationRejectedError,
    AssociationTimeoutError,
    ConnectionLostError,
    DimseTimeoutError,
    ExtendedNegotiationError,
    FindError,
    InterruptedRunError,
    LocalProtocolError,
    NoPresentationContextError,
    PeerAbortedError,
    RemoteProtocolError,
    TlsError,
    UndecodableIdentifierError,
    UserIdentityError,
)
from runner.model import AssociationEnd, Peer, Wish
from runner.status import FindOutcome, UnfinishedFind
from runner.transport.finding import Deliver, Finding, KeepUndecodable
from runner.transport.sockets import Channel, DeadlineError, StoppedError, connect, deadline_after
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession

__all__ = ["FindOutcome", "PeerConnection", "UnfinishedFind"]

VERIFICATION = "1.2.840.10008.1.1"

#: After an interruption the peer has so long for its final response, in seconds.
INTERRUPTION_GRACE = 2.0
#: A peer that has sent all has so long to answer a release, in seconds.
RELEASE_GRACE = 5.0
#: After an A-ABORT or A-RELEASE-RP the peer has so long to close the connection, in seconds.
CLOSING_GRACE = 0.5
#: After an A-ABORT to a peer that did not answer in time it has so long, in seconds: it may be busy, and only
#: then read why the association ended. A connection that is closed by then resets what it sends, and so
#: discards the A-ABORT (PS3.8 9.2.3, Sta13 and ARTIM).
OVERDUE_GRACE = 5.0

_LOST_ADVICE = "the peer's own log may say why; try again"
_SLOW_ADVICE = "narrow the query, or raise the DIMSE time-out"
_BROKEN_ADVICE = "the peer is broken, or something on the way is; its own log may say more"
_BETWEEN = "between two operations"
_BEFORE_ECHO = "before the C-ECHO was answered"
_NO_ANSWER_ADVICE = (
    "check that this is the peer's DICOM port, whether it wants TLS,"
    " and whether it knows this calling AE title and address"
)


class PeerConnection:
    """One association, used by one thread. Make it with `open`, and `close` it."""

    def __init__(self, peer: Peer, channel: Channel, association: Association, stop: StopSignal) -> None:
        self._peer = peer
        self._channel = channel
        self._association = association
        self._stop = stop
        self._contexts: dict[str, NegotiatedContext] = {}
        self._accepted: Accepted | None = None
        self._oddities: list[str] = []
        self._ended: FindError | None = None
        self._closed = False
        # Whether the peer is to read our last words before the connection closes.
        self._lingers = False
        # Whether the time-out for silence was over.
        self._silent = False
        # Whether the association ends because the peer did not answer an operation in time.
        self._overdue = False

    @classmethod
    def open(
        cls,
        peer: Peer,
        abstract_syntaxes: Sequence[str],
        stop: StopSignal,
        secured: Callable[[TlsSession], None] | None = None,
    ) -> PeerConnection:
        """Connect to a peer and ask it for an association.

        Args:
            peer: with host and port.
            abstract_syntaxes: UIDs; a presentation context is proposed for each.
            stop: ends the waiting.
            secured: is told what a TLS handshake came to, before the association is asked for.

        Raises:
            NoAssociationError: in the subclass that says why there is none. NoPresentationContextError is
                raised where no abstract syntax at all was accepted; then the connection is closed without
                a release, as DCMTK's clients do. TlsError is raised where the peer is to be spoken to
                over TLS and that fails: never is plain TCP used in its place.
            InterruptedRunError: if the stop signal is set.
            InvalidJobError: if an AE title cannot be sent, or what the job says of TLS or of the user cannot
                be used.
        """
        identity = None
        if peer.user_identity is not None:
            from runner.transport.identity import identity_of

            identity = identity_of(peer, peer.user_identity, stop)
        association = Association(
            Proposal(
                peer.ae_title,
                peer.calling_ae_title,
                peer.max_pdu,
                tuple(dict.fromkeys(abstract_syntaxes)),
                peer.transfer_syntaxes,
                identity,
                peer.extended_negotiation.proposed,
            )
        )
        association.request()
        secure = None
        if peer.tls is not None:
            from runner.transport.tls import security

            secure = security(peer, stop, secured)
        channel = connect(peer, stop, secure)
        connection = cls(peer, channel, association, stop)
        try:
            connection._negotiate()
            connection._check_identity()
            if not any(context.transfer_syntax for context in connection._contexts.values()):
                connection.transfer_syntax(next(iter(connection._contexts)))
        except NoPresentationContextError:
            connection._closed = True
            channel.close()
            raise
        except BaseException:
            connection.close()
            raise
        return connection

    def transfer_syntax(self, abstract_syntax: str) -> TransferSyntax:
        """Return what was negotiated for an abstract syntax.

        Raises:
            NoPresentationContextError: if the peer did not accept it.
            ExtendedNegotiationError: if it did not accept what the job requires for it.
        """
        context = self._contexts.get(abstract_syntax)
        if context is None:
            raise LocalProtocolError(f"a presentation context for {abstract_syntax} was not proposed")
        if context.transfer_syntax is None:
            raise NoPresentationContextError(
                f"the peer accepted the association, but not {_NAMES.get(abstract_syntax, abstract_syntax)}:"
                f" {context.refusal}",
                "try another information model or other transfer syntaxes,"
                " or ask the peer's administrator what it serves",
            )
        self._check_options(abstract_syntax)
        return context.transfer_syntax

    @property
    def accepted(self) -> Accepted:
        """What the peer answered to the association request."""
        assert self._accepted is not None
        return self._accepted

    @property
    def alive(self) -> bool:
        """Whether another operation can be sent: False when either side has ended the association."""
        if self._usable:
            with contextlib.suppress(FindError):
                self._look()
        return self._usable

    def take_oddities(self) -> list[str]:
        """Return what was odd up to now, once; a C-FIND has it in its outcome."""
        oddities, self._oddities = self._oddities, []
        return oddities

    def find(
        self,
        abstract_syntax: str,
        identifier: bytes,
        deliver: Deliver,
        cancel_after: int | None = None,
        undecodable: KeepUndecodable | None = None,
    ) -> FindOutcome:
        """Send a C-FIND and hand on its responses until the final one, whatever its status is.

        Args:
            abstract_syntax: one whose context was accepted.
            identifier: encoded in its transfer syntax.
            deliver: gets identifiers, inflated where the transfer syntax is deflated, and their status,
                in batches as they arrive. What it raises ends the association.
            cancel_after: a C-CANCEL is sent after so many responses; None for never.
            undecodable: gets each identifier that broke off or cannot be inflated, its status, and why.
                Without it, such an identifier goes to `deliver`, and UndecodableIdentifierError is raised
                after the final response.

        Raises:
            FindError: if it does not come to a final response, or a response had no identifier. Its
                `outcome` is what was known.
            InterruptedRunError: if the stop signal was set; the C-FIND has been cancelled. It has an
                `outcome` too.
        """
        syntax = self.transfer_syntax(abstract_syntax)
        finding = Finding(syntax, deliver, undecodable, self.take_oddities())
        try:
            self._check_usable()
            after = cancel_after if cancel_after is not None and cancel_after > 0 else None
            self._association.find(abstract_syntax, identifier, after)
            self._run(finding)
            finding.raise_for_responses()
        except (FindError, InterruptedRunError) as error:
            error.outcome = finding.outcome()
            raise
        outcome = finding.outcome()
        assert isinstance(outcome, FindOutcome)
        return outcome

    def echo(self) -> int:
        """Send a C-ECHO (PS3.7 9.1.5) over the context of the Verification SOP class.

        Returns:
            The status of the response.

        Raises:
            FindError: if there is no response.
            InterruptedRunError: if the stop signal is set.
        """
        self.transfer_syntax(VERIFICATION)
        self._check_usable()
        self._association.echo(VERIFICATION)
        deadline = deadline_after(self._peer.timeouts.dimse)
        try:
            self._send(deadline)
            while True:
                for event in self._receive(deadline, _BEFORE_ECHO):
                    if isinstance(event, FinalResponse):
                        return event.detail.status
                    raise _failure(event, _BEFORE_ECHO)
        except DeadlineError:
            self._overdue = True
            raise DimseTimeoutError(
                f"the peer did not answer the C-ECHO within {self._peer.timeouts.dimse:g} s", _SLOW_ADVICE
            ) from None
        except StoppedError:
            raise InterruptedRunError("interrupted during a C-ECHO") from None

    def close(self) -> str | None:
        """End the association as the peer's `end` says, and the connection; never raises for the peer.

        An association whose operation did not come to its end is aborted. One that the peer has not answered
        is none yet, so that only the connection is closed, as findscu does.

        Returns:
            A warning, if the peer did not end it as it should have.
        """
        if self._closed:
            return None
        self._closed = True
        association = self._association
        try:
            if association.state is not State.ESTABLISHED:
                warning = None
            elif self._peer.end is AssociationEnd.RELEASE and not association.busy:
                warning = self._release()
            else:
                warning = None
            if association.state is not State.AWAITING_ANSWER:
                association.abort()
                self._say_last_words()
        finally:
            self._channel.close()
        return warning

    # --- the phases of an association -----------------------------------------------------------

    def _negotiate(self) -> None:
        """Send the association request and take the answer."""
        limit = self._peer.timeouts.acse
        deadline = deadline_after(limit)
        try:
            self._channel.send(self._association.outgoing(), deadline)
            while not self._contexts:
                for event in self._exchange(self._bytes(deadline)):
                    if self._contexts:
                        self._ended = _failure(event, _BETWEEN)
                    else:
                        self._take_answer(event)
        except DeadlineError:
            raise AssociationTimeoutError(
                f"the peer did not answer the association request {self._waited(limit)}",
                "check that a DICOM service listens on this port and whether it wants TLS,"
                " or raise the ACSE time-out",
            ) from None
        except StoppedError:
            raise InterruptedRunError("interrupted while waiting for the association") from None
        except OSError as error:
            raise _lost_before(
                f"the connection broke before the association request was answered ({_words(error)})"
            ) from None

    def _take_answer(self, event: Event) -> None:
        if isinstance(event, Accepted):
            self._accepted = event
            self._contexts.update(event.contexts)
            self._oddities += event.oddities
            return
        if isinstance(event, Rejected):
            rejected = AssociationRejectedError(event.what, event.advice)
            rejected.transient = event.transient
            raise rejected
        if isinstance(event, Aborted):
            also = " and user_identity" if self._peer.user_identity is not None else ""
            raise _lost_before(
                f"the peer aborted the association request ({describe_abort(event.source, event.reason)})",
                f"check AE titles{also} and the maximum PDU size; the peer's own log says more",
            )
        if isinstance(event, Violation):
            raise AssociationAbortedError(
                f"the answer to the association request cannot be understood: {event.what}",
                event.advice or "check that this is the peer's DICOM port",
            )
        raise _lost_before("the peer closed the connection without answering the association request")

    def _check_identity(self) -> None:
        """Check that the peer confirmed our identity, where that was asked for (PS3.7 D.3.3.7).

        Without it the peer has perhaps not looked at it at all.
        """
        identity = self._peer.user_identity
        if identity is None or self.accepted.answers.identity_response is not None:
            return
        what = "the peer accepted the association, but did not confirm our user identity"
        if identity.positive_response is Wish.REQUIRE:
            raise UserIdentityError(
                f"{what}, so nothing was sent",
                "it may not look at identities at all; if that will do,"
                " set positive_response to true for a warning in place of this, or to false",
            )
        if identity.positive_response is Wish.YES:
            self._oddities.append(f"{what}: it may not have looked at it")

    def _check_options(self, abstract_syntax: str) -> None:
        """Check that the peer accepted the options that the job requires."""
        required = self._peer.extended_negotiation.required
        if not required:
            return
        answered = self.accepted.answers.extended.get(abstract_syntax, {})
        refused = [option for option in required if answered.get(option) is False]
        if refused:
            names = ", ".join(option.value for option in refused)
            raise ExtendedNegotiationError(
                f"the peer accepted {_NAMES.get(abstract_syntax, abstract_syntax)}, but not the extended"
                f" negotiation of {names}, which the job requires, so nothing was sent",
                f"if the queries can do without, set {names} to true in extended_negotiation",
            )

    def _run(self, finding: Finding) -> None:
        """Send what the association has to say, and take responses until the final one."""
        limit = self._peer.timeouts.dimse
        deadline = deadline_after(limit)
        sent = False
        try:
            self._send(deadline)
            sent = True
            self._take_responses(finding, deadline)
        except DeadlineError:
            self._overdue = sent
            raise self._timed_out(finding) from None
        except StoppedError:
            if sent:
                self._interrupt(finding)
            raise InterruptedRunError(f"interrupted {_after(finding)}") from None

    def _take_responses(self, finding: Finding, deadline: float | None) -> None:
        association = self._association
        messages = association.messages
        while finding.detail is None:
            events = self._receive(deadline, _after(finding))
            if not finding.cancelled:
                finding.cancelled = association.cancelled
                if association.messages != messages:
                    # After a cancel the whole rest has that time, since some peers go on for ever.
                    messages = association.messages
                    deadline = deadline_after(self._peer.timeouts.dimse)
            begun = time.monotonic()
            _take(finding, events)
            if deadline is not None:
                # What our sinks take is not the peer's time.
                deadline += time.monotonic() - begun

    def _interrupt(self, finding: Finding) -> None:
        """Cancel the C-FIND and give the peer a little time to end it in order."""
        association = self._association
        deadline = time.monotonic() + INTERRUPTION_GRACE
        finding.cancelled = True
        with contextlib.suppress(DeadlineError, FindError):
            if association.busy:
                association.cancel()
            self._send(deadline, heed_stop=False)
            while finding.detail is None:
                _take(finding, self._receive(deadline, _after(finding), heed_stop=False))

    def _release(self) -> str | None:
        """Ask for the release; what goes wrong now cannot harm what has come."""
        association = self._association
        acse = self._peer.timeouts.acse
        deadline = deadline_after(RELEASE_GRACE if acse is None else min(acse, RELEASE_GRACE))
        association.release()
        try:
            self._channel.send(association.outgoing(), deadline, heed_stop=False)
            while True:
                for event in self._exchange(self._channel.receive(deadline, heed_stop=False)):
                    return _release_warning(event)
        except DeadlineError:
            return "the peer did not answer the release of the association"
        except OSError as error:
            self._lingers = False
            return f"the connection broke during the release of the association ({_words(error)})"

    def _say_last_words(self) -> None:
        """Send what is left to send, and let the peer read it: closing at once may discard it."""
        deadline = time.monotonic() + CLOSING_GRACE
        with contextlib.suppress(OSError, DeadlineError, TlsError):
            words = self._association.outgoing()
            if words:
                self._channel.send(words, deadline, heed_stop=False)
                self._lingers = True
            if self._lingers:
                self._channel.end_sending()
                if self._overdue:
                    self._outwait()
                while self._channel.receive(deadline, heed_stop=False):
                    pass

    def _outwait(self) -> None:
        """Let a peer that is late send what it has, and close, unless we are interrupted."""
        deadline = time.monotonic() + OVERDUE_GRACE
        with contextlib.suppress(StoppedError):
            while self._channel.receive(deadline):
                pass

    # --- plumbing -------------------------------------------------------------------------------

    @property
    def _usable(self) -> bool:
        association = self._association
        return not self._closed and association.state is State.ESTABLISHED and not association.busy

    def _check_usable(self) -> None:
        """Raise if no operation can be sent."""
        if self._stop.is_set():
            raise InterruptedRunError("interrupted")
        if self._usable:
            self._look()
        if not self._usable:
            raise self._ended or ConnectionLostError("the association has ended", "open a fresh one")

    def _look(self) -> None:
        """Take what came while no operation was going on: the peer may have ended the association."""
        try:
            while (data := self._channel.receive_now()) is not None:
                for event in self._exchange(data):
                    raise _failure(event, _BETWEEN)
        except OSError as error:
            self._ended = self._lost(error, _BETWEEN)
            raise self._ended from None
        except FindError as error:
            self._ended = error
            raise

    def _send(self, deadline: float | None, *, heed_stop: bool = True) -> None:
        """Send what the association has to say."""
        # A connection that is broken may still hold why: reading tells.
        with contextlib.suppress(OSError):
            self._channel.send(self._association.outgoing(), deadline, heed_stop=heed_stop)

    def _receive(self, deadline: float | None, when: str, *, heed_stop: bool = True) -> Sequence[Event]:
        """Wait for bytes and return what they mean; `when` says in a message how far things were."""
        try:
            return self._exchange(self._bytes(deadline, heed_stop=heed_stop))
        except OSError as error:
            raise self._lost(error, when) from None

    def _exchange(self, data: memoryview) -> Sequence[Event]:
        """Hand bytes to the association, none for the end, and send at once what it answers."""
        association = self._association
        if data:
            events = association.receive(data)
        else:
            events = association.receive_end()
            self._lingers = False
        answer = association.outgoing()
        if answer:
            self._lingers = association.state is State.ENDED
            # What has come is worth more than the answer; that the connection is broken shows soon enough.
            with contextlib.suppress(OSError, DeadlineError):
                self._channel.send(answer, time.monotonic() + CLOSING_GRACE, heed_stop=False)
        return events

    def _lost(self, error: OSError, when: str) -> ConnectionLostError:
        """Note that the connection is broken."""
        self._association.abort()
        self._association.outgoing()
        self._lingers = False
        return ConnectionLostError(f"the connection broke {when} ({_words(error)})", _LOST_ADVICE)

    def _bytes(self, deadline: float | None, *, heed_stop: bool = True) -> memoryview:
        """Wait for bytes; in the middle of a PDU no longer than the peer may be silent."""
        silence = self._peer.timeouts.silence
        if silence is None or not self._association.amid_pdu:
            return self._channel.receive(deadline, heed_stop=heed_stop)
        soon = time.monotonic() + silence
        if deadline is not None and deadline <= soon:
            return self._channel.receive(deadline, heed_stop=heed_stop)
        try:
            return self._channel.receive(soon, heed_stop=heed_stop)
        except DeadlineError:
            self._silent = True
            raise

    def _waited(self, limit: float | None) -> str:
        """Say in a message which time-out was over, that for a message or that for silence."""
        if self._silent or limit is None:
            return f"(the peer was silent for {self._peer.timeouts.silence:g} s in the middle of a PDU)"
        return f"within {limit:g} s"

    def _timed_out(self, finding: Finding) -> DimseTimeoutError:
        limit = self._waited(self._peer.timeouts.dimse)
        if finding.cancelled and not self._silent:
            ignored = DimseTimeoutError(
                f"the peer did not end the C-FIND {limit} of the C-CANCEL, {_after(finding)}",
                "it seems to ignore C-CANCEL: leave out cancel_after and narrow the query,"
                " or raise the DIMSE time-out",
            )
            ignored.transient = False
            return ignored
        return DimseTimeoutError(f"no whole message came {limit} {_after(finding)}", _SLOW_ADVICE)


def _lost_before(what: str, advice: str = _NO_ANSWER_ADVICE) -> AssociationAbortedError:
    """Return the error for an association request that was not answered, though it may be the next time."""
    error = AssociationAbortedError(what, advice)
    error.transient = True
    return error


def _take(finding: Finding, events: Iterable[Event]) -> None:
    """Take what happened during a C-FIND; raises FindError for what ends it before the final response."""
    for event in events:
        if isinstance(event, Responses):
            finding.take(event.identifiers, event.status)
        elif isinstance(event, FinalResponse):
            finding.detail = event.detail
        elif isinstance(event, TruncatedResponse):
            finding.keep(event.identifier, event.status, UndecodableIdentifierError("it broke off"))
        elif isinstance(event, ResponseWithoutIdentifier):
            finding.without_identifier += 1
        elif isinstance(event, Oddity):
            finding.note(event.what)
        elif finding.detail is None:
            raise _failure(event, _after(finding))


def _failure(event: Event, when: str) -> FindError:
    """Return the error for an event that ends an established association."""
    if isinstance(event, Aborted):
        return PeerAbortedError(
            f"the peer aborted the association {when} ({describe_abort(event.source, event.reason)})",
            "the peer's own log says why; it may not allow this calling AE title to query",
        )
    if isinstance(event, ReleaseRequested):
        return PeerAbortedError(f"the peer released the association {when}", _LOST_ADVICE)
    if isinstance(event, Violation):
        return RemoteProtocolError(f"the peer sent {event.what}, {when}", event.advice or _BROKEN_ADVICE)
    return ConnectionLostError(f"the peer closed the connection {when}", _LOST_ADVICE)


def _release_warning(event: Event) -> str | None:
    """Return what is to be said of the answer to our release."""
    if isinstance(event, Released):
        return None
    if isinstance(event, Aborted):
        how = f"aborted the association ({describe_abort(event.source, event.reason)})"
    elif isinstance(event, Violation):
        how = f"sent {event.what}"
    else:
        how = "closed the connection"
    return f"in place of answering the release of the association, the peer {how}"


def _after(finding: Finding) -> str:
    """Return how far a C-FIND came."""
    count = finding.responses
    return "before any response" if not count else f"after {count} response{'s' if count > 1 else ''}"


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__


#: Abstract syntaxes as people call them.
_NAMES = {
    VERIFICATION: "C-ECHO",
    "1.2.840.10008.5.1.4.1.2.1.1": "C-FIND in the patient root model",
    "1.2.840.10008.5.1.4.1.2.2.1": "C-FIND in the study root model",
    "1.2.840.10008.5.1.4.1.2.3.1": "C-FIND in the patient/study only model",
    "1.2.840.10008.5.1.4.31": "C-FIND in the worklist model",
}
