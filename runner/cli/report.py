"""`cfind report`: a run report as a tree for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.cli.arguments import ArgumentParser
from runner.cli.messages import printable, say
from runner.errors import ExitStatus


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("report", "Show what a run report says, as a tree.")
    made.add_argument("report", type=Path, metavar="FILE", help="written by cfind run --report")
    made.add_argument(
        "--all",
        action="store_true",
        help="show every operation; without it those that are complete are counted",
    )
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    from runner.cli.report_tree import job_lines
    from runner.report_file import read_report

    for number, job in enumerate(read_report(options.report)):
        if number:
            say("\n")
        for line in job_lines(job, whole=options.all):
            say(printable(line) + "\n")
    return ExitStatus.SUCCESS
