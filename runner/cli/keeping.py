"""Where a command keeps the state of its runs, and what it says where that cannot be done."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import StateError
from runner.state.folder import DEFAULT_NAME, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.jobfile.clock import Clock
    from runner.jobfile.load import LastSuccess
    from runner.model import Job
    from runner.state.kept_run import KeptRun


def add_state_option(parser: argparse.ArgumentParser) -> None:
    """Add --state; `state_folder` makes a path of what it gives."""
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FOLDER",
        help=f"the folder in which is kept what runs have done (default: {DEFAULT_NAME} below --output-dir)",
    )


def add_history_option(parser: argparse.ArgumentParser) -> None:
    """Add --state to a command that reads jobs and runs none."""
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(DEFAULT_NAME),
        metavar="FOLDER",
        help=f"the state folder of the runs, for ${{last_success}} (default: {DEFAULT_NAME})",
    )


def state_folder(options: argparse.Namespace) -> Path:
    """Return the state folder of a command line that has --state and --output-dir."""
    folder: Path = options.state if options.state is not None else options.output_dir / DEFAULT_NAME
    return folder


def last_success_in(folder: Path) -> LastSuccess:
    """Return what looks up in a state folder when the last complete run of a job began.

    Nothing is made there. What that returns raises StateError where the state cannot be read.
    """

    def last_success(job: str) -> int | None:
        from runner.state.history import is_known

        if not is_known(folder):
            return None
        from runner.state import history
        from runner.state.database import Database

        database = Database(folder)
        try:
            return history.last_success(database, job)
        finally:
            database.close()

    return last_success


class Keeping:
    """How the runs of a command line are kept.

    Args:
        folder: the state folder.
        clock: that the jobs were read by.
        required: whether the user has named the folder: then it must be one.
    """

    def __init__(self, folder: Path, clock: Clock, *, required: bool) -> None:
        self._folder = folder
        self._clock = clock
        self._required = required

    def begin(self, job: Job, warn: Callable[[str, str], None]) -> KeptRun | None:
        """Begin to keep a run; None where that is not possible.

        Args:
            job: what runs.
            warn: is told where nothing can be kept.

        Raises:
            AlreadyRunningError: a run of the job goes on.
            StateError: the folder that the user has named is none that can be used, or the job wants to know
                what earlier runs have delivered.
        """
        from runner.state.kept_run import KeptRun

        try:
            prepare(self._folder)
            return KeptRun.begin(self._folder, job.name, job.source, self._clock.instant)
        except StateError as error:
            if self._required or job.wants_news:
                raise
            warn(f"job {job.name}", f"{error}; nothing is kept of this run, so it cannot be resumed")
            return None
