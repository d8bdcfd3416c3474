"""The jobs with a schedule, for commands that need them valid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.cli.messages import complain
from runner.cli.output_paths import check_outputs
from runner.cli.reports import ReportFiles
from runner.errors import InvalidJobError
from runner.scheduler.job_files import JobFiles, ScheduledJob


def look(files: JobFiles, output_dir: Path) -> list[ScheduledJob]:
    """Look at the files for the first time; print every problem of each on stderr.

    In folders, jobs without a schedule and files for jobs to include are passed over.

    Raises:
        InvalidJobError: one of the files is invalid, none has a schedule, or one that is named has none.
        CfindError: they cannot be scheduled together; see check_together.
    """
    looks = files.look(at_all=True)
    for seen in looks:
        for problem in seen.problems:
            complain(str(problem))
    invalid = sum(not seen.is_valid for seen in looks)
    if invalid:
        number = "the job is" if len(looks) == 1 else f"{invalid} of {len(looks)} jobs are"
        raise InvalidJobError(f"{number} invalid, so nothing is scheduled")
    for seen in looks:
        if seen.found is None and files.is_named(seen.path):
            advice = 'add such as schedule: {cron: "@daily"}'
            raise InvalidJobError("the job has no schedule", advice, str(seen.path))
    files.take(looks)
    if not files.jobs:
        raise InvalidJobError("no job has a schedule", 'add such as schedule: {cron: "0 2 * * 1-5"} to one')
    check_together(files.jobs, output_dir)
    return files.jobs


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
