"""The runs of one job, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Protocol

from runner.errors import CfindError, DefectError, ExitStatus
from runner.model import CatchUp
from runner.schedule.course import GRACE, Course, Turn
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.processes import counts_as

#: So long after a run could not be begun it is tried again, which is still in time for those that are not
#: made up for.
AGAIN = GRACE / 3


class Memory(Protocol):
    """Remembers up to which time jobs were dealt with: runner.state.schedule_memory."""

    def take(self, job: str) -> None:
        """Keep other processes from scheduling the job."""

    def release(self, job: str) -> None:
        """Let other processes schedule the job."""

    def through(self, job: str, schedule: str) -> datetime | None:
        """Return up to which time a schedule was dealt with."""

    def note(self, job: str, schedule: str, through: datetime) -> None:
        """Note up to which time a schedule was dealt with."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs need.

    Attributes:
        run: runs a job to its end with its clock at a time, or at the present; its exit status, minus the
            number of the signal that killed it, or None where it was ended since all is to end. Raises an
            OSError where it cannot be begun.
        memory: remembers.
        now: reads the clock, in UTC.
        tell: prints a message.
    """

    run: Callable[[ScheduledJob, datetime | None], int | None]
    memory: Memory
    now: Callable[[], datetime]
    tell: Callable[[str], None]


class Line:
    """A job that is scheduled. No two runs of it overlap: a time that comes meanwhile waits for the end.

    Args:
        scheduled: the job.
        surroundings: what it needs.
        course: its schedule; None for its own.
        since: up to so long ago times count as not dealt with where nothing is known of them.

    Raises:
        AlreadyRunningError: another process schedules it.
        StateError: nothing can be remembered of it.
    """

    def __init__(
        self,
        scheduled: ScheduledJob,
        surroundings: Surroundings,
        course: Course | None = None,
        since: timedelta = timedelta(0),
    ) -> None:
        self._with = surroundings
        self._lock = threading.Lock()
        self._is_busy = False
        self._is_over = False
        self._again: datetime | None = None
        self._reckoned: datetime | None = None
        self._scheduled = scheduled
        self._course = course or scheduled.course
        self._since = since
        surroundings.memory.take(scheduled.job.name)
        self._through = self._remembered(scheduled)

    @property
    def name(self) -> str:
        """The job's name."""
        return self._scheduled.job.name

    @property
    def scheduled(self) -> ScheduledJob:
        """The job as it is now."""
        return self._scheduled

    def change(self, scheduled: ScheduledJob) -> None:
        """Let the next runs be those of a changed job of the same name.

        Raises:
            StateError: nothing can be remembered of it.
        """
        with self._lock:
            self._change(scheduled)

    def take_up(self, scheduled: ScheduledJob) -> bool:
        """Go on after `end` with a job of the same name, where a run goes on yet.

        Returns:
            Whether that is so; otherwise the line is at its end.

        Raises:
            StateError: nothing can be remembered of it.
        """
        with self._lock:
            if self._is_busy:
                self._change(scheduled)
                self._is_over = False
            return self._is_busy

    @property
    def is_busy(self) -> bool:
        """Whether something is being done."""
        with self._lock:
            return self._is_busy

    def end(self) -> None:
        """Begin no more runs; one that goes on keeps other processes from scheduling the job to its end."""
        with self._lock:
            self._is_over = True
            if not self._is_busy:
                self._with.memory.release(self.name)

    def is_stale(self) -> bool:
        """Whether what `next_begin` or `begin_after` returned last does not hold any more.

        That is so where the clock has been put back since, and where a run that could not be begun is to be
        tried again.
        """
        now = self._with.now()
        with self._lock:
            known = (self._through, self._reckoned, self._again)
            was_put_back = any(time is not None and time - now > GRACE for time in known)
            return was_put_back or (self._again is not None and self._again <= now)

    def next_begin(self) -> datetime | None:
        """Return when something is to be done: now, where a time has come already."""
        with self._lock:
            now = self._reckoned = self._now()
            self._again = None
            if self._course.turn(self._through, now) is not None:
                return now
            return self._course.begin_after(now)

    def begin_after(self, now: datetime) -> datetime | None:
        """Return when the next run begins by the clock alone."""
        with self._lock:
            self._reckoned = now
            return self._course.begin_after(now)

    def announcement(self) -> str:
        """Say when the next run is due."""
        with self._lock:
            return self._announced(self._now())

    def go(self) -> set[ExitStatus]:
        """Do all that is due; where that is being done already it goes on there, and nothing is lost.

        Returns:
            The exit statuses of the runs that came to their end, and that of a defect where one could not be
            begun.
        """
        statuses: set[ExitStatus] = set()
        with self._lock:
            if self._is_busy or self._is_over:
                return statuses
            self._is_busy = True
            self._again = None
        try:
            while (due := self._next_turn()) is not None:
                status = self._do(*due)
                if status is not None:
                    statuses.add(status)
        except Exception as error:  # noqa: BLE001 - the scheduler goes on, and so does this line at its next time
            self._with.tell(f"{self.name}: {DefectError(error)}")
            statuses.add(ExitStatus.DEFECT)
            with self._lock:
                self._rest()
        return statuses

    def _next_turn(self) -> tuple[ScheduledJob, Turn] | None:
        with self._lock:
            turn = None
            if not self._is_over and self._again is None:
                turn = self._course.turn(self._through, self._now())
            if turn is None:
                self._rest()
                return None
            return self._scheduled, turn

    def _rest(self) -> None:
        """Be busy no more, with the lock."""
        self._is_busy = False
        if self._is_over:
            self._with.memory.release(self.name)

    def _do(self, scheduled: ScheduledJob, turn: Turn) -> ExitStatus | None:
        """Do what is due; return what a run counts as, None where none came to an end."""
        tell, name, due = self._with.tell, scheduled.job.name, turn.time.isoformat()
        if turn.skipped:
            number = "1 run was" if turn.skipped == 1 else f"{turn.skipped} runs were"
            last = "" if turn.runs else f", the last one at {due}"
            tell(f"{name}: {number} missed and {'is' if turn.skipped == 1 else 'are'} not made up for{last}")
        if not turn.runs:
            self._note(scheduled, turn.time)
            tell(f"{name}: {self.announcement()}")
            return None
        tell(f"{name}: begun{', late,' if turn.is_late else ''} for {due}")
        begun = time.monotonic()
        # Each of several runs that are made up for asks what it would have asked; a single one asks what
        # there is to ask today.
        at_its_time = turn.is_late and scheduled.schedule.catch_up is CatchUp.ALL
        try:
            status = self._with.run(scheduled, turn.time if at_its_time else None)
        except OSError as error:
            # Nothing has been asked, so the time is not dealt with: who sees to it next makes up for it.
            tell(f"{name}: cannot be run: {error.strerror or error}; it counts as missed")
            with self._lock:
                self._again = self._with.now() + AGAIN
            return ExitStatus.DEFECT
        if status is None:
            tell(f"{name}: ended before it was done; it counts as missed")
            with self._lock:
                self._is_over = True
            return None
        self._note(scheduled, turn.time)
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        tell(f"{name}: ended after {time.monotonic() - begun:.1f} s with {how}; {self.announcement()}")
        return counts_as(status)

    def _change(self, scheduled: ScheduledJob) -> None:
        if _words(scheduled) != _words(self._scheduled):
            self._through = self._remembered(scheduled)
        self._scheduled, self._course = scheduled, scheduled.course

    def _note(self, scheduled: ScheduledJob, through: datetime) -> None:
        with self._lock:
            if _words(scheduled) != _words(self._scheduled):
                return  # the schedule has changed meanwhile, and the new one has its own beginning
            now = self._with.now()
            if through - now > GRACE:  # what has come since the clock was put back may yet have to run
                self._tell_put_back(through, now)
            else:
                self._deal(through)

    def _now(self) -> datetime:
        """Read the clock, with the lock; where it was put back, times that are still to come count as such.

        By a little it is put all the time, and no time should come twice for that.
        """
        now, through = self._with.now(), self._through
        if through - now > GRACE:
            self._deal(now)
            self._tell_put_back(through, now)
        return now

    def _tell_put_back(self, through: datetime, now: datetime) -> None:
        again = f"the clock was put back: what ran until {through.isoformat()} runs again"
        self._with.tell(f"{self.name}: {again}; {self._announced(now)}")

    def _announced(self, now: datetime) -> str:
        following = self._course.times.next(max(now, self._through))
        return f"next at {following.isoformat()}" if following is not None else "there is no next time"

    def _deal(self, through: datetime) -> None:
        """Count times as dealt with, and remember that, with the lock."""
        self._through = through
        try:
            self._with.memory.note(self.name, _words(self._scheduled), through)
        except CfindError as error:
            self._with.tell(f"warning: {error}")

    def _remembered(self, scheduled: ScheduledJob) -> datetime:
        """Return up to which time a schedule was dealt with: until now, where nothing is known of it."""
        words = _words(scheduled)
        through = self._with.memory.through(self.name, words)
        if through is None:
            through = self._with.now() - self._since
            self._with.memory.note(self.name, words, through)
        return through


def _words(scheduled: ScheduledJob) -> str:
    """Return the times of a job in words, which change where they do."""
    schedule = scheduled.schedule
    return f"{schedule.cron} {schedule.timezone}".strip()


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(timezone.utc)
