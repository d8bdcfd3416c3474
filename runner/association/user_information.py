"""What is negotiated in the user information beyond the maximum length: who asks, and how C-FIND matches.

User identity: PS3.7 D.3.3.7. SOP class extended negotiation: PS3.7 D.3.3.5, with the bytes of PS3.4 C.5.1.1
for the query/retrieve models and of K.5.1 for the worklist.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from struct import Struct

from runner.association.events import Answers
from runner.association.items import NegotiationError, item, items, uid_text
from runner.model import InformationModel, QueryOption

_EXTENDED_ITEM = 0x56
_IDENTITY_RQ_ITEM = 0x58
_IDENTITY_AC_ITEM = 0x59
_LENGTH = Struct(">H")
_REFUSED, _ACCEPTED = 0, 1

_MODELS = {model.sop_class_uid: model for model in InformationModel}
_OFFSETS = {option: offset for offset, option in enumerate(QueryOption)}
#: The worklist's first two bytes are always 1 and mean nothing; the third is always there (PS3.4 K.5.1).
_RESERVED = {InformationModel.WORKLIST: 2}
_SHORTEST = {InformationModel.WORKLIST: 3}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, with the secrets; never part of a `repr`.

    Attributes:
        type: 1 to 5 (PS3.7 Table D.3-14).
        primary: user name, Kerberos ticket, SAML assertion or JSON web token.
        secondary: the passcode, b"" but for type 2.
        response_requested: whether the peer is to confirm it.
    """

    type: int
    primary: bytes = field(repr=False)
    secondary: bytes = field(default=b"", repr=False)
    response_requested: bool = False


def application_information(abstract_syntax: str, options: Iterable[QueryOption]) -> bytes:
    """Return the service-class-application-information that proposes options for an abstract syntax.

    It ends with the last option that is proposed; b"" where none is that the abstract syntax knows.
    """
    model = _MODELS.get(abstract_syntax)
    known = [_OFFSETS[option] for option in options if model is not None and option in model.query_options]
    if model is None or not known:
        return b""
    information = bytearray(max(max(known) + 1, _SHORTEST.get(model, 1)))
    for offset in (*range(_RESERVED.get(model, 0)), *known):
        information[offset] = 1
    return bytes(information)


def negotiation_items(
    identity: Identity | None, options: Sequence[QueryOption], abstract_syntaxes: Iterable[str]
) -> bytes:
    """Return what is proposed, as sub-items of the user information of an A-ASSOCIATE-RQ."""
    sub_items = b""
    for abstract_syntax in abstract_syntaxes:
        information = application_information(abstract_syntax, options)
        if information:
            sub_items += item(_EXTENDED_ITEM, _counted(abstract_syntax.encode("ascii")) + information)
    if identity is not None:
        kind = bytes((identity.type, identity.response_requested))
        value = kind + _counted(identity.primary) + _counted(identity.secondary)
        sub_items += item(_IDENTITY_RQ_ITEM, value)
    return sub_items


def _counted(value: bytes) -> bytes:
    """Return a field with its length before it."""
    return _LENGTH.pack(len(value)) + value


def read_answers(
    user_information: bytes,
    identity: Identity | None,
    options: Sequence[QueryOption],
    abstract_syntaxes: Iterable[str],
    oddities: list[str],
) -> Answers:
    """Read what the peer answered to what was proposed; nothing in it is worth an error.

    Args:
        user_information: the sub-items.
        identity: what was proposed.
        options: what was proposed.
        abstract_syntaxes: for which ones.
        oddities: gets what is wrong with the answer.
    """
    asked = {uid: application_information(uid, options) for uid in abstract_syntaxes}
    asked = {uid: information for uid, information in asked.items() if information}
    if identity is None and not asked:
        return Answers()
    answered: dict[str, bytes] = {}
    response: int | None = None
    found: dict[str, None] = {}
    try:
        for kind, value in items(user_information, "the user information"):
            if kind == _EXTENDED_ITEM:
                uid, information = _extended(value)
                if uid not in asked:
                    found["it answered an extended negotiation that was not proposed"] = None
                elif uid in answered:
                    found["it answered the extended negotiation of one SOP class twice"] = None
                else:
                    answered[uid] = information
            elif kind == _IDENTITY_AC_ITEM and identity is not None and response is None:
                response = _response_length(value, found)
    except NegotiationError as error:
        found[f"its user information is broken: {error}"] = None
    extended = {
        uid: _accepted(_MODELS[uid], information, answered.get(uid), found)
        for uid, information in asked.items()
    }
    oddities += found
    return Answers(extended, response)


def _extended(value: bytes) -> tuple[str, bytes]:
    """Return the UID, "" where its length is wrong, and what follows it."""
    if len(value) < _LENGTH.size:
        return "", b""
    end = _LENGTH.size + _LENGTH.unpack_from(value)[0]
    return (uid_text(value[_LENGTH.size : end]) if end <= len(value) else ""), value[end:]


def _response_length(value: bytes, found: dict[str, None]) -> int | None:
    length = len(value) - _LENGTH.size
    if length < 0 or _LENGTH.unpack_from(value)[0] != length:
        found["its answer to our user identity has a wrong length, and does not count"] = None
        return None
    return length


def _accepted(
    model: InformationModel, asked: bytes, answer: bytes | None, found: dict[str, None]
) -> dict[QueryOption, bool]:
    """Return for each option that was proposed whether it was accepted; bytes that are missing are 0."""
    if answer is not None and not _SHORTEST.get(model, 1) <= len(answer) <= len(asked):
        what = f"it answered the extended negotiation of {model.value} with {len(answer)} bytes"
        found[f"{what}, where {len(asked)} were proposed"] = None
    values = (answer or b"").ljust(len(asked), b"\0")
    accepted = {}
    for option in model.query_options:
        offset = _OFFSETS[option]
        if offset >= len(asked):
            break
        value = values[offset]
        if value not in (_REFUSED, _ACCEPTED):
            what = f"it answered the proposal of {option.value} for {model.value} with {value}"
            found[f"{what}, in place of 0 or 1; that is taken for a refusal"] = None
        elif value and not asked[offset]:
            found[f"it accepted {option.value} for {model.value}, which was not proposed"] = None
        if asked[offset]:
            accepted[option] = value == _ACCEPTED
    return accepted
