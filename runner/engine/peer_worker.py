"""Runs the operations of one peer, one after the other, over as few associations as it allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from runner.dicom.encoding import EncodingError, encode
from runner.dicom.identifier import Path
from runner.dicom.layout import Layout
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine.delivery import Delivery
from runner.engine.operation_queue import LeftToOthersError, OperationQueue
from runner.engine.result import OperationResult, Verdict
from runner.engine.screening import Screening
from runner.engine.verdict import Judgement, judge
from runner.errors import (
    CfindError,
    ConnectionLostError,
    FindError,
    InterruptedRunError,
    InvalidJobError,
    NoAssociationError,
    NoPresentationContextError,
    OutsideWindowError,
    PeerAbortedError,
    UndecodableIdentifierError,
)
from runner.model import Peer, QueryOption
from runner.plan import Operation
from runner.sinks.base import Batch, Find
from runner.status import FindOutcome, UnfinishedFind
from runner.transport.connection import PeerConnection
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from runner.association.events import Accepted
    from runner.dicom.attribute_columns import ColumnReader
    from runner.engine.restraint import Restraint
    from runner.transport.tls_session import TlsSession


class PeerWorker:
    """One thread's work at one peer.

    Args:
        peer: with an address, also where the job names an archive.
        abstract_syntaxes: the SOP classes that the job asks this peer for.
        queue: gives the operations; the worker joins it at once.
        delivery: where responses go.
        stop: ends the work in order.
        warn: is told what did no harm: where and what.
        secured: is told of each TLS handshake.
        opened: is told of each association, and what was negotiated.
        started: is told of each request, right before it is sent.
        screening: makes what looks at the responses of an operation before they go to the sinks, for what the
            peer agreed to.
        restraint: holds all workers of the peer back, and says what is tried again; None where nothing does.
        unreachable: why nothing can be sent to the peer, where that is known.

    Attributes:
        queue: as given.
        received: how many responses have come, of all operations so far; for other threads to look at.
    """

    def __init__(
        self,
        peer: Peer,
        abstract_syntaxes: Sequence[str],
        queue: OperationQueue,
        delivery: Delivery,
        stop: StopSignal,
        warn: Callable[[str, str], None],
        secured: Callable[[Peer, TlsSession], None],
        opened: Callable[[Peer, Accepted], None],
        started: Callable[[Operation], None],
        screening: Callable[[Operation, Iterable[QueryOption]], Screening | None],
        restraint: Restraint | None = None,
        unreachable: CfindError | None = None,
    ) -> None:
        self._peer = peer
        self._abstract_syntaxes = abstract_syntaxes
        self.queue = queue
        self.received = 0
        self._delivery = delivery
        self._stop = stop
        self._warn = warn
        self._secured = partial(secured, peer)
        self._opened = opened
        self._started = started
        self._connection: PeerConnection | None = None
        self._served = 0
        self._limit = peer.operations_per_association
        self._given_up = unreachable
        # Whether the peer gave an association the last time that it was asked.
        self._obliging = False
        self._layouts: dict[TransferSyntax, Layout] = {}
        self._screening = screening
        self._restraint = restraint
        self._readers: dict[tuple[TransferSyntax, tuple[Path, ...]], ColumnReader] = {}
        queue.join(self)

    def results(self) -> Generator[OperationResult, None, None]:
        """Run operations until none is left or the run is stopped; one result each."""
        try:
            while not self._stop.is_set():
                operation = self.queue.take(self)
                if operation is None:
                    break
                result = self._run(operation)
                if result is None:
                    break
                yield result
        finally:
            self.queue.leave(self)
            self._close()

    def _run(self, operation: Operation) -> OperationResult | None:
        """Run an operation; None where it is left to the other workers."""
        progress = _Progress(operation)
        try:
            if self._given_up is not None:
                raise self._given_up
            outcome, judgement = self._answer(operation, progress)
        except LeftToOthersError:
            return None
        except InterruptedRunError as error:
            if self._delivery.vain:
                error.what = "broken off, since no sink is left that works"
            return progress.result(Verdict.INCOMPLETE, error, error.outcome)
        except CfindError as error:
            is_left = error is self._given_up and not progress.failures
            if is_left and self.queue.give_back(self, operation, error):
                return None
            return progress.result(Verdict.FAILED, error, getattr(error, "outcome", None))
        return progress.result(judgement.verdict, judgement.error, outcome, judgement)

    def _answer(self, operation: Operation, progress: _Progress) -> tuple[FindOutcome, Judgement]:
        """Send a C-FIND, again where that is to be tried, and judge what came of it."""
        expect = operation.query.expect
        # what is split is wanted in full: too much for the peer is then a reason to cut
        expected = expect.statuses if expect is not None and operation.query.split is None else ()
        while True:
            if self._restraint is not None:
                self._restraint.hold(self._close)
            progress.begin_attempt()
            error: CfindError | None
            try:
                outcome = self._find(operation, progress)
                judgement = judge(outcome, self._peer.result_limit, expected)
                error = judgement.error
                # what is too much for the peer is cut into parts, if that may be
                if not self._tries_again(error, progress) or (judgement.cap and operation.query.split):
                    return outcome, judgement
            except FindError as failure:
                if not (self._peer.reopen and self._tries_again(failure, progress)):
                    raise
                error = failure
                self._close()
            assert error is not None
            progress.note_failure(error)
            assert self._restraint is not None
            self._restraint.wait_after(progress.failures, self._close)

    def _tries_again(self, error: CfindError | None, progress: _Progress) -> bool:
        """Whether an operation that was sent is to be sent again; not after what is kept as it came."""
        if self._restraint is None or error is None or not error.transient or progress.undecodable:
            return False
        return progress.failures < self._restraint.attempts and not self._stop.is_set()

    def _find(self, operation: Operation, progress: _Progress) -> FindOutcome:
        """Send one C-FIND; a peer that ends associations after some gets a fresh one for the next."""
        connection = self._association(operation, progress)
        self.queue.keep(self)
        served = self._served
        try:
            return self._send(connection, operation, progress)
        except (ConnectionLostError, PeerAbortedError):
            # It may have ended the association after its last answer, while our request was on the way.
            if not served or progress.responses or not self._peer.reopen or self._stop.is_set():
                raise
        self._close()
        if self._restraint is not None:
            self._restraint.hold(self._close)
        asked = progress.attempts
        connection = self._association(operation, progress)
        was_there = progress.attempts == asked + 1
        outcome = self._send(connection, operation, progress)
        # So it was the association, not the request: from now on none is sent where it would be lost.
        if was_there:
            self._limit = served
        return outcome

    def _association(self, operation: Operation, progress: _Progress) -> PeerConnection:
        connection = self._connection
        if connection is not None:
            spent = self._limit is not None and self._served >= self._limit
            if connection.alive and not spent:
                progress.attempts += 1
                return connection
            lost = not connection.alive
            self._close()
            if lost and not self._peer.reopen:
                self._given_up = ConnectionLostError(
                    "not sent, since the association ended before", "let the job reopen associations"
                )
                raise self._given_up
        try:
            connection = self._connect(operation, progress)
        except OutsideWindowError:
            raise
        except NoPresentationContextError as error:
            # It names one model; the operations of the others need a message of their own.
            if len(self._abstract_syntaxes) == 1:
                self._given_up = error
            raise
        except NoAssociationError as error:
            # The operations that are left would wait for the same time-out, one by one. A peer that was
            # there a moment ago may only be slow to let its last association go: it is asked once more.
            if self._restraint is not None and self._restraint.attempts and error.transient:
                self._given_up = self._restraint.given_up
            elif not self._obliging:
                self._given_up = error
            self._obliging = False
            raise
        self._connection, self._served, self._obliging = connection, 0, True
        self._opened(self._peer, connection.accepted)
        return connection

    def _connect(self, operation: Operation, progress: _Progress) -> PeerConnection:
        """Ask for an association, as often as that is to be tried."""

        def connect() -> PeerConnection:
            progress.attempts += 1
            return PeerConnection.open(self._peer, self._abstract_syntaxes, self._stop, self._secured)

        if self._restraint is None:
            return connect()

        def give_back(error: CfindError) -> bool:
            # only this worker knows what an earlier attempt has delivered
            return not progress.failures and self.queue.give_back(self, operation, error)

        return self._restraint.reach(self, connect, give_back)

    def _send(self, connection: PeerConnection, operation: Operation, progress: _Progress) -> FindOutcome:
        abstract_syntax = operation.model.sop_class_uid
        syntax = connection.transfer_syntax(abstract_syntax)
        progress.transfer_syntax = syntax
        find = Find(operation, syntax)
        extended = connection.accepted.answers.extended.get(abstract_syntax, {})
        agreed = [option for option, taken in extended.items() if taken]
        screening = progress.screening
        if progress.failures and screening is not None:
            screening.begin_attempt()
        else:
            progress.screening = screening = self._screening(operation, agreed)
        if screening is None:
            layout = self._layout(syntax, operation)
        else:
            reader = self._reader(syntax, operation, screening.paths)
        delivery = self._delivery
        has_sinks = delivery.wanted

        def deliver(identifiers: Sequence[bytes], status: int) -> None:
            undecodable: Mapping[int, UndecodableIdentifierError]
            still_undecodable: Mapping[int, UndecodableIdentifierError]
            if screening is None:
                undecodable = layout.check(identifiers)
                passed, still_undecodable = identifiers, undecodable
            else:
                undecodable, passed, still_undecodable = screening.look(reader, identifiers)
            if undecodable:
                progress.note_undecodable(undecodable)
            first = progress.delivered + 1
            progress.responses += len(identifiers)
            self.received += len(identifiers)
            progress.delivered += len(passed)
            if has_sinks and passed:
                delivery.write(Batch(find, first, status, passed, still_undecodable))

        def keep(identifier: bytes, status: int, why: UndecodableIdentifierError) -> None:
            progress.note_undecodable({0: why})
            progress.responses += 1
            self.received += 1
            progress.delivered += 1
            if has_sinks:
                delivery.write(Batch(find, progress.delivered, status, (identifier,), {0: why}))

        identifier = _encoded(operation, syntax, self._peer.deflate_level)
        self._served += 1
        self._started(operation)
        progress.begin()
        outcome = connection.find(abstract_syntax, identifier, deliver, operation.query.cancel_after, keep)
        progress.end()
        delivery.finish(find, outcome.detail)
        return outcome

    def _layout(self, syntax: TransferSyntax, operation: Operation) -> Layout:
        layout = self._layouts.get(syntax)
        if layout is None:
            layout = self._layouts[syntax] = Layout(syntax, operation.dictionary)
        return layout

    def _reader(self, syntax: TransferSyntax, operation: Operation, paths: tuple[Path, ...]) -> ColumnReader:
        """Return what finds attributes in identifiers; it has learned from the operations before."""
        from runner.dicom.attribute_columns import ColumnReader

        reader = self._readers.get((syntax, paths))
        if reader is None:
            reader = self._readers[syntax, paths] = ColumnReader(syntax, operation.dictionary, paths)
        return reader

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._restraint is not None:
                self._restraint.ended()
            warning = connection.close()
            if warning:
                self._warn(f"peer {self._peer.name}", warning)


class _Progress:
    """What is known of an operation while it runs."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        # Pending responses that brought an identifier, whole or not.
        self.responses = 0
        # How many of them went on to the sinks.
        self.delivered = 0
        self.screening: Screening | None = None
        self.transfer_syntax: TransferSyntax | None = None
        # How many times it was tried, and how many of them, once sent, failed and were not the last.
        self.attempts = 0
        self.failures = 0
        self._notes: list[str] = []
        self.undecodable = 0
        self._first_undecodable: tuple[int, UndecodableIdentifierError] | None = None
        self._begun = self._ended = 0.0

    def begin(self) -> None:
        self._begun = time.monotonic()

    def end(self) -> None:
        self._ended = time.monotonic()

    def note_undecodable(self, errors: Mapping[int, UndecodableIdentifierError]) -> None:
        """Note errors by index into the identifiers that are counted next."""
        if self._first_undecodable is None:
            index = min(errors)
            self._first_undecodable = (self.responses + index + 1, errors[index])
        self.undecodable += len(errors)

    def begin_attempt(self) -> None:
        """Forget what the attempt before has counted; what it has delivered stays so."""
        self.responses = 0
        self._begun = self._ended = 0.0

    def note_failure(self, error: CfindError) -> None:
        """Note why an attempt failed that is not the last."""
        self.failures += 1
        self._notes.append(f"attempt {self.attempts} failed: {error.what}")

    def result(
        self,
        verdict: Verdict,
        error: CfindError | None,
        outcome: FindOutcome | UnfinishedFind | None,
        judgement: Judgement | None = None,
    ) -> OperationResult:
        if self._first_undecodable is not None and not isinstance(error, FindError):
            number, why = self._first_undecodable
            place = f" at byte {why.offset}" if why.offset else ""
            verdict = Verdict.FAILED
            error = UndecodableIdentifierError(
                f"{self.undecodable} of {self.responses} responses cannot be decoded"
                f" (the first is response {number}: {why.what}{place})",
                "their bytes are kept as they came; the peer or something on the way is broken",
            )
        detail = outcome.detail if outcome is not None else None
        return OperationResult(
            operation=self.operation,
            verdict=verdict,
            status=detail.status if detail is not None else None,
            responses=self.responses,
            undecodable=self.undecodable,
            error=error,
            warnings=(
                *self._notes,
                *(outcome.oddities if outcome else ()),
                *(judgement.notes if judgement else ()),
            ),
            transfer_syntax=self.transfer_syntax,
            seconds=max(0.0, (self._ended or time.monotonic()) - self._begun) if self._begun else 0.0,
            unsupported_keys=outcome.pending_warnings if outcome is not None else 0,
            cancelled=outcome.cancelled if outcome is not None else False,
            cap=judgement.cap if judgement is not None else None,
            delivered=self.delivered,
            screened=self.screening.screened() if self.screening is not None else None,
            attempts=self.attempts,
        )


def _encoded(operation: Operation, syntax: TransferSyntax, deflate_level: int) -> bytes:
    """Return the identifier as it is sent.

    Raises:
        InvalidJobError: if the transfer syntax that the peer chose has no room for a value.
    """
    try:
        return encode(operation.identifier, syntax, deflate_level)
    except EncodingError as error:
        raise InvalidJobError(
            f"the identifier cannot be sent in the transfer syntax that the peer chose: {error}",
            "correct the value, or let the peer's transfer_syntaxes name others",
        ) from None
