"""Counts a run's operations, and says how far it is: for a live view, for lines now and then."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.engine.observer import RunProgress
from runner.engine.result import OperationResult, Verdict
from runner.model import Job, Peer
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession

#: Over so many seconds the speed is measured, or over the time between two looks if that is longer.
_RECENT = 5.0


@dataclass(frozen=True, slots=True)
class PeerSnapshot:
    """How far a run is with one peer.

    Attributes:
        name: in the job.
        planned: how many operations there are in all; None where others may follow from them.
        done: how many have ended.
        failed: how many of them have failed.
        doubtful: how many of them have an answer that is not all, or may not be.
        responses: how many have come.
        responses_per_second: lately.
    """

    name: str
    planned: int | None
    done: int
    failed: int
    doubtful: int
    responses: int
    responses_per_second: float

    @property
    def left(self) -> int | None:
        """How many operations have not ended; None where that is unknown."""
        return None if self.planned is None else max(0, self.planned - self.done)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a run is.

    Attributes:
        job: its name.
        seconds: since it began.
        seconds_left: until it ends, if all goes on as before; None where that is unknown.
        peers: those that the job asks, in its order.
    """

    job: str
    seconds: float
    seconds_left: float | None
    peers: tuple[PeerSnapshot, ...]

    @property
    def planned(self) -> int | None:
        """How many operations there are in all; None where others may follow from them."""
        numbers = [peer.planned for peer in self.peers if peer.planned is not None]
        return sum(numbers) if len(numbers) == len(self.peers) else None

    @property
    def done(self) -> int:
        """How many operations have ended."""
        return sum(peer.done for peer in self.peers)

    @property
    def failed(self) -> int:
        """How many operations have failed."""
        return sum(peer.failed for peer in self.peers)

    @property
    def doubtful(self) -> int:
        """How many operations have an answer that is not all, or may not be."""
        return sum(peer.doubtful for peer in self.peers)

    @property
    def responses(self) -> int:
        """How many responses have come."""
        return sum(peer.responses for peer in self.peers)

    @property
    def responses_per_second(self) -> float:
        """How many came in a second, lately."""
        return sum(peer.responses_per_second for peer in self.peers)


@dataclass(slots=True)
class _Count:
    """What is counted of a peer; `looks` are the numbers of responses at some times lately."""

    done: int = 0
    failed: int = 0
    doubtful: int = 0
    looks: deque[tuple[float, int]] = field(default_factory=deque)

    def speed(self, now: float, responses: int) -> float:
        """Note how many responses there are now, and return how many came in a second lately."""
        looks = self.looks
        looks.append((now, responses))
        while len(looks) > 2 and looks[1][0] <= now - _RECENT:
            looks.popleft()
        since, before = looks[0]
        return (responses - before) / (now - since) if now > since else 0.0


class Tally:
    """An observer that counts, in memory that does not grow with the operations.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._job = ""
        self._progress: RunProgress | None = None
        self._counts: dict[str, _Count] = {}

    def run_begun(self, job: Job, progress: RunProgress) -> None:
        """Begin to count from nothing."""
        begun = self._begun = self._clock()
        self._counts = {peer.name: _Count(looks=deque([(begun, 0)])) for peer in job.used_peers}
        self._job = job.name
        self._progress = progress

    def operation_finished(self, result: OperationResult) -> None:
        """Count an operation."""
        count = self._counts[result.operation.peer.name]
        count.done += 1
        if result.verdict is Verdict.FAILED:
            count.failed += 1
        elif result.verdict is not Verdict.COMPLETE:
            count.doubtful += 1

    def connection_secured(self, peer: Peer, session: TlsSession) -> None:
        """Do nothing."""

    def association_opened(self, peer: Peer) -> None:
        """Do nothing."""

    def operation_started(self, operation: Operation) -> None:
        """Do nothing."""

    def warning(self, where: str, text: str) -> None:
        """Do nothing."""

    def waiting(self, peer: Peer, text: str) -> None:
        """Do nothing."""

    def snapshot(self) -> Snapshot | None:
        """Return how far the run is, None before it has begun. Not for several threads at once."""
        progress = self._progress
        if progress is None:
            return None
        now = self._clock()
        peers = []
        for name, count in self._counts.items():
            received, planned = progress.received(name), progress.planned(name)
            peers.append(
                PeerSnapshot(
                    name=name,
                    planned=planned,
                    done=count.done,
                    failed=count.failed,
                    doubtful=count.doubtful,
                    responses=received,
                    responses_per_second=count.speed(now, received),
                )
            )
        seconds = now - self._begun
        return Snapshot(self._job, seconds, _seconds_left(peers, seconds), tuple(peers))


def _seconds_left(peers: list[PeerSnapshot], seconds: float) -> float | None:
    """Return when the last peer will have ended, as far as each goes on as it went; None if unknown."""
    longest = 0.0
    for peer in peers:
        left = peer.left
        if left is None or (left and not peer.done):
            return None
        if left:
            longest = max(longest, seconds * left / peer.done)
    return longest
