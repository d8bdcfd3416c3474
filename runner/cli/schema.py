"""`cfind schema`: prints the JSON schema of a job file."""

from __future__ import annotations

from collections.abc import Sequence

from runner.cli.arguments import ArgumentParser
from runner.cli.messages import say
from runner.errors import ExitStatus
from runner.jobfile.schema import fragment_schema_text, schema_text


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("schema", "Print the JSON schema of a job file.")
    made.add_argument("--included", action="store_true", help="that of a file which jobs include")
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    say(fragment_schema_text() if options.included else schema_text())
    return ExitStatus.SUCCESS
