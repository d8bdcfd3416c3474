"""The command against peers that misbehave: exit status, message, time, and every response that came."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acceptance.command import Cfind, Outcome, job
from peers import wire
from peers.raw_peer import RawPeer, Side

#: In the keys and in the responses; patient data, so neither a message nor the report may show it.
ASKED, ANSWERED = "MARKERASKED", "MARKERANSWERED"
TIMEOUTS = {"connect": 1, "acse": 0.5, "dimse": 0.5}
#: Start-up and all time-outs of a run together, on a machine that is busy.
SECONDS = 8.0

CSV = {"type": "csv", "path": "responses.csv"}
Behaviour = Callable[[Side], object]


@pytest.fixture
def cfind(tmp_path: Path) -> Cfind:
    return Cfind(tmp_path)


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def _identifier(number: int = 1, name: bytes = ANSWERED.encode()) -> bytes:
    return _element(0x00100010, b"PN", name) + _element(0x00100020, b"LO", b"%d" % number)


def _nested(depth: int) -> bytes:
    """Sequences in sequences, all of undefined length."""
    begin = struct.pack("<HH2sHL", 0x0040, 0x0100, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    end = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return _identifier() + begin * depth + end * depth


TWO = wire.pending(_identifier(1)) + wire.pending(_identifier(2))
PENDING = wire.response(0xFF00, data_set=True)
BARE_PENDING = wire.data(wire.pdv(3, wire.response(0xFF00)))


def _query(**more: Any) -> dict[str, Any]:
    keys = {"PatientName": f"{ASKED}*", "PatientID": None}
    return {"model": "study-root", "level": "STUDY", "keys": keys, **more}


def _peer(port: int, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "timeouts": TIMEOUTS, **more}


def _run(cfind: Cfind, port: int, *options: str, **query: Any) -> Outcome:
    """Run a job of one query; its time is bounded, and nothing of a patient leaves but in the sink."""
    begun = time.monotonic()
    outcome = cfind.run(job({"main": _peer(port)}, {"studies": _query(**query)}, [CSV]), *options)
    assert time.monotonic() - begun < SECONDS
    _assert_discreet(outcome)
    return outcome


def _assert_discreet(outcome: Outcome) -> None:
    for text in (outcome.stderr, json.dumps(outcome.report)):
        assert "MARKER" not in text
    for line in outcome.stderr.splitlines():
        assert line.startswith("cfind: ")
        assert line.isprintable()


def _rows(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines()) - 1


def _accepting(*parts: bytes, then: Behaviour = Side.read_to_end) -> Behaviour:
    """A peer that accepts, answers the first C-FIND with bytes, and then does `then`."""

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(*parts)
        then(side)

    return behave


def _greeting(*parts: bytes, then: Behaviour = Side.read_to_end) -> Behaviour:
    """A peer that answers the association request with bytes, and then does `then`."""

    def behave(side: Side) -> None:
        side.read_pdu()
        side.send(*parts)
        then(side)

    return behave


def _close(side: Side) -> None:
    """Nothing more: the connection is closed."""


def _until_closed(side: Side, send: Callable[[], None]) -> None:
    with suppress(OSError):
        while True:
            send()


def _dripping(data: bytes) -> Behaviour:
    """Sends a byte now and then, for ever."""

    def drip(side: Side) -> None:
        side.socket.settimeout(0.1)
        with suppress(OSError):
            for value in data * 1000:
                side.socket.sendall(bytes((value,)))
                with suppress(TimeoutError):
                    if not side.socket.recv(4096):
                        return

    return drip


def _endless(side: Side) -> None:
    """Responses without end, whatever comes."""
    side.accept()
    side.read_message()
    _until_closed(side, lambda: side.send(wire.pending(_identifier())))


@dataclass(frozen=True)
class Case:
    """What a peer does, and what is to come of it."""

    behaviour: Behaviour
    status: int
    kind: str
    words: str
    responses: int = 0


NO_ASSOCIATION = {
    "no answer": Case(Side.read_to_end, 4, "AssociationTimeout", "0.5 s"),
    "an answer byte by byte": Case(
        _greeting(then=_dripping(wire.accept())), 4, "AssociationTimeout", "0.5 s"
    ),
    "reject": Case(_greeting(wire.reject(1, 1, 7)), 4, "AssociationRejected", "called"),
    "abort": Case(_greeting(wire.abort(2, 0)), 4, "AssociationAborted", "aborted"),
    "close": Case(_greeting(then=_close), 4, "AssociationAborted", "closed"),
    "reset": Case(_greeting(then=Side.reset), 4, "AssociationAborted", "connection"),
    "no accepted context": Case(
        _greeting(wire.accept(wire.accepted_context(1, result=3), wire.user_information())),
        4,
        "NoPresentationContext",
        "model",
    ),
    "garbage": Case(
        _greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n", then=Side.read_to_end), 4, "AssociationAborted", "port"
    ),
    "unknown PDU": Case(_greeting(wire.pdu(0x2A, bytes(8))), 4, "AssociationAborted", "understood"),
    "a PDU length that lies": Case(
        _greeting(wire.pdu(wire.ASSOCIATE_AC, bytes(80), 0xFFFFFFF0)), 4, "AssociationAborted", "understood"
    ),
    "an item length that lies": Case(
        _greeting(wire.accept(wire.item(0x21, bytes(4), 60000))), 4, "AssociationAborted", "understood"
    ),
}

FIND_FAILED = {
    "silence": Case(_accepting(), 5, "DimseTimeout", "before any response"),
    "stalled": Case(_accepting(TWO), 5, "DimseTimeout", "after 2 responses", 2),
    "stalled within a PDU": Case(
        _accepting(TWO, wire.pdu(wire.P_DATA, bytes(4), 500)), 5, "DimseTimeout", "after 2", 2
    ),
    "dripping": Case(
        _accepting(TWO, then=_dripping(wire.data(wire.pdv(0, bytes(60000))))), 5, "DimseTimeout", "after 2", 2
    ),
    "lost": Case(_accepting(TWO, then=_close), 5, "ConnectionLost", "after 2 responses", 2),
    "abort": Case(_accepting(TWO, wire.abort(0, 0)), 5, "PeerAborted", "after 2 responses", 2),
    "release": Case(_accepting(TWO, wire.RELEASE), 5, "PeerAborted", "after 2 responses", 2),
    "garbage": Case(_accepting(TWO, b"\x99" * 64), 5, "RemoteProtocol", "after 2", 2),
    "unknown PDU": Case(_accepting(TWO, wire.pdu(0x2A, bytes(8))), 5, "RemoteProtocol", "after 2", 2),
    "a PDU length that lies": Case(
        _accepting(TWO, wire.pdu(wire.P_DATA, bytes(80), 0xFFFFFFF0)), 5, "RemoteProtocol", "after 2", 2
    ),
    "a PDV length that lies": Case(
        _accepting(TWO, wire.data(wire.pdv(3, PENDING, length=60000))), 5, "RemoteProtocol", "after 2", 2
    ),
    "wrong context": Case(
        _accepting(TWO, wire.data(wire.pdv(3, wire.response(0), context=99))),
        5,
        "RemoteProtocol",
        "after 2",
        2,
    ),
    "wrong message ID": Case(_accepting(TWO, wire.final(message_id=77)), 5, "RemoteProtocol", "after 2", 2),
    "failure status": Case(_accepting(TWO, wire.final(0xA900)), 5, "FailureStatus", "0xA900", 2),
    "no identifier": Case(
        _accepting(TWO, BARE_PENDING, wire.final()), 5, "RemoteProtocol", "1 of 3 pending responses", 2
    ),
    "out of resources": Case(_accepting(TWO, wire.final(0xA700)), 6, "Incomplete", "0xA700", 2),
    "a cancel that nobody asked for": Case(_accepting(TWO, wire.final(0xFE00)), 6, "Incomplete", "0xFE00", 2),
}


def _assert_failed(outcome: Outcome, case: Case) -> None:
    assert outcome.status == case.status, outcome.stderr
    assert outcome.report["exit_status"] == case.status
    (operation,) = outcome.operations
    assert operation["verdict"] == ("incomplete" if case.status == 6 else "failed")
    error = operation["error"]
    assert (error["kind"], error["exit_status"]) == (case.kind, case.status)
    (line,) = [line for line in outcome.stderr.splitlines() if error["message"] in line]
    assert line.startswith("cfind: peer main, query studies: ")
    assert case.words in line
    assert error["advice"]
    assert line.endswith(error["advice"])
    assert operation["responses"] == outcome.report["responses"] == case.responses
    assert not (outcome.output / "responses.csv").exists()
    (sink,) = outcome.report["sinks"]
    assert sink["state"] == ("partial" if case.responses else "none")
    assert sink["responses"] == case.responses
    if case.responses:
        assert _rows(Path(sink["kept_in"])) == case.responses
    else:
        assert [path.name for path in outcome.output.iterdir()] == [".cfind"]


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in NO_ASSOCIATION.items()])
def test_no_association(cfind: Cfind, case: Case) -> None:
    with RawPeer(case.behaviour) as peer:
        _assert_failed(_run(cfind, peer.port), case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in FIND_FAILED.items()])
def test_find_failed(cfind: Cfind, case: Case) -> None:
    with RawPeer(case.behaviour) as peer:
        _assert_failed(_run(cfind, peer.port), case)


def test_nobody_listens(cfind: Cfind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    _assert_failed(_run(cfind, port), Case(_close, 4, "Connect", "refused"))


def test_a_transfer_syntax_that_was_not_offered(cfind: Cfind) -> None:
    jpeg = wire.accepted_context(1, "1.2.840.10008.1.2.4.50")
    with RawPeer(_greeting(wire.accept(jpeg, wire.user_information()))) as peer:
        outcome = _run(cfind, peer.port)
    assert outcome.status == 4, outcome.stderr
    assert "1.2.840.10008.1.2.4.50" in outcome.stderr


def test_an_undecodable_identifier_is_kept_as_it_came(cfind: Cfind) -> None:
    broken = _identifier()[:-2]
    with RawPeer(_accepting(TWO, wire.pending(broken), wire.pending(_identifier(4)), wire.final())) as peer:
        outcome = _run(cfind, peer.port)
    assert (outcome.status, outcome.report["responses"]) == (5, 4)
    assert outcome.operations[0]["undecodable"] == 1
    assert outcome.operations[0]["status"] == "0x0000"
    assert "the first is response 3" in outcome.stderr
    (file,) = outcome.report["sinks"][0]["undecodable_files"]
    assert Path(file).read_bytes() == broken


def test_an_identifier_that_breaks_off_is_kept_as_it_came(cfind: Cfind) -> None:
    begun = wire.data(wire.pdv(3, PENDING)) + wire.data(wire.pdv(0, _identifier()))
    with RawPeer(_accepting(TWO, begun, wire.pending(_identifier(4)), wire.final())) as peer:
        outcome = _run(cfind, peer.port)
    assert outcome.status == 5, outcome.stderr
    assert outcome.operations[0]["undecodable"] == 1
    (file,) = outcome.report["sinks"][0]["undecodable_files"]
    assert Path(file).read_bytes() == _identifier()
    assert "broke off" in outcome.stderr
    assert "at byte" not in outcome.stderr


# --- harmless: every response, and success --------------------------------------------------------

HARMLESS = {
    "Success with an identifier": (
        [TWO, wire.final(data_set=True), wire.data(wire.pdv(2, _identifier()))],
        2,
    ),
    "command and data in one PDU": (
        [wire.pending_shared(_identifier(n)) for n in range(3)] + [wire.final()],
        3,
    ),
    "several responses in one PDU": (
        [
            wire.data(
                *[p for n in range(20) for p in (wire.pdv(3, PENDING), wire.pdv(2, _identifier(n)))],
                wire.pdv(3, wire.response(0)),
            )
        ],
        20,
    ),
    "1,000 nested sequences": ([wire.pending(_nested(1000)), wire.final()], 1),
    "an unknown character set": (
        [wire.pending(_element(0x00080005, b"CS", b"KLINGON") + _identifier()), wire.final()],
        1,
    ),
    "a broken character set": (
        [
            wire.pending(
                _element(0x00080005, b"CS", b"ISO_IR 192") + _identifier(1, ANSWERED.encode() + b"\xff\xc3")
            ),
            wire.final(),
        ],
        1,
    ),
    "terminal escapes, quotes and line ends": (
        [wire.pending(_identifier(1, ANSWERED.encode() + b'\x1b[2J"a\r\n,b')), wire.final()],
        1,
    ),
    "no response at all": ([wire.final()], 0),
}


@pytest.mark.parametrize(
    ("parts", "count"), [pytest.param(*case, id=name) for name, case in HARMLESS.items()]
)
def test_harmless(cfind: Cfind, parts: list[bytes], count: int) -> None:
    import csv

    with RawPeer(_accepting(*parts, then=Side.serve_release)) as peer:
        outcome = _run(cfind, peer.port)
    assert outcome.status == 0, outcome.stderr
    assert (outcome.report["verdict"], outcome.report["responses"]) == ("complete", count)
    with (outcome.output / "responses.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 1 + count
    assert all(ANSWERED in row[0] for row in rows[1:])


@pytest.mark.parametrize("max_pdu", [0, 128])
def test_maximum_pdu_of_the_peer(cfind: Cfind, max_pdu: int) -> None:
    def behave(side: Side) -> None:
        side.accept(wire.accepted_context(1), wire.user_information(max_pdu))
        assert ASKED.encode() in (side.read_message().data_set or b"")
        side.send(TWO, wire.final())
        side.serve_release()

    with RawPeer(behave) as peer:
        outcome = _run(cfind, peer.port)
        assert max(peer.sides[0].fragments) <= (max_pdu or 1 << 20)
    assert (outcome.status, outcome.report["responses"]) == (0, 2), outcome.stderr


def test_responses_byte_by_byte(cfind: Cfind) -> None:
    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.drip(TWO + wire.final())
        side.serve_release()

    with RawPeer(behave) as peer:
        outcome = _run(cfind, peer.port)
    assert (outcome.status, outcome.report["responses"]) == (0, 2), outcome.stderr


def test_a_release_that_is_never_answered(cfind: Cfind) -> None:
    with RawPeer(_accepting(TWO, wire.final())) as peer:
        outcome = _run(cfind, peer.port)
    assert (outcome.status, outcome.report["responses"]) == (0, 2), outcome.stderr
    (warning,) = outcome.report["warnings"]
    assert warning.startswith("peer main: ")
    assert f"cfind: {warning.replace('peer main: ', 'peer main: warning: ')}" in outcome.stderr
    assert _rows(outcome.output / "responses.csv") == 2


def test_endless_responses_after_a_cancel(cfind: Cfind) -> None:
    with RawPeer(_endless) as peer:
        outcome = _run(cfind, peer.port, cancel_after=2)
    assert outcome.status == 5, outcome.stderr
    assert outcome.operations[0]["error"]["kind"] == "DimseTimeout"
    assert "C-CANCEL" in outcome.stderr
    (sink,) = outcome.report["sinks"]
    assert 2 <= outcome.report["responses"] == sink["responses"] == _rows(Path(sink["kept_in"]))


# --- several operations, associations and peers ---------------------------------------------------


def _one_each(side: Side) -> None:
    """One operation an association: the second request is answered with the end of the connection."""
    side.accept()
    request = side.read_message()
    side.send(wire.pending(_identifier(), request.message_id), wire.final(message_id=request.message_id))
    if side.read_pdu()[0] == wire.RELEASE_RQ:
        side.send(wire.RELEASED)


def test_a_peer_that_gives_one_operation_each_association(cfind: Cfind) -> None:
    with RawPeer(_one_each) as peer:
        outcome = _run(cfind, peer.port, repeat=5)
        associations = len(peer.sides)
    assert outcome.status == 0, outcome.stderr
    assert [operation["responses"] for operation in outcome.operations] == [1] * 5
    # The request that was lost went over the second association; after that none was lost.
    assert associations == 5
    assert outcome.operations[1]["warnings"] == []


def test_a_peer_that_allows_fewer_associations_than_the_job(cfind: Cfind) -> None:
    """Every operation is done over the one association that there is."""
    lock, taken = threading.Lock(), threading.Event()

    def behave(side: Side) -> None:
        with lock:
            first = not taken.is_set()
            taken.set()
        if not first:
            _greeting(wire.reject(2, 3, 2))(side)
            return
        side.accept()
        for _ in range(6):
            number = side.read_message().message_id
            side.send(wire.pending(_identifier(), number), wire.final(message_id=number))
        side.serve_release()

    with RawPeer(behave) as peer:
        outcome = cfind.run(
            job({"main": _peer(peer.port, max_associations=3)}, {"studies": _query(repeat=6)}, [CSV])
        )
    assert outcome.status == 0, outcome.stderr
    assert [operation["number"] for operation in outcome.operations] == [1, 2, 3, 4, 5, 6]
    assert outcome.report["responses"] == 6
    (warning,) = outcome.report["warnings"]
    assert "max_associations" in warning


def test_bad_peers_side_by_side_with_a_good_one(cfind: Cfind) -> None:
    good = _accepting(TWO, wire.final(), then=Side.serve_release)
    with (
        RawPeer(good) as one,
        RawPeer(_accepting(TWO)) as two,
        RawPeer(_greeting(wire.reject(1, 1, 1))) as three,
    ):
        peers = {"stalls": _peer(two.port), "rejects": _peer(three.port), "good": _peer(one.port)}
        outcome = cfind.run(job(peers, {"studies": _query(peers=["good", "stalls", "rejects"])}, [CSV]))
    _assert_discreet(outcome)
    assert outcome.status == 5, outcome.stderr
    assert [(o["peer"], o["verdict"], o["responses"]) for o in outcome.operations] == [
        ("good", "complete", 2),
        ("stalls", "failed", 2),
        ("rejects", "failed", 0),
    ]
    for name in ("stalls", "rejects"):
        assert f"peer {name}, query studies: " in outcome.stderr
    assert _rows(Path(outcome.report["sinks"][0]["kept_in"])) == 4


def test_a_peer_that_never_comes_is_waited_for_once(cfind: Cfind) -> None:
    with RawPeer(Side.read_to_end) as peer:
        outcome = _run(cfind, peer.port, repeat=50)
        assert len(peer.sides) == 1
    assert outcome.status == 4
    assert len(outcome.operations) == 50
    assert "50 operations in all" in outcome.stderr
    # once when it came, once with how often, and the summary; the job's own warning is not about the peer
    assert sum("warning" not in line for line in outcome.stderr.splitlines()) == 3


# --- what --debug shows, and what nothing else does -----------------------------------------------


def test_debug_shows_the_keys(cfind: Cfind) -> None:
    with RawPeer(_accepting(TWO, wire.final(), then=Side.serve_release)) as peer:
        outcome = cfind.run(job({"main": _peer(peer.port)}, {"studies": _query()}, [CSV]), "--debug")
    assert outcome.status == 0
    assert ASKED in outcome.stderr
    assert ANSWERED not in outcome.stderr
    assert "MARKER" not in json.dumps(outcome.report)


# --- outputs that fail ----------------------------------------------------------------------------


def test_a_sink_that_fails_leaves_the_other_one_whole(cfind: Cfind) -> None:
    output, report = cfind.folder, cfind.folder / "report.json"
    with (
        RawPeer(_accepting(TWO, wire.final(), then=Side.serve_release)) as peer,
        Path("/dev/full").open("wb") as full,
    ):
        file = cfind.job_file(
            job(
                {"main": _peer(peer.port)}, {"studies": _query()}, [{"type": "stdout", "format": "json"}, CSV]
            )
        )
        done = subprocess.run(
            [cfind.command, "run", file, "--output-dir", output, "--report", report],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
        )
    outcome = Outcome(done.returncode, b"", done.stderr.decode(), Cfind.checked_report(report), output)
    _assert_discreet(outcome)
    assert outcome.status == 8, outcome.stderr
    assert outcome.report["verdict"] == "complete"
    assert "sink stdout: cannot write to standard output: No space left on device" in outcome.stderr
    assert [sink["state"] for sink in outcome.report["sinks"]] == ["none", "committed"]
    assert _rows(output / "responses.csv") == 2


@pytest.mark.parametrize("path", ["missing/responses.csv", "file/responses.csv"])
def test_nothing_is_sent_where_an_output_cannot_be_written(cfind: Cfind, path: str) -> None:
    (cfind.folder / "output").mkdir()
    (cfind.folder / "output" / "file").write_bytes(b"")
    with RawPeer(Side.read_to_end) as peer:
        sinks = [{"type": "csv", "path": path}, CSV]
        outcome = cfind.run(job({"main": _peer(peer.port)}, {"studies": _query()}, sinks))
        assert peer.sides == []
    assert outcome.status == 8, outcome.stderr
    assert (outcome.report["verdict"], outcome.operations) == ("failed", [])
    assert not (outcome.output / "responses.csv").exists()


# --- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ([signal.SIGINT], 130),
        ([signal.SIGTERM], 143),
        # as timeout(1) sends it: to the process, and to its group
        ([signal.SIGTERM, signal.SIGTERM], 143),
    ],
)
def test_a_signal_while_the_peer_stalls(cfind: Cfind, numbers: list[signal.Signals], status: int) -> None:
    cancelled = threading.Event()

    def behave(side: Side) -> None:
        side.accept()
        side.read_message()
        side.send(TWO)
        assert side.read_message().field == wire.C_CANCEL_RQ
        cancelled.set()
        side.send(wire.final(0xFE00))
        side.serve_release()

    report = cfind.folder / "report.json"
    sinks = [{"type": "stdout", "format": "csv"}, CSV]
    with RawPeer(behave) as peer:
        slow = {**_peer(peer.port), "timeouts": {"dimse": 60}}
        file = cfind.job_file(job({"main": slow}, {"studies": _query(repeat=3)}, sinks))
        with cfind.start("run", file, "--report", report) as process:
            assert process.stdout is not None
            for _ in range(3):
                process.stdout.readline()
            for number in numbers:
                process.send_signal(number)
            _, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == status, stderr
    assert cancelled.is_set()
    document = Cfind.checked_report(report)
    assert (document["exit_status"], document["verdict"], document["interrupted"]) == (
        status,
        "incomplete",
        True,
    )
    (operation,) = document["operations"]
    assert (operation["responses"], operation["status"]) == (2, "0xFE00")
    assert [sink["state"] for sink in document["sinks"]] == ["partial", "partial"]
    assert not (cfind.folder / "responses.csv").exists()
    assert _rows(Path(document["sinks"][1]["kept_in"])) == 2
    assert "0 of 3 operations complete" in stderr.decode()
