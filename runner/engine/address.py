"""Where a peer is: embedded archives are served on loopback for as long as they are needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from runner.model import Peer

#: So many files that are not served are named, the rest is counted.
_MAX_NAMED = 5


def reachable(peer: Peer, stack: ExitStack, warn: Callable[[str], None]) -> Peer:
    """Return a peer with an address; its archive, if it has one, is served until `stack` is closed.

    Args:
        peer: as the job has it.
        stack: ends the serving.
        warn: is told of files of the archive that are not served.

    Raises:
        ArchiveError: if the archive cannot be served.
    """
    if peer.archive is None:
        return peer
    from runner.archive.server import ArchiveServer

    server = stack.enter_context(ArchiveServer.start(peer.archive))
    for path, why in server.skipped[:_MAX_NAMED]:
        warn(f"the archive does not serve {path}: {why}")
    if len(server.skipped) > _MAX_NAMED:
        warn(f"the archive does not serve {len(server.skipped)} files in all")
    host, port = server.address
    return replace(peer, host=host, port=port)
