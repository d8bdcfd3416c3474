"""`cfind validate`: checks job files, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_strict_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.keeping import add_history_option, last_success_in, state_folder
from runner.cli.messages import say
from runner.errors import ExitStatus
from runner.jobfile.load import check_file, find_job_files
from runner.jobfile.reporters import REPORTERS


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("validate", "Check job files, or folders of them. Never touches the network.")
    made.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a job file, or a folder of them")
    made.add_argument("--format", choices=tuple(REPORTERS), default="text", help="default: text")
    add_variable_option(made)
    add_clock_option(made)
    add_history_option(made)
    add_strict_option(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    variables, clock = given_variables(options.variables), given_clock(options.now)
    last_success = last_success_in(state_folder(options))
    checked = [
        check_file(file, variables, clock=clock, last_success=last_success)
        for file in find_job_files(options.paths)
    ]
    if options.strict:
        checked = [one.strictly() for one in checked]
    say(REPORTERS[options.format](checked))
    valid = all(one.is_valid for one in checked)
    return ExitStatus.SUCCESS if valid else ExitStatus.INVALID_JOB
