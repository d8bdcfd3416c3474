"""PDUs that are sent, and words for those that come."""

from __future__ import annotations

import pytest

from peers import wire
from runner.association.pdu import abort_pdu, data_pdus, describe_abort, describe_other_protocol


@pytest.mark.parametrize("command", [True, False])
@pytest.mark.parametrize("size", [0, 1, 2, 121, 122, 123, 300])
@pytest.mark.parametrize("max_pdu", [0, 1, 7, 8, 9, 128, 16384, 4294967295])
def test_fragments(size: int, max_pdu: int, command: bool) -> None:
    message = bytes(range(256))[:size] if size < 256 else bytes(size)
    pdus = wire.read_pdus(data_pdus(5, message, command=command, max_pdu=max_pdu))
    assert {kind for kind, _ in pdus} == {wire.P_DATA}
    if max_pdu >= 8:
        assert max(len(body) for _, body in pdus) <= max_pdu
    pdvs = [pdv for _, body in pdus for pdv in wire.read_pdvs(body)]
    assert len(pdvs) == len(pdus)
    assert b"".join(value for _, _, value in pdvs) == message
    assert {context for context, _, _ in pdvs} == {5}
    assert [control for _, control, _ in pdvs] == [int(command)] * (len(pdvs) - 1) + [int(command) | 2]
    assert all(len(value) % 2 == 0 for _, _, value in pdvs[:-1])


def test_no_pdu_is_huge() -> None:
    pdus = wire.read_pdus(data_pdus(1, bytes(400_000), command=False, max_pdu=0))
    assert max(len(body) for _, body in pdus) == 131072


def test_abort() -> None:
    assert abort_pdu(2, 6) == wire.abort(2, 6)


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [(0, 0, "application"), (2, 1, "unrecognized PDU"), (2, 99, "reason 99"), (7, 0, "source 7")],
)
def test_aborts_in_words(source: int, reason: int, words: str) -> None:
    assert words in describe_abort(source, reason)


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"\x15\x03\x01\0\2\2", "TLS"),
        (b"\x16\x03\x03", "TLS"),
        (b"HTTP/1.1 400", "HTTP"),
        (b"<!DOCTYPE html>", "web server"),
        (b"SSH-2.0", "SSH"),
        (b"220 mail", "mail"),
        (b"\xff\xff\xff\xff", ""),
        (b"", ""),
    ],
)
def test_other_protocols(beginning: bytes, words: str) -> None:
    described = describe_other_protocol(beginning)
    assert words in described
    assert bool(described) == bool(words)
