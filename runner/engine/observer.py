"""What the engine tells while it runs; whoever watches prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.engine.result import OperationResult
from runner.model import Peer
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession


class Observer(Protocol):
    """Is told of a run's events, from any thread, one call at a time."""

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


class SilentObserver:
    """Tells nobody."""

    def connection_secured(self, peer: Peer, session: TlsSession) -> None:
        """Do nothing."""

    def association_opened(self, peer: Peer) -> None:
        """Do nothing."""

    def operation_started(self, operation: Operation) -> None:
        """Do nothing."""

    def operation_finished(self, result: OperationResult) -> None:
        """Do nothing."""

    def warning(self, where: str, text: str) -> None:
        """Do nothing."""
