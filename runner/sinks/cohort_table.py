"""The rows of a cohort together with what was found for them, joined on the disk: rows may be many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from runner.model import RowState
from runner.sinks.base import Outcome
from runner.temporary_database import temporary_database

#: Between several values of a cell.
BETWEEN = " | "
#: The values of so many matches are shown in a cell.
MAX_SHOWN = 10
#: So many reasons are told.
_MAX_REASONS = 3

_TABLES = """
CREATE TABLE inputs (row INTEGER PRIMARY KEY, cells TEXT NOT NULL);
CREATE TABLE outcomes (
    row INTEGER NOT NULL, peer INTEGER NOT NULL, whole INTEGER NOT NULL, reason TEXT NOT NULL
);
CREATE TABLE matches (row INTEGER NOT NULL, record TEXT NOT NULL, peer INTEGER NOT NULL, cells TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Match:
    """A response.

    Attributes:
        row: the number of the row that was asked for, from 1.
        record: what tells the record apart from others.
        peer: which of the query's peers sent it, from 0.
        cells: the values of the columns.
    """

    row: int
    record: str
    peer: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A row, and what became of it.

    Attributes:
        cells: of the input.
        state: what became of it.
        matches: how many different records were found for it.
        peers: which peers have them, in the query's order, from 0.
        reason: why an answer is not whole; "" where all are.
        values: of the columns: one value where all matches agree or there is one, else each match's.
    """

    cells: list[str]
    state: RowState
    matches: int
    peers: list[int]
    reason: str
    values: list[str]


class CohortTable:
    """A temporary database of the rows, and of what came of them.

    Any method may raise sqlite3.Error, where the disk is full or the like.

    Args:
        peers: the names of the query's peers.
        columns: how many values a match has.
    """

    def __init__(self, peers: Sequence[str], columns: int) -> None:
        self._peers = list(peers)
        self._columns = columns
        self._database = temporary_database()
        self._database.isolation_level = None
        self._database.executescript(_TABLES)

    def add_rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Put in the input's rows, in their order."""
        self._put("INSERT INTO inputs (cells) VALUES (?)", ((json.dumps(cells),) for cells in rows))

    def add_outcomes(self, outcomes: Iterable[Outcome]) -> None:
        """Put in what came of operations; those that are for no row are left out."""
        places = {name: place for place, name in enumerate(self._peers)}
        self._put(
            "INSERT INTO outcomes VALUES (?, ?, ?, ?)",
            (
                (outcome.row, places[outcome.peer], outcome.whole, outcome.reason)
                for outcome in outcomes
                if outcome.row
            ),
        )

    def add_matches(self, matches: Iterable[Match]) -> None:
        """Put in responses."""
        self._put(
            "INSERT INTO matches VALUES (?, ?, ?, ?)",
            ((match.row, match.record, match.peer, json.dumps(match.cells)) for match in matches),
        )

    def _put(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._database.execute("BEGIN")
        self._database.executemany(statement, rows)
        self._database.execute("COMMIT")

    def judged(self) -> Iterator[JudgedRow]:
        """Yield the rows in the input's order, with what became of them."""
        run = self._database.execute
        outcomes = _Groups(run("SELECT row, peer, whole, reason FROM outcomes ORDER BY row, peer, rowid"))
        matches = _Groups(
            run("SELECT row, record, peer, cells FROM matches ORDER BY row, record, peer, rowid")
        )
        for number, cells in run("SELECT row, cells FROM inputs ORDER BY row"):
            yield self._judged(json.loads(cells), outcomes.of(number), matches.of(number))

    def _judged(
        self, cells: list[str], outcomes: Iterable[tuple[Any, ...]], matches: Iterable[tuple[Any, ...]]
    ) -> JudgedRow:
        asked = False
        reasons: dict[tuple[int, str], None] = {}
        for peer, whole, reason in outcomes:
            asked = True
            if not whole:
                reasons[peer, reason] = None
        broken = {peer for peer, _ in reasons}
        count = 0
        holders: set[int] = set()
        shown: list[list[str]] = []
        for _, copies in groupby(matches, key=lambda match: match[0]):
            count += 1
            for number, (_, peer, values) in enumerate(copies):
                holders.add(peer)
                if not number and len(shown) < MAX_SHOWN:
                    shown.append(json.loads(values))
        # what an answer holds that is not all may be one of several, and nothing at all says nothing
        if not asked or (broken and not holders - broken):
            state = RowState.FAILED
        else:
            state = (RowState.NOT_FOUND, RowState.FOUND, RowState.AMBIGUOUS)[min(count, 2)]
        return JudgedRow(
            cells,
            state,
            count,
            sorted(holders),
            self._told(list(reasons)) if asked else "not asked",
            [_value(values, more=count > len(shown)) for values in zip(*shown, strict=True)]
            or [""] * self._columns,
        )

    def _told(self, reasons: Sequence[tuple[int, str]]) -> str:
        several = len(self._peers) > 1
        told = [f"{self._peers[peer]}: {reason}" if several else reason for peer, reason in reasons]
        more = len(told) - _MAX_REASONS
        return BETWEEN.join(told[:_MAX_REASONS]) + (f"{BETWEEN}and {more} more" if more > 0 else "")


def _value(values: Sequence[str], *, more: bool) -> str:
    """Return one value for all that are the same, else each."""
    if len(set(values)) == 1 and not more:
        return values[0]
    return BETWEEN.join((*values, "…") if more else values)


class _Groups:
    """Rows in the ascending order of the numbers that they begin with, taken number by number."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._groups = groupby(rows, key=lambda row: row[0])
        self._next = next(self._groups, None)

    def of(self, number: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a number, a greater one each time, without it; all of them are to be taken."""
        while self._next is not None and self._next[0] <= number:
            found, rows = self._next
            if found == number:
                yield from (row[1:] for row in rows)
            self._next = next(self._groups, None)
