"""`cfind schedule --due`: runs what is due, for a scheduler that knows times but not what was missed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from runner.errors import ExitStatus
from runner.schedule.course import GRACE, Course
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.line import Line, Surroundings
from runner.scheduler.processes import Processes
from runner.scheduler.signals import ENDINGS, Signals

_TICK = 0.2


def run_due(jobs: Sequence[ScheduledJob], processes: Processes, surroundings: Surroundings) -> set[int]:
    """Run what is due of some jobs, at once: whoever calls has waited for the jitter.

    Where nothing is known of a job, a time that has just come is due.

    Returns:
        The exit statuses of the runs, and of a signal that ended them.

    Raises:
        AlreadyRunningError: another process schedules one of the jobs.
        StateError: nothing can be remembered.
    """
    statuses: set[int] = set()

    def run(job: ScheduledJob, now: datetime | None) -> int | None:
        status = processes.run(job, now)
        if status is not None:
            statuses.add(status if status >= 0 else int(ExitStatus.DEFECT))
        return status

    noted = replace(surroundings, run=run)
    lines = []
    for job in jobs:
        grace = GRACE + timedelta(seconds=job.schedule.jitter)
        course = Course(replace(job.schedule, jitter=0), job.times, job.job.name, grace)
        lines.append(Line(job, noted, course, since=grace))
    threads = [threading.Thread(target=line.go, daemon=True) for line in lines]
    with Signals() as signals:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for number in signals.wait(_TICK):
                if number in ENDINGS:
                    processes.end(number)
                    statuses.add(int(ENDINGS[number]))
    for line in lines:
        line.end()
    return statuses
