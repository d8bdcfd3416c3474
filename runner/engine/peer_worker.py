"""Runs the operations of one peer, one after the other, over as few associations as it allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from runner.dicom.encoding import encode
from runner.dicom.layout import Layout
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine.delivery import Delivery
from runner.engine.result import OperationResult, Verdict
from runner.engine.verdict import judge
from runner.errors import (
    CfindError,
    ConnectionLostError,
    FindError,
    InterruptedRunError,
    NoAssociationError,
    NoPresentationContextError,
    PeerAbortedError,
    UndecodableIdentifierError,
)
from runner.model import Peer
from runner.plan import Operation
from runner.sinks.base import Batch, Find
from runner.transport.connection import FindOutcome, PeerConnection
from runner.transport.stop_signal import StopSignal


class PeerWorker:
    """One thread's work at one peer.

    Args:
        peer: with an address, also where the job names an archive.
        abstract_syntaxes: the SOP classes that the job asks this peer for.
        take: gives the next operation, None where there is none left; safe to call from several threads.
        delivery: where responses go.
        stop: ends the work in order.
        warn: is told what did no harm: where and what.
        opened: is told of each association.
        started: is told of each operation.
    """

    def __init__(
        self,
        peer: Peer,
        abstract_syntaxes: Sequence[str],
        take: Callable[[], Operation | None],
        delivery: Delivery,
        stop: StopSignal,
        warn: Callable[[str, str], None],
        opened: Callable[[Peer], None],
        started: Callable[[Operation], None],
    ) -> None:
        self._peer = peer
        self._abstract_syntaxes = abstract_syntaxes
        self._take = take
        self._delivery = delivery
        self._stop = stop
        self._warn = warn
        self._opened = opened
        self._started = started
        self._connection: PeerConnection | None = None
        self._served = 0
        self._limit = peer.operations_per_association
        self._given_up: CfindError | None = None
        self._layouts: dict[TransferSyntax, Layout] = {}

    def results(self) -> Iterator[OperationResult]:
        """Run operations until none is left or the run is stopped; one result each."""
        try:
            while not self._stop.is_set():
                operation = self._take()
                if operation is None:
                    break
                yield self._run(operation)
        finally:
            self._close()

    def _run(self, operation: Operation) -> OperationResult:
        if self._given_up is not None:
            return _failed(operation, self._given_up)
        self._started(operation)
        progress = _Progress(operation)
        try:
            outcome = self._find(operation, progress)
        except InterruptedRunError as error:
            return progress.result(Verdict.INCOMPLETE, error)
        except CfindError as error:
            known = getattr(error, "outcome", None)
            return progress.result(Verdict.FAILED, error, known)
        verdict, failure = judge(outcome.detail, outcome.responses, cancelled=outcome.cancelled)
        return progress.result(verdict, failure, outcome)

    def _find(self, operation: Operation, progress: _Progress) -> FindOutcome:
        """Send one C-FIND; a peer that gives only one each association gets a fresh one for the next."""
        connection = self._association()
        used = self._served > 0
        try:
            return self._send(connection, operation, progress)
        except (ConnectionLostError, PeerAbortedError):
            # It may have ended the association after its last answer, while our request was on the way.
            if not used or progress.responses or not self._peer.reopen or self._stop.is_set():
                raise
            self._limit = 1
            self._close()
        return self._send(self._association(), operation, progress)

    def _association(self) -> PeerConnection:
        connection = self._connection
        if connection is not None:
            spent = self._limit is not None and self._served >= self._limit
            if connection.alive and not spent:
                return connection
            lost = not connection.alive
            self._close()
            if lost and not self._peer.reopen:
                self._given_up = ConnectionLostError(
                    "not sent, since the association ended before", "let the job reopen associations"
                )
                raise self._given_up
        try:
            connection = PeerConnection.open(self._peer, self._abstract_syntaxes, self._stop)
        except NoPresentationContextError:
            raise
        except NoAssociationError as error:
            # The operations that are left would wait for the same time-out, one by one.
            self._given_up = error
            raise
        self._connection, self._served = connection, 0
        self._opened(self._peer)
        return connection

    def _send(self, connection: PeerConnection, operation: Operation, progress: _Progress) -> FindOutcome:
        abstract_syntax = operation.model.sop_class_uid
        syntax = connection.transfer_syntax(abstract_syntax)
        progress.transfer_syntax = syntax
        find = Find(operation, syntax)
        layout = self._layout(syntax, operation)
        delivery = self._delivery
        has_sinks = delivery.wanted

        def deliver(identifiers: Sequence[bytes], status: int) -> None:
            undecodable = layout.check(identifiers)
            if undecodable:
                progress.note_undecodable(undecodable)
            first = progress.responses + 1
            progress.responses += len(identifiers)
            if has_sinks:
                delivery.write(Batch(find, first, status, identifiers, undecodable))

        identifier = encode(operation.identifier, syntax, self._peer.deflate_level)
        self._served += 1
        progress.begin()
        outcome = connection.find(abstract_syntax, identifier, deliver, operation.query.cancel_after)
        progress.end()
        delivery.finish(find, outcome.detail)
        return outcome

    def _layout(self, syntax: TransferSyntax, operation: Operation) -> Layout:
        layout = self._layouts.get(syntax)
        if layout is None:
            layout = self._layouts[syntax] = Layout(syntax, operation.dictionary)
        return layout

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            warning = connection.close()
            if warning:
                self._warn(f"peer {self._peer.name}", warning)


class _Progress:
    """What is known of an operation while it runs."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.responses = 0
        self.transfer_syntax: TransferSyntax | None = None
        self._undecodable = 0
        self._first_undecodable: tuple[int, UndecodableIdentifierError] | None = None
        self._begun = self._ended = 0.0

    def begin(self) -> None:
        self._begun = time.monotonic()

    def end(self) -> None:
        self._ended = time.monotonic()

    def note_undecodable(self, errors: dict[int, UndecodableIdentifierError]) -> None:
        if self._first_undecodable is None:
            index = min(errors)
            self._first_undecodable = (self.responses + index + 1, errors[index])
        self._undecodable += len(errors)

    def result(
        self, verdict: Verdict, error: CfindError | None, outcome: FindOutcome | None = None
    ) -> OperationResult:
        if self._first_undecodable is not None and not isinstance(error, FindError):
            number, why = self._first_undecodable
            verdict = Verdict.FAILED
            error = UndecodableIdentifierError(
                f"{self._undecodable} of {self.responses} responses cannot be decoded"
                f" (the first is response {number}: {why.what} at byte {why.offset})",
                "their bytes are kept as they came; the peer or something on the way is broken",
            )
        detail = outcome.detail if outcome is not None else None
        return OperationResult(
            operation=self.operation,
            verdict=verdict,
            status=detail.status if detail is not None else None,
            responses=self.responses,
            undecodable=self._undecodable,
            error=error,
            warnings=outcome.oddities if outcome is not None else (),
            transfer_syntax=self.transfer_syntax,
            seconds=max(0.0, (self._ended or time.monotonic()) - self._begun) if self._begun else 0.0,
            unsupported_keys=outcome.pending_warnings if outcome is not None else 0,
        )


def _failed(operation: Operation, error: CfindError) -> OperationResult:
    return OperationResult(operation, Verdict.FAILED, error=error)
