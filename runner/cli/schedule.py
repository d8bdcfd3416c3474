"""`cfind schedule`: runs jobs at the times that they declare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_strict_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.messages import printable, say
from runner.cli.scheduled_jobs import scheduled_jobs, times_of
from runner.errors import ExitStatus
from runner.jobfile.clock import Clock
from runner.model import Job

if TYPE_CHECKING:
    from datetime import datetime

#: So many times of each job are listed.
_LISTED = 5


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("schedule", "Show when jobs run by the schedules that they declare.")
    made.add_argument("jobs", nargs="+", type=Path, metavar="JOB", help="a job file, or a folder of them")
    made.add_argument(
        "--list",
        action="store_true",
        required=True,
        help=f"print the next {_LISTED} times of each job, and end",
    )
    add_clock_option(made)
    add_variable_option(made)
    add_strict_option(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    clock, variables = given_clock(options.now), given_variables(options.variables)
    jobs = scheduled_jobs(options.jobs, variables, clock, strictly=options.strict)
    for number, job in enumerate(jobs):
        say(("\n" if number else "") + "".join(f"{printable(line)}\n" for line in _times(job, clock)))
    return ExitStatus.SUCCESS


def _times(job: Job, clock: Clock) -> list[str]:
    """Return a headline of a job, and its next times."""
    from itertools import islice

    schedule = job.schedule
    assert schedule is not None
    words = [schedule.cron, f"in {schedule.timezone}" if schedule.timezone else "in the machine's time zone"]
    if schedule.jitter:
        words.append(f"up to {schedule.jitter} s later")
    words.append(f"catch_up: {schedule.catch_up.value}")
    lines = [f"{job.name} ({job.source}): {', '.join(words)}"]
    lines += map(_time_text, islice(times_of(schedule).following(clock.now()), _LISTED))
    return lines


def _time_text(time: datetime) -> str:
    return f"  {time.isoformat()} {_DAYS[time.weekday()]}"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
