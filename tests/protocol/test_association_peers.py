"""Peers with whom no association comes about, or whose associations end oddly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from peers import wire
from peers.client import connected, peer, within
from peers.raw_peer import RawPeer, Side
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import (
    AssociationAbortedError,
    AssociationRejectedError,
    AssociationTimeoutError,
    CfindError,
    ConnectError,
    InterruptedRunError,
    NameLookupError,
    NoAssociationError,
    NoPresentationContextError,
)
from runner.model import AssociationEnd, IPVersion
from runner.transport.connection import PeerConnection
from runner.transport.stop_signal import StopSignal


def _answering(answer: bytes, then: Callable[[Side], object] = Side.read_to_end) -> Callable[[Side], None]:
    def behave(side: Side) -> None:
        side.read_pdu()
        side.send(answer)
        then(side)

    return behave


def _silent(side: Side) -> None:
    side.read_to_end()


def _closing(side: Side) -> None:
    side.read_pdu()


def _resetting(side: Side) -> None:
    side.read_pdu()
    side.reset()


def _dripping(side: Side) -> None:
    side.read_pdu()
    stopped = threading.Event()
    for value in wire.accept():
        side.send(bytes((value,)))
        stopped.wait(0.02)


def _open(port: int, **more: float) -> NoAssociationError:
    """Return the error with which an association does not come about."""
    with pytest.raises(NoAssociationError) as caught, connected(peer(port, **more)):
        pass
    assert str(caught.value).count("\n") == 0
    return caught.value


# --- no association -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (
            _answering(wire.reject(1, 1, 7)),
            AssociationRejectedError,
            "called AE title not recognized; check ae_title",
        ),
        (_answering(wire.reject(2, 3, 2)), AssociationRejectedError, "local limit exceeded"),
        (_answering(wire.abort(2, 2)), AssociationAbortedError, "network layer: unexpected PDU"),
        (_answering(wire.abort(0, 0)), AssociationAbortedError, "application"),
        (_closing, AssociationAbortedError, "closed the connection without answering"),
        (_resetting, AssociationAbortedError, "connection"),
        (_answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), AssociationAbortedError, "HTTP"),
        (_answering(b"\x15\x03\x01\x00\x02\x02\x28"), AssociationAbortedError, "TLS"),
        (_answering(b"\xde\xad\xbe\xef" * 9), AssociationAbortedError, "unknown type 0xde"),
        (_answering(wire.final()), AssociationAbortedError, "unexpected P-DATA-TF"),
        (_answering(wire.pdu(2, bytes(30))), AssociationAbortedError, "broken"),
        (_answering(wire.pdu(2, b"", length=0x7FFFFFFF)), AssociationAbortedError, "2147483647 bytes long"),
        (
            _answering(wire.accept(wire.accepted_context(1, result=3), wire.user_information())),
            NoPresentationContextError,
            "C-FIND in the study root model: it does not support",
        ),
        (
            _answering(
                wire.accept(wire.accepted_context(1, "1.2.840.10008.1.2.4.50"), wire.user_information())
            ),
            NoPresentationContextError,
            "was not proposed, 1.2.840.10008.1.2.4.50",
        ),
        (_answering(wire.accept(wire.user_information())), NoPresentationContextError, "did not answer"),
    ],
)
def test_no_association(behaviour: Callable[[Side], None], kind: type[CfindError], words: str) -> None:
    with RawPeer(behaviour) as scp, within(0, 3):
        error = _open(scp.port)
    assert isinstance(error, kind)
    assert words in str(error)
    assert error.advice


def test_garbage_is_answered_with_an_abort() -> None:
    with RawPeer(_answering(b"\xde\xad\xbe\xef" * 9)) as scp:
        _open(scp.port)
    assert scp.sides[0].received[-1] == (wire.ABORT, bytes((0, 0, 2, 1)))


def test_no_context_at_all_closes_the_connection() -> None:
    def behave(side: Side) -> None:
        side.accept(wire.accepted_context(1, result=3), wire.user_information())
        assert side.read_to_end() == []

    with RawPeer(behave) as scp:
        _open(scp.port)


@pytest.mark.parametrize("behaviour", [_silent, _dripping])
def test_the_time_out_bounds_the_whole_answer(behaviour: Callable[[Side], None]) -> None:
    with RawPeer(behaviour) as scp, within(0.3, 2):
        error = _open(scp.port, acse=0.3)
    assert isinstance(error, AssociationTimeoutError)
    assert "0.3 s" in str(error)


def test_an_association_that_was_not_answered_is_not_aborted() -> None:
    """As findscu does: the connection is closed, for there is no association yet."""

    def behave(side: Side) -> None:
        assert side.read_to_end() == [wire.ASSOCIATE_RQ]

    with RawPeer(behave) as scp, within(0.2, 2):
        assert isinstance(_open(scp.port, acse=0.2), AssociationTimeoutError)


def test_an_answer_byte_by_byte_in_time() -> None:
    def behave(side: Side) -> None:
        side.read_pdu()
        side.drip(wire.accept())
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        assert client.connection.transfer_syntax(wire.STUDY_ROOT) is TransferSyntax.EXPLICIT_LITTLE
        assert client.connection.close() is None


def test_one_of_two_contexts() -> None:
    def behave(side: Side) -> None:
        side.accept(
            wire.accepted_context(1, result=4),
            wire.accepted_context(3, wire.IMPLICIT),
            wire.user_information(),
        )
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port), wire.STUDY_ROOT, wire.PATIENT_ROOT) as client:
        assert client.connection.transfer_syntax(wire.PATIENT_ROOT) is TransferSyntax.IMPLICIT_LITTLE
        with pytest.raises(NoPresentationContextError, match="none of the transfer syntaxes"):
            client.connection.transfer_syntax(wire.STUDY_ROOT)
        with pytest.raises(NoPresentationContextError):
            client.find()
        assert client.connection.alive


@pytest.mark.parametrize("behaviour", [_silent, _dripping])
def test_interrupted_while_waiting_for_the_answer(behaviour: Callable[[Side], None]) -> None:
    stop = StopSignal()
    with RawPeer(behaviour) as scp, within(0, 2):
        timer = threading.Timer(0.1, stop.set)
        timer.start()
        with pytest.raises(InterruptedRunError):
            PeerConnection.open(peer(scp.port, acse=None), [wire.STUDY_ROOT], stop)
        timer.join()


# --- no connection ------------------------------------------------------------------------------


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_refused() -> None:
    port = _free_port()
    error = _open(port)
    assert isinstance(error, ConnectError)
    assert f"127.0.0.1:{port}: Connection refused" in str(error)


@pytest.fixture
def full_port() -> int:  # type: ignore[misc]
    """A port that listens, but takes no more connections: an attempt hangs."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_connecting_takes_too_long(full_port: int) -> None:
    with within(0.3, 2):
        error = _open(full_port, connect=0.3)
    assert isinstance(error, ConnectError)
    assert "no answer within 0.3 s" in str(error)


def test_interrupted_while_connecting(full_port: int) -> None:
    stop = StopSignal()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    with within(0, 2), pytest.raises(InterruptedRunError):
        PeerConnection.open(peer(full_port, connect=None), [wire.STUDY_ROOT], stop)
    timer.join()


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "\udcff"])
def test_a_host_without_address(host: str) -> None:
    with pytest.raises(NameLookupError, match="no address"):
        PeerConnection.open(peer(11112, host=host), [wire.STUDY_ROOT], StopSignal())


def test_a_host_without_address_of_that_version() -> None:
    with pytest.raises(NameLookupError, match="no IPv6 address"):
        PeerConnection.open(
            peer(11112, host="127.0.0.1", ip_version=IPVersion.IPV6), [wire.STUDY_ROOT], StopSignal()
        )


def _established(side: Side) -> None:
    side.accept()
    side.serve_release()


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_ipv6(host: str) -> None:
    with (
        RawPeer(_established, "::1") as scp,
        connected(peer(scp.port, host=host, ip_version=IPVersion.IPV6)) as client,
    ):
        assert client.connection.alive


@pytest.fixture
def slow_look_up(monkeypatch: pytest.MonkeyPatch) -> threading.Event:  # type: ignore[misc]
    """The look-up of names ends when the event is set."""
    answered = threading.Event()
    ended = threading.Event()
    genuine = socket.getaddrinfo

    def look_up(
        host: str, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0
    ) -> object:
        if flags & socket.AI_NUMERICHOST:
            return genuine(host, port, family, kind, proto, flags)
        answered.wait(10)
        ended.set()
        return genuine("127.0.0.1", port, family, kind)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answered
    answered.set()
    ended.wait(10)


def test_a_look_up_that_takes_too_long(slow_look_up: threading.Event) -> None:
    with within(0.2, 2), pytest.raises(NameLookupError, match="took too long"):
        PeerConnection.open(peer(1, host="slow.invalid", connect=0.2), [wire.STUDY_ROOT], StopSignal())


def test_interrupted_while_looking_up(slow_look_up: threading.Event) -> None:
    stop = StopSignal()
    stop.set()
    with within(0, 2), pytest.raises(InterruptedRunError):
        PeerConnection.open(peer(1, host="slow.invalid", connect=None), [wire.STUDY_ROOT], stop)


def test_all_addresses_are_tried(monkeypatch: pytest.MonkeyPatch, full_port: int) -> None:
    refusing = _free_port()
    with RawPeer(_established) as scp:
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            for port in (refusing, full_port, scp.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: addresses)
        with within(0.2, 2), connected(peer(1, host="three", connect=0.9)) as client:
            assert client.connection.alive


# --- the end of an association ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "warning"),
    [
        (wire.RELEASED, None),
        (wire.RELEASE + wire.RELEASED, None),
        (wire.pending(b"late") + wire.final() + wire.RELEASED, None),
        (wire.abort(), "aborted the association"),
        (b"", "closed the connection"),
        (b"\xff" * 10, "unknown type 0xff"),
    ],
)
def test_answers_to_a_release(answer: bytes, warning: str | None) -> None:
    def behave(side: Side) -> None:
        side.accept()
        assert side.read_pdu()[0] == wire.RELEASE_RQ
        side.send(answer)
        if answer:
            side.read_to_end()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client, within(0, 2):
        said = client.connection.close()
        assert client.connection.close() is None
        assert not client.connection.alive
    assert warning in said if warning and said else said is warning


def test_a_release_that_is_never_answered() -> None:
    def behave(side: Side) -> None:
        side.accept()
        assert side.read_to_end() == [wire.RELEASE_RQ, wire.ABORT]

    with RawPeer(behave) as scp, connected(peer(scp.port, acse=0.3)) as client, within(0.3, 2):
        assert client.connection.close() == "the peer did not answer the release of the association"


def test_endless_data_in_place_of_the_answer_to_a_release() -> None:
    def behave(side: Side) -> None:
        side.accept()
        assert side.read_pdu()[0] == wire.RELEASE_RQ
        while True:
            side.send(wire.pending(b"more") * 1000)

    with RawPeer(behave) as scp, connected(peer(scp.port, acse=0.3)) as client, within(0.3, 3):
        assert client.connection.close() is not None


def test_end_by_abort() -> None:
    def behave(side: Side) -> None:
        side.accept()
        assert side.read_to_end() == [wire.ABORT]

    with RawPeer(behave) as scp, connected(peer(scp.port, end=AssociationEnd.ABORT)) as client, within(0, 2):
        assert client.connection.close() is None


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (wire.abort(), False),
        (wire.RELEASE, False),
        (b"", False),
        (wire.pending(b"?"), True),
        (b"\0" * 6, True),
    ],
)
def test_an_association_that_the_peer_ends_between_operations(words: bytes, end: bool) -> None:
    done = threading.Event()

    def behave(side: Side) -> None:
        side.accept()
        side.send(words)
        if not words:
            side.socket.shutdown(socket.SHUT_WR)
        done.set()
        side.read_to_end()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        assert done.wait(5)
        while client.connection.alive:  # until it has come
            pass
        with pytest.raises(CfindError, match="between two operations"):
            client.find()
        assert client.connection.close() is None
    assert (scp.sides[0].received[-1][0] == wire.ABORT) is end
