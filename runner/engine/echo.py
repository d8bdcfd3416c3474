"""C-ECHO: whether a peer is there and speaks DICOM (PS3.7 9.1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from runner.engine.address import reachable
from runner.errors import FailureStatusError
from runner.model import InformationModel, Peer
from runner.status import meaning
from runner.transport.connection import VERIFICATION, PeerConnection
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from runner.association.events import Accepted
    from runner.transport.tls_session import TlsSession


def echo(
    peer: Peer,
    models: Iterable[InformationModel],
    stop: StopSignal,
    secured: Callable[[TlsSession], None],
    accepted: Callable[[Accepted], None],
) -> list[str]:
    """Send one C-ECHO.

    Where the job asks the peer for extended negotiation, it is negotiated too, for the models that the job
    asks this peer for.

    Args:
        peer: to whom.
        models: those that the job asks it for.
        stop: ends the waiting.
        secured: is told what the TLS handshake came to, before the association is asked for.

        accepted: is told what was negotiated.

    Returns:
        Warnings: of the negotiation, and of an association that did not end as it should have.

    Raises:
        NoAssociationError: if there is no association, or the peer does not accept C-ECHO.
        FindError: if the peer does not answer, or with another status than success.
    """
    with ExitStack() as stack:
        extended = peer.extended_negotiation
        negotiated = [model for model in models if extended.proposed_for(model)]
        abstract_syntaxes = (VERIFICATION, *(model.sop_class_uid for model in negotiated))
        connection = PeerConnection.open(reachable(peer, stack, _ignore), abstract_syntaxes, stop, secured)
        try:
            accepted(connection.accepted)
            warnings = connection.take_oddities()
            connection.transfer_syntax(VERIFICATION)
            for model in negotiated:
                if extended.required_for(model):
                    connection.transfer_syntax(model.sop_class_uid)
            status = connection.echo()
        finally:
            warning = connection.close()
    if status != 0:
        raise FailureStatusError(
            f"the peer answered the C-ECHO with status 0x{status:04X} ({meaning(status).text})"
        )
    return warnings if warning is None else [*warnings, warning]


def _ignore(_text: str) -> None:
    """C-ECHO asks for no file."""
