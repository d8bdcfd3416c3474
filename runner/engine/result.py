"""What came of a run, as data: reporters and exit statuses are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import CfindError, ExitStatus, InterruptedRunError
from runner.model import Job
from runner.plan import Operation
from runner.sinks.base import SinkState

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession

#: Where several exit statuses apply, the first of these.
PRECEDENCE = (
    ExitStatus.TERMINATED,
    ExitStatus.INTERRUPTED,
    ExitStatus.DEFECT,
    ExitStatus.INVALID_JOB,
    ExitStatus.SINK_FAILED,
    ExitStatus.FIND_FAILED,
    ExitStatus.NO_ASSOCIATION,
    ExitStatus.INCOMPLETE,
    ExitStatus.EXPECTATION,
)


class Verdict(str, Enum):
    """Whether an answer is all that the peer has."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    UNKNOWN = "unknown"


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
    """

    name: str
    tls: TlsSession | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a job.

    Attributes:
        job: what ran.
        operations: one result for each operation that was begun or that could not be begun.
        sinks: in the job's order.
        interrupted: the status that a signal asks for, None where none came.
        error: what ended the run as a whole: a path that is none, a defect; None where nothing did.
        started: seconds since the epoch.
        seconds: how long the run took.
        warnings: of associations, not of one operation.
        peers: those that the job asks, in its order.
    """

    job: Job
    operations: tuple[OperationResult, ...]
    sinks: tuple[SinkResult, ...]
    interrupted: ExitStatus | None = None
    error: CfindError | None = None
    started: float = 0.0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    peers: tuple[PeerResult, ...] = ()

    @property
    def responses(self) -> int:
        """How many pending responses arrived whole."""
        return sum(result.responses for result in self.operations)

    @property
    def planned(self) -> int:
        """How many operations the job has."""
        return sum(len(query.peers) * query.operations_per_peer for query in self.job.queries)

    @property
    def verdict(self) -> Verdict:
        """Whether the answers of all operations are all that the peers have."""
        verdicts = {result.verdict for result in self.operations}
        never_begun = not self.operations and any(sink.error is not None for sink in self.sinks)
        if self.error is not None or never_begun or Verdict.FAILED in verdicts:
            return Verdict.FAILED
        if len(self.operations) < self.planned:
            return Verdict.INCOMPLETE
        if self.interrupted is not None or Verdict.INCOMPLETE in verdicts:
            return Verdict.INCOMPLETE
        return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.COMPLETE

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status that the run has."""
        # An operation that was broken off says that, not why: a signal or sinks that all failed.
        statuses = {
            result.error.status
            for result in self.operations
            if result.error is not None and not isinstance(result.error, InterruptedRunError)
        }
        statuses.update(sink.error.status for sink in self.sinks if sink.error is not None)
        if self.error is not None:
            statuses.add(self.error.status)
        if self.interrupted is not None:
            statuses.add(self.interrupted)
        return foremost(statuses)


def foremost(statuses: set[ExitStatus]) -> ExitStatus:
    """Return the status that counts where several apply; success where there is none."""
    return next((status for status in PRECEDENCE if status in statuses), ExitStatus.SUCCESS)
