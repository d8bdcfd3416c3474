"""Command lines of our own commands, by argparse, with our errors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from runner.cli.messages import say
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.jobfile.clock import Clock


class ArgumentParser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError and takes no abbreviations.

    Args:
        command: its name.
        description: for the help.
        debug: what --debug does besides, which always shows the traceback of a defect.
    """

    def __init__(self, command: str, description: str, debug: str = "") -> None:
        super().__init__(prog=f"cfind {command}", description=description, allow_abbrev=False)
        self.add_argument(
            "--debug", action="store_true", help=f"{debug}print the traceback of a defect of cfind on stderr"
        )

    def actions(self) -> Sequence[argparse.Action]:
        """Return all that may stand on the command line, which argparse itself keeps to itself."""
        return self._actions

    def print_help(self, file: object = None) -> None:
        """Print the help on standard output; argparse itself does not mind where that fails."""
        del file
        say(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Raise UsageError.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.prog}: {message}", f"see {self.prog} --help")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the commands that run something."""
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the run report to FILE, as JSON")
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder that the sinks' paths are relative to (default: the current one)",
    )


def add_variable_option(parser: argparse.ArgumentParser) -> None:
    """Add --var, for commands that read jobs; `given_variables` makes a mapping of what it gives."""
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        dest="variables",
        metavar="NAME=VALUE",
        help="give a variable of the job a value in place of its own; may be repeated",
    )


def add_strict_option(parser: argparse.ArgumentParser) -> None:
    """Add --strict, for commands that read jobs."""
    parser.add_argument("--strict", action="store_true", help="take warnings for errors: exit status 3")


def given_variables(texts: Sequence[str]) -> dict[str, str]:
    """Return the variables that --var gives.

    Raises:
        UsageError: one of them is not NAME=VALUE, or is given twice.
    """
    variables: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError("--var wants NAME=VALUE")
        if name in variables:
            raise UsageError(f"--var gives {name} twice", "keep one of them")
        variables[name] = value
    return variables


def add_clock_option(parser: argparse._ActionsContainer) -> None:
    """Add --now, for commands that read jobs; `given_clock` makes a clock of what it gives."""
    parser.add_argument(
        "--now",
        metavar="TIME",
        help="take TIME for the present, in ISO 8601 with an offset: 2024-03-10T14:30:00+01:00",
    )


def given_clock(text: str | None, option: str = "--now") -> Clock:
    """Return the clock of the command, the machine's as it is now where the option is not given.

    Raises:
        UsageError: the option gives no time.
    """
    from runner.jobfile.clock import Clock

    if text is None:
        return Clock.read()
    try:
        return Clock.at(text)
    except ValueError:
        what = f"{option} wants a time of ISO 8601 with its offset from UTC"
        raise UsageError(what, "write it such as 2024-03-10T14:30:00+01:00 or 2024-03-10T13:30:00Z") from None


def port(text: str) -> int:
    """Return a TCP port, 0 for one that the system chooses.

    Raises:
        ValueError: if it is none; argparse makes a message of it.
    """
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError
    return number
