"""Whether and when a peer that gives no association is asked again: the breaker before its workers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from runner.errors import CfindError
from runner.model import Retries
from runner.transport.stop_signal import StopSignal

#: A peer that has given associations is asked so many times more than one that never did.
_PATIENCE = 3
#: No pause is longer, in seconds, but by chance.
_LONGEST = 300.0
#: By so much pauses are prolonged at most, so that several clients do not come back at the same moment.
_CHANCE = 0.25


def pause(retries: Retries, failures: int, chance: Callable[[], float] = random.random) -> float:
    """Return how many seconds to wait before what has failed is tried again.

    Args:
        retries: what the job says of it.
        failures: how many times it has failed, 1 or more.
        chance: gives a number from 0 to 1.
    """
    doubled = retries.backoff * 2.0 ** min(failures - 1, 60)
    return float(min(doubled, max(_LONGEST, retries.backoff)) * (1 + _CHANCE * chance()))


@dataclass(frozen=True, slots=True)
class Outage:
    """That a peer gives no association.

    Attributes:
        failures: how many times it has failed in a row.
        allowed: how many times it may.
        pause: in how many seconds it is asked again; None where it is not.
    """

    failures: int
    allowed: int
    pause: float | None


class Circuit:
    """Stands between a peer and all its workers where the job has retries; for any thread.

    As long as associations come about, everybody may ask for one. Once the peer has failed to give one it
    is left alone for a while, and then a single worker asks for all; the others wait for what comes of it.
    A peer that has failed as often as it may is given up for the rest of the run.

    Args:
        retries: what the job says of it.
        clock: gives the time in seconds.
        chance: gives a number from 0 to 1.

    Attributes:
        given_up: why the peer is not asked any more; None where it is.
        failures: how many times it gave no association, in all.
    """

    def __init__(
        self,
        retries: Retries,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.given_up: CfindError | None = None
        self.failures = 0
        self._retries = retries
        self._clock = clock
        self._chance = chance
        self._in_a_row = 0
        self._began = self._until = 0.0
        # Whether the peer has given any association.
        self._known = False
        self._standing = 0
        self._asking: object | None = None
        self._answer = StopSignal()
        self._lock = threading.Lock()

    def ask(self, worker: object) -> float | StopSignal:
        """Say whether a worker may ask the peer for an association now.

        Returns:
            0 if it may, and then it must call `gave` or `failed`, or at least `done`; in how many seconds it
            may ask again; or what is set when the worker that asks for all has its answer.

        Raises:
            CfindError: the peer has been given up.
        """
        with self._lock:
            if self.given_up is not None:
                raise self.given_up
            if not self._in_a_row:
                return 0.0
            if self._asking is not None:
                return self._answer
            left = self._until - self._clock()
            if left > 0:
                return left
            self._asking, self._answer = worker, StopSignal()
            return 0.0

    def gave(self) -> tuple[int, float]:
        """Note that the peer gave an association.

        Returns:
            How many times it has failed right before, and for how many seconds.
        """
        with self._lock:
            failures, self._in_a_row = self._in_a_row, 0
            self._known = True
            self._standing += 1
            return failures, self._clock() - self._began

    def ended(self) -> None:
        """Note that an association that the peer gave has ended."""
        with self._lock:
            self._standing -= 1

    @property
    def stands(self) -> bool:
        """Whether the peer has an association with any worker."""
        return self._standing > 0

    def failed(self, worker: object, error: CfindError) -> Outage | None:
        """Note that the peer gave no association.

        Returns:
            What that means; None where it has been noted already, by a worker that asked at the same time.
        """
        with self._lock:
            self.failures += 1
            if self._in_a_row and self._asking is not worker:
                return None
            now = self._clock()
            if not self._in_a_row:
                self._began = now
            self._in_a_row += 1
            allowed = self._retries.attempts + (_PATIENCE if self._known else 0)
            if self._in_a_row <= allowed:
                seconds = pause(self._retries, self._in_a_row, self._chance)
                self._until = now + seconds
                return Outage(self._in_a_row, allowed, seconds)
            if self._standing:  # it is there, and gives no more
                self._in_a_row = 0
                return Outage(allowed + 1, allowed, None)
            times, waited = self._in_a_row, now - self._began
            what = f"{error.what}; it is given up after {times} attempts in {waited:.0f} s"
            self.given_up = type(error)(what, error.advice)
            self.given_up.transient = error.transient
            return Outage(self._in_a_row, allowed, None)

    def done(self, worker: object) -> None:
        """Let the others ask, whatever came of it."""
        with self._lock:
            if self._asking is worker:
                self._asking = None
                self._answer.set()
