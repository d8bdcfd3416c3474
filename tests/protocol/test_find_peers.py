"""Peers that answer C-FIND oddly, badly, or not at all."""

from __future__ import annotations

import socket
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from peers import wire
from peers.client import IDENTIFIER, Client, connected, peer, within
from peers.raw_peer import RawPeer, Side
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import (
    CfindError,
    ConnectionLostError,
    DimseTimeoutError,
    FindError,
    InterruptedRunError,
    PeerAbortedError,
    RemoteProtocolError,
    UndecodableIdentifierError,
)
from runner.status import FindOutcome, StatusDetail, UnfinishedFind
from runner.transport.stop_signal import StopSignal

PENDING = wire.response(0xFF00, data_set=True)


def _answering(*parts: bytes) -> Callable[[Side], None]:
    """A peer that answers the first C-FIND with bytes, and serves the release."""

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(*parts)
        side.serve_release()

    return behave


def _failing(*parts: bytes, then: Callable[[Side], object] = Side.read_to_end) -> Callable[[Side], None]:
    """A peer that answers the first C-FIND with bytes, and then does `then`."""

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(*parts)
        then(side)

    return behave


# --- harmless oddities: all responses, no error -------------------------------------------------

THREE = [b"one!", b"", b"three!"]
PDVS = [pdv for i in THREE for pdv in (wire.pdv(3, PENDING), wire.pdv(2, i))]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([wire.pending(i) for i in THREE], id="as DCMTK"),
        pytest.param([wire.pending_shared(i) for i in THREE], id="command and data in one PDU"),
        pytest.param([wire.data(*PDVS)], id="all in one PDU"),
        pytest.param(
            [wire.data(PDVS[0]), wire.data(*PDVS[1:3]), wire.data(*PDVS[3:5]), wire.data(PDVS[5])],
            id="the next command behind the data set",
        ),
        pytest.param([wire.data(pdv) + wire.data() for pdv in PDVS], id="empty PDUs"),
        pytest.param(
            [
                wire.data(wire.pdv(3, PENDING))
                + b"".join(wire.data(wire.pdv(0, i[n : n + 1])) for n in range(len(i)))
                + wire.data(wire.pdv(2, b""))
                for i in THREE
            ],
            id="fragments of one byte",
        ),
    ],
)
@pytest.mark.parametrize("drips", [False, True])
def test_layouts(parts: Sequence[bytes], drips: bool) -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        (side.drip if drips else side.send)(b"".join(parts) + wire.final())
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        outcome = client.find()
        assert client.connection.close() is None
    assert client.received == [(i, 0xFF00) for i in THREE]
    assert outcome == FindOutcome(StatusDetail(0), 3, cancelled=False, pending_warnings=0, oddities=())


def test_statuses() -> None:
    answer = [wire.pending(b"a"), wire.pending(b"b", status=0xFF01), wire.pending(b"c")]
    with RawPeer(_answering(*answer, wire.final())) as scp, connected(peer(scp.port)) as client:
        outcome = client.find()
    assert client.received == [(b"a", 0xFF00), (b"b", 0xFF01), (b"c", 0xFF00)]
    assert outcome.pending_warnings == 1


@pytest.mark.parametrize("status", [0xA700, 0xA900, 0xC000, 0x0122, 0xFE00, 0xB000, 0x1234])
def test_other_final_statuses_are_no_exception(status: int) -> None:
    comment = wire.element(0x0902, b"because ")
    answer = [wire.pending(b"a"), wire.final(status, 1, comment)]
    with RawPeer(_answering(*answer)) as scp, connected(peer(scp.port)) as client:
        outcome = client.find()
        assert client.connection.alive
    assert outcome.detail == StatusDetail(status, (), "because", None, comment)
    assert outcome.responses == 1
    assert not outcome.cancelled


@pytest.mark.parametrize("max_pdu", [0, 1, 3, 8, 128, 129])
def test_requests_are_fragmented_for_the_peer(max_pdu: int) -> None:
    identifier = bytes(range(256)) * 3

    def behave(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.user_information(max_pdu))
        assert side.read_message().data_set == identifier
        side.send(wire.pending(b"i"), wire.final())
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        outcome = client.find(identifier=identifier)
    assert outcome.responses == 1
    assert ["too short" in text for text in outcome.oddities] == [True] * (max_pdu in (1, 3))
    if max_pdu >= 8:
        assert max(scp.sides[0].fragments) <= max_pdu


def test_many_operations_over_one_association() -> None:
    numbers = []

    def behave(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.accepted_context(3), wire.user_information())
        for _ in range(530):
            message = side.read_message()
            numbers.append(message.message_id)
            number, context = message.message_id, message.context
            command = wire.data(wire.pdv(3, wire.response(0, number), context))
            side.send(wire.pending(b"%d" % number, number, context=context), command)
        side.serve_release()

    with (
        RawPeer(behave) as scp,
        connected(peer(scp.port), wire.STUDY_ROOT, wire.PATIENT_ROOT) as client,
    ):
        for number in range(530):
            model = (wire.STUDY_ROOT, wire.PATIENT_ROOT)[number % 2]
            assert client.connection.find(model, IDENTIFIER, client.deliver, None).responses == 1
    assert numbers == list(range(1, 531))
    assert client.identifiers == [b"%d" % number for number in range(1, 531)]


@pytest.mark.parametrize("announced", [True, False])
def test_a_final_response_with_a_data_set(announced: bool) -> None:
    """As Orthanc does when it is cancelled; the association must live on."""

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(
            wire.pending(b"a"), wire.final(0xFE00, data_set=announced), wire.data(wire.pdv(2, b"extra"))
        )
        side.read_message()
        side.send(
            wire.pending(b"b", 2), wire.final(0, 2, data_set=announced), wire.data(wire.pdv(2, b"extra"))
        )
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        outcomes = [client.find(), client.find()]
        assert client.connection.close() is None
    assert [outcome.detail.status for outcome in outcomes] == [0xFE00, 0]
    assert client.identifiers == [b"a", b"b"]


def test_echo() -> None:
    def behave(side: Side) -> None:
        side.accept()
        message = side.read_message()
        assert (message.field, message.data_set) == (wire.C_ECHO_RQ, None)
        side.send(wire.data(wire.pdv(3, wire.response(0x0122, 1, field=wire.C_ECHO_RSP))))
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port), wire.VERIFICATION) as client:
        assert client.connection.echo() == 0x0122
        assert client.connection.close() is None


def test_an_echo_that_is_not_answered() -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_to_end()

    with (
        RawPeer(behave) as scp,
        connected(peer(scp.port, dimse=0.2), wire.VERIFICATION) as client,
        within(0.2, 2),
        pytest.raises(DimseTimeoutError, match=r"C-ECHO within 0\.2 s"),
    ):
        client.connection.echo()


# --- responses that nobody can use: the rest is kept, the operation fails -----------------------


def _fails(client: Client, kind: type[CfindError], cancel_after: int | None = None) -> CfindError:
    """Return the error of a C-FIND; it is one line and says what to do."""
    with pytest.raises(kind) as caught:
        client.find(cancel_after)
    assert caught.value.advice or isinstance(caught.value, (InterruptedRunError, UndecodableIdentifierError))
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "bare", [wire.data(wire.pdv(3, wire.response(0xFF00))), wire.data(wire.pdv(3, PENDING))]
)
def test_pending_without_identifier(bare: bytes) -> None:
    answer = [wire.pending(b"a"), bare, wire.pending(b"b"), bare, wire.final()]
    with RawPeer(_answering(*answer)) as scp, connected(peer(scp.port)) as client:
        error = _fails(client, RemoteProtocolError)
        assert client.connection.close() is None
    assert "2 of 4 pending responses brought no identifier" in str(error)
    assert client.identifiers == [b"a", b"b"]
    assert isinstance(error, RemoteProtocolError)
    assert error.outcome == FindOutcome(StatusDetail(0), 2, cancelled=False, pending_warnings=0, oddities=())


def test_an_identifier_that_breaks_off() -> None:
    broken = wire.data(wire.pdv(3, PENDING), wire.pdv(0, b"half"))
    answer = [wire.pending(b"a"), broken, wire.pending(b"b"), wire.final()]
    with RawPeer(_answering(*answer)) as scp, connected(peer(scp.port)) as client:
        outcome = client.connection.find(wire.STUDY_ROOT, IDENTIFIER, client.deliver, None, client.keep)
    assert client.identifiers == [b"a", b"b"]
    assert client.undecodable == [(b"half", 0xFF00, "it broke off")]
    assert outcome.responses == 3


def test_an_identifier_that_breaks_off_is_an_error_where_nobody_is_told() -> None:
    broken = wire.data(wire.pdv(3, PENDING), wire.pdv(0, b"half"))
    with (
        RawPeer(_answering(broken, wire.pending(b"b"), wire.final())) as scp,
        connected(peer(scp.port)) as client,
    ):
        error = _fails(client, UndecodableIdentifierError)
    assert client.identifiers == [b"half", b"b"]
    assert isinstance(error, FindError)
    assert error.outcome.responses == 2


def test_deflated() -> None:
    def deflated(data: bytes) -> bytes:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflater.compress(data) + deflater.flush()

    parts = [deflated(b"one") + b"\0", b"\xff\xff\xff", deflated(b"two"), deflated(b"three" * 100)[:-3]]

    def behave(side: Side) -> None:
        side.accept(wire.accepted_context(1, wire.DEFLATED), wire.user_information())
        side.read_message()
        side.send(*(wire.pending(part) for part in parts), wire.final())
        side.serve_release()

    deflating = (TransferSyntax.DEFLATED,)
    with RawPeer(behave) as scp, connected(peer(scp.port, syntaxes=deflating)) as client:
        outcome = client.connection.find(wire.STUDY_ROOT, b"", client.deliver, None, client.keep)
    assert client.identifiers == [b"one", b"two"]
    assert [(data, why) for data, _, why in client.undecodable] == [
        (parts[1], "it cannot be inflated"),
        (parts[3], "its deflated bytes are truncated"),
    ]
    assert outcome.responses == 4


# --- what ends the association: every whole response is delivered -------------------------------

TWO = wire.pending(b"a") + wire.pending(b"b")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"\xff" * 100, "unknown type 0xff"),
        (b"HTTP/1.1 500\r\n\r\n", "unknown type 0x48"),
        (wire.accept(), "unexpected A-ASSOCIATE-AC"),
        (wire.RELEASED, "unexpected A-RELEASE-RP"),
        (wire.pdu(4, b"", length=0xFFFFFFF0), "says that it is 4294967280 bytes long"),
        (wire.data(wire.pdv(3, PENDING, length=9999)), "says that it is 9999 bytes long"),
        (wire.data(wire.pdv(3, b"", length=0)), "says that it is 0 bytes long"),
        (wire.data(b"123"), "3 stray bytes"),
        (wire.pending(b"c", context=5), "presentation context 5"),
        (wire.pending(b"c", 2), "response to message 2"),
        (wire.final(0, 65535), "response to message 65535"),
        (wire.data(wire.pdv(2, b"c")), "data set without a command set"),
        (wire.data(wire.pdv(3, b"\xff" * 30)), "cannot be read"),
        (wire.data(wire.pdv(3, wire.response(0, field=wire.C_ECHO_RSP))), "command field 0x8030"),
        (b"".join(wire.data(wire.pdv(1, bytes(16000))) for _ in range(5)), "more than 65536 bytes"),
    ],
)
def test_violations(answer: bytes, words: str) -> None:
    with RawPeer(_failing(TWO, answer)) as scp, connected(peer(scp.port)) as client, within(0, 3):
        error = _fails(client, RemoteProtocolError)
        assert not client.connection.alive
        assert client.connection.close() is None
    assert words in str(error)
    assert "after 2 responses" in str(error)
    assert client.identifiers == [b"a", b"b"]
    assert scp.sides[0].received[-1][0] == wire.ABORT
    assert isinstance(error, RemoteProtocolError)
    assert error.outcome == UnfinishedFind(2, cancelled=False, pending_warnings=0, oddities=())


def test_an_identifier_without_end() -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(wire.data(wire.pdv(3, PENDING)))
        fragment = wire.data(wire.pdv(0, bytes(1_000_000)))
        while True:
            side.send(fragment)

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        assert "identifier of more than 67108864 bytes" in str(_fails(client, RemoteProtocolError))


def _end_sending(side: Side) -> None:
    side.socket.shutdown(socket.SHUT_WR)
    side.read_to_end()


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (
            _failing(TWO, wire.abort(0, 0)),
            PeerAbortedError,
            "aborted the association after 2 responses (by its app",
        ),
        (_failing(TWO, wire.abort(2, 5)), PeerAbortedError, "unexpected PDU parameter"),
        (_failing(TWO, wire.RELEASE), PeerAbortedError, "released the association after 2 responses"),
        (_failing(TWO, then=_end_sending), ConnectionLostError, "closed the connection after 2 responses"),
        (_failing(TWO, wire.pending(b"c")[:-1], then=_end_sending), ConnectionLostError, "after 2 responses"),
        (_failing(TWO, wire.pending(b"c")[:30], then=_end_sending), ConnectionLostError, "after 2 responses"),
    ],
)
def test_ends(behaviour: Callable[[Side], None], kind: type[CfindError], words: str) -> None:
    with RawPeer(behaviour) as scp, connected(peer(scp.port)) as client, within(0, 3):
        error = _fails(client, kind)
        assert not client.connection.alive
        assert client.connection.close() is None
    assert words in str(error)
    assert client.identifiers == [b"a", b"b"]


def test_a_connection_that_is_reset() -> None:
    taken = threading.Event()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(TWO)
        assert taken.wait(5)
        side.reset()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:

        def deliver(identifiers: Sequence[bytes], status: int) -> None:
            client.deliver(identifiers, status)
            if len(client.received) == 2:
                taken.set()

        with pytest.raises(ConnectionLostError, match="after 2 responses"):
            client.connection.find(wire.STUDY_ROOT, IDENTIFIER, deliver, None)
        assert not client.connection.alive
        assert client.connection.close() is None


# --- time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [b"", wire.pending(b"c")[:5], wire.pending(b"c")[:-1], wire.data()])
def test_stalled(answer: bytes) -> None:
    with (
        RawPeer(_failing(TWO, answer)) as scp,
        connected(peer(scp.port, dimse=0.3)) as client,
        within(0.3, 2),
    ):
        error = _fails(client, DimseTimeoutError)
        assert not client.connection.alive
        assert client.connection.close() is None
    assert "within 0.3 s after 2 responses" in str(error)
    assert client.identifiers == [b"a", b"b"]
    assert scp.sides[0].received[-1][0] == wire.ABORT


@pytest.mark.parametrize("late", [wire.final(), wire.pending(b"c") + wire.final(), b""])
def test_a_busy_peer_reads_the_abort_after_its_late_response(late: bytes) -> None:
    ended = threading.Event()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        assert ended.wait(5)  # busy until the client is gone on
        threading.Event().wait(1)
        side.send(late)
        assert side.read_to_end() == [wire.ABORT]

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.2)) as client, within(1, 4):
        _fails(client, DimseTimeoutError)
        ended.set()
        assert client.connection.close() is None


def test_a_busy_peer_is_not_waited_for_after_an_interruption() -> None:
    stop = StopSignal()
    closed = threading.Event()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        assert closed.wait(8)

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.2), stop=stop) as client, within(0.2, 3):
        _fails(client, DimseTimeoutError)
        timer = threading.Timer(0.2, stop.set)
        timer.start()
        client.connection.close()
        timer.join()
        closed.set()


def test_the_time_out_bounds_a_whole_message() -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        pause = threading.Event()
        for value in wire.pending(b"i" * 500):
            side.send(bytes((value,)))
            pause.wait(0.02)

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.4)) as client, within(0.4, 2):
        _fails(client, DimseTimeoutError)


def test_the_time_out_starts_anew_with_each_message() -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        pause = threading.Event()
        for _ in range(8):
            side.send(wire.pending(b"i"))
            pause.wait(0.1)
        side.send(wire.final())
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.5)) as client:
        assert client.find().responses == 8


@pytest.mark.parametrize("answer", [wire.pending(b"c")[:3], wire.pending(b"c")[:-1]])
def test_silence_in_the_middle_of_a_pdu(answer: bytes) -> None:
    with RawPeer(_failing(TWO, answer)) as scp:
        to = peer(scp.port, dimse=None)
        with (
            connected(replace(to, timeouts=replace(to.timeouts, silence=0.2))) as client,
            within(0.2, 2),
            pytest.raises(DimseTimeoutError, match=r"silent for 0\.2 s in the middle of a PDU"),
        ):
            client.find()
    assert client.identifiers == [b"a", b"b"]


def test_silence_between_messages_is_bounded_by_the_dimse_time_out_alone() -> None:
    with RawPeer(_failing(TWO)) as scp:
        to = peer(scp.port, dimse=0.6)
        with (
            connected(replace(to, timeouts=replace(to.timeouts, silence=0.1))) as client,
            within(0.6, 2),
            pytest.raises(DimseTimeoutError, match=r"within 0\.6 s"),
        ):
            client.find()


@pytest.mark.parametrize("cancel_after", [None, 1])
def test_the_time_of_the_sinks_does_not_count(cancel_after: int | None) -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(TWO)
        if cancel_after:
            side.read_message()
        side.send(TWO, wire.final())
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.2)) as client:

        def deliver(identifiers: Sequence[bytes], status: int) -> None:
            threading.Event().wait(0.4)
            client.deliver(identifiers, status)

        client.connection.find(wire.STUDY_ROOT, IDENTIFIER, deliver, cancel_after)
    assert client.identifiers == [b"a", b"b"] * 2


def test_a_peer_that_does_not_read() -> None:
    release = threading.Event()

    def behave(side: Side) -> None:
        side.accept()
        release.wait(5)

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.3)) as client, within(0.3, 3):
        with pytest.raises(DimseTimeoutError):
            client.find(identifier=bytes(50_000_000))
        client.connection.close()
        release.set()


# --- cancel -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0xFE00, 0x0000])
@pytest.mark.parametrize("cancel_after", [1, 3])
def test_cancel(status: int, cancel_after: int) -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(*[wire.pending(b"i")] * cancel_after)
        message = side.read_message()
        assert (message.field, message.message_id) == (wire.C_CANCEL_RQ, 1)
        side.send(*[wire.pending(b"late")] * 5, wire.final(status))
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        outcome = client.find(cancel_after)
        assert client.connection.close() is None
    assert client.identifiers == [b"i"] * cancel_after + [b"late"] * 5
    assert (outcome.detail.status, outcome.cancelled) == (status, True)


def test_no_cancel_where_there_are_fewer_responses() -> None:
    with RawPeer(_answering(TWO, wire.final())) as scp, connected(peer(scp.port)) as client:
        assert not client.find(3).cancelled
    assert [kind for kind, _ in scp.sides[0].received] == [wire.ASSOCIATE_RQ, 4, 4, wire.RELEASE_RQ]


def test_cancel_after_none() -> None:
    with RawPeer(_answering(TWO, wire.final())) as scp, connected(peer(scp.port)) as client:
        assert not client.find(0).cancelled


def test_endless_responses_after_a_cancel() -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        while True:
            side.send(wire.pending(b"more") * 100)

    # closing takes its time, since a peer may be late with what it sends, and then read the A-ABORT
    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=0.4)) as client, within(0.4, 8):
        error = _fails(client, DimseTimeoutError, cancel_after=2)
        client.connection.close()
    assert "C-CANCEL" in str(error)
    assert isinstance(error, DimseTimeoutError)
    assert error.outcome.cancelled
    assert error.outcome.responses == len(client.received) > 100


# --- interruption, and sinks that fail ----------------------------------------------------------


def test_interrupted_and_the_peer_obeys() -> None:
    stop = StopSignal()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(TWO)
        assert side.read_message().field == wire.C_CANCEL_RQ
        side.send(wire.pending(b"late"), wire.final(0xFE00))
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port), stop=stop) as client, within(0, 1.5):

        def deliver(identifiers: Sequence[bytes], status: int) -> None:
            client.deliver(identifiers, status)
            stop.set()

        with pytest.raises(InterruptedRunError) as caught:
            client.connection.find(wire.STUDY_ROOT, IDENTIFIER, deliver, None)
        assert client.connection.close() is None
    assert client.identifiers == [b"a", b"b", b"late"]
    assert caught.value.outcome.detail == StatusDetail(0xFE00)
    assert caught.value.outcome.cancelled


@pytest.mark.parametrize("answer", [TWO, b""])
def test_interrupted_while_waiting_and_the_peer_does_not_answer(answer: bytes) -> None:
    stop = StopSignal()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(answer)
        threading.Timer(0.1, stop.set).start()
        assert side.read_message().field == wire.C_CANCEL_RQ
        assert side.read_to_end() == [wire.ABORT]

    with RawPeer(behave) as scp, connected(peer(scp.port, dimse=None), stop=stop) as client, within(2, 4):
        error = _fails(client, InterruptedRunError)
        assert client.connection.close() is None
    assert isinstance(error, InterruptedRunError)
    assert error.outcome.responses == len(client.received) == bool(answer) * 2


def test_interrupted_and_the_peer_goes_on_for_ever() -> None:
    stop = StopSignal()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        while True:
            side.send(wire.pending(b"more") * 100)

    with RawPeer(behave) as scp, connected(peer(scp.port), stop=stop) as client, within(2, 4):
        threading.Timer(0.1, stop.set).start()
        _fails(client, InterruptedRunError)
        client.connection.close()


def test_nothing_is_sent_after_an_interruption() -> None:
    stop = StopSignal()

    def behave(side: Side) -> None:
        side.accept()
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port), stop=stop) as client:
        stop.set()
        _fails(client, InterruptedRunError)
        assert client.connection.close() is None


def test_what_a_sink_raises_ends_the_association() -> None:
    with RawPeer(_failing(TWO)) as scp, connected(peer(scp.port)) as client, within(0, 2):

        def deliver(identifiers: Sequence[bytes], status: int) -> None:
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            client.connection.find(wire.STUDY_ROOT, IDENTIFIER, deliver, None)
        assert not client.connection.alive
        assert client.connection.close() is None
    assert scp.sides[0].received[-1][0] == wire.ABORT


def test_a_peer_that_gives_one_operation_each_association() -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(wire.final(), wire.RELEASE)
        assert side.read_pdu()[0] == wire.RELEASE_RP

    with RawPeer(behave) as scp:
        for _ in range(2):
            with connected(peer(scp.port)) as client:
                assert client.find().detail.status == 0
                while client.connection.alive:  # until its release has come
                    pass
                assert client.connection.close() is None
    assert len(scp.sides) == 2


def test_steady_small_sends_all_arrive() -> None:
    """Enough of them that the connection pauses to take more at a time."""
    answers = [wire.pending(struct.pack(">L", number)) for number in range(3000)]

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        for answer in answers:
            side.send(answer[:90])
            side.send(answer[90:])
        side.send(wire.final())
        side.serve_release()

    with RawPeer(behave) as scp, connected(peer(scp.port)) as client:
        assert client.find().responses == 3000
    assert client.identifiers == [struct.pack(">L", number) for number in range(3000)]
