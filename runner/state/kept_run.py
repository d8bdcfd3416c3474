"""What is kept of a run while it goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from runner.errors import StateError
from runner.state.database import Database
from runner.state.deliveries import Deliveries
from runner.state.history import prune
from runner.state.lock import JobLock

#: After so many runs old ones are forgotten.
_PRUNE_EVERY = 100


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        verdict: on the whole.
        exit_status: of the run.
        responses: pending responses that arrived whole.
        complete: how many operations are complete.
        planned: how many there were to do.
        seconds: how long it took.
    """

    verdict: str
    exit_status: int
    responses: int
    complete: int
    planned: int
    seconds: float


class KeptRun:
    """What is kept of a run that goes on.

    What cannot be written any more is no failure of the run: it goes on without, and `trouble` says why.

    Args:
        lock: held; it is released at the end.
        database: of the state folder; None where it cannot be used.

    Attributes:
        id: counts the runs of the state folder; 0 where there is no database.
        trouble: why nothing more is kept; None where all is well.
    """

    def __init__(self, lock: JobLock, database: Database | None) -> None:
        self.id = 0
        self.trouble: StateError | None = None
        self._lock = lock
        self._database = database
        self._deliveries: Deliveries | None = None

    @classmethod
    def begin(cls, folder: Path, job: str, source: str, instant: int) -> KeptRun:
        """Begin a run from the beginning.

        Args:
            folder: the state folder, which is there.
            job: the job's name.
            source: its file.
            instant: microseconds since the epoch that the dates of the job were made for.

        Raises:
            AlreadyRunningError: a run of the job goes on.
            StateError: the folder has no locks.
        """
        lock = JobLock.take(folder, job)
        try:
            database = Database(folder)
        except StateError as error:
            kept = cls(lock, None)
            kept.trouble = error
            return kept
        kept = cls(lock, database)
        try:
            with database.writing():
                kept.id = database.execute(
                    "INSERT INTO runs (job, work, kind, source, pid, begun) VALUES (?, 0, 'run', ?, ?, ?)",
                    (job, source, os.getpid(), time.time()),
                )
                database.execute("UPDATE runs SET work = id WHERE id = ?", (kept.id,))
                database.execute(
                    "INSERT INTO works (id, instant, compiled, boot, phase) VALUES (?, ?, '', '', 'running')",
                    (kept.id, instant),
                )
        except StateError as error:
            kept._give_up(error)
        return kept

    def deliveries(self, job: str) -> Deliveries:
        """Return what knows what earlier runs of the job have delivered; `end` commits it.

        Raises:
            StateError: nothing can be kept.
        """
        if self._database is None:
            raise self.trouble or StateError("the state cannot be used")
        self._deliveries = Deliveries(self._database, job, self.id)
        return self._deliveries

    def _give_up(self, error: StateError) -> None:
        self.trouble = self.trouble or error
        self._database = None

    def end(self, ending: Ending, delivered: Collection[str] = ()) -> None:
        """Note how the run ended.

        Args:
            ending: how.
            delivered: the names of queries whose records the sinks have committed.
        """
        if self._database is None:
            return
        try:
            with self._database.writing():
                self._database.execute(
                    "UPDATE runs SET verdict = ?, exit_status = ?, responses = ?, complete = ?, planned = ?,"
                    " seconds = ? WHERE id = ?",
                    (
                        ending.verdict,
                        ending.exit_status,
                        ending.responses,
                        ending.complete,
                        ending.planned,
                        ending.seconds,
                        self.id,
                    ),
                )
                if self._deliveries is not None:
                    self._deliveries.commit(delivered)
            if self.id % _PRUNE_EVERY == 0:
                prune(self._database)
        except StateError as error:
            self._give_up(error)

    def release(self) -> None:
        """Let other runs of the job begin."""
        self._lock.release()
