"""Which records of a job's queries earlier runs have delivered, by digests of their unique keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runner.state.database import Database

#: So many are looked up at once.
_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE IF NOT EXISTS delivering"
    " (id INTEGER PRIMARY KEY, job TEXT NOT NULL, query TEXT NOT NULL, UNIQUE (job, query))",
    # `work` is the run that delivers it, or that it goes on with; 0 once the sinks have committed
    "CREATE TABLE IF NOT EXISTS delivered"
    " (query INTEGER NOT NULL, digest BLOB NOT NULL, work INTEGER NOT NULL, PRIMARY KEY (query, digest))"
    " WITHOUT ROWID",
)


class Deliveries:
    """What earlier runs of a job have delivered, and what this one does; for any thread.

    What a run has noted counts for those after it only once `commit` was called, when its sinks have
    committed. It takes some 40 bytes a record on the disk.

    Args:
        database: of the state folder.
        job: the job's name.
        work: the id of the run that this one goes on with, in the end; its own for one from the beginning.

    Raises:
        StateError: the database cannot be written.
    """

    def __init__(self, database: Database, job: str, work: int) -> None:
        self._database = database
        self._job = job
        self._work = work
        self._ids: dict[str, int] = {}
        with database.writing():
            for statement in _TABLES:
                database.execute(statement)

    def note(self, query: str, digests: Collection[bytes]) -> Collection[bytes]:
        """Note records that this run delivers, but for those that an earlier one has; return these.

        Raises:
            StateError: the database cannot be read or written.
        """
        number = self._number(query)
        found = sorted(digests)
        known: set[bytes] = set()
        with self._database.writing():
            for begin in range(0, len(found), _AT_ONCE):
                known.update(self._known(number, found[begin : begin + _AT_ONCE]))
            self._database.put(
                "INSERT OR REPLACE INTO delivered VALUES (?, ?, ?)",
                ((number, digest, self._work) for digest in found if digest not in known),
            )
        return known

    def _known(self, number: int, digests: list[bytes]) -> Iterator[bytes]:
        marks = ", ".join("?" * len(digests))
        rows = self._database.rows(
            f"SELECT digest FROM delivered WHERE query = ? AND work = 0 AND digest IN ({marks})",  # noqa: S608
            (number, *digests),
        )
        return (digest for (digest,) in rows)

    def _number(self, query: str) -> int:
        number = self._ids.get(query)
        if number is None:
            values = (self._job, query)
            self._database.execute("INSERT OR IGNORE INTO delivering (job, query) VALUES (?, ?)", values)
            rows = self._database.rows("SELECT id FROM delivering WHERE job = ? AND query = ?", values)
            number = self._ids[query] = next(number for (number,) in rows)
        return number

    def commit(self, queries: Collection[str]) -> None:
        """Let what this run has noted count for those after it, and forget what failed runs have noted.

        To be called within a transaction.

        Args:
            queries: the names of those whose records went to a sink.

        Raises:
            StateError: the database cannot be written.
        """
        for query in queries:
            values = (self._number(query), self._work)
            self._database.execute("UPDATE delivered SET work = 0 WHERE query = ? AND work = ?", values)
            self._database.execute("DELETE FROM delivered WHERE query = ? AND work != 0", values[:1])
