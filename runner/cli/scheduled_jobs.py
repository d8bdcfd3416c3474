"""The jobs with a schedule, and those that cannot be scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner.cli.messages import complain
from runner.cli.output_paths import check_outputs
from runner.cli.reports import ReportFiles
from runner.errors import CfindError, ExitStatus, InvalidJobError
from runner.scheduler.job_files import JobFiles, Refusal, ScheduledJob


@dataclass(frozen=True, slots=True)
class Found:
    """What a first look at the files finds.

    Attributes:
        jobs: those that are scheduled.
        statuses: the exit statuses that the others ask for.
        refused: those of the others that are valid, and do not go with the jobs.
    """

    jobs: list[ScheduledJob]
    statuses: set[ExitStatus]
    refused: list[Refusal]


def look(files: JobFiles, output_dir: Path) -> Found:
    """Look at the files for the first time; say on stderr what is wrong with each that cannot be scheduled.

    In folders, jobs without a schedule and files for jobs to include are passed over.

    Raises:
        CfindError: there is nothing to be scheduled.
    """
    looks = files.look(at_all=True)
    errors: list[CfindError] = []
    for seen in looks:
        for problem in seen.problems:
            complain(str(problem))
        if not seen.is_valid:
            errors.append(InvalidJobError("it is not scheduled: the file is invalid", where=str(seen.path)))
        elif seen.found is None and files.is_named(seen.path):
            advice = 'add such as schedule: {cron: "@daily"}'
            errors.append(InvalidJobError("the job has no schedule", advice, str(seen.path)))
    refused = files.take(looks, partial(check_together, output_dir=output_dir))
    texts = [*map(str, errors), *files.refusals(refused).values()]
    statuses = {error.status for error in (*errors, *(refusal.error for refusal in refused))}
    if not files.jobs:
        if len(texts) == 1:
            raise (*errors, *(refusal.error for refusal in refused))[0]
        for text in texts:
            complain(text)
        if texts:
            raise InvalidJobError(f"none of {len(looks)} files can be scheduled", "see above what is wrong")
        raise InvalidJobError("no job has a schedule", 'add schedule: {cron: "0 2 * * 1-5"} to one')
    for text in texts:
        complain(text)
    return Found(files.jobs, statuses, refused)


def all_of(found: Found) -> list[ScheduledJob]:
    """Return the jobs, for what is done with all of them or not at all.

    Raises:
        InvalidJobError: one cannot be scheduled.
    """
    if found.statuses:
        raise InvalidJobError("not every job can be scheduled, so nothing is done", "see above what is wrong")
    return found.jobs


def check_together(jobs: Sequence[ScheduledJob], output_dir: Path) -> None:
    """Check that jobs can run side by side.

    Raises:
        InvalidJobError: two of them have the same name.
        UsageError: two of them write the same file, or one of them a job file.
    """
    first: dict[str, ScheduledJob] = {}
    for scheduled in jobs:
        job = scheduled.job
        other = first.setdefault(job.name, scheduled).job
        if other is not job:
            what = f"{other.source} has the name {job.name} too"
            raise InvalidJobError(what, "give each job a name of its own", job.source)
    check_outputs([scheduled.job for scheduled in jobs], output_dir, ReportFiles())
