"""A-ASSOCIATE-RQ, -AC and -RJ."""

from __future__ import annotations

import re
import struct

import pytest

from peers import wire
from runner.association.items import NegotiationError
from runner.association.negotiation import (
    Proposal,
    read_acceptance,
    read_rejection,
    request_pdu,
)
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import InvalidJobError

SYNTAXES = (TransferSyntax.EXPLICIT_LITTLE, TransferSyntax.EXPLICIT_BIG, TransferSyntax.IMPLICIT_LITTLE)
PROPOSAL = Proposal("PACS", "CFIND", 131072, (wire.STUDY_ROOT, wire.PATIENT_ROOT), SYNTAXES)


def _items(data: bytes) -> list[tuple[int, bytes]]:
    items, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from(">BxH", data, at)
        items.append((kind, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return items


def test_request() -> None:
    ((kind, body),) = wire.read_pdus(request_pdu(PROPOSAL))
    assert kind == wire.ASSOCIATE_RQ
    assert body[:4] == b"\0\1\0\0"
    assert body[4:36] == b"PACS".ljust(16) + b"CFIND".ljust(16)
    items = _items(body[68:])
    assert [kind for kind, _ in items] == [0x10, 0x20, 0x20, 0x50]
    assert items[0][1] == wire.APPLICATION_CONTEXT.encode()
    for (_, context), number, uid in zip(
        items[1:3], (1, 3), (wire.STUDY_ROOT, wire.PATIENT_ROOT), strict=True
    ):
        assert context[0] == number
        assert _items(context[4:]) == [(0x30, uid.encode()), *((0x40, s.uid.encode()) for s in SYNTAXES)]
    user = dict(_items(items[3][1]))
    assert user[0x51] == struct.pack(">L", 131072)
    assert user[0x52].startswith(b"2.25.")
    assert user[0x55] == b"CFIND_0.1"


@pytest.mark.parametrize("title", ["", " " * 4, "A" * 17, "A\\B", "Ä", "A\nB"])
@pytest.mark.parametrize("which", [0, 1])
def test_titles_that_cannot_be_sent(title: str, which: int) -> None:
    titles = ["GOOD", "GOOD"]
    titles[which] = title
    with pytest.raises(InvalidJobError, match="AE title"):
        request_pdu(Proposal(titles[0], titles[1], 0, (wire.STUDY_ROOT,), SYNTAXES))


def test_acceptance() -> None:
    pdu = wire.accept(
        wire.accepted_context(1, wire.IMPLICIT), wire.accepted_context(3, "", 3), wire.user_information(4096)
    )
    accepted = read_acceptance(pdu, PROPOSAL)
    assert accepted.max_pdu == 4096
    assert accepted.oddities == ()
    first, second = accepted.contexts[wire.STUDY_ROOT], accepted.contexts[wire.PATIENT_ROOT]
    assert (first.context_id, first.transfer_syntax) == (1, TransferSyntax.IMPLICIT_LITTLE)
    assert (second.context_id, second.transfer_syntax) == (3, None)
    assert "does not support" in second.refusal


@pytest.mark.parametrize(
    ("context", "why"),
    [
        (b"", "did not answer"),
        (wire.accepted_context(1, wire.DEFLATED), "not proposed, 1.2.840.10008.1.2.1.99"),
        (wire.accepted_context(1, ""), "none at all"),
        (wire.accepted_context(1, "\xff".encode("latin-1").decode("latin-1")), "none at all"),
        (wire.item(0x21, bytes((1, 0, 0, 0))), "none at all"),
        *(
            (wire.accepted_context(1, uid), "none at all")
            for uid in ("1.", "1", ".1", "1..2", "01.2", "1" * 65)
        ),
        (wire.item(0x21, bytes((1, 0, 0, 0)) + wire.item(0x40, b"\x1b[31m1.2")), "none at all"),
        (wire.accepted_context(1, "1.2", 1), "user rejected"),
        (wire.accepted_context(1, "1.2", 2), "without a reason"),
        (wire.accepted_context(1, "1.2", 4), "none of the transfer syntaxes"),
        (wire.accepted_context(1, "1.2", 77), "unknown result 77"),
    ],
)
def test_contexts_that_cannot_be_used(context: bytes, why: str) -> None:
    accepted = read_acceptance(wire.accept(context, wire.user_information()), PROPOSAL)
    assert accepted.contexts[wire.STUDY_ROOT].transfer_syntax is None
    assert why in accepted.contexts[wire.STUDY_ROOT].refusal


@pytest.mark.parametrize(
    "pdu",
    [
        wire.accept(wire.accepted_context(1), wire.user_information(), wire.item(0x99, b"what")),
        wire.accept(wire.item(0x22, b""), wire.accepted_context(1), wire.user_information()),
        wire.accept(wire.accepted_context(1), wire.user_information(16384, wire.item(0x5F, b"\xff" * 9))),
        wire.accept(wire.accepted_context(1), wire.user_information(16384, wire.item(0x54, b"\xff"))),
        wire.accept(wire.accepted_context(1), wire.user_information(16384, wire.item(0x55, b"\xff\xfe"))),
        wire.accept(wire.accepted_context(1, wire.EXPLICIT + "\0"), wire.user_information()),
        wire.accept(wire.accepted_context(1, wire.EXPLICIT + " "), wire.user_information()),
        wire.accept(wire.accepted_context(1), wire.accepted_context(1, "1.2", 3), wire.user_information()),
        wire.accept(wire.accepted_context(251), wire.accepted_context(1), wire.user_information()),
        wire.accept(wire.user_information(), wire.accepted_context(1)),
        wire.accept(wire.accepted_context(1), titles=b"\xff" * 32),
        wire.accept(
            wire.item(
                0x21, bytes((1, 0, 0, 0)) + wire.item(0x77, b"?") + wire.item(0x40, wire.EXPLICIT.encode())
            )
        ),
    ],
)
def test_oddities_of_an_acceptance_do_no_harm(pdu: bytes) -> None:
    accepted = read_acceptance(pdu, PROPOSAL)
    assert accepted.contexts[wire.STUDY_ROOT].transfer_syntax is TransferSyntax.EXPLICIT_LITTLE
    assert accepted.max_pdu == 16384


def test_a_maximum_that_nothing_fits_is_told() -> None:
    accepted = read_acceptance(wire.accept(wire.accepted_context(1), wire.user_information(3)), PROPOSAL)
    assert accepted.max_pdu == 3
    assert "3 bytes" in accepted.oddities[0]


def test_another_application_context_is_told() -> None:
    pdu = wire.pdu(2, bytes(68) + wire.item(0x10, b"1.2.3") + wire.accepted_context(1))
    assert "application context" in read_acceptance(pdu, PROPOSAL).oddities[0]


@pytest.mark.parametrize(
    ("pdu", "why"),
    [
        (wire.pdu(2, bytes(67)), "67 bytes long"),
        (wire.accept(wire.item(0x21, b"\1\0\0\0", length=500)), "an item of 500 bytes"),
        (wire.accept(b"\x21\0"), "2 stray bytes"),
        (wire.accept(wire.item(0x21, b"\1\0\0")), "a presentation context of 3 bytes"),
        (wire.accept(wire.item(0x21, b"\1\0\0\0" + wire.item(0x40, b"1.2", length=9))), "an item of 9 bytes"),
        (wire.accept(wire.item(0x50, wire.item(0x51, bytes(4), length=400))), "an item of 400 bytes"),
    ],
)
def test_lengths_of_an_acceptance_that_lie(pdu: bytes, why: str) -> None:
    with pytest.raises(NegotiationError, match=why):
        read_acceptance(pdu, PROPOSAL)


@pytest.mark.parametrize(
    ("fields", "what", "advice"),
    [
        ((1, 1, 7), "permanently .*called AE title not recognized", "check ae_title, now “PACS”"),
        ((1, 1, 3), "calling AE title not recognized", "calling_ae_title, now “CFIND”"),
        ((2, 3, 2), "for now .*presentation.*local limit", "max_associations"),
        ((2, 3, 1), "temporary congestion", "later"),
        ((1, 2, 2), "ACSE.*protocol version", "host and port"),
        ((9, 9, 9), "result 9 .source 9.: reason 9", "log"),
    ],
)
def test_rejections_in_words(fields: tuple[int, int, int], what: str, advice: str) -> None:
    rejected = read_rejection(wire.reject(*fields), PROPOSAL)
    assert advice in rejected.advice
    assert re.search(what, rejected.what)


def test_a_rejection_that_is_cut_short() -> None:
    assert "source 0" in read_rejection(wire.pdu(3, b"\0\1"), PROPOSAL).what


@pytest.mark.parametrize(
    ("fields", "transient"),
    [
        ((1, 1, 7), False),
        ((1, 1, 3), False),
        ((2, 1, 1), True),
        ((2, 3, 1), True),
        # limits, which some peers exceed for good
        ((1, 3, 1), True),
        ((1, 3, 2), True),
        ((1, 2, 2), False),
        ((0, 0, 0), False),
    ],
)
def test_which_rejections_are_for_now(fields: tuple[int, int, int], transient: bool) -> None:
    assert read_rejection(wire.reject(*fields), PROPOSAL).transient is transient
