"""Job files for commands that need them valid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.cli.messages import complain
from runner.errors import InvalidJobError
from runner.jobfile.load import load_job
from runner.model import Job


def valid_jobs(paths: Sequence[Path]) -> list[Job]:
    """Load job files; print every problem of each on stderr.

    Raises:
        InvalidJobError: if any of them is invalid.
    """
    jobs = []
    invalid = 0
    for path in paths:
        job, problems = load_job(path)
        for problem in problems:
            complain(str(problem))
        if job is None:
            invalid += 1
        else:
            jobs.append(job)
    if invalid:
        number = "the job is" if len(paths) == 1 else f"{invalid} of {len(paths)} jobs are"
        raise InvalidJobError(f"{number} invalid, so nothing was sent")
    return jobs
