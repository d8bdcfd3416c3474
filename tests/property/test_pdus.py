"""Whatever a peer sends, and however it is cut: the same events, and no exception but ours."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from peers import wire
from peers.associations import established, finding, merged, proposed
from runner.association.command import CommandSetError, decode_response
from runner.association.core import Association
from runner.association.events import Event, Responses
from runner.association.inflation import inflate
from runner.association.items import NegotiationError
from runner.association.negotiation import Proposal, read_acceptance, read_rejection
from runner.association.user_information import Identity
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError
from runner.model import QueryOption

PROPOSAL = Proposal("A", "B", 0, (wire.STUDY_ROOT,), (TransferSyntax.EXPLICIT_LITTLE,))
PENDING = wire.response(0xFF00, data_set=True)

identifiers = st.binary(max_size=60)
controls = st.sampled_from([0, 1, 2, 3])
values = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([PENDING, wire.response(0xFF01, data_set=True), wire.response(0xFF00), wire.response(0)]),
)
pdvs = st.one_of(
    st.just(wire.pdv(3, PENDING)),
    st.builds(wire.pdv, controls, values),
    st.builds(wire.pdv, controls, values, st.integers(0, 255), st.integers(0, 200)),
)
legal = st.one_of(
    st.builds(wire.pending, identifiers),
    st.builds(wire.pending, identifiers, st.just(1), st.sampled_from([0xFF00, 0xFF01])),
    st.builds(wire.pending_shared, identifiers),
)
pieces = st.one_of(
    legal,
    st.builds(lambda parts: wire.data(*parts), st.lists(pdvs, max_size=4)),
    st.builds(wire.final, st.sampled_from([0, 0xFE00, 0xA700, 0xB000])),
    st.sampled_from([wire.abort(), wire.RELEASE, wire.RELEASED, wire.accept(), wire.reject(1, 1, 1)]),
    st.builds(wire.pdu, st.integers(0, 255), st.binary(max_size=12), st.integers(0, 40)),
    st.binary(max_size=12),
)


def _cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(stream) + 1) for cut in cuts})
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


def _received(association: Association, parts: list[bytes]) -> tuple[list[Event], bytes]:
    events = [event for part in parts for event in association.receive(part)]
    return merged(events), association.outgoing()


@settings(max_examples=400)
@given(st.lists(pieces, max_size=12), st.lists(st.integers(0, 2000), max_size=30), st.integers(0, 4))
def test_cuts_do_not_matter(parts: list[bytes], cuts: list[int], cancel_after: int) -> None:
    stream = b"".join(parts)
    after = cancel_after or None
    whole = _received(finding(after), [stream])
    assert _received(finding(after), _cut(stream, cuts)) == whole
    assert _received(finding(after), [stream[at : at + 1] for at in range(len(stream))]) == whole


@settings(max_examples=200)
@given(st.lists(legal, min_size=1, max_size=30), st.lists(st.integers(0, 4000), max_size=10))
def test_legal_responses_all_arrive(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts) + wire.final()
    events, answer = _received(finding(), _cut(stream, cuts))
    assert sum(len(event.identifiers) for event in events if isinstance(event, Responses)) == len(parts)
    assert len([event for event in events if not isinstance(event, Responses)]) == 1
    assert answer == b""


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_garbage_after_the_request(data: bytes) -> None:
    for association in (proposed(), established(), finding()):
        association.receive(data)
        association.receive_end()


@settings(max_examples=300)
@given(st.data())
def test_a_byte_that_is_wrong(data: st.DataObject) -> None:
    stream = bytearray(wire.pending(b"one") + wire.pending_shared(b"two") + wire.final())
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] = data.draw(st.integers(0, 255))
    whole = _received(finding(), [bytes(stream)])
    assert _received(finding(), [bytes(stream[at : at + 1]) for at in range(len(stream))]) == whole


@settings(max_examples=300)
@given(st.data())
def test_an_acceptance_with_bytes_that_are_wrong(data: st.DataObject) -> None:
    pdu = bytearray(wire.accept(wire.accepted_context(1), wire.user_information(128, wire.item(0x55, b"X"))))
    for _ in range(data.draw(st.integers(1, 4))):
        pdu[data.draw(st.integers(6, len(pdu) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(NegotiationError):
        read_acceptance(bytes(pdu), PROPOSAL)


@settings(max_examples=300)
@given(st.data())
def test_negotiation_answers_with_bytes_that_are_wrong(data: st.DataObject) -> None:
    uid = wire.STUDY_ROOT.encode()
    answers = wire.item(0x59, b"\0\6ticket") + wire.item(0x56, b"\0" + bytes((len(uid),)) + uid + b"\1\0\1")
    information = bytearray(answers)
    for _ in range(data.draw(st.integers(0, 4))):
        information[data.draw(st.integers(0, len(information) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(information)))
    asked = replace(
        PROPOSAL, identity=Identity(5, b"token", response_requested=True), options=tuple(QueryOption)
    )
    pdu = wire.accept(wire.accepted_context(1), wire.user_information(128, bytes(information[:cut])))
    accepted = read_acceptance(pdu, asked)
    assert accepted.max_pdu == 128
    assert accepted.answers.identity_response in (None, 6)
    assert set(accepted.answers.extended[wire.STUDY_ROOT]) == set(QueryOption)
    assert all(text.isprintable() for text in accepted.oddities)


@settings(max_examples=200)
@given(st.binary(max_size=120))
def test_answers_of_garbage(body: bytes) -> None:
    with contextlib.suppress(NegotiationError):
        read_acceptance(wire.pdu(2, bytes(68) + body), PROPOSAL)
    assert read_rejection(wire.pdu(3, body), PROPOSAL).what


@settings(max_examples=500)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            b"".join,
            st.lists(
                st.builds(
                    wire.element,
                    st.sampled_from([0, 2, 0x100, 0x120, 0x800, 0x900, 0x901, 0x902, 0x903]),
                    st.binary(max_size=9),
                    st.sampled_from([0, 8]),
                ),
                max_size=12,
            ),
        ),
    )
)
def test_command_sets_of_garbage(data: bytes) -> None:
    with contextlib.suppress(CommandSetError):
        command = decode_response(data)
        assert 0 <= command.detail.status <= 0xFFFF


@settings(max_examples=200)
@given(st.binary(max_size=300), st.binary(max_size=3))
def test_inflating_gives_back_what_was_deflated(data: bytes, padding: bytes) -> None:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(data) + deflater.flush()
    assert inflate(deflated + padding) == data
    with contextlib.suppress(UndecodableIdentifierError):
        inflate(deflated[:-1])


@settings(max_examples=200)
@given(st.binary(max_size=100))
def test_inflating_garbage(data: bytes) -> None:
    with contextlib.suppress(UndecodableIdentifierError):
        inflate(data)
