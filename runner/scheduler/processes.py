"""Runs of jobs, each in a process of its own.

So each reads its job anew, with its own clock; signals end it as they end any run; its results go to the same
standard output; it gives back its memory; and whatever happens to it does not happen to the scheduler.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import runner
from runner.errors import ExitStatus
from runner.scheduler.job_files import ScheduledJob
from runner.state.lock import file_name

#: What the process begins with: it finds this package even where it is not installed, and takes none for it
#: that lies in the current folder.
_START = (
    "import sys; root = sys.argv.pop(1); sys.path[:] = [path for path in sys.path if path];"
    " root in sys.path or sys.path.insert(0, root);"
    " from runner.cli.scheduled_run import cfind; cfind()"
)

#: How a run ends that is ended; by the signal itself, where it had hardly begun.
_ENDED = (ExitStatus.INTERRUPTED, ExitStatus.TERMINATED, -signal.SIGINT, -signal.SIGTERM)

#: What a run counts as that was killed by a signal before it could heed it.
_KILLED = {
    -signal.SIGINT: ExitStatus.INTERRUPTED,
    -signal.SIGTERM: ExitStatus.TERMINATED,
    -signal.SIGHUP: ExitStatus.TERMINATED,
}


def counts_as(status: int) -> ExitStatus:
    """Return what the end of a run counts as: what `cfind run` never ends with is a defect.

    Args:
        status: its exit status, or minus the number of the signal that killed it.
    """
    try:
        return _KILLED.get(status) or ExitStatus(status)
    except ValueError:
        return ExitStatus.DEFECT


def metrics_option(folder: Path | None, job: str) -> list[str]:
    """Return the option of `cfind run` for a job's numbers in a file of its own; none for no folder."""
    return [] if folder is None else ["--metrics", str(folder / f"{file_name(job)}.prom")]


class Processes:
    """The runs that go on.

    Args:
        options: of `cfind run`, for all of them.
        metrics: the folder where each job's numbers are written; None for nowhere.
    """

    def __init__(self, options: Sequence[str], metrics: Path | None = None) -> None:
        self._options = tuple(options)
        self._metrics = metrics
        self._lock = threading.Lock()
        self._going_on: set[subprocess.Popen[bytes]] = set()
        self._signal: signal.Signals | None = None

    @property
    def count(self) -> int:
        """How many go on."""
        with self._lock:
            return len(self._going_on)

    def run(self, scheduled: ScheduledJob, now: datetime | None) -> int | None:
        """Run a job to its end.

        Args:
            scheduled: the job; its files count as they were when it was found valid.
            now: for when its dates are made; None for the present.

        Returns:
            The exit status, minus the number of the signal that killed it, or None where it was ended, or not
            begun, since all is to end.

        Raises:
            OSError: there is no process to be had, or it cannot be given the files.
        """
        words = [
            "run",
            scheduled.job.source,
            *self._options,
            *metrics_option(self._metrics, scheduled.job.name),
        ]
        if now is not None:
            words += ["--dates-of", now.isoformat()]
        root = str(Path(runner.__file__).resolve().parents[1])
        with self._lock:
            if self._signal is not None:
                return None
            process = subprocess.Popen(  # noqa: S603 - our own command, by a list of words
                [sys.executable, "-c", _START, root, *words],
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the scheduler, which passes it on
            )
            self._going_on.add(process)
        try:
            with process:
                try:
                    _hand_over(process, scheduled)
                except BaseException:
                    process.kill()  # without all of its files it has begun nothing
                    raise
                status = process.wait()
        finally:
            with self._lock:
                self._going_on.discard(process)
                ended = self._signal is not None
        return None if ended and status in _ENDED else status

    def end(self, number: signal.Signals) -> int:
        """Send a signal to all that go on, and begin no more; return how many they are."""
        with self._lock:
            self._signal = number
            for process in self._going_on:
                process.send_signal(number)
            return len(self._going_on)


def _hand_over(process: subprocess.Popen[bytes], scheduled: ScheduledJob) -> None:
    """Give the process the files; JSON has no bytes, so each stands for the character of its number."""
    assert process.stdin is not None
    files = {file: data.decode("latin-1") for file, data in scheduled.files.items()}
    with suppress(BrokenPipeError), process.stdin as stream:  # it ended already: its status says how
        stream.write(json.dumps(files).encode("ascii"))


def take_over() -> dict[str, bytes]:
    """Read in the process what `_hand_over` gave it; standard input is empty from then on."""
    files = {file: text.encode("latin-1") for file, text in json.load(sys.stdin.buffer).items()}
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return files
