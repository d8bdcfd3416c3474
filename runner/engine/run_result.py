"""What came of a run, as data: its verdict and its exit status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engine.ledger import Ledger
from runner.engine.result import PeerResult, SinkResult, Verdict
from runner.errors import CfindError, ExitStatus
from runner.model import Job

if TYPE_CHECKING:
    from runner.engine.expectations import ExpectationResult

#: Where several exit statuses apply, the first of these.
PRECEDENCE = (
    ExitStatus.TERMINATED,
    ExitStatus.INTERRUPTED,
    ExitStatus.DEFECT,
    ExitStatus.USAGE,
    ExitStatus.INVALID_JOB,
    ExitStatus.ALREADY_RUNNING,
    ExitStatus.SINK_FAILED,
    ExitStatus.FIND_FAILED,
    ExitStatus.NO_ASSOCIATION,
    ExitStatus.INCOMPLETE,
    ExitStatus.EXPECTATION,
)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a job.

    Attributes:
        job: what ran.
        ledger: has each operation that was begun or that could not be begun.
        sinks: in the job's order.
        planned: how many operations there were to do, as far as is known.
        interrupted: the status that a signal asks for, None where none came.
        error: what ended the run as a whole: a path that is none, a defect; None where nothing did.
        started: seconds since the epoch.
        seconds: how long the run took.
        warnings: of associations, not of one operation.
        peers: those that the job asks, in its order.
        resumed: whether it goes on with an earlier run.
        expectations: whether each of the job's was met, in its order.
    """

    job: Job
    ledger: Ledger
    sinks: tuple[SinkResult, ...]
    planned: int
    interrupted: ExitStatus | None = None
    error: CfindError | None = None
    started: float = 0.0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    peers: tuple[PeerResult, ...] = ()
    resumed: bool = False
    expectations: tuple[ExpectationResult, ...] = ()

    @property
    def responses(self) -> int:
        """How many pending responses arrived whole."""
        return self.ledger.responses

    @property
    def verdict(self) -> Verdict:
        """Whether the answers of all operations are all that the peers have."""
        verdicts = self.ledger.verdicts
        never_begun = not self.ledger.operations and any(sink.error is not None for sink in self.sinks)
        if self.error is not None or never_begun or verdicts[Verdict.FAILED]:
            return Verdict.FAILED
        if self.ledger.operations < self.planned:
            return Verdict.INCOMPLETE
        if self.interrupted is not None or verdicts[Verdict.INCOMPLETE]:
            return Verdict.INCOMPLETE
        return Verdict.UNKNOWN if verdicts[Verdict.UNKNOWN] else Verdict.COMPLETE

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status that the run has."""
        statuses = set(self.ledger.statuses)
        statuses.update(sink.error.status for sink in self.sinks if sink.error is not None)
        if any(one.met is False for one in self.expectations):
            statuses.add(ExitStatus.EXPECTATION)
        if self.error is not None:
            statuses.add(self.error.status)
        if self.interrupted is not None:
            statuses.add(self.interrupted)
        if not statuses and self.verdict is not Verdict.COMPLETE:  # such as operations that were never begun
            statuses.add(ExitStatus.INCOMPLETE)
        return foremost(statuses)


def foremost(statuses: set[ExitStatus]) -> ExitStatus:
    """Return the status that counts where several apply; success where there is none but that."""
    for status in PRECEDENCE:
        if status in statuses:
            return status
    return ExitStatus.DEFECT if statuses - {ExitStatus.SUCCESS} else ExitStatus.SUCCESS
