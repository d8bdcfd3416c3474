"""The runs of one job, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from runner.errors import CfindError, DefectError, ExitStatus, StateError
from runner.model import CatchUp
from runner.schedule.course import GRACE, Course, Turn
from runner.scheduler.happening import Happening, Tell
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.processes import counts_as

#: So long after a run could not be begun it is tried again, which is still in time for those that are not
#: made up for.
AGAIN = GRACE / 3

#: The same where another run of the job goes on, which may take long.
POLITELY = timedelta(seconds=60)


class Memory(Protocol):
    """Remembers up to which time jobs were dealt with: runner.state.schedule_memory."""

    def take(self, job: str) -> None:
        """Keep other processes from scheduling the job."""

    def release(self, job: str) -> None:
        """Let other processes schedule the job."""

    def through(self, job: str, schedule: str) -> datetime | None:
        """Return up to which time a schedule was dealt with; raises a StateError where that is garbled."""

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
        tell: prints what happens.
    """

    run: Callable[[ScheduledJob, datetime | None], int | None]
    memory: Memory
    now: Callable[[], datetime]
    tell: Tell


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
        #: What is being run for, and when that of before came to its end.
        self._doing: datetime | None = None
        self._ended: datetime | None = None
        #: When runs that are made up for may begin, once there are some.
        self._from: datetime | None = None
        #: Whether a run of the job goes on that is not ours, as far as is known, and was told.
        self._waits = False
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
            known = (self._through, self._reckoned)
            was_put_back = any(time is not None and time - now > GRACE for time in known)
            return was_put_back or (self._again is not None and self._again <= now)

    def next_begin(self) -> datetime | None:
        """Return when something is to be done: now, where a time has come already."""
        with self._lock:
            now = self._reckoned = self._now()
            self._again = None
            turn = self._turn(now)
            return self._course.begin_after(now) if turn is None else max(now, self._may_begin(turn, now))

    def begin_after(self, now: datetime) -> datetime | None:
        """Return when the next run begins by the clock alone."""
        with self._lock:
            self._reckoned = now
            return self._course.begin_after(now)

    def announce(self, event: str, text: str = "", *, is_trouble: bool = False, **members: Any) -> None:
        """Tell something, and when the next run is due."""
        with self._lock:
            said, due = self._announced(self._now())
        self._tell(event, f"{text}{said}", is_trouble=is_trouble, **members, next=due)

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
            self._tell("scheduled_run_postponed", str(DefectError(error)), is_trouble=True)
            statuses.add(ExitStatus.DEFECT)
            with self._lock:
                self._rest()
        return statuses

    def _next_turn(self) -> tuple[ScheduledJob, Turn] | None:
        with self._lock:
            turn = None
            if not self._is_over and self._again is None:
                now = self._now()
                turn = self._turn(now)
                if turn is not None and (begin := self._may_begin(turn, now)) > now:
                    self._wait(now, begin)
                    turn = None
            if turn is None:
                self._rest()
                return None
            self._doing = turn.time
            return self._scheduled, turn

    def _turn(self, now: datetime) -> Turn | None:
        """Return what is due, with the lock."""
        turn = self._course.turn(self._through, now, self._ended)
        if turn is None:
            self._from = None
        return turn

    def _may_begin(self, turn: Turn, now: datetime) -> datetime:
        """Return when a run may begin that is due, with the lock.

        After an outage the jobs should not all fall upon the archive in the same second: the jitter counts
        from when it is seen that something is to be made up for.
        """
        if not (turn.runs and turn.is_late):
            return now
        if self._from is None:
            self._from = now + self._course.delay(turn.time, None)
        return self._from

    def _wait(self, now: datetime, again: datetime) -> None:
        """Look again later at what is due, with the lock."""
        self._reckoned, self._again = now, again

    def _rest(self) -> None:
        """Be busy no more, with the lock."""
        self._is_busy, self._doing = False, None
        if self._is_over:
            self._with.memory.release(self.name)

    def _do(self, scheduled: ScheduledJob, turn: Turn) -> ExitStatus | None:
        """Do what is due; return what a run counts as, None where none came to an end."""
        if not turn.runs:
            self._waits = False
            self._deal_with(scheduled, turn)
            self.announce("schedule_next")
            return None
        of_run: dict[str, Any] = {"due": turn.time.isoformat(), "late": turn.is_late}
        late = ", late," if turn.is_late else ""
        if not self._waits:
            self._tell("scheduled_run_begun", f"begun{late} for {of_run['due']}", **of_run)
        begun = time.monotonic()
        # Each of several runs that are made up for asks what it would have asked; a single one asks what
        # there is to ask today.
        at_its_time = turn.is_late and scheduled.schedule.catch_up is CatchUp.ALL
        try:
            status = self._with.run(scheduled, turn.time if at_its_time else None)
        except OSError as error:
            # Nothing has been asked, so the time is not dealt with: who sees to it next makes up for it.
            why = f"cannot be run: {error.strerror or error}; it counts as missed"
            self._postpone(AGAIN, why, **of_run)
            return ExitStatus.DEFECT
        if status is None:
            why = "ended before it was done; it counts as missed"
            self._tell("scheduled_run_cut_short", why, is_trouble=True, **of_run)
            with self._lock:
                self._is_over = True
            return None
        if status == ExitStatus.ALREADY_RUNNING:
            in_time = scheduled.schedule.catch_up is CatchUp.NONE
            why = "" if self._waits else "not run, since another run of the job goes on; it is tried again"
            self._waits = True
            self._postpone(AGAIN if in_time else POLITELY, why, **of_run)
            return ExitStatus.ALREADY_RUNNING
        self._waits = False
        self._deal_with(scheduled, turn)
        with self._lock:
            self._doing, self._ended = None, self._with.now()
            self._from = self._ended  # what came meanwhile does not wait any longer
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        self.announce(
            "scheduled_run_ended",
            f"ended after {time.monotonic() - begun:.1f} s with {how}; ",
            is_trouble=status != ExitStatus.SUCCESS,
            **of_run,
            exit_status=status if status >= 0 else None,
            signal=-status if status < 0 else None,
            seconds=round(time.monotonic() - begun, 3),
        )
        return counts_as(status)

    def _postpone(self, after: timedelta, why: str, **of_run: Any) -> None:
        """Leave a time that is due as it is, and try again later."""
        with self._lock:
            now = self._from = self._with.now()  # which has had its jitter
            self._wait(now, now + after)
        if why:
            again = (now + after).isoformat(timespec="seconds")
            self._tell("scheduled_run_postponed", why, is_trouble=True, **of_run, again=again)

    def _deal_with(self, scheduled: ScheduledJob, turn: Turn) -> None:
        """Note that a time was dealt with, and say what was left out for it."""
        if turn.skipped:
            number = "1 run was" if turn.skipped == 1 else f"{turn.skipped} runs were"
            last = "" if turn.runs else f", the last one at {turn.time.isoformat()}"
            text = f"{number} missed and {'is' if turn.skipped == 1 else 'are'} not made up for{last}"
            made_up = turn.time.isoformat() if turn.runs else None
            self._tell("schedule_missed", text, is_trouble=True, number=turn.skipped, run_for=made_up)
        self._note(scheduled, turn.time)

    def _tell(self, event: str, text: str, *, is_trouble: bool = False, **members: Any) -> None:
        self._with.tell(Happening(event, text, self.name, is_trouble, members))

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
        if self._ended is not None and self._ended > now:
            self._ended = None
        if self._from is not None and self._from - now > timedelta(seconds=self._course.schedule.jitter):
            self._from = None
        if through - now > GRACE:
            self._deal(now)
            self._tell_put_back(through, now)
        return now

    def _tell_put_back(self, through: datetime, now: datetime) -> None:
        said, due = self._announced(now)
        ran = through.isoformat()
        text = f"the clock was put back: what ran until {ran} runs again; {said}"
        self._tell("schedule_clock_put_back", text, is_trouble=True, ran_until=ran, next=due)

    def _announced(self, now: datetime) -> tuple[str, str | None]:
        """Say when the next run is due, in words and as a time (None where there is none), with the lock."""
        turn = self._turn(now) if self._doing is None else None
        if turn is not None and turn.runs:
            begin, due = self._may_begin(turn, now), turn.time.isoformat()
            when = "now"
            if begin > now:
                when = f"at {begin.astimezone(turn.time.tzinfo).isoformat(timespec='seconds')}"
            return f"next {when}{', late,' if turn.is_late else ''} for {due}", due
        known = (self._through, self._doing or now)
        following = self._course.times.next(max([now, *(time for time in known if time - now <= GRACE)]))
        if following is None:
            return "there is no next time", None
        return f"next at {following.isoformat()}", following.isoformat()

    def _deal(self, through: datetime) -> None:
        """Count times as dealt with, and remember that, with the lock."""
        self._through = through
        try:
            self._with.memory.note(self.name, _words(self._scheduled), through)
        except CfindError as error:
            self._tell("schedule_not_noted", f"warning: {error}", is_trouble=True)

    def _remembered(self, scheduled: ScheduledJob) -> datetime:
        """Return up to which time a schedule was dealt with: until now, where nothing is known of it."""
        words = _words(scheduled)
        try:
            through = self._with.memory.through(self.name, words)
        except StateError as error:
            self._tell("schedule_not_noted", f"warning: {error}", is_trouble=True)
            through = None
        if through is None:
            through = self._with.now() - self._since
            self._with.memory.note(self.name, words, through)
        return through


def line_of(
    scheduled: ScheduledJob,
    surroundings: Surroundings,
    course: Course | None = None,
    since: timedelta = timedelta(0),
) -> Line | CfindError:
    """Return the line of a job, or what keeps it from being scheduled, which others need not heed."""
    try:
        return Line(scheduled, surroundings, course, since)
    except CfindError as error:
        return error


def _words(scheduled: ScheduledJob) -> str:
    """Return the times of a job in words, which change where they do."""
    schedule = scheduled.schedule
    return f"{schedule.cron} {schedule.timezone}".strip()


def utc_now() -> datetime:
    """Read the machine's clock."""
    return datetime.now(timezone.utc)
