"""Our associations with real archives: several operations each, cancels, and no delayed acknowledgements."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import pytest

from peers import wire
from peers.client import Client
from peers.process import Server
from runner.model import Peer
from runner.transport.connection import PeerConnection
from runner.transport.stop_signal import StopSignal


def _element(tag: int, vr: str, value: str = "") -> bytes:
    text = value.encode() + b" " * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(text)) + text


LEVEL = _element(0x00080052, "CS", "STUDY")
ALL_STUDIES = LEVEL + _element(0x00100010, "PN") + _element(0x00100020, "LO") + _element(0x0020000D, "UI")
NO_STUDY = _element(0x00080050, "SH", "NO SUCH NUMBER") + LEVEL + _element(0x00100010, "PN")


@pytest.fixture(params=["dcmqrscp_peer", "orthanc_peer"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """An association for study root, patient root and verification."""
    server: Server = request.getfixturevalue(request.param)
    title = {"dcmqrscp_peer": "QR", "orthanc_peer": "ORTHANC"}[request.param]
    peer = Peer("main", "127.0.0.1", server.port, ae_title=title)
    models = (wire.STUDY_ROOT, wire.PATIENT_ROOT, wire.VERIFICATION)
    connection = PeerConnection.open(peer, models, StopSignal())
    yield Client(connection)
    connection.close()


def test_several_operations_over_one_association(client: Client) -> None:
    assert client.connection.echo() == 0
    first = client.find(identifier=ALL_STUDIES)
    assert first.detail.status == 0
    assert first.responses == len(client.received) > 200
    cancelled = client.find(5, ALL_STUDIES)
    # Orthanc ignores some cancels, and announces a data set with the final response of others.
    assert cancelled.cancelled
    assert (cancelled.detail.status, cancelled.responses == first.responses) in ((0xFE00, False), (0, True))
    client.received.clear()
    again = client.find(identifier=ALL_STUDIES)
    assert (again.detail.status, again.responses, len(client.received)) == (
        0,
        first.responses,
        first.responses,
    )
    assert client.connection.echo() == 0
    assert client.connection.alive
    assert client.connection.close() is None


def test_no_query_waits_for_a_delayed_acknowledgement(client: Client) -> None:
    begun = time.monotonic()
    for _ in range(100):
        assert client.find(identifier=NO_STUDY).detail.status == 0
    # Delayed, each takes 40 ms and all 4 s.
    assert time.monotonic() - begun < 2
