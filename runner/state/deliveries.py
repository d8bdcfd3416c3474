"""Which records of a job's queries earlier runs have delivered, by digests of their unique keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runner.state.database import Database

#: So many are looked up at once.
_AT_ONCE = 500
#: Notes of operations that are not done any more, such as those that are asked again.
_FORGET_UNDONE = (
    "DELETE FROM noted WHERE query IN (SELECT id FROM delivering WHERE job = ?)"
    " AND operation NOT IN (SELECT number FROM operations WHERE work = ?)"
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
        self._ids: dict[str, int] = {}
        database.execute(_FORGET_UNDONE, (job, work))

    def note(self, query: str, digests: Collection[bytes], operation: int) -> Collection[bytes]:
        """Note records that this run delivers, but for those that an earlier one has; return these.

        Args:
            query: the name of the query that they answer.
            digests: of their unique keys.
            operation: the number of the operation that they came in.

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
                "INSERT OR IGNORE INTO noted VALUES (?, ?, ?)",
                ((number, digest, operation) for digest in found if digest not in known),
            )
        return known

    def _known(self, number: int, digests: list[bytes]) -> Iterator[bytes]:
        marks = ", ".join("?" * len(digests))
        rows = self._database.rows(
            f"SELECT digest FROM delivered WHERE query = ? AND digest IN ({marks})",  # noqa: S608
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
        """Let what this run has noted count for those after it.

        Args:
            queries: the names of those whose records went to a sink.

        Raises:
            StateError: the database cannot be written; then nothing of it counts.
        """
        with self._database.writing():
            for query in queries:
                number = (self._number(query),)
                for statement in (
                    "INSERT OR IGNORE INTO delivered SELECT query, digest FROM noted WHERE query = ?",
                    "DELETE FROM noted WHERE query = ?",
                ):
                    self._database.execute(statement, number)
