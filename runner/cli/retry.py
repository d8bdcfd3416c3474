"""`cfind retry`: asks again what failed in the last run of a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.cli.arguments import ArgumentParser, given_variables
from runner.cli.job_files import valid_jobs
from runner.cli.keeping import Kind, last_success_in, state_folder
from runner.cli.reports import ReportFiles
from runner.cli.run import add_run_options, run_clock, run_kept, teller_of
from runner.errors import ExitStatus


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "retry",
        "Ask again what failed, was not complete or was not asked in the last run of a job. Outputs that were"
        " kept as partial are gone on with: they get their names once nothing is missing.",
        debug="print every association and operation, patient data of the queries included, and ",
    )
    made.add_argument("job", type=Path, metavar="JOB", help="a job file")
    add_run_options(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    teller = teller_of(options)
    clock = run_clock(options)
    jobs = valid_jobs(
        [options.job],
        given_variables(options.variables),
        clock=clock,
        last_success=last_success_in(state_folder(options)),
        strictly=options.strict,
    )
    files = ReportFiles(options.report, options.junit, options.metrics)
    return run_kept(jobs, files, options, teller, clock, Kind.RETRY)
