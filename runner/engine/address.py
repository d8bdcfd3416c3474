"""Where a peer is: embedded archives are served on loopback for as long as they are needed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from runner.model import Peer


def reachable(peer: Peer, stack: ExitStack) -> Peer:
    """Return a peer with an address; its archive, if it has one, is served until `stack` is closed.

    Raises:
        ArchiveError: if the archive cannot be served.
    """
    if peer.archive is None:
        return peer
    from runner.archive.server import ArchiveServer

    host, port = stack.enter_context(ArchiveServer.start(peer.archive)).address
    return replace(peer, host=host, port=port)
