"""A-ASSOCIATE-RQ, -AC and -RJ (PS3.8 9.3.2 to 9.3.4): what is proposed and what the peer made of it.

They are encoded and read here and not by pynetdicom's classes: importing these takes longer than a query,
and they give up on items that they do not know, which are to be ignored (PS3.8 9.3.1). Tests hold each
against the other.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.association.events import Accepted, Answers, NegotiatedContext, Rejected
from runner.association.items import NegotiationError, item, items, uid_text
from runner.association.pdu import ASSOCIATE_RQ, PDU_HEADER, SHORTEST_SENT
from runner.dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import InvalidJobError
from runner.model import QueryOption

if TYPE_CHECKING:
    from runner.association.user_information import Identity

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

#: What is taken where the peer does not state its maximum length.
UNSTATED_MAX_PDU = 16384

#: Types of items (PS3.8 9.3.2 and 9.3.3) and of sub-items of the user information (PS3.8 D.1, PS3.7 D.3.3.2).
_APPLICATION_CONTEXT_ITEM = 0x10
_PRESENTATION_CONTEXT_RQ_ITEM = 0x20
_PRESENTATION_CONTEXT_AC_ITEM = 0x21
_ABSTRACT_SYNTAX_ITEM = 0x30
_TRANSFER_SYNTAX_ITEM = 0x40
_USER_INFORMATION_ITEM = 0x50
_MAXIMUM_LENGTH_ITEM = 0x51
_IMPLEMENTATION_CLASS_UID_ITEM = 0x52
_IMPLEMENTATION_VERSION_NAME_ITEM = 0x55

#: Protocol version, called and calling AE title, between and behind them reserved bytes (PS3.8 Table 9-11).
_FIXED_FIELDS = struct.Struct(">H2x16s16s32x")
_PROTOCOL_VERSION = 1
#: ID, result and reserved bytes of a presentation context (PS3.8 Tables 9-13 and 9-18).
_CONTEXT_FIELDS = struct.Struct(">BxBx")
_MAXIMUM_LENGTH = struct.Struct(">L")
#: Result, source and reason of an A-ASSOCIATE-RJ, behind a reserved byte (PS3.8 Table 9-21).
_REJECTION_FIELDS = struct.Struct(">xBBB")
_ACCEPTANCE = 0
#: PS3.5 9.1.
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_LONGEST_UID = 64
#: PS3.5 6.2: the default repertoire without the backslash and control characters, and more than spaces.
_AE_TITLE = re.compile(r"(?! *\Z)[ -\[\]-~]{1,16}")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What we ask for: one presentation context for each abstract syntax, with ID 1, 3, 5, ….

    Attributes:
        called_ae_title: the peer's, 1 to 16 characters.
        calling_ae_title: ours, 1 to 16 characters.
        max_pdu: the longest P-DATA-TF that we receive, in bytes; 0 for no limit.
        abstract_syntaxes: UIDs, each once.
        transfer_syntaxes: proposed in every context, in this order.
        identity: who asks; None where the peer is not told.
        options: proposed for the SOP classes of C-FIND that know them.
    """

    called_ae_title: str
    calling_ae_title: str
    max_pdu: int
    abstract_syntaxes: Sequence[str]
    transfer_syntaxes: Sequence[TransferSyntax]
    identity: Identity | None = None
    options: Sequence[QueryOption] = ()

    def contexts(self) -> Iterator[tuple[int, str]]:
        """Return ID and abstract syntax of each presentation context."""
        return ((2 * index + 1, uid) for index, uid in enumerate(self.abstract_syntaxes))


def request_pdu(proposal: Proposal) -> bytes:
    """Return the A-ASSOCIATE-RQ.

    Raises:
        InvalidJobError: if an AE title is empty, too long, or has characters that are not allowed.
    """
    titles = (proposal.called_ae_title, proposal.calling_ae_title)
    if not all(map(_AE_TITLE.fullmatch, titles)):
        raise InvalidJobError(
            f"the AE titles “{titles[0]}” (called) and “{titles[1]}” (calling) cannot both be sent",
            "an AE title has 1 to 16 characters of ASCII, no backslash, and is not all spaces",
        )
    called, calling = (title.encode("ascii").ljust(16) for title in titles)
    body = _FIXED_FIELDS.pack(_PROTOCOL_VERSION, called, calling)
    body += item(_APPLICATION_CONTEXT_ITEM, APPLICATION_CONTEXT.encode("ascii"))
    transfer_syntaxes = b"".join(
        item(_TRANSFER_SYNTAX_ITEM, syntax.uid.encode("ascii")) for syntax in proposal.transfer_syntaxes
    )
    for context_id, abstract_syntax in proposal.contexts():
        context = _CONTEXT_FIELDS.pack(context_id, 0)
        context += item(_ABSTRACT_SYNTAX_ITEM, abstract_syntax.encode("ascii"))
        body += item(_PRESENTATION_CONTEXT_RQ_ITEM, context + transfer_syntaxes)
    user_information = item(_MAXIMUM_LENGTH_ITEM, _MAXIMUM_LENGTH.pack(proposal.max_pdu))
    user_information += item(_IMPLEMENTATION_CLASS_UID_ITEM, IMPLEMENTATION_CLASS_UID.encode("ascii"))
    user_information += item(_IMPLEMENTATION_VERSION_NAME_ITEM, IMPLEMENTATION_VERSION_NAME.encode("ascii"))
    if proposal.identity is not None or proposal.options:
        from runner.association.user_information import negotiation_items

        user_information += negotiation_items(proposal.identity, proposal.options, proposal.abstract_syntaxes)
    body += item(_USER_INFORMATION_ITEM, user_information)
    return PDU_HEADER.pack(ASSOCIATE_RQ, len(body)) + body


def read_acceptance(pdu: bytes, proposal: Proposal) -> Accepted:
    """Read an A-ASSOCIATE-AC, header included.

    Items that nobody knows, contexts that were not proposed and second answers to one context are passed
    over.

    Raises:
        NegotiationError: if it is too short, or an item is longer than what holds it.
    """
    body = pdu[PDU_HEADER.size :]
    # The AE titles in it are not to be tested (PS3.8 Table 9-17), and may be any bytes.
    if len(body) < _FIXED_FIELDS.size:
        raise NegotiationError(f"it is {len(body)} bytes long, and {_FIXED_FIELDS.size} is the least")
    oddities: list[str] = []
    answered: dict[int, tuple[int, str]] = {}
    user_information = b""
    for kind, value in items(body[_FIXED_FIELDS.size :], "the A-ASSOCIATE-AC"):
        if kind == _PRESENTATION_CONTEXT_AC_ITEM:
            context_id, result, uid = _read_context(value)
            answered.setdefault(context_id, (result, uid))
        elif kind == _USER_INFORMATION_ITEM:
            user_information += value
        elif kind == _APPLICATION_CONTEXT_ITEM and uid_text(value) != APPLICATION_CONTEXT:
            oddities.append("the peer's application context name is not that of DICOM")
    contexts = {}
    for context_id, abstract_syntax in proposal.contexts():
        answer = answered.get(context_id)
        if answer is None:
            contexts[abstract_syntax] = NegotiatedContext(context_id, None, "the peer did not answer for it")
        else:
            contexts[abstract_syntax] = _negotiated(context_id, *answer, proposal)
    max_pdu = _read_maximum_length(user_information)
    if 0 < max_pdu < SHORTEST_SENT:
        oddities.append(
            f"it takes PDUs of at most {max_pdu} bytes, which is too short for any; sending longer ones"
        )
    answers = Answers()
    if proposal.identity is not None or proposal.options:
        from runner.association.user_information import read_answers

        answers = read_answers(
            user_information, proposal.identity, proposal.options, proposal.abstract_syntaxes, oddities
        )
    return Accepted(contexts, max_pdu, tuple(oddities), answers)


def _negotiated(context_id: int, result: int, uid: str, proposal: Proposal) -> NegotiatedContext:
    if result != _ACCEPTANCE:
        return NegotiatedContext(
            context_id, None, _RESULTS.get(result, f"it gave the unknown result {result}")
        )
    for syntax in proposal.transfer_syntaxes:
        if syntax.uid == uid:
            return NegotiatedContext(context_id, syntax)
    refusal = "it accepted it with a transfer syntax that was not proposed"
    return NegotiatedContext(context_id, None, f"{refusal}, {uid}" if uid else f"{refusal}: none at all")


#: Results of a presentation context (PS3.8 Table 9-18).
_RESULTS = {
    1: "its user rejected it",
    2: "its provider rejected it without a reason",
    3: "it does not support that SOP class",
    4: "it supports none of the transfer syntaxes proposed",
}


def read_rejection(pdu: bytes, proposal: Proposal) -> Rejected:
    """Read an A-ASSOCIATE-RJ, header included; fields that are missing count as 0."""
    fields = pdu[PDU_HEADER.size :].ljust(_REJECTION_FIELDS.size, b"\0")
    result, source, reason = _REJECTION_FIELDS.unpack_from(fields)
    how = {1: "permanently", 2: "for now"}.get(result, f"with result {result}")
    who = _REJECTION_SOURCES.get(source, f"source {source}")
    why, advice = _REJECTION_REASONS.get(
        (source, reason), (f"reason {reason}", "the peer's own log says more")
    )
    if (source, reason) == (_SERVICE_USER, _CALLED_AE_TITLE):
        advice = f"check ae_title, now “{proposal.called_ae_title}”"
    elif (source, reason) == (_SERVICE_USER, _CALLING_AE_TITLE):
        advice = (
            f"check calling_ae_title, now “{proposal.calling_ae_title}”,"
            " or ask the peer's administrator to add it"
        )
    elif proposal.identity is not None and (source, reason) in _IDENTITY_REFUSALS:
        advice = (
            "that is how a user identity is refused: check user_identity, and what the peer knows of the user"
        )
    # some peers say of their limits that they reject for good
    transient = result == _TRANSIENT or (source, reason) in _OVERLOADED
    return Rejected(f"the peer rejected the association {how} ({who}): {why}", advice, transient)


_TRANSIENT = 2
_SERVICE_USER = 1
_CALLING_AE_TITLE = 3
_CALLED_AE_TITLE = 7
#: How acceptors refuse a user identity: the first is what PS3.7 D.3.3.7.3 wants.
_IDENTITY_REFUSALS = ((2, 1), (1, 1))

#: Temporary congestion, and a limit on associations that is exceeded.
_OVERLOADED = ((3, 1), (3, 2))

#: PS3.8 Table 9-21.
_REJECTION_SOURCES = {
    1: "its application",
    2: "its network layer, ACSE",
    3: "its network layer, presentation",
}
_ASK = "the peer's own log says more; perhaps it does not know this calling AE title or address"
_REJECTION_REASONS = {
    (1, 1): ("no reason given", _ASK),
    (1, 2): (
        "application context name not supported",
        "this may be no DICOM archive at all: check host and port",
    ),
    (1, _CALLING_AE_TITLE): ("calling AE title not recognized", ""),
    (1, _CALLED_AE_TITLE): ("called AE title not recognized", ""),
    (2, 1): ("no reason given", _ASK),
    (2, 2): ("protocol version not supported", "check host and port"),
    (3, 1): ("temporary congestion", "try again later"),
    (3, 2): (
        "local limit exceeded",
        "it has too many associations: lower max_associations or try again later",
    ),
}


def _read_context(value: bytes) -> tuple[int, int, str]:
    """Return ID, result and transfer syntax of a presentation context; "" for one that is no UID."""
    if len(value) < _CONTEXT_FIELDS.size:
        raise NegotiationError(f"a presentation context of {len(value)} bytes")
    context_id, result = _CONTEXT_FIELDS.unpack_from(value)
    # The sub-items of a context that is refused are not significant (PS3.8 9.3.3.2).
    if result == _ACCEPTANCE:
        for kind, syntax in items(value[_CONTEXT_FIELDS.size :], "a presentation context"):
            if kind == _TRANSFER_SYNTAX_ITEM:
                text = uid_text(syntax)
                is_uid = len(text) <= _LONGEST_UID and _UID.fullmatch(text)
                return context_id, result, text if is_uid else ""
    return context_id, result, ""


def _read_maximum_length(user_information: bytes) -> int:
    for kind, value in items(user_information, "the user information"):
        if kind == _MAXIMUM_LENGTH_ITEM and len(value) == _MAXIMUM_LENGTH.size:
            (maximum,) = _MAXIMUM_LENGTH.unpack(value)
            return int(maximum)
    return UNSTATED_MAX_PDU
