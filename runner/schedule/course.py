"""Which run is due, by what a job says of times that were missed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, pairwise

from runner.model import CatchUp, Schedule
from runner.schedule.times import Times

#: So much later than it should, a run still begins in time.
GRACE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be done about times that have come.

    Attributes:
        time: the time that the job runs for, or the last that is left out where it does not run.
        runs: whether it runs.
        is_late: whether the time was missed, and its run is made up for.
        skipped: how many times are left out.
    """

    time: datetime
    runs: bool
    is_late: bool
    skipped: int


@dataclass(frozen=True, slots=True)
class Course:
    """A schedule together with where and how it is kept.

    Attributes:
        schedule: as the job declares it.
        times: its times.
        name: of the job, and of all else that should not begin in the same second.
        grace: so much later than it should, a run still begins in time.
    """

    schedule: Schedule
    times: Times
    name: str
    grace: timedelta = GRACE

    def delay(self, time: datetime, following: datetime | None) -> timedelta:
        """Return how much later than a time its run begins: by chance, and always the same.

        Args:
            time: one of the times.
            following: the next one, after which the run does not begin: it would pass for missed.
        """
        longest: float = self.schedule.jitter
        if longest and following is not None:
            longest = min(longest, (following - time).total_seconds())
        if not longest:
            return timedelta(0)
        chance = random.Random(f"{self.name} {time.timestamp():.0f}")  # noqa: S311 - nobody gains by guessing it
        return timedelta(seconds=chance.uniform(0, longest))

    def begin_after(self, now: datetime) -> datetime | None:
        """Return when the next run begins, None where there is none any more."""
        for _, begin in self._begins(now - timedelta(seconds=self.schedule.jitter)):
            if begin > now:
                return begin
        return None

    def turn(self, through: datetime, now: datetime, ended: datetime | None = None) -> Turn | None:
        """Return what is to be done now; None where nothing is.

        Args:
            through: the last time that was dealt with.
            now: the present.
            ended: when the run before came to its end, None where there was none: what came before that had
                to wait, and is late, if only by a second.
        """
        last, count = None, 0
        for passed in self._begins(through):
            if passed[1] > now:
                break
            count += 1
            last = passed
            if self.schedule.catch_up is CatchUp.ALL:
                break
        if last is None:
            return None
        time, begin = last
        is_late = now - begin > self.grace or (ended is not None and begin < ended)
        if is_late and self.schedule.catch_up is CatchUp.NONE:
            return Turn(time, runs=False, is_late=True, skipped=count)
        return Turn(time, runs=True, is_late=is_late, skipped=count - 1)

    def _begins(self, after: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the times after an instant, each with when its run begins."""
        times = self.times.following(after)
        if not self.schedule.jitter:
            yield from ((time, time) for time in times)
            return
        for time, following in pairwise(chain(times, (None,))):
            assert time is not None  # which stands behind the others
            yield time, time + self.delay(time, following)
