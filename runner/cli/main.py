"""Which command runs, and the one place where errors become messages and exit statuses."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from runner import __version__
from runner.cli.messages import complain
from runner.errors import CfindError, ExitStatus, UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the module whose `execute(argv)` runs it, and a line for the help."""

    module: str
    summary: str


COMMANDS: dict[str, Command] = {
    "run": Command("runner.cli.run", "validate, compile and run job files"),
    "validate": Command("runner.cli.validate", "check job files or folders of them, without any network"),
    "plan": Command("runner.cli.plan", "print every operation of a job exactly as it will be sent, offline"),
    "echo": Command("runner.cli.echo", "send a C-ECHO to every peer of a job"),
    "serve": Command("runner.cli.serve", "serve a folder of DICOM files as a C-FIND SCP"),
    "schema": Command("runner.cli.schema", "print the JSON schema of a job file"),
    "findscu": Command("runner.cli.findscu", "run a command line of DCMTK's findscu"),
    "translate": Command(
        "runner.cli.translate", "print the job file that a command line of findscu amounts to"
    ),
}

_EXIT_STATUSES = """\
exit statuses:
  0  every answer is complete       5  a C-FIND failed
  1  a defect in cfind              6  answers are missing, or may be
  2  wrong command line             7  an expectation was not met
  3  invalid job                    8  a sink could not write
  4  no association                 9  the same job is running
  130, 143  interrupted, terminated
"""


def overview() -> str:
    """Return the help of `cfind` itself."""
    lines = ["usage: cfind COMMAND [ARG ...]", "", "DICOM C-FIND queries as job files.", "", "commands:"]
    lines += [f"  {name:<10} {command.summary}" for name, command in COMMANDS.items()]
    lines += ["", "`cfind COMMAND --help` says more.", "", _EXIT_STATUSES]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """Run a command line, without the program's name, and return its exit status.

    Nothing is raised: a failure is one message on stderr.
    """
    try:
        return int(_dispatch(argv))
    except CfindError as error:
        complain(str(error))
        return int(error.status)
    except KeyboardInterrupt:
        complain("interrupted")
        return int(ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        complain("stdout was closed before all was printed")
        return int(ExitStatus.SINK_FAILED)
    except SystemExit as exiting:  # argparse, after --help
        return exiting.code if isinstance(exiting.code, int) else int(ExitStatus.USAGE)
    except Exception as error:  # noqa: BLE001 - the one boundary
        return _defect(error, debug="--debug" in argv)


def _dispatch(argv: Sequence[str]) -> ExitStatus:
    if not argv or argv[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return ExitStatus.SUCCESS if argv else ExitStatus.USAGE
    if argv[0] == "--version":
        sys.stdout.write(f"cfind {__version__}\n")
        return ExitStatus.SUCCESS
    command = COMMANDS.get(argv[0])
    if command is None:
        raise UsageError(f"there is no command “{argv[0]}”", _nearest(argv[0]))
    execute = importlib.import_module(command.module).execute
    status: ExitStatus = execute(argv[1:])
    return status


def _nearest(word: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, COMMANDS, n=1)
    return f"did you mean {close[0]}?" if close else "cfind --help lists them"


def _defect(error: Exception, *, debug: bool) -> int:
    """Report an error that is ours. Its text may hold what a peer sent, so only its place is shown."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "an unknown place"
    complain(
        f"this is a defect of cfind {__version__}: {type(error).__name__} in {place};"
        " please report it with the command line, and with what --debug prints if that may leave your house"
    )
    if debug:
        traceback.print_exception(type(error), error, error.__traceback__)
    return int(ExitStatus.DEFECT)
