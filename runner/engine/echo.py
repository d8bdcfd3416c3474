"""C-ECHO: whether a peer is there and speaks DICOM (PS3.7 9.1.5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from runner.engine.address import reachable
from runner.errors import FailureStatusError
from runner.model import Peer
from runner.status import meaning
from runner.transport.connection import VERIFICATION, PeerConnection
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession


def echo(peer: Peer, stop: StopSignal, secured: Callable[[TlsSession], None] | None = None) -> str | None:
    """Send one C-ECHO.

    Args:
        peer: to whom.
        stop: ends the waiting.
        secured: is told what the TLS handshake came to, before the association is asked for.

    Returns:
        A warning, if the association did not end as it should have.

    Raises:
        NoAssociationError: if there is no association, or the peer does not accept C-ECHO.
        FindError: if the peer does not answer, or with another status than success.
    """
    with ExitStack() as stack:
        connection = PeerConnection.open(reachable(peer, stack, _ignore), (VERIFICATION,), stop, secured)
        try:
            connection.transfer_syntax(VERIFICATION)
            status = connection.echo()
        finally:
            warning = connection.close()
    if status != 0:
        raise FailureStatusError(
            f"the peer answered the C-ECHO with status 0x{status:04X} ({meaning(status).text})"
        )
    return warning


def _ignore(_text: str) -> None:
    """C-ECHO asks for no file."""
