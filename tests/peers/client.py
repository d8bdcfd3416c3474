"""Our side of an association with a peer on loopback, for tests of what peers do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from peers import wire
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError
from runner.model import AssociationEnd, IPVersion, Peer, Timeouts
from runner.status import FindOutcome
from runner.transport.connection import PeerConnection
from runner.transport.stop_signal import StopSignal

IDENTIFIER = b"\x08\x00\x52\x00CS\x06\x00STUDY "


def peer(
    port: int,
    *,
    host: str = "127.0.0.1",
    connect: float | None = 5.0,
    acse: float | None = 5.0,
    dimse: float | None = 5.0,
    end: AssociationEnd = AssociationEnd.RELEASE,
    ip_version: IPVersion = IPVersion.ANY,
    syntaxes: tuple[TransferSyntax, ...] = (TransferSyntax.EXPLICIT_LITTLE, TransferSyntax.IMPLICIT_LITTLE),
) -> Peer:
    """Return a peer of the model on loopback."""
    return Peer(
        "main",
        host,
        port,
        timeouts=Timeouts(connect, acse, dimse),
        end=end,
        ip_version=ip_version,
        transfer_syntaxes=syntaxes,
    )


@dataclass
class Client:
    """An open association and what came over it."""

    connection: PeerConnection
    received: list[tuple[bytes, int]] = field(default_factory=list)
    undecodable: list[tuple[bytes, int, str]] = field(default_factory=list)

    def deliver(self, identifiers: Sequence[bytes], status: int) -> None:
        self.received += [(identifier, status) for identifier in identifiers]

    def keep(self, identifier: bytes, status: int, why: UndecodableIdentifierError) -> None:
        self.undecodable.append((identifier, status, why.what))

    def find(self, cancel_after: int | None = None, identifier: bytes = IDENTIFIER) -> FindOutcome:
        return self.connection.find(wire.STUDY_ROOT, identifier, self.deliver, cancel_after)

    @property
    def identifiers(self) -> list[bytes]:
        return [identifier for identifier, _ in self.received]


@contextmanager
def connected(to: Peer, *abstract_syntaxes: str, stop: StopSignal | None = None) -> Iterator[Client]:
    """Open an association and close it in the end."""
    syntaxes = abstract_syntaxes or (wire.STUDY_ROOT,)
    connection = PeerConnection.open(to, syntaxes, stop if stop is not None else StopSignal())
    try:
        yield Client(connection)
    finally:
        connection.close()


@contextmanager
def within(least: float, most: float) -> Iterator[None]:
    """Check how many seconds something takes."""
    begun = time.monotonic()
    yield
    seconds = time.monotonic() - begun
    assert least <= seconds <= most, f"it took {seconds:.2f} s"
