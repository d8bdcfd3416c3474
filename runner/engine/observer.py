"""What the engine tells while it runs; whoever watches prints or counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.engine.result import OperationResult
from runner.model import Job, Peer
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession


class RunProgress(Protocol):
    """How far a run is; for any thread at any time, without holding the run up."""

    def planned(self, peer: str) -> int | None:
        """Return how many operations a peer gets in all; None where others may follow from them."""

    def received(self, peer: str) -> int:
        """Return how many responses of a peer have come, those of operations that go on among them."""


class Observer(Protocol):
    """Is told of a run's events, from any thread, one call at a time."""

    def run_begun(self, job: Job, progress: RunProgress) -> None:
        """Note that a run begins, and whom to ask how far it is."""

    def connection_secured(self, peer: Peer, session: TlsSession) -> None:
        """Note what the first TLS handshake with a peer came to; no association is asked for yet."""

    def association_opened(self, peer: Peer) -> None:
        """Note that the peer accepted an association."""

    def operation_started(self, operation: Operation) -> None:
        """Note that a C-FIND is about to be sent."""

    def operation_finished(self, result: OperationResult) -> None:
        """Note what came of a C-FIND."""

    def warning(self, where: str, text: str) -> None:
        """Note what did no harm, but should be known."""

    def waiting(self, peer: Peer, text: str) -> None:
        """Note that a peer is left alone as the job wants it, and until when."""


class Observers:
    """Several observers side by side: each is told of everything, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def run_begun(self, job: Job, progress: RunProgress) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.run_begun(job, progress)

    def connection_secured(self, peer: Peer, session: TlsSession) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.connection_secured(peer, session)

    def association_opened(self, peer: Peer) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.association_opened(peer)

    def operation_started(self, operation: Operation) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.operation_started(operation)

    def operation_finished(self, result: OperationResult) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.operation_finished(result)

    def warning(self, where: str, text: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.warning(where, text)

    def waiting(self, peer: Peer, text: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.waiting(peer, text)
