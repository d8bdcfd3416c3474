"""Up to which time the schedule of a job has been dealt with, for a scheduler that is started again."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from runner.errors import AlreadyRunningError, StateError, UnwritableStateError
from runner.state.folder import prepare
from runner.state.lock import JobLock, file_name
from runner.synced_folder import sync_folder

#: The folder of these files in the state folder.
_NAME = "schedule"


class ScheduleMemory:
    """Remembers for jobs that no other process schedules.

    Args:
        folder: the state folder.

    Raises:
        UnwritableStateError: it cannot be made.
        StateError: it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _NAME
        _make(folder)
        _make(self._folder)
        self._locks: dict[str, JobLock] = {}

    def take(self, job: str) -> None:
        """Keep other processes from scheduling a job with the same memory.

        Raises:
            AlreadyRunningError: one does already.
            UnwritableStateError: the folder has no locks.
        """
        if job in self._locks:
            return
        try:
            self._locks[job] = JobLock.take(self._folder, job)
        except AlreadyRunningError as error:
            who = error.what.partition(": ")[2]
            what = f"another cfind schedule has the job {job}{': ' if who else ''}{who}"
            raise AlreadyRunningError(what, "end it, or let --state name another folder") from None
        except StateError as error:
            raise UnwritableStateError(error.what, error.advice) from None

    def release(self, job: str) -> None:
        """Let other processes schedule a job."""
        lock = self._locks.pop(job, None)
        if lock is not None:
            lock.release()

    def release_all(self) -> None:
        """Let other processes schedule all jobs."""
        for job in list(self._locks):
            self.release(job)

    def through(self, job: str, schedule: str) -> datetime | None:
        """Return up to which time a schedule was dealt with; None where nothing is known of it.

        Args:
            job: the job's name.
            schedule: its times, in words: what was noted for others does not count.

        Raises:
            StateError: what was noted cannot be read.
        """
        path = self._path(job)
        try:
            noted = json.loads(path.read_text("utf-8"))
            if noted["schedule"] != schedule:
                return None
            time = datetime.fromisoformat(noted["through"])
            if time.utcoffset() is None:
                raise ValueError
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is garbled"
            what = f"{path} cannot be read: {why}"
            advice = f"what the job {job} missed until now is not made up for"
            raise StateError(what, advice) from None
        return time

    def note(self, job: str, schedule: str, through: datetime) -> None:
        """Note up to which time a schedule was dealt with.

        Raises:
            UnwritableStateError: it cannot be noted.
        """
        path = self._path(job)
        temporary = path.with_suffix(".tmp")
        try:
            with temporary.open("w", encoding="utf-8") as file:
                json.dump({"job": job, "schedule": schedule, "through": through.isoformat()}, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(self._folder)
        except OSError as error:
            what = f"it cannot be noted in {self._folder} when the job {job} ran: {error.strerror}"
            raise UnwritableStateError(what, "check room and permissions") from None

    def _path(self, job: str) -> Path:
        return self._folder / f"{file_name(job)}.json"


def _make(folder: Path) -> None:
    try:
        prepare(folder)
    except StateError as error:
        if folder.exists():
            raise
        raise UnwritableStateError(error.what, error.advice) from None
