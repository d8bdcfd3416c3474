"""The jobs with a schedule, among the files and folders that a command line names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.cli.job_files import valid_jobs
from runner.errors import InvalidJobError
from runner.jobfile.clock import Clock
from runner.jobfile.load import find_job_files, is_fragment
from runner.model import Job, Schedule
from runner.schedule.cron import parse_cron
from runner.schedule.times import Times


def scheduled_jobs(
    paths: Sequence[Path], variables: Mapping[str, str], clock: Clock, *, strictly: bool
) -> list[Job]:
    """Load the jobs; print every problem of each on stderr.

    In folders, jobs without a schedule and files for jobs to include are passed over.

    Args:
        paths: job files, and folders of them.
        variables: values that take the place of those under `vars`.
        clock: for dates.
        strictly: whether a job with warnings is invalid.

    Raises:
        InvalidJobError: one of them is invalid, there is none, a file that is named has no schedule, or two
            jobs have the same name.
    """
    named = {path for path in paths if not path.is_dir()}
    files = [path for path in find_job_files(paths) if path in named or not is_fragment(path)]
    jobs = valid_jobs(files, variables, check_rows=False, clock=clock, strictly=strictly)
    for path, job in zip(files, jobs, strict=True):
        if job.schedule is None and path in named:
            raise InvalidJobError(
                "the job has no schedule", 'add such as schedule: {cron: "@daily"}', str(path)
            )
    scheduled = [job for job in jobs if job.schedule is not None]
    if not scheduled:
        raise InvalidJobError("no job has a schedule", 'add such as schedule: {cron: "0 2 * * 1-5"} to one')
    first: dict[str, Job] = {}
    for job in scheduled:
        other = first.setdefault(job.name, job)
        if other is not job:
            raise InvalidJobError(
                f"{other.source} has the name {job.name} too", "give each job a name of its own", job.source
            )
    return scheduled


def times_of(schedule: Schedule) -> Times:
    """Return the times of a schedule that was found valid."""
    return Times(parse_cron(schedule.cron), Clock(0).in_zone(schedule.timezone).zone)
