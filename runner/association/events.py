"""What happens on an association, as seen by its requestor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import QueryOption
from runner.status import StatusDetail


@dataclass(frozen=True, slots=True)
class NegotiatedContext:
    """The peer's answer to a presentation context.

    Attributes:
        context_id: odd, 1 to 255.
        transfer_syntax: what was agreed on, None where the context cannot be used.
        refusal: why not, in words; "" where it can.
    """

    context_id: int
    transfer_syntax: TransferSyntax | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the peer made of who asks and of what was asked for beyond the baseline.

    Attributes:
        extended: by abstract syntax, each option that was proposed for it, and whether it was accepted;
            those for which nothing was proposed are missing.
        identity_response: the length of the peer's confirmation of our identity, in bytes; None where it
            sent none.
    """

    extended: Mapping[str, Mapping[QueryOption, bool]] = field(default_factory=dict)
    identity_response: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """An A-ASSOCIATE-AC came (PS3.8 9.3.3).

    Attributes:
        contexts: by abstract syntax; those that were proposed, all of them.
        max_pdu: the longest P-DATA-TF that the peer receives, 0 for no limit.
        oddities: what was wrong with it, but did no harm.
        answers: to what was proposed beyond contexts.
    """

    contexts: Mapping[str, NegotiatedContext]
    max_pdu: int
    oddities: tuple[str, ...] = ()
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An A-ASSOCIATE-RJ came (PS3.8 9.3.4): what it says, what to try, and whether it is for now only."""

    what: str
    advice: str
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Responses:
    """Whole pending responses of the same status, in order of arrival; at least one."""

    identifiers: list[bytes]
    status: int


@dataclass(frozen=True, slots=True)
class TruncatedResponse:
    """A pending response whose identifier broke off, because the next message began."""

    identifier: bytes
    status: int


@dataclass(frozen=True, slots=True)
class ResponseWithoutIdentifier:
    """A pending response that brought no identifier."""

    status: int


@dataclass(frozen=True, slots=True)
class FinalResponse:
    """The response that ends an operation, C-FIND or C-ECHO; a data set that follows it is read past."""

    detail: StatusDetail


@dataclass(frozen=True, slots=True)
class Oddity:
    """The peer departed from the standard without harm: one sentence."""

    what: str


@dataclass(frozen=True, slots=True)
class Aborted:
    """An A-ABORT came (PS3.8 9.3.8)."""

    source: int
    reason: int


@dataclass(frozen=True, slots=True)
class ReleaseRequested:
    """The peer asked for a release that we did not ask for, and was given it; the association is over."""


@dataclass(frozen=True, slots=True)
class Released:
    """The peer answered our release; the association is over."""


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """The peer closed the connection."""


@dataclass(frozen=True, slots=True)
class Violation:
    """The peer sent what cannot be understood or is not allowed; an A-ABORT is to be sent."""

    what: str
    advice: str = ""


Event = (
    Accepted
    | Rejected
    | Responses
    | TruncatedResponse
    | ResponseWithoutIdentifier
    | FinalResponse
    | Oddity
    | Aborted
    | ReleaseRequested
    | Released
    | ConnectionClosed
    | Violation
)
