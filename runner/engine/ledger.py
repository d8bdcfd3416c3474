"""What came of a run's operations: totals in memory, and a record of each, on disk where they are many."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from runner.engine.record import Record, record
from runner.engine.result import OperationResult, Verdict
from runner.errors import ExitStatus, InterruptedRunError

if TYPE_CHECKING:
    from sqlite3 import Connection

#: So many records are held in memory; a run of more moves them to a temporary database.
_MAX_HELD = 1000
#: So many rows are put into the database at once.
_BATCH = 500


class Ledger:
    """Takes the result of each operation once; not to be used by several threads at the same time.

    Attributes:
        operations: how many there are.
        responses: pending responses that arrived whole.
        verdicts: how many operations have each.
        statuses: the exit statuses that failures ask for. An operation that was broken off asks for none: a
            signal or a sink does, and says so itself.
    """

    def __init__(self, results: Iterable[OperationResult] = ()) -> None:
        self.operations = 0
        self.responses = 0
        self.verdicts: Counter[Verdict] = Counter()
        self.statuses: set[ExitStatus] = set()
        self._held: list[Record] = []
        self._database: Connection | None = None
        for result in results:
            self.add(result)

    def add(self, result: OperationResult) -> None:
        """Note what came of an operation."""
        self.operations += 1
        self.responses += result.responses
        self.verdicts[result.verdict] += 1
        if result.error is not None and not isinstance(result.error, InterruptedRunError):
            self.statuses.add(result.error.status)
        self._held.append(record(result))
        if len(self._held) >= (_MAX_HELD if self._database is None else _BATCH):
            self._store()

    def records(self) -> Iterator[Record]:
        """Return the records by the operations' numbers."""
        if self._database is None:
            self._held.sort(key=lambda one: one["number"])
            return iter(self._held)
        self._store()
        rows = self._database.execute("SELECT record FROM records ORDER BY number")
        return (json.loads(text) for (text,) in rows)

    def _store(self) -> None:
        """Move the records into a database that has no name and ends with the process."""
        if self._database is None:
            import sqlite3

            self._database = sqlite3.connect("", check_same_thread=False)
            self._database.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, record TEXT NOT NULL)")
        rows = [(one["number"], json.dumps(one, ensure_ascii=False)) for one in self._held]
        self._database.executemany("INSERT INTO records VALUES (?, ?)", rows)
        self._database.commit()
        self._held.clear()
