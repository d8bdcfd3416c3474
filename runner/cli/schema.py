"""`cfind schema`: prints the JSON schema of a job file."""

from __future__ import annotations

from collections.abc import Sequence

from runner.cli.arguments import ArgumentParser
from runner.cli.messages import say
from runner.errors import ExitStatus
from runner.jobfile.schema import schema_text


def parser() -> ArgumentParser:
    """Return the command's command line."""
    return ArgumentParser("schema", "Print the JSON schema of a job file.")


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    parser().parse_args(argv)
    say(schema_text())
    return ExitStatus.SUCCESS
