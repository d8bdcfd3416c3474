"""Which run is due, by what a job says of times that were missed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

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

    def begin(self, time: datetime) -> datetime:
        """Return when the run for a time begins: the jitter later that this time has, always the same."""
        if not self.schedule.jitter:
            return time
        chance = random.Random(f"{self.name} {time.timestamp():.0f}")  # noqa: S311 - nobody gains by guessing it
        return time + timedelta(seconds=chance.uniform(0, self.schedule.jitter))

    def begin_after(self, now: datetime) -> datetime | None:
        """Return when the next run begins, None where there is none any more."""
        for time in self.times.following(now - timedelta(seconds=self.schedule.jitter)):
            begin = self.begin(time)
            if begin > now:
                return begin
        return None

    def turn(self, through: datetime, now: datetime) -> Turn | None:
        """Return what is to be done now; None where nothing is.

        Args:
            through: the last time that was dealt with.
            now: the present.
        """
        first = last = None
        count = 0
        for time in self._passed(through, now):
            count += 1
            first, last = first or time, time
        if first is None or last is None:
            return None
        catch_up = self.schedule.catch_up
        chosen, skipped = (first, 0) if catch_up is CatchUp.ALL else (last, count - 1)
        is_late = now - self.begin(chosen) > self.grace
        if is_late and catch_up is CatchUp.NONE:
            return Turn(chosen, runs=False, is_late=True, skipped=count)
        return Turn(chosen, runs=True, is_late=is_late, skipped=skipped)

    def _passed(self, through: datetime, now: datetime) -> Iterator[datetime]:
        for time in self.times.between(through, now):
            if self.begin(time) > now:
                return
            yield time
