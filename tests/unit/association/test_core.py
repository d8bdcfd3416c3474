"""The protocol core: bytes in, events out."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from peers import wire
from peers.associations import established, finding, merged, proposed
from runner.association import core
from runner.association.core import Association, State
from runner.association.events import (
    Aborted,
    Accepted,
    ConnectionClosed,
    FinalResponse,
    Oddity,
    Rejected,
    Released,
    ReleaseRequested,
    Responses,
    ResponseWithoutIdentifier,
    TruncatedResponse,
    Violation,
)
from runner.association.reading import MAX_DATA_PDU
from runner.errors import LocalProtocolError
from runner.status import StatusDetail

SUCCESS = FinalResponse(StatusDetail(0))
PENDING = wire.response(0xFF00, data_set=True)


def _violation(association: Association, data: bytes) -> str:
    """Return what is wrong with `data`, which must end the association with an A-ABORT."""
    *_, last = association.receive(data)
    assert isinstance(last, Violation)
    assert association.state is State.ENDED
    assert not association.busy
    assert wire.read_pdus(association.outgoing())[-1][0] == wire.ABORT
    assert association.receive(wire.final()) == []
    return last.what


# --- the association ----------------------------------------------------------------------------


def test_accepted() -> None:
    association = proposed()
    (event,) = association.receive(wire.accept())
    assert isinstance(event, Accepted)
    assert association.state is State.ESTABLISHED


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(wire.reject(1, 1, 7), Rejected), (wire.abort(), Aborted)],
)
def test_not_accepted(answer: bytes, kind: type) -> None:
    association = proposed()
    (event,) = association.receive(answer)
    assert isinstance(event, kind)
    assert association.state is State.ENDED
    assert association.outgoing() == b""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 400 Bad Request", "unknown type 0x48"),
        (b"\0" * 6, "unknown type 0x00"),
        (wire.final(), "unexpected P-DATA-TF"),
        (wire.RELEASED, "unexpected A-RELEASE-RP"),
        (wire.pdu(1, bytes(68)), "unexpected A-ASSOCIATE-RQ"),
        (wire.pdu(2, b"", length=0xFFFFFFFF), "A-ASSOCIATE-AC that says that it is 4294967295"),
        (wire.pdu(3, b"", length=5000), "A-ASSOCIATE-RJ that says"),
        (wire.pdu(2, bytes(10)), "A-ASSOCIATE-AC that is broken"),
    ],
)
def test_answers_that_are_none(answer: bytes, why: str) -> None:
    assert why in _violation(proposed(), answer)


def test_the_peers_other_protocol_is_told() -> None:
    (event,) = proposed().receive(b"\x15\x03\x01\x00\x02\x02\x28")
    assert isinstance(event, Violation)
    assert "TLS" in event.advice


def test_closed() -> None:
    association = proposed()
    assert association.receive_end() == [ConnectionClosed()]
    assert association.receive_end() == []


@pytest.mark.parametrize(
    "act",
    [
        lambda a: a.request(),
        lambda a: a.find(wire.PATIENT_ROOT, b""),
        lambda a: a.cancel(),
        lambda a: a.echo(wire.VERIFICATION),
    ],
)
def test_what_the_state_does_not_allow(act: Callable[[Association], None]) -> None:
    with pytest.raises(LocalProtocolError):
        act(established())


def test_one_operation_at_a_time() -> None:
    association = finding()
    with pytest.raises(LocalProtocolError, match="going on"):
        association.find(wire.STUDY_ROOT, b"")
    with pytest.raises(LocalProtocolError, match="going on"):
        association.release()


def test_release() -> None:
    association = established()
    association.release()
    assert association.outgoing() == wire.RELEASE
    # What the peer still says is passed over, whatever it is.
    assert association.receive(wire.data(wire.pdv(3, b"nonsense", 77))) == []
    assert association.receive(wire.RELEASED) == [Released()]
    assert association.state is State.ENDED


def test_release_in_the_middle_of_a_pdu() -> None:
    association = finding()
    late = wire.data(wire.pdv(2, b"x" * 100))
    assert association.receive(wire.final(data_set=True) + late[:50])[-1] == SUCCESS
    association.release()
    assert association.receive(late[50:] + wire.RELEASED) == [Released()]


def test_release_collision() -> None:
    association = established()
    association.release()
    association.outgoing()
    assert association.receive(wire.RELEASE) == []
    assert association.outgoing() == wire.RELEASED
    assert association.receive(wire.RELEASED) == [Released()]


def test_the_peer_releases() -> None:
    association = finding()
    assert association.receive(wire.RELEASE) == [ReleaseRequested()]
    assert association.outgoing() == wire.RELEASED
    assert association.state is State.ENDED


def test_the_peer_aborts() -> None:
    association = finding()
    assert association.receive(wire.abort(2, 6)) == [Aborted(2, 6)]
    assert association.outgoing() == b""


def test_an_abort_that_is_cut_short() -> None:
    assert finding().receive(wire.pdu(wire.ABORT, b"\0\0")) == [Aborted(0, 0)]


def test_abort() -> None:
    association = finding()
    association.abort()
    association.abort()
    assert wire.read_pdus(association.outgoing()) == [(wire.ABORT, bytes(4))]


# --- responses ----------------------------------------------------------------------------------


def test_responses_and_the_end() -> None:
    association = finding()
    events = association.receive(wire.pending(b"one") + wire.pending(b"") + wire.final())
    assert events == [Responses([b"one", b""], 0xFF00), SUCCESS]
    assert not association.busy
    assert association.messages == 3


def test_statuses_are_kept_apart() -> None:
    parts = [(b"a", 0xFF00), (b"b", 0xFF00), (b"c", 0xFF01), (b"d", 0xFF01), (b"e", 0xFF00)]
    events = finding().receive(b"".join(wire.pending(i, status=s) for i, s in parts))
    assert events == [
        Responses([b"a", b"b"], 0xFF00),
        Responses([b"c", b"d"], 0xFF01),
        Responses([b"e"], 0xFF00),
    ]


def test_the_detail_of_a_failure() -> None:
    more = wire.element(0x0902, b"no such level ")
    (event,) = finding().receive(wire.final(0xA900, 1, more))
    assert event == FinalResponse(StatusDetail(0xA900, (), "no such level", None, more))


def _layouts() -> dict[str, bytes]:
    identifiers = [bytes([65 + n]) * (n * 7) for n in range(20)]
    pdvs = [(wire.pdv(3, PENDING), wire.pdv(2, identifier)) for identifier in identifiers]
    flat = [pdv for pair in pdvs for pdv in pair]
    return {
        "separate": b"".join(wire.data(pdv) for pdv in flat),
        "command and data set in one PDU": b"".join(wire.data(*pair) for pair in pdvs),
        "all in one PDU": wire.data(*flat),
        "the next command behind the data set": wire.data(flat[0])
        + b"".join(wire.data(flat[n], flat[n + 1]) for n in range(1, 39, 2))
        + wire.data(flat[39]),
        "empty PDUs between": b"".join(wire.data(pdv) + wire.data() for pdv in flat),
        "fragments of one byte": b"".join(
            wire.data(*(wire.pdv(1, PENDING[n : n + 1]) for n in range(len(PENDING))), wire.pdv(3, b""))
            + b"".join(wire.data(wire.pdv(0, identifier[n : n + 1])) for n in range(len(identifier)))
            + wire.data(wire.pdv(2, b""))
            for identifier in identifiers
        ),
        "reserved bits of the control header": b"".join(
            wire.data(wire.pdv(0xFC | 3, PENDING), wire.pdv(0xFC | 2, i)) for i in identifiers
        ),
    }


@pytest.mark.parametrize("layout", _layouts())
@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 11, 64, 1000, 10**6])
def test_layouts_and_cuts(layout: str, step: int) -> None:
    stream = _layouts()[layout] + wire.final()
    association = finding()
    events = [e for at in range(0, len(stream), step) for e in association.receive(stream[at : at + step])]
    expected = [bytes([65 + n]) * (n * 7) for n in range(20)]
    assert merged(events) == [Responses(expected, 0xFF00), SUCCESS]


def test_a_pdu_longer_than_announced() -> None:
    association = finding()
    events = association.receive(wire.pending(b"x" * 1_000_000) + wire.final())
    assert events == [Responses([b"x" * 1_000_000], 0xFF00), SUCCESS]


def test_message_ids_count_and_wrap() -> None:
    association = established()
    for expected in [*range(1, 600), 600]:
        association.find(wire.STUDY_ROOT, b"")
        command = wire.read_pdvs(wire.read_pdus(association.outgoing())[0][1])[0][2]
        assert wire.read_elements(command)[0x0110] == struct.pack("<H", expected)
        assert association.receive(wire.pending(b"i", expected) + wire.final(0, expected))[-1] == SUCCESS
    association._message_id = 65534
    for expected in (65535, 1):
        association.find(wire.STUDY_ROOT, b"")
        assert association.receive(wire.final(0, expected)) == [SUCCESS]


def test_several_contexts() -> None:
    association = established(wire.STUDY_ROOT, wire.PATIENT_ROOT)
    association.find(wire.PATIENT_ROOT, b"x")
    contexts = {c for _, body in wire.read_pdus(association.outgoing()) for c, _, _ in wire.read_pdvs(body)}
    assert contexts == {3}
    assert association.receive(wire.pending(b"i", context=3)) == [Responses([b"i"], 0xFF00)]


def test_echo() -> None:
    association = established(wire.VERIFICATION)
    association.echo(wire.VERIFICATION)
    answer = wire.data(wire.pdv(3, wire.response(0, 1, field=wire.C_ECHO_RSP)))
    assert association.receive(answer) == [SUCCESS]


# --- oddities -----------------------------------------------------------------------------------


def test_pending_without_identifier() -> None:
    bare = wire.data(wire.pdv(3, wire.response(0xFF00)))
    events = finding().receive(wire.pending(b"a") + bare + bare + wire.pending(b"b") + wire.final())
    missing = ResponseWithoutIdentifier(0xFF00)
    assert events == [Responses([b"a"], 0xFF00), missing, missing, Responses([b"b"], 0xFF00), SUCCESS]


def test_pending_that_announces_an_identifier_and_brings_none() -> None:
    events = finding().receive(wire.data(wire.pdv(3, PENDING)) + wire.pending(b"b") + wire.final())
    assert events == [ResponseWithoutIdentifier(0xFF00), Responses([b"b"], 0xFF00), SUCCESS]


def test_an_identifier_that_was_not_announced() -> None:
    odd = wire.data(wire.pdv(3, wire.response(0xFF00)), wire.pdv(2, b"there"))
    oddity, *rest = finding().receive(odd + wire.final())
    assert isinstance(oddity, Oddity)
    assert rest == [Responses([b"there"], 0xFF00), SUCCESS]


def test_an_identifier_that_breaks_off() -> None:
    broken = wire.data(wire.pdv(3, PENDING), wire.pdv(0, b"half"))
    events = finding().receive(broken + wire.pending(b"b") + wire.final())
    assert events == [TruncatedResponse(b"half", 0xFF00), Responses([b"b"], 0xFF00), SUCCESS]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("fragments", [1, 2])
def test_a_final_response_with_a_data_set(announced: bool, fragments: int) -> None:
    association = finding()
    parts = [wire.pdv(0, b"data")] * (fragments - 1) + [wire.pdv(2, b"set")]
    events = association.receive(wire.final(0xFE00, data_set=announced))
    assert events[-1] == FinalResponse(StatusDetail(0xFE00))
    assert [isinstance(event, Oddity) for event in events[:-1]] == [True] * announced
    association.find(wire.STUDY_ROOT, b"")
    stream = b"".join(wire.data(part) for part in parts) + wire.pending(b"i", 2) + wire.final(0, 2)
    assert association.receive(stream) == [Responses([b"i"], 0xFF00), SUCCESS]


def test_a_data_set_that_was_announced_and_never_comes() -> None:
    association = finding()
    association.receive(wire.final(data_set=True))
    association.find(wire.STUDY_ROOT, b"")
    assert association.receive(wire.final(0, 2)) == [SUCCESS]


# --- cancel -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cancel_after", [1, 2, 3, 7])
@pytest.mark.parametrize("make", [wire.pending, wire.pending_shared])
def test_cancel_after(cancel_after: int, make: Callable[[bytes], bytes]) -> None:
    association = finding(cancel_after)
    assert association.receive(b"".join(make(b"i") for _ in range(cancel_after - 1))) == (
        [Responses([b"i"] * (cancel_after - 1), 0xFF00)] if cancel_after > 1 else []
    )
    assert association.outgoing() == b""
    events = association.receive(make(b"i") + make(b"late") * 3)
    assert merged(events) == [Responses([b"i", b"late", b"late", b"late"], 0xFF00)]
    assert association.cancelled
    ((_, body),) = wire.read_pdus(association.outgoing())
    ((context, control, command),) = wire.read_pdvs(body)
    elements = wire.read_elements(command)
    assert (context, control, elements[0x0100], elements[0x0120]) == (1, 3, b"\xff\x0f", b"\x01\x00")
    assert association.receive(make(b"later")) == [Responses([b"later"], 0xFF00)]
    association.cancel()
    assert association.outgoing() == b""
    assert association.receive(wire.final(0xFE00)) == [FinalResponse(StatusDetail(0xFE00))]


def test_cancel_in_the_middle_of_a_batch() -> None:
    association = finding(500)
    events = association.receive(wire.pending(b"i") * 1000 + wire.final())
    assert merged(events) == [Responses([b"i"] * 1000, 0xFF00), SUCCESS]
    assert len(wire.read_pdus(association.outgoing())) == 1


def test_the_next_operation_is_cancelled_anew() -> None:
    association = finding(2)
    association.receive(wire.pending(b"i") + wire.final())
    association.find(wire.STUDY_ROOT, b"", 2)
    association.outgoing()
    association.receive(wire.pending(b"i", 2))
    assert not association.cancelled
    association.receive(wire.pending(b"i", 2))
    assert association.cancelled


# --- violations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (wire.pdu(9, b"12345678"), "unknown type 0x09"),
        (wire.accept(), "unexpected A-ASSOCIATE-AC"),
        (wire.pdu(4, b"", length=MAX_DATA_PDU + 1), "P-DATA-TF that says that it is 67108865 bytes"),
        (wire.pdu(5, b"", length=2000), "A-RELEASE-RQ that says"),
        (wire.data(b"12345"), "5 stray bytes"),
        (wire.data(wire.pdv(3, PENDING) + b"1"), "1 stray bytes"),
        (wire.data(wire.pdv(3, b"", length=1)), "PDV that says that it is 1 bytes"),
        (wire.data(wire.pdv(3, b"", length=0)), "PDV that says that it is 0 bytes"),
        (wire.data(wire.pdv(3, PENDING, length=len(PENDING) + 3)), "PDV that says that it is"),
        (wire.data(wire.pdv(3, PENDING, length=0xFFFFFFFF)), "PDV that says that it is 4294967295"),
        (wire.data(wire.pdv(3, PENDING, context=3)), "context 3, while the operation goes on in 1"),
        (wire.data(wire.pdv(3, PENDING), wire.pdv(2, b"i", context=3)), "context 3"),
        (wire.data(wire.pdv(2, b"i")), "without a command set"),
        (wire.pending(b"i", 2), "response to message 2, while message 1"),
        (wire.final(0, 0), "response to message 0"),
        (wire.data(wire.pdv(3, wire.response(0, field=wire.C_ECHO_RSP))), "command field 0x8030"),
        (wire.data(wire.pdv(3, wire.response(0, field=wire.C_FIND_RQ))), "command field 0x0020"),
        (wire.data(wire.pdv(3, b"")), "no Command Field"),
        (wire.data(wire.pdv(3, b"\xff" * 40)), "cannot be read"),
        (wire.final() + wire.final(), "nobody asked for"),
        (wire.final() + wire.data(wire.pdv(2, b"")) * 2, "without a command set"),
    ],
)
def test_violations(data: bytes, why: str) -> None:
    assert why in _violation(finding(), data)


def test_what_came_before_a_violation_is_kept() -> None:
    events = finding().receive(wire.pending(b"i") * 3 + b"garbage garbage")
    assert events[0] == Responses([b"i"] * 3, 0xFF00)
    assert isinstance(events[1], Violation)


def test_a_message_that_nobody_asked_for() -> None:
    assert "nobody asked for" in _violation(established(), wire.pending(b"i"))


def test_a_response_with_the_command_of_the_last_operation() -> None:
    association = finding()
    association.receive(wire.pending(b"i") * 2 + wire.final())
    association.find(wire.STUDY_ROOT, b"")
    association.outgoing()
    assert "response to message 1, while message 2" in _violation(association, wire.pending(b"i"))


def test_an_identifier_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "MAX_IDENTIFIER", 1000)
    association = finding()
    association.receive(wire.data(wire.pdv(3, PENDING)))
    fragment = wire.data(wire.pdv(0, bytes(100)))
    assert all(association.receive(fragment) == [] for _ in range(10))
    assert "identifier of more than 1000 bytes" in _violation(association, fragment)


def test_an_identifier_without_end_in_one_pdv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "MAX_IDENTIFIER", 1000)
    association = finding()
    association.receive(wire.data(wire.pdv(3, PENDING)))
    start = wire.data(wire.pdv(2, bytes(10_000)))
    assert association.receive(start[:900]) == []
    assert "identifier of more" in _violation(association, start[900:2000])


def test_a_command_set_without_end() -> None:
    association = finding()
    fragment = wire.data(wire.pdv(1, bytes(16000)))
    assert all(association.receive(fragment) == [] for _ in range(4))
    assert "command set of more than 65536 bytes" in _violation(association, fragment)


def test_a_data_set_of_a_final_response_without_end_is_not_kept() -> None:
    association = finding()
    association.receive(wire.final(data_set=True))
    fragment = wire.data(wire.pdv(0, bytes(1_000_000)))
    for _ in range(100):
        assert association.receive(fragment) == []
    assert not association._fragments


def test_memory_of_command_sets_is_bounded() -> None:
    association = finding()
    for number in range(500):
        more = wire.element(0x0902, b"%d" % number)
        association.receive(
            wire.data(wire.pdv(3, wire.response(0xFF00, 1, more, data_set=True)), wire.pdv(2, b"i"))
        )
    assert len(association._remembered) <= 64
