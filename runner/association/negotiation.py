"""A-ASSOCIATE-RQ, -AC and -RJ (PS3.8 9.3.2 to 9.3.4): what is proposed and what the peer made of it.

pynetdicom's classes encode and decode them. Since its decoder gives up on items that it does not know,
and the standard wants those ignored (PS3.8 9.3.1), an A-ASSOCIATE-AC goes through a sieve first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.association.events import Accepted, Answers, NegotiatedContext, Rejected
from runner.association.items import NegotiationError, item, items, uid_text
from runner.association.pdu import ASSOCIATE_AC, PDU_HEADER, SHORTEST_SENT
from runner.dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import InvalidJobError
from runner.model import QueryOption

if TYPE_CHECKING:
    from runner.association.user_information import Identity

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

#: What is taken where the peer does not state its maximum length.
UNSTATED_MAX_PDU = 16384

_APPLICATION_CONTEXT_ITEM = 0x10
_PRESENTATION_CONTEXT_AC_ITEM = 0x21
_TRANSFER_SYNTAX_ITEM = 0x40
_USER_INFORMATION_ITEM = 0x50
_MAXIMUM_LENGTH_ITEM = 0x51
#: Protocol version, AE titles and reserved fields before the items.
_FIXED_FIELDS = 68
_ACCEPTANCE = 0
#: PS3.5 9.1; what is none makes the decoder warn.
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")


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
    from pynetdicom.pdu import A_ASSOCIATE_RQ
    from pynetdicom.pdu_primitives import (
        A_ASSOCIATE,
        ImplementationClassUIDNotification,
        ImplementationVersionNameNotification,
        MaximumLengthNotification,
    )
    from pynetdicom.presentation import PresentationContext

    primitive = A_ASSOCIATE()
    primitive.application_context_name = APPLICATION_CONTEXT
    try:
        primitive.called_ae_title = proposal.called_ae_title
        primitive.calling_ae_title = proposal.calling_ae_title
    except ValueError:
        raise InvalidJobError(
            f"the AE titles “{proposal.called_ae_title}” (called) and “{proposal.calling_ae_title}” (calling)"
            " cannot both be sent",
            "an AE title has 1 to 16 characters of ASCII, no backslash, and is not all spaces",
        ) from None
    contexts = []
    for context_id, abstract_syntax in proposal.contexts():
        context = PresentationContext()
        context.context_id = context_id
        context.abstract_syntax = abstract_syntax
        context.transfer_syntax = [syntax.uid for syntax in proposal.transfer_syntaxes]
        contexts.append(context)
    primitive.presentation_context_definition_list = contexts
    maximum = MaximumLengthNotification()
    maximum.maximum_length_received = proposal.max_pdu
    class_uid = ImplementationClassUIDNotification()
    class_uid.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    primitive.user_information = [maximum, class_uid, version]
    if proposal.identity is not None or proposal.options:
        from runner.association.user_information import negotiation_items

        primitive.user_information += negotiation_items(
            proposal.identity, proposal.options, proposal.abstract_syntaxes
        )
    encoded: bytes = A_ASSOCIATE_RQ(primitive).encode()
    return encoded


def read_acceptance(pdu: bytes, proposal: Proposal) -> Accepted:
    """Read an A-ASSOCIATE-AC, header included.

    Items that nobody knows, contexts that were not proposed and second answers to one context are passed
    over.

    Raises:
        NegotiationError: if it is too short, or an item is longer than what holds it.
    """
    from pynetdicom.pdu import A_ASSOCIATE_AC

    oddities: list[str] = []
    decoder = A_ASSOCIATE_AC()
    sieved, user_information = _sieved(pdu, oddities)
    decoder.decode(sieved)
    answered = {answer.context_id: answer for answer in reversed(decoder.presentation_context)}
    contexts = {}
    for context_id, abstract_syntax in proposal.contexts():
        answer = answered.get(context_id)
        if answer is None:
            contexts[abstract_syntax] = NegotiatedContext(context_id, None, "the peer did not answer for it")
        else:
            contexts[abstract_syntax] = _negotiated(
                context_id, answer.result, answer.transfer_syntax, proposal
            )
    max_pdu = decoder.user_information.maximum_length if decoder.user_information else None
    if max_pdu is None:
        max_pdu = UNSTATED_MAX_PDU
    elif 0 < max_pdu < SHORTEST_SENT:
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


def _negotiated(context_id: int, result: int, uid: str | None, proposal: Proposal) -> NegotiatedContext:
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
    from pynetdicom.pdu import A_ASSOCIATE_RJ

    decoder = A_ASSOCIATE_RJ()
    decoder.decode(pdu[:10].ljust(10, b"\0"))
    result, source, reason = decoder.result, decoder.source, decoder.reason_diagnostic
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


def _sieved(pdu: bytes, oddities: list[str]) -> tuple[bytes, bytes]:
    """Return an A-ASSOCIATE-AC with what is decodable of it alone, and its user information as it is."""
    body = pdu[PDU_HEADER.size :]
    if len(body) < _FIXED_FIELDS:
        raise NegotiationError(f"it is {len(body)} bytes long, and {_FIXED_FIELDS} is the least")
    # The AE titles in it are not to be tested (PS3.8 Table 9-17), and may be any bytes.
    kept = body[:4] + b" " * 32 + bytes(32)
    user_information = b""
    for kind, value in items(body[_FIXED_FIELDS:], "the A-ASSOCIATE-AC"):
        if kind == _PRESENTATION_CONTEXT_AC_ITEM:
            kept += _sieved_context(value)
        elif kind == _USER_INFORMATION_ITEM:
            kept += _sieved_user_information(value)
            user_information += value
        elif kind == _APPLICATION_CONTEXT_ITEM and uid_text(value) != APPLICATION_CONTEXT:
            oddities.append("the peer's application context name is not that of DICOM")
    return PDU_HEADER.pack(ASSOCIATE_AC, len(kept)) + kept, user_information


def _sieved_context(value: bytes) -> bytes:
    if len(value) < 4:
        raise NegotiationError(f"a presentation context of {len(value)} bytes")
    kept = value[:4]
    # The sub-items of a context that is refused are not significant (PS3.8 9.3.3.2).
    if value[2] == _ACCEPTANCE:
        for kind, syntax in items(value[4:], "a presentation context"):
            if kind == _TRANSFER_SYNTAX_ITEM:
                text = uid_text(syntax)
                if len(text) <= 64 and _UID.fullmatch(text):
                    kept += item(kind, text.encode("ascii"))
                break
    return item(_PRESENTATION_CONTEXT_AC_ITEM, kept)


def _sieved_user_information(value: bytes) -> bytes:
    for kind, sub_item in items(value, "the user information"):
        if kind == _MAXIMUM_LENGTH_ITEM and len(sub_item) == 4:
            return item(_USER_INFORMATION_ITEM, item(kind, sub_item))
    return b""
