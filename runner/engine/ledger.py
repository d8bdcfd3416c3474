"""What came of a run's operations: totals in memory, and a record of each, on disk where they are many."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING

from runner.engine.record import Record, error_record, record
from runner.engine.result import OperationResult, Verdict
from runner.engine.verdict import Judgement
from runner.errors import ExitStatus, InterruptedRunError, SinkError
from runner.temporary_database import kept_temporarily, temporary_database

if TYPE_CHECKING:
    from sqlite3 import Connection

#: So many records are held in memory; a run of more moves them to a temporary database.
_MAX_HELD = 1000
#: So many rows are put into the database at once.
_BATCH = 500
_STORED = "SELECT number, record FROM records"
_WHAT = "records of the operations"


class Ledger:
    """Takes the result of each operation once; not to be used by several threads at the same time.

    Where the temporary database cannot be written, that is raised once, by what noted an operation or a
    doubt. The ledger has it all the same, and holds in memory what comes until the run has ended.

    Attributes:
        operations: how many there are.
        roots: how many of them are operations of the plan, and follow from no other.
        responses: pending responses that arrived whole.
        delivered: how many of them went on to the sinks.
        verdicts: how many operations have each.
        statuses: the exit statuses that failures ask for. An operation that was broken off asks for none: a
            signal or a sink does, and says so itself.
    """

    def __init__(self, results: Iterable[OperationResult] = ()) -> None:
        self.operations = self.roots = 0
        self.responses = 0
        self.delivered = 0
        self.verdicts: Counter[Verdict] = Counter()
        self.statuses: set[ExitStatus] = set()
        # Those that are not in the database, or stand there as they were before.
        self._held: list[Record] = []
        self._database: Connection | None = None
        self._full = False
        for result in results:
            self.add(result)

    def add(self, result: OperationResult) -> None:
        """Note what came of an operation.

        Raises:
            SinkError: there is no room for more records on the disk.
        """
        self.operations += 1
        self.responses += result.responses
        self.delivered += result.delivered
        self.verdicts[result.verdict] += 1
        if result.error is not None and not isinstance(result.error, InterruptedRunError):
            self.statuses.add(result.error.status)
        self.roots += not result.operation.parent
        self._hold(record(result))

    def restore(self, earlier: Record) -> None:
        """Note an operation that an earlier run has done, by its record.

        Raises:
            SinkError: there is no room for more records on the disk.
        """
        error = earlier["error"]
        self.operations += 1
        self.responses += earlier["responses"]
        self.delivered += earlier["delivered"]
        self.verdicts[Verdict(earlier["verdict"])] += 1
        if error is not None:
            self.statuses.add(ExitStatus(error["exit_status"]))
        self.roots += earlier["parent"] is None
        self._hold(earlier)

    def _hold(self, one: Record) -> None:
        self._held.append(one)
        if len(self._held) >= (_MAX_HELD if self._database is None else _BATCH):
            self._store()

    def doubt(
        self,
        peer: str,
        responses: int,
        judgement: Judgement,
        trusted: Callable[[Record], bool] = lambda _: False,
    ) -> int:
        """Judge the complete answers of a peer anew that had so many responses; return how many there were.

        Args:
            peer: its name.
            responses: the count of an answer that is known to be capped.
            judgement: what is thought of them now.
            trusted: says of which answers there is no doubt.

        Raises:
            SinkError: there is no room on the disk for what has changed.
        """
        changed = [
            one
            for one in self._stored("WHERE peer = ? AND responses = ?", (peer, responses))
            if not trusted(one) and _doubt(one, peer, responses, judgement)
        ]
        doubted = len(changed)
        doubted += sum(_doubt(one, peer, responses, judgement) for one in self._held if not trusted(one))
        self._held += changed
        self.verdicts[Verdict.COMPLETE] -= doubted
        self.verdicts[judgement.verdict] += doubted
        if doubted and judgement.error is not None:
            self.statuses.add(judgement.error.status)
        if changed:
            self._store()
        return doubted

    def records(self) -> Iterator[Record]:
        """Return the records by the operations' numbers.

        Raises:
            SinkError: they cannot be read.
        """
        held = sorted(self._held, key=_number)
        return merge(self._stored(), held, key=_number)

    def _stored(self, condition: str = "", values: Sequence[object] = ()) -> Iterator[Record]:
        """Yield those records of the database that are not held, by their numbers."""
        if self._database is None:
            return
        held = {one["number"] for one in self._held}
        with kept_temporarily(_WHAT):
            for number, text in self._database.execute(f"{_STORED} {condition} ORDER BY number", values):
                if number not in held:
                    yield json.loads(text)

    def _store(self) -> None:
        """Move the records that are held into the database, where that has room."""
        if self._full:
            return
        try:
            with kept_temporarily(_WHAT):
                if self._database is None:
                    self._database = _new_database()
                _put(self._database, self._held)
        except SinkError:
            self._full = True
            raise
        self._held.clear()


def _new_database() -> Connection:
    database = temporary_database()
    database.execute(
        "CREATE TABLE records (number INTEGER PRIMARY KEY, peer TEXT NOT NULL,"
        " responses INTEGER NOT NULL, record TEXT NOT NULL)"
    )
    database.execute("CREATE INDEX by_count ON records (peer, responses)")
    return database


def _put(database: Connection, records: Iterable[Record]) -> None:
    rows = (
        (one["number"], one["peer"], one["responses"], json.dumps(one, ensure_ascii=False)) for one in records
    )
    try:
        database.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)
        database.commit()
    except BaseException:
        database.rollback()
        raise


def _number(one: Record) -> int:
    number: int = one["number"]
    return number


def is_in_doubt(one: Record) -> bool:
    """Whether an answer may have been cut off though it looks complete, if others as long were."""
    return one["verdict"] == Verdict.COMPLETE.value and one["status"] == "0x0000" and not one["cancelled"]


def _doubt(one: Record, peer: str, responses: int, judgement: Judgement) -> bool:
    """Judge an answer anew, if it is one of those in doubt."""
    if (one["peer"], one["responses"]) != (peer, responses) or not is_in_doubt(one):
        return False
    one["verdict"] = judgement.verdict.value
    one["cap"] = judgement.cap.value if judgement.cap is not None else None
    one["error"] = error_record(judgement.error)
    return True
