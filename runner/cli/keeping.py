"""Where a command keeps the state of its runs, and how it goes on with earlier ones."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import given_variables
from runner.cli.job_files import valid_jobs
from runner.errors import ExitStatus, StateError
from runner.jobfile.clock import Clock
from runner.state.folder import DEFAULT_NAME, prepare

if TYPE_CHECKING:
    from runner.jobfile.load import LastSuccess
    from runner.model import Job
    from runner.state.database import Database
    from runner.state.kept_run import KeptRun, Work

#: So many changes of a job are named.
_MAX_NAMED = 4


class Kind(str, Enum):
    """What a run does of its job."""

    RUN = "run"
    RESUME = "resume"
    RETRY = "retry"


def add_state_option(parser: argparse.ArgumentParser) -> None:
    """Add --state; `state_folder` makes a path of what it gives."""
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FOLDER",
        help=f"the folder in which is kept what runs have done (default: {DEFAULT_NAME} below --output-dir)",
    )


def add_history_option(parser: argparse.ArgumentParser) -> None:
    """Add --state and --output-dir to a command that reads jobs and runs none."""
    add_state_option(parser)
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the folder below which the state lies (default: the current one)",
    )


def state_folder(options: argparse.Namespace) -> Path:
    """Return the state folder of a command line that has --state and --output-dir."""
    folder: Path = options.state if options.state is not None else options.output_dir / DEFAULT_NAME
    return folder


def last_success_in(folder: Path, before: int | None = None) -> LastSuccess:
    """Return what looks up in a state folder when the last complete run of a job began.

    Where no state is, none is made. What that returns raises StateError where the state cannot be read.

    Args:
        folder: the state folder.
        before: the id of a run, which does not count, nor do those that have gone on with it; None for none.
    """

    def last_success(job: str) -> int | None:
        from runner.state.history import is_known

        if not is_known(folder):
            return None
        from runner.state import history
        from runner.state.database import Database

        database = Database(folder)
        try:
            return history.last_success(database, job, before)
        finally:
            database.close()

    return last_success


def kept_by(options: argparse.Namespace, clock: Clock, kind: Kind) -> Keeping:
    """Return how the runs of a command line are kept that has the options of `cfind run`."""
    return Keeping(
        state_folder(options),
        clock,
        required=options.state is not None,
        kind=kind,
        variables=given_variables(options.variables),
        fixed=options.now is not None or options.dates_of is not None,
    )


class Keeping:
    """How the runs of a command line are kept.

    Args:
        folder: the state folder.
        clock: that the jobs were read by.
        required: whether the user has named the folder: then it must be one.
        kind: what is done of the jobs.
        variables: that the user has given.
        fixed: whether the user has fixed the clock.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        required: bool,
        kind: Kind = Kind.RUN,
        variables: Mapping[str, str] | None = None,
        fixed: bool = True,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._required = required
        self._kind = kind
        self._variables = variables or {}
        self._fixed = fixed
        self._database: Database | None = None

    def begin(
        self, job: Job, warn: Callable[[str, str], None], tell: Callable[[str], None]
    ) -> tuple[Job, KeptRun | None]:
        """Begin to keep a run; None where that is not possible.

        A run that goes on with another one takes the present of that one for its own.

        Args:
            job: what runs.
            warn: is told where nothing can be kept.
            tell: is told what is gone on with.

        Returns:
            The job too, with the dates that it is to be run with.

        Raises:
            AlreadyRunningError: a run of the job goes on.
            StateError: the folder that the user has named cannot be used, the earlier run cannot be gone on
                with, or it cannot be known what earlier runs have delivered, and the job wants to know.
        """
        from runner.state.fingerprint import fingerprint
        from runner.state.kept_run import KeptRun

        where = f"job {job.name}"
        try:
            prepare(self._folder)
            kept = KeptRun(self._folder, job.name, self._opened)
        except StateError as error:
            if self._required or self._kind is not Kind.RUN or job.wants_news:
                raise
            warn(where, f"{error}; nothing is kept of this run, so it cannot be resumed")
            return job, None
        try:
            if self._kind is not Kind.RUN and kept.trouble is not None:
                raise kept.trouble
            last = kept.last
            if self._kind is Kind.RUN or (last is None and self._kind is Kind.RESUME):
                compiled = fingerprint(job)
                if self._kind is Kind.RESUME:
                    tell(
                        f"{where}: no earlier run is known in {self._folder}, so it is run from the beginning"
                    )
                elif last is not None and last.compiled == compiled and (how := _broken_off(last)):
                    tell(
                        f"{where}: the run of {_moment(last)} was {how}, and this one begins anew;"
                        " --resume would have gone on with it"
                    )
                kept.begin(job.source, self._clock.instant, compiled)
                if kept.trouble is not None:
                    warn(where, f"{kept.trouble}; nothing is kept of this run, so it cannot be resumed")
                return job, kept
            if last is None:
                what = f"no run of the job is known in {self._folder}"
                raise StateError(what, "--state and --output-dir say where to look", where)
            return self._go_on(job, kept, last, tell), kept
        except BaseException:
            kept.release()
            raise

    def _opened(self) -> Database:
        """Return the database, which stays open: closing it would wait for the disk."""
        if self._database is None:
            from runner.state.database import Database

            self._database = Database(self._folder)
        return self._database

    def _go_on(self, job: Job, kept: KeptRun, last: Work, tell: Callable[[str], None]) -> Job:
        from runner.state.fingerprint import difference, fingerprint

        changes = difference(last.compiled, fingerprint(job))
        if changes and not self._fixed:
            [job] = valid_jobs(
                [Path(job.source)],
                self._variables,
                check_rows=False,
                clock=Clock(last.instant),
                last_success=last_success_in(self._folder, last.id),
            )
            changes = difference(last.compiled, fingerprint(job))
        if changes:
            named = "; ".join(changes[:_MAX_NAMED])
            more = f"; and {len(changes) - _MAX_NAMED} more" if len(changes) > _MAX_NAMED else ""
            raise StateError(
                f"the job has changed since the run of {_moment(last)}, so nothing can go on with that:"
                f" {named}{more}",
                f"change it back, or run the job from the beginning with cfind run {job.source}",
                f"job {job.name}",
            )
        kept.go_on(job.source, self._kind.value)
        if self._kind is Kind.RETRY:
            from runner.engine.continuation import failed_roots

            split = {one.name for query in job.queries for one in query.family if one.split is not None}
            kept.drop(failed_roots(kept, split))
        if last.last.verdict == "complete":
            tell(
                f"job {job.name}: the run of {_moment(last)} is complete, so nothing is asked;"
                f" cfind run {shlex.quote(job.source)} asks anew"
            )
        else:
            done = kept.done()
            tell(f"job {job.name}: going on with the run of {_moment(last)}, {done} operations are done")
        return job


def _broken_off(work: Work) -> str:
    """Return how a run was broken off; "" for one that came to its end."""
    if work.phase != "ended":
        return "killed"
    return "interrupted" if work.last.exit_status in (ExitStatus.INTERRUPTED, ExitStatus.TERMINATED) else ""


def _moment(work: Work) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(work.last.begun))
