"""Serve an archive until told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.archive.server import ArchiveServer

if TYPE_CHECKING:
    from ssl import SSLContext


class Stop(Protocol):
    """What says that it is time to stop."""

    def is_set(self) -> bool:
        """Whether it is."""


def serve(
    folder: Path,
    host: str,
    port: int,
    ae_title: str | None,
    stop: Stop,
    announce: Callable[[str], None],
    warn: Callable[[str], None],
    secured: SSLContext | None = None,
) -> None:
    """Serve a folder of DICOM files as a C-FIND SCP until `stop` is set.

    Args:
        folder: is read once.
        host: an address or name of this machine.
        port: 0 for one that the system chooses.
        ae_title: the called AE title that is accepted; None for any.
        stop: is looked at ten times a second.
        announce: is told the address once it listens.
        warn: is told of each file that is not served, and of each TLS handshake that fails.
        secured: the settings of TLS, None for plain TCP.

    Raises:
        ArchiveError: the folder cannot be read, or the address cannot be listened on.
    """
    with ArchiveServer.start(folder, host, port, ae_title, secured, warn) as server:
        shown_host, shown_port = server.address
        announce(f"listening on {f'[{shown_host}]' if ':' in shown_host else shown_host}:{shown_port}")
        for path, why in server.skipped:
            warn(f"not served: {path.relative_to(folder)}: {why}")
        while not stop.is_set():
            time.sleep(0.1)
