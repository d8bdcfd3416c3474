"""Which command runs, and the one place where errors become messages and exit statuses."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from runner import __version__
from runner.cli.messages import complain, complain_of_defect, flush_output, lost_output, say
from runner.errors import CfindError, DefectError, ExitStatus, UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the module whose `execute(argv)` runs it, and a line for the help.

    The module's `parser()` is the command line that completion is made from.
    """

    module: str
    summary: str


COMMANDS: dict[str, Command] = {
    "run": Command("runner.cli.run", "validate, compile and run job files"),
    "validate": Command("runner.cli.validate", "check job files or folders of them, without any network"),
    "plan": Command("runner.cli.plan", "print every operation of a job exactly as it will be sent, offline"),
    "explain": Command(
        "runner.cli.explain", "explain an attribute, a lint rule, an exit status or a DICOM status"
    ),
    "echo": Command("runner.cli.echo", "send a C-ECHO to every peer of a job"),
    "probe": Command("runner.cli.probe", "learn what a peer does with queries, as a profile for jobs"),
    "serve": Command("runner.cli.serve", "serve a folder of DICOM files as a C-FIND SCP"),
    "schedule": Command("runner.cli.schedule", "run jobs at the times that they declare"),
    "init": Command("runner.cli.init", "write a job to begin with"),
    "retry": Command("runner.cli.retry", "ask again what failed in the last run of a job"),
    "history": Command("runner.cli.history", "list the runs that are known"),
    "report": Command("runner.cli.report", "show what a run report says, as a tree"),
    "diff": Command("runner.cli.diff", "compare the results of two runs"),
    "schema": Command("runner.cli.schema", "print the JSON schema of a job file"),
    "completion": Command("runner.cli.completion", "print a script that completes cfind's words in a shell"),
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
        try:
            status = _dispatch(argv)
        except SystemExit as exiting:  # argparse, after --help
            status = exiting.code if isinstance(exiting.code, int) else ExitStatus.USAGE
        if status == ExitStatus.SUCCESS:
            flush_output()
        return int(status)
    except CfindError as error:
        complain(str(error))
        return int(error.status)
    except KeyboardInterrupt:
        complain("interrupted")
        return int(ExitStatus.INTERRUPTED)
    except BrokenPipeError as error:
        complain(str(lost_output(error)))
        return int(ExitStatus.SINK_FAILED)
    except Exception as error:  # noqa: BLE001 - the one boundary
        complain_of_defect(DefectError(error), debug="--debug" in argv)
        return int(ExitStatus.DEFECT)


def _dispatch(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        say(overview())
        return ExitStatus.SUCCESS if argv else ExitStatus.USAGE
    if argv[0] == "--version":
        say(f"cfind {__version__}\n")
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
