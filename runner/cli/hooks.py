"""The commands that a job asks for after its run: `on_success` and `on_failure`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from runner.cli.interruption import SignalledStop
from runner.cli.reports import write_report
from runner.engine.run_result import RunResult
from runner.errors import ExitStatus
from runner.sinks.atomic_file import AtomicFile

#: A command may take so many seconds; after so many more it is killed.
TIME_OUT = 300.0
_GRACE = 5.0
#: So often it is looked whether it has ended, and whether a signal has come.
_LOOK = 0.1
#: So much of what it prints is kept where it is not printed as it comes, in bytes from the end.
_KEPT = 4000


@dataclass(frozen=True, slots=True)
class HookResult:
    """What came of a command.

    Attributes:
        name: `on_success` or `on_failure`.
        job: the job's name.
        exit_status: the command's, negative for the signal that ended it; None where it could not be run.
        seconds: how long it took.
        problem: what went wrong, "" for nothing.
        output: the end of what it printed, where that was kept.
    """

    name: str
    job: str
    exit_status: int | None
    seconds: float
    problem: str = ""
    output: str = ""


def run_hook(
    result: RunResult,
    exit_status: ExitStatus,
    report: Path | None,
    signalled: SignalledStop,
    *,
    keep_output: bool,
    time_out: float = TIME_OUT,
) -> HookResult | None:
    """Run the command that a job asks for after a run that ended so.

    It gets the environment of cfind, with the report's path and what came of the run, and no input. What it
    prints on either stream goes to stderr: stdout belongs to the job's answers.

    Args:
        result: of the run.
        exit_status: of the run, or of what came after it.
        report: where the run report can be read; None to write one for as long as the command runs.
        signalled: says whether a signal came; one that comes meanwhile ends the command.
        keep_output: whether what it prints is kept in place of being printed.
        time_out: seconds that the command may take.

    Returns:
        What came of it; None where the job asks for none.
    """
    job = result.job
    name = "on_success" if exit_status is ExitStatus.SUCCESS else "on_failure"
    command = job.on_success if exit_status is ExitStatus.SUCCESS else job.on_failure
    if not command:
        return None
    with ExitStack() as stack:
        if report is None:
            # a folder of its own, which only its owner can look into
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cfind-"))
            report = Path(folder, "report.json")
            file = AtomicFile(report)
            file.open()
            write_report(file, [result])
        environment = {
            **os.environ,
            "CFIND_REPORT": os.path.abspath(report),  # noqa: PTH100 - links stay as they are named
            "CFIND_JOB": job.name,
            "CFIND_EXIT_STATUS": str(int(exit_status)),
            "CFIND_VERDICT": result.verdict.value,
        }
        output: IO[bytes] | None = None
        if keep_output:
            output = stack.enter_context(tempfile.TemporaryFile())
        begun = time.monotonic()
        status, problem = _ran(command, environment, output, signalled, time_out)
        return HookResult(name, job.name, status, time.monotonic() - begun, problem, _end_of(output))


def _ran(
    command: tuple[str, ...],
    environment: dict[str, str],
    output: IO[bytes] | None,
    signalled: SignalledStop,
    time_out: float,
) -> tuple[int | None, str]:
    """Run a command to its end.

    Returns:
        Its exit status, and what went wrong.
    """
    program = os.path.basename(command[0])  # noqa: PTH119 - a name, perhaps of no file
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
    said: Any = output if output is not None else 2
    try:
        process = subprocess.Popen(  # noqa: S603 - what the author of the job wrote, and no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
            start_new_session=True,  # so that what it starts itself can be ended with it
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its words are none that can be handed over"
        return None, f"{program} cannot be run: {reason}; check the program's name and PATH"
    came_before = signalled() is not None
    until = time.monotonic() + time_out
    while True:
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(_LOOK)
            return status, f"{program} ended with {_ending(status)}" if status else ""
        if signalled() is not None and not came_before:
            return _ended(process), f"{program} was ended, since a signal came"
        if time.monotonic() >= until:
            return _ended(process), f"{program} was ended, since it took more than {time_out:g} s"


def _ending(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _ended(process: subprocess.Popen[bytes]) -> int:
    """End a process and those that it began, in order if they obey."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_GRACE)
    return process.wait()


def _end_of(output: IO[bytes] | None) -> str:
    if output is None:
        return ""
    length = output.seek(0, os.SEEK_END)
    output.seek(max(0, length - _KEPT))
    return output.read().decode("utf-8", "replace")
