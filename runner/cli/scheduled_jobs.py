"""The jobs with a schedule, and those that cannot be scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner.cli.output_paths import check_outputs
from runner.cli.reports import ReportFiles
from runner.errors import ExitStatus, InvalidJobError
from runner.scheduler.happening import Happening, Tell
from runner.scheduler.job_files import JobFiles, ScheduledJob
from runner.scheduler.refusals import colliding, invalid, without_schedule


@dataclass(frozen=True, slots=True)
class Found:
    """What a first look at the files finds.

    Attributes:
        jobs: those that are scheduled.
        statuses: the exit statuses that the others ask for.
        told: what was told of those of them that are valid, and do not go with the jobs.
    """

    jobs: list[ScheduledJob]
    statuses: set[ExitStatus]
    told: dict[tuple[str, str], Happening]


def look(files: JobFiles, output_dir: Path, tell: Tell) -> Found:
    """Look at the files for the first time; say what is wrong with each that cannot be scheduled.

    In folders, jobs without a schedule and files for jobs to include are passed over.

    Raises:
        CfindError: there is nothing to be scheduled.
    """
    looks = files.look(at_all=True)
    statuses: set[ExitStatus] = set()
    for seen in looks:
        told = list(invalid(files, seen))
        if seen.is_valid and seen.found is None and files.is_named(seen.path):
            told.append(without_schedule(seen))
        for happening in told:
            tell(happening)
        if any(happening.event == "schedule_refused" for happening in told):
            statuses.add(ExitStatus.INVALID_JOB)
    refused = files.take(looks, partial(check_together, output_dir=output_dir))
    collisions = colliding(files, refused)
    for happening in collisions.values():
        tell(happening)
    statuses.update(refusal.error.status for refusal in refused)
    if files.jobs:
        return Found(files.jobs, statuses, {("file", path): told for path, told in collisions.items()})
    if statuses:
        none = "the file cannot" if len(looks) == 1 else f"none of {len(looks)} files can"
        raise InvalidJobError(f"{none} be scheduled", "see above what is wrong")
    raise InvalidJobError("no job has a schedule", 'add such as schedule: {cron: "0 2 * * 1-5"} to one')


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
