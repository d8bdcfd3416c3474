"""Where a peer is, for people."""

from __future__ import annotations

from runner.model import Peer


def address(peer: Peer) -> str:
    """Return where a peer is, for people."""
    if peer.archive is not None:
        return f"the embedded archive {peer.archive}"
    host = f"[{peer.host}]" if ":" in peer.host else peer.host
    return f"{host}:{peer.port}"
