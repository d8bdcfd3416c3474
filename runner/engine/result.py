"""What came of an operation and of a sink, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import CfindError
from runner.plan import Operation
from runner.sinks.base import SinkState

if TYPE_CHECKING:
    from runner.association.events import Accepted
    from runner.engine.screening import Screened
    from runner.transport.tls_session import TlsSession


class Verdict(str, Enum):
    """Whether an answer is all that the peer has."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Cap(str, Enum):
    """What shows that a peer gave no more than it wanted to; by its name in reports."""

    DECLARED = "result_limit"
    CANCELLED = "0xFE00"
    OUT_OF_RESOURCES = "0xA700"
    WARNING = "warning"
    SAME_COUNT = "same-count"


#: The names of a peer, an information model and a level.
Kind = tuple[str, str, "str | None"]


def kind_of_answer(operation: Operation) -> Kind:
    """Return of what kind the answers to an operation are: a peer may end each kind in a way of its own."""
    level = operation.level
    return operation.peer.name, operation.model.value, level.value if level is not None else None


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What came of one C-FIND.

    Attributes:
        operation: what was sent.
        verdict: whether the answer is all.
        status: of the final response, None where none came.
        responses: pending responses that arrived whole.
        undecodable: how many of them cannot be decoded.
        error: why the verdict is not complete.
        warnings: what did no harm, but should be known.
        transfer_syntax: as negotiated, None where there was no association.
        seconds: from sending the request to the final response.
        unsupported_keys: how many responses had the status 0xFF01.
        cancelled: whether the job ended it by a C-CANCEL.
        cap: what shows that the peer gave no more than it wanted to; None where nothing does.
        parts: into how many smaller ones it was cut since it hit a cap.
        delivered: how many responses went on to the sinks, the undecodable ones among them.
        screened: what came of looking at them; None where nothing was to be looked at.
        attempts: how many times it was tried, 0 where the peer had been given up before. The status, the
            responses and the seconds are those of the last.
    """

    operation: Operation
    verdict: Verdict
    status: int | None = None
    responses: int = 0
    undecodable: int = 0
    error: CfindError | None = None
    warnings: tuple[str, ...] = ()
    transfer_syntax: TransferSyntax | None = None
    seconds: float = 0.0
    unsupported_keys: int = 0
    cancelled: bool = False
    cap: Cap | None = None
    parts: int = 0
    delivered: int = 0
    screened: Screened | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class SinkResult:
    """What became of one sink.

    Attributes:
        type: as in the job file.
        path: of the file or folder, None for stdout.
        state: what of the output is under its final name.
        responses: how many it took.
        kept_in: where a partial output lies, "" for nowhere.
        error: why it failed, None where it did not.
        undecodable_files: files that hold the bytes of identifiers that cannot be decoded.
    """

    type: str
    path: str | None
    state: SinkState
    responses: int
    kept_in: str = ""
    error: CfindError | None = None
    undecodable_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerResult:
    """What was found out of a peer.

    Attributes:
        name: in the job.
        tls: of the first connection, None for plain TCP, and where no handshake succeeded.
        accepted: what it answered to the first association request that it accepted, None where it did not.
    """

    name: str
    tls: TlsSession | None = None
    accepted: Accepted | None = None
