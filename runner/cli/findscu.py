"""`cfind findscu`: a command line of DCMTK's findscu, run as a job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runner.cli.messages import complain, say
from runner.cli.reports import ReportFiles
from runner.cli.run import run_jobs
from runner.cli.told import Told
from runner.cli.watching import Watcher
from runner.errors import ExitStatus
from runner.findscu.command_line import Action, CommandLine, Verbosity, parse
from runner.findscu.job import job_of


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command. Paths are relative to the current folder, as findscu's are."""
    command_line = parse(argv, os.environ)
    if command_line.action is not Action.RUN:
        from runner.findscu.help_text import answer

        say(answer(command_line))
        return ExitStatus.SUCCESS
    verbosity = command_line.verbosity
    if command_line.has("--arguments") and verbosity >= Verbosity.WARNING:
        _show_arguments(command_line)

    def warn(text: str) -> None:
        if verbosity >= Verbosity.WARNING:
            complain(f"warning: {text}")

    for text in command_line.warnings:
        warn(text)
    return run_jobs([job_of(command_line, warn)], Path(), ReportFiles(), Watcher(_TOLD[verbosity]))


_TOLD = {
    Verbosity.FATAL: Told.NOTHING,
    Verbosity.ERROR: Told.FAILURES,
    Verbosity.WARNING: Told.WARNINGS,
    Verbosity.INFO: Told.PROGRESS,
    Verbosity.DEBUG: Told.IDENTIFIERS,
    Verbosity.TRACE: Told.IDENTIFIERS,
}


def _show_arguments(command_line: CommandLine) -> None:
    from runner.findscu.help_text import arguments_text

    for line in arguments_text(command_line).splitlines():
        complain(line)
