"""Where a peer is: embedded archives are served on loopback for as long as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from runner.model import Peer


@contextmanager
def reachable(peers: Sequence[Peer]) -> Iterator[list[Peer]]:
    """Serve the archives of `peers`, and give the peers, each with an address.

    Raises:
        ArchiveError: if an archive cannot be served.
    """
    with ExitStack() as stack:
        yield [_with_address(peer, stack) for peer in peers]


def _with_address(peer: Peer, stack: ExitStack) -> Peer:
    if peer.archive is None:
        return peer
    from runner.archive.server import ArchiveServer

    host, port = stack.enter_context(ArchiveServer.start(peer.archive)).address
    return replace(peer, host=host, port=port)
