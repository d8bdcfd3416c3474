"""APScheduler, which calls lines at their times.

Its own triggers are not used (CronTrigger counts the days of the week from Monday and wants both days to
match), nor is its idea of a missed run (by default one that is a second late is left out), nor its limit of
instances, which forgets a time that comes at the end of a run: a line knows all that better.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from runner.scheduler.line import Line

#: So many runs go on at the same time; more wait for the end of others.
_MOST = 256


class _Trigger:
    """When a line's next run begins."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """Return the next time, which is later than the present and the one before."""
        return self._line.begin_after(max(previous or now, now))


BaseTrigger.register(_Trigger)


class Timer:
    """Calls lines at their times, each in a thread.

    Args:
        scheduler: APScheduler's; None for one in the background.
    """

    def __init__(self, scheduler: Any = None) -> None:
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)  # lines tell what happens
        self._scheduler = scheduler or BackgroundScheduler(
            timezone=timezone.utc, executors={"default": ThreadPoolExecutor(_MOST)}
        )

    def start(self) -> None:
        """Begin to call."""
        self._scheduler.start()

    def put(self, line: Line) -> None:
        """Call a line from now on, in place of one of the same name, and at once where a time has come."""
        self._scheduler.add_job(
            line.go,
            trigger=_Trigger(line),
            id=line.name,
            next_run_time=line.next_begin(),
            coalesce=True,
            misfire_grace_time=None,
            max_instances=_MOST,
            replace_existing=True,
        )

    def remove(self, name: str) -> None:
        """Call a line no more."""
        with suppress(JobLookupError):  # it has no time any more
            self._scheduler.remove_job(name)

    def wake(self, lines: Iterable[Line]) -> None:
        """Look at the clock, which may have been put, or have gone on while the machine slept.

        Args:
            lines: those that are called.
        """
        for line in lines:
            if line.is_stale():
                self.put(line)
        self._scheduler.wakeup()

    def stop(self) -> None:
        """Call nothing more; what goes on is not touched."""
        self._scheduler.shutdown(wait=False)
