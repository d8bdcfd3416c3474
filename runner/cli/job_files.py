"""Job files for commands that need them valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.cli.messages import complain
from runner.errors import InvalidJobError
from runner.jobfile.clock import Clock
from runner.jobfile.load import LastSuccess, load_job
from runner.jobfile.problem import strict
from runner.model import Job


def valid_jobs(
    paths: Sequence[Path],
    variables: Mapping[str, str] | None = None,
    *,
    check_rows: bool = True,
    clock: Clock | None = None,
    last_success: LastSuccess | None = None,
    strictly: bool = False,
) -> list[Job]:
    """Load job files; print every problem of each on stderr.

    Args:
        paths: the job files.
        variables: values that take the place of those under `vars`.
        check_rows: whether all rows of a `foreach` are looked at.
        clock: for dates, the same for all jobs; None to read the machine's.
        last_success: what is known of earlier runs, as of `load_job`.
        strictly: whether a job with warnings is invalid.

    Raises:
        InvalidJobError: if any of them is invalid.
    """
    clock = clock or Clock.read()
    jobs = []
    invalid = 0
    for path in paths:
        job, problems = load_job(
            path, variables, check_rows=check_rows, clock=clock, last_success=last_success
        )
        if strictly:
            problems = strict(problems)
        for problem in problems:
            complain(str(problem))
        if job is None or (strictly and problems):
            invalid += 1
        else:
            jobs.append(job)
    if invalid:
        number = "the job is" if len(paths) == 1 else f"{invalid} of {len(paths)} jobs are"
        raise InvalidJobError(f"{number} invalid, so nothing was sent")
    return jobs
