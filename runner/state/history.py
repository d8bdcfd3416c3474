"""The runs that are known, and how old ones are forgotten."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from runner.errors import StateError
from runner.state.database import FILE_NAME, Database
from runner.state.lock import is_held

#: So many runs of each job are kept, and for so many days, where nobody says otherwise.
KEPT_RUNS = 1000
KEPT_DAYS = 400.0
_DAY = 86400.0
#: Above all ids.
_ANY = 1 << 62

_ALL = """
SELECT id, job, source, kind, begun, seconds, verdict, exit_status, responses, complete, planned, pid, work
FROM runs WHERE ? IN (job, '') ORDER BY id DESC"""
_LAST = f"{_ALL} LIMIT 1"
#: The last column: whether it was complete and its sinks committed, which no expectation keeps them from.
_OF_JOB = """
SELECT id, begun, verdict = 'complete' AND exit_status IN (0, 7) FROM runs WHERE job = ? ORDER BY id DESC"""
_FORGET = (
    "DELETE FROM works WHERE id NOT IN (SELECT work FROM runs)",
    "DELETE FROM roots WHERE work NOT IN (SELECT work FROM runs)",
    "DELETE FROM operations WHERE work NOT IN (SELECT work FROM runs)",
    "DELETE FROM seen WHERE work NOT IN (SELECT work FROM runs)",
)


class Run(NamedTuple):
    """A run that is known.

    Attributes:
        id: counts all runs of the state folder.
        job: the job's name.
        source: its file.
        kind: `run`, `resume` or `retry`.
        begun: seconds since the epoch.
        seconds: how long it took; None for one that goes on or was killed.
        verdict: likewise.
        exit_status: likewise.
        responses: how many came, those of the runs that it goes on with among them.
        complete: how many operations of the plan and those that follow from them are complete.
        planned: how many operations there were to do.
        pid: of the process.
        work: the id of the run that it goes on with, in the end; its own for one from the beginning.
        running: whether it goes on.
    """

    id: int
    job: str
    source: str
    kind: str
    begun: float
    seconds: float | None
    verdict: str | None
    exit_status: int | None
    responses: int
    complete: int
    planned: int
    pid: int
    work: int
    running: bool = False


def is_known(folder: Path) -> bool:
    """Whether anything is known of runs.

    Raises:
        StateError: the folder is not for us to look into.
    """
    try:
        return (folder / FILE_NAME).is_file()
    except OSError as error:
        what = f"the state in {folder} cannot be read: {error.strerror}"
        raise StateError(what, "ask who it belongs to, or let --state name another folder") from None


def runs(folder: Path, database: Database, job: str | None = None) -> list[Run]:
    """Return the runs of a job or of all jobs, the latest first.

    Raises:
        StateError: they cannot be read.
    """
    found = []
    asked: set[str] = set()
    for row in database.rows(_ALL, (job or "",)):
        name, verdict = row[1], row[6]
        # only the latest of a job can go on
        running = verdict is None and name not in asked and is_held(folder, name)
        asked.add(name)
        found.append(Run(*row)._replace(running=running))
    return found


def last_run(database: Database, job: str) -> Run | None:
    """Return the latest run of a job; None where none is known.

    Raises:
        StateError: it cannot be read.
    """
    for row in database.rows(_LAST, (job,)):
        return Run(*row)
    return None


def last_success(database: Database, job: str, before: int | None = None) -> int | None:
    """Return when the latest run of a job began that was complete and whose sinks committed; None for none.

    It is in microseconds since 1 January 1970 in UTC.

    Of a run that went on with another one it is the moment that the dates of its queries were made for.

    Args:
        database: of the state folder.
        job: the job's name.
        before: the id of a run, which does not count, nor do those that have gone on with it; None for none.

    Raises:
        StateError: it cannot be read.
    """
    for (instant,) in database.rows(
        "SELECT works.instant FROM runs JOIN works ON works.id = runs.work"
        " WHERE runs.job = ? AND verdict = 'complete' AND exit_status IN (0, 7) AND runs.work < ?"
        " ORDER BY runs.id DESC LIMIT 1",
        (job, before if before is not None else _ANY),
    ):
        return int(instant)
    return None


def prune(
    database: Database,
    job: str | None = None,
    *,
    keep: int = KEPT_RUNS,
    days: float = KEPT_DAYS,
    now: float | None = None,
) -> int:
    """Forget old runs, but of each job the latest one and the latest that was complete.

    Args:
        database: of the state folder.
        job: of which alone; None for all.
        keep: so many of each job are kept at most.
        days: older ones are forgotten.
        now: seconds since the epoch; None for the machine's clock.

    Returns:
        How many runs were forgotten.

    Raises:
        StateError: they cannot be.
    """
    oldest = (time.time() if now is None else now) - days * _DAY
    names = [job] if job is not None else [name for (name,) in database.rows("SELECT DISTINCT job FROM runs")]
    forgotten = 0
    with database.writing():
        for name in names:
            rows = list(database.rows(_OF_JOB, (name,)))
            complete = next((number for number, _, succeeded in rows if succeeded), None)
            old = [
                (number,)
                for place, (number, begun, _) in enumerate(rows)
                if place and number != complete and (place >= keep or begun < oldest)
            ]
            database.put("DELETE FROM runs WHERE id = ?", old)
            forgotten += len(old)
        for statement in _FORGET:
            database.execute(statement)
    return forgotten
