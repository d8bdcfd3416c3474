"""`cfind schedule --due`: runs what is due, for a scheduler that knows times but not what was missed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from runner.errors import CfindError, ExitStatus
from runner.schedule.course import GRACE, Course
from runner.scheduler.happening import Happening
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.line import Line, Surroundings, line_of
from runner.scheduler.processes import Processes
from runner.scheduler.refusals import impossible
from runner.scheduler.signals import ENDINGS, Signals

_TICK = 0.2


def run_due(
    jobs: Sequence[ScheduledJob], processes: Processes, surroundings: Surroundings
) -> set[ExitStatus]:
    """Run what is due of some jobs, at once: whoever calls has waited for the jitter.

    Where nothing is known of a job, a time that has just come is due.

    Returns:
        The exit statuses of the runs, of a signal that ended them, of a defect where one could not be begun,
        and of jobs that cannot be scheduled, since another process does that or nothing can be remembered.
    """
    statuses: set[ExitStatus] = set()
    lines = []
    for job in jobs:
        line = _line(job, surroundings)
        if isinstance(line, Line):
            lines.append(line)
        else:
            surroundings.tell(impossible(job.job.name, line))
            statuses.add(line.status)

    def go(line: Line) -> None:
        statuses.update(line.go())

    with Signals() as signals:
        threads = list(_begun(lines, go, surroundings, statuses))
        while any(thread.is_alive() for thread in threads):
            for number in signals.wait(_TICK):
                if number in ENDINGS:
                    processes.end(number)
                    statuses.add(ENDINGS[number])
    for line in lines:
        line.end()
    return statuses


def _line(job: ScheduledJob, surroundings: Surroundings) -> Line | CfindError:
    grace = GRACE + timedelta(seconds=job.schedule.jitter)
    course = Course(replace(job.schedule, jitter=0), job.times, job.job.name, grace)
    return line_of(job, surroundings, course, since=grace)


def _begun(
    lines: Sequence[Line], go: Callable[[Line], None], surroundings: Surroundings, statuses: set[ExitStatus]
) -> Iterator[threading.Thread]:
    """Yield a thread for each line, where there is one to be had."""
    for line in lines:
        thread = threading.Thread(target=go, args=(line,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # those that go on are waited for all the same
            text = "cannot be run: there is no thread to be had; it counts as missed"
            surroundings.tell(Happening("scheduled_run_postponed", text, line.name, is_trouble=True))
            statuses.add(ExitStatus.DEFECT)
        else:
            yield thread
