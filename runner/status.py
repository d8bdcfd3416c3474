"""Statuses of C-FIND and C-ECHO responses, what they mean, and what is known of a C-FIND that ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SUCCESS = 0x0000
CANCEL = 0xFE00
PENDING = 0xFF00
PENDING_WARNING = 0xFF01


@dataclass(frozen=True, slots=True)
class StatusDetail:
    """What came with a final status: (0000,0901) to (0000,0903) above all, as far as sent.

    Attributes:
        status: of the final response.
        offending_elements: tags.
        error_comment: decoded for reading, without control characters; "" where not sent.
        error_id: None where not sent.
        elements: the bytes of all elements but those that each response has, in implicit little endian, in
            ascending order of tags.
    """

    status: int
    offending_elements: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None
    elements: bytes = b""


@dataclass(frozen=True, slots=True)
class FindOutcome:
    """What is known of a C-FIND that came to its final response.

    Attributes:
        detail: the final status and what came with it.
        responses: pending responses that arrived whole.
        cancelled: whether a C-CANCEL was sent.
        pending_warnings: how many of them had the status 0xFF01: optional keys are not supported.
        oddities: deviations from the standard that did no harm, one sentence each.
    """

    detail: StatusDetail
    responses: int
    cancelled: bool
    pending_warnings: int
    oddities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnfinishedFind:
    """The same for a C-FIND that ended without a final response: `detail` is always None."""

    responses: int
    cancelled: bool
    pending_warnings: int
    oddities: tuple[str, ...]
    detail: None = None


class Category(str, Enum):
    """The status types of PS3.7 Annex C."""

    SUCCESS = "success"
    PENDING = "pending"
    CANCEL = "cancel"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a status means: its type, the standard's words for it, and what to try ("" for nothing)."""

    category: Category
    text: str
    advice: str = ""


def meaning(status: int) -> Meaning:
    """Return what a status of a C-FIND or C-ECHO response means.

    PS3.4 C.4.1.1.4 and PS3.7 9.1.2.1.5 and Annex C. A status that neither knows is a failure, or a
    warning where it lies in the range of warnings: it is never taken for success.

    Args:
        status: 0 to 0xFFFF.
    """
    known = _MEANINGS.get(status)
    if known is not None:
        return known
    if 0xC000 <= status <= 0xCFFF:
        return _UNABLE_TO_PROCESS
    if 0xA700 <= status <= 0xA7FF:
        return _OUT_OF_RESOURCES
    if 0xA900 <= status <= 0xA9FF:
        return _DOES_NOT_MATCH
    if 0xB000 <= status <= 0xBFFF:
        return Meaning(Category.WARNING, "a warning that C-FIND does not define", _SEE_CONFORMANCE)
    return Meaning(Category.FAILURE, "a status that the standard does not define", _SEE_CONFORMANCE)


_SEE_CONFORMANCE = "look it up in the peer's conformance statement"
_ASK_ITS_LOG = "the peer's own log says more"
_OTHER_MODEL = "try another information model"
_NARROW = "narrow the query or try again later"

_OUT_OF_RESOURCES = Meaning(Category.FAILURE, "refused: out of resources", _NARROW)
_DOES_NOT_MATCH = Meaning(
    Category.FAILURE,
    "the identifier does not match the SOP class",
    "check the query/retrieve level and the unique keys of the levels above it, and the information model",
)
_UNABLE_TO_PROCESS = Meaning(
    Category.FAILURE,
    "unable to process",
    f"check the level and its unique keys, and leave out keys one by one; {_ASK_ITS_LOG}",
)

_MEANINGS = {
    SUCCESS: Meaning(Category.SUCCESS, "success"),
    CANCEL: Meaning(Category.CANCEL, "matching terminated by a cancel"),
    PENDING: Meaning(Category.PENDING, "pending"),
    PENDING_WARNING: Meaning(Category.PENDING, "pending, optional keys are not supported"),
    0x0001: Meaning(Category.WARNING, "warning: optional attributes are not supported"),
    0x0107: Meaning(Category.WARNING, "warning: attribute list error"),
    0x0116: Meaning(Category.WARNING, "warning: attribute value out of range"),
    0x0105: Meaning(Category.FAILURE, "no such attribute", "leave out the attribute that it names"),
    0x0106: Meaning(Category.FAILURE, "invalid attribute value", "check the values of the matching keys"),
    0x0110: Meaning(Category.FAILURE, "processing failure", _ASK_ITS_LOG),
    0x0111: Meaning(Category.FAILURE, "duplicate SOP instance", _ASK_ITS_LOG),
    0x0112: Meaning(Category.FAILURE, "no such SOP instance", _ASK_ITS_LOG),
    0x0113: Meaning(Category.FAILURE, "no such event type", _ASK_ITS_LOG),
    0x0114: Meaning(Category.FAILURE, "no such argument", _ASK_ITS_LOG),
    0x0115: Meaning(Category.FAILURE, "invalid argument value", "check the values of the matching keys"),
    0x0117: Meaning(Category.FAILURE, "invalid SOP instance", _ASK_ITS_LOG),
    0x0118: Meaning(Category.FAILURE, "no such SOP class", _OTHER_MODEL),
    0x0119: Meaning(Category.FAILURE, "class-instance conflict", _ASK_ITS_LOG),
    0x0120: Meaning(Category.FAILURE, "missing attribute", "add the attribute that it names"),
    0x0121: Meaning(Category.FAILURE, "missing attribute value", "give the attribute that it names a value"),
    0x0122: Meaning(Category.FAILURE, "refused: SOP class not supported", _OTHER_MODEL),
    # of older editions of PS3.4
    0xA800: Meaning(Category.FAILURE, "refused: SOP class not supported", _OTHER_MODEL),
    0x0123: Meaning(Category.FAILURE, "no such action", _ASK_ITS_LOG),
    0x0124: Meaning(
        Category.FAILURE,
        "refused: not authorized",
        "ask the peer's administrator to allow queries from this calling AE title and address",
    ),
    0x0210: Meaning(Category.FAILURE, "duplicate invocation", _ASK_ITS_LOG),
    0x0211: Meaning(Category.FAILURE, "unrecognized operation", "the peer may not serve C-FIND at all"),
    0x0212: Meaning(Category.FAILURE, "mistyped argument", _ASK_ITS_LOG),
    0x0213: Meaning(Category.FAILURE, "resource limitation", _NARROW),
}
