"""What two sources differ in.

Each source is read once from first to last; of each record an index keeps two digests (of what tells it from
others, and of what it holds) and where it is. Records that differ are read again one by one. The index is
a temporary database on the disk, so neither side is ever held as a whole, and no value is written there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING

from runner.comparison.keys import ORIGIN, key_names
from runner.comparison.record import Record, same_but_for_its_vr
from runner.comparison.rules import Rules
from runner.comparison.source import Place, Source
from runner.errors import InvalidJobError
from runner.temporary_database import kept_temporarily, temporary_database

if TYPE_CHECKING:
    import sqlite3

#: Kilobytes of the index that are held in memory.
_CACHE = 64 * 1024


class Kind(str, Enum):
    """In what way two sources differ, by its name in JSON and CSV."""

    ONLY_A = "only-a"
    ONLY_B = "only-b"
    CHANGED = "changed"
    COLUMN_ONLY_A = "column-only-a"
    COLUMN_ONLY_B = "column-only-b"


@dataclass(frozen=True, slots=True)
class AttributeDifference:
    """An attribute with different values; None on the side that does not have it."""

    name: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two sources differ in.

    Attributes:
        kind: in what way.
        key: what tells the record from others, names and values; empty for a record without any such thing,
            and for columns.
        attributes: of a changed record those that differ; of one that is on one side only all that it has;
            of a column its name.
        times: how many records of a and of b have this key.
    """

    kind: Kind
    key: tuple[tuple[str, str], ...]
    attributes: tuple[AttributeDifference, ...]
    times: tuple[int, int] = (1, 1)


@dataclass(slots=True)
class Counts:
    """What was found, in records.

    Attributes:
        a: records of a.
        b: records of b.
        same: those of a that b has too, alike.
        changed: those that both have, with different values.
        only_a: those that only a has.
        only_b: those that only b has.
        columns: how many columns only one of them has.
        repeated: keys that several records of one source have.
        keyless: records that have nothing that tells them from others, and are compared as wholes.
    """

    a: int = 0
    b: int = 0
    same: int = 0
    changed: int = 0
    only_a: int = 0
    only_b: int = 0
    columns: int = 0
    repeated: int = 0
    keyless: int = 0

    @property
    def different(self) -> bool:
        """Whether anything differs."""
        return bool(self.changed or self.only_a or self.only_b or self.columns)


@dataclass(slots=True)
class Comparison:
    """Two sources, and what makes no difference between them.

    Attributes:
        a: one side.
        b: the other one.
        rules: what makes no difference.
        keys: names of the attributes that tell records apart; empty for the unique keys.
        counts: are known when all differences have been asked for.
    """

    a: Source
    b: Source
    rules: Rules
    keys: Sequence[str] = ()
    counts: Counts = field(default_factory=Counts)

    def differences(self) -> Iterator[Difference]:
        """Find the differences: those of columns, of records in the order of a, then what only b has.

        Both sides have been read when the first one comes.

        Raises:
            InvalidJobError: a source cannot be read.
            SinkError: there is no room for the index.
        """
        with kept_temporarily("digests of the records"), closing(temporary_database()) as index:
            index.execute(f"PRAGMA cache_size=-{_CACHE}")
            index.execute("CREATE TABLE record (side INTEGER, key BLOB, content BLOB, place)")
            self.counts.a = self._enter(index, 0, self.a)
            self.counts.b = self._enter(index, 1, self.b)
            yield from self._columns()
            yield from self._records(index)
        counts = self.counts
        counts.same = counts.a - counts.changed - counts.only_a

    def _columns(self) -> Iterator[Difference]:
        for kind, one, other in (
            (Kind.COLUMN_ONLY_A, self.a.columns, self.b.columns),
            (Kind.COLUMN_ONLY_B, self.b.columns, self.a.columns),
        ):
            for name in one or ():
                if name not in (other or ()) and not self.rules.ignores(name):
                    self.counts.columns += 1
                    sides = (name, None) if kind is Kind.COLUMN_ONLY_A else (None, name)
                    yield Difference(kind, (), (AttributeDifference(name, *sides),))

    def _shared(self) -> list[str]:
        b = set(self.b.columns or ())
        return [name for name in self.a.columns or () if name in b]

    def _enter(self, index: sqlite3.Connection, side: int, source: Source) -> int:
        """Put digests of all records of a side into the index, and return how many there are."""
        count = 0

        def rows() -> Iterator[tuple[int, bytes, bytes, Place]]:
            nonlocal count
            for place, key, content in source.scan(self.rules, self.keys, self._shared()):
                count += 1
                digest = _digest(content)
                if key is None:
                    self.counts.keyless += 1
                yield side, digest if key is None else _digest(key), digest, place

        index.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", rows())
        if source.expected is not None and source.expected != count:
            raise InvalidJobError(
                f"the report tells of {source.expected} responses in it, and it has {count} now",
                "another run wrote to it; let each run have an --output-dir of its own",
                source.name,
            )
        return count

    def _records(self, index: sqlite3.Connection) -> Iterator[Difference]:
        index.execute("CREATE INDEX by_key ON record (key, content, side)")
        (self.counts.repeated,) = index.execute(
            "SELECT COUNT(DISTINCT key) FROM (SELECT key FROM record GROUP BY key, side HAVING COUNT(*) > 1)"
        ).fetchone()
        index.execute(
            "CREATE TABLE differing AS SELECT key, MIN(first) AS first FROM (SELECT key, MIN(rowid) AS first"
            " FROM record GROUP BY key, content HAVING SUM(1 - 2 * side) <> 0) GROUP BY key"
        )
        for (key,) in index.execute("SELECT key FROM differing ORDER BY first"):
            yield from self._of_key(index, key)

    def _of_key(self, index: sqlite3.Connection, key: bytes) -> Iterator[Difference]:
        """Compare the records with a key as a multiset: those that are alike on both sides are left out."""
        rows = index.execute(
            "SELECT side, content, place FROM record WHERE key = ? ORDER BY rowid", (key,)
        ).fetchall()
        held_by_a = Counter(content for side, content, _ in rows if side == 0)
        held_by_b = Counter(content for side, content, _ in rows if side == 1)
        surplus = (held_by_a - held_by_b, held_by_b - held_by_a)
        left: tuple[list[Place], list[Place]] = ([], [])
        for side, content, place in rows:
            if surplus[side][content]:
                surplus[side][content] -= 1
                left[side].append(place)
        times = (sum(held_by_a.values()), sum(held_by_b.values()))
        if len(left[0]) == len(left[1]) == 1:
            yield from self._changed(self.a.record(left[0][0]), self.b.record(left[1][0]), times)
            return
        for place in left[0]:
            self.counts.only_a += 1
            record = self.a.record(place)
            yield Difference(Kind.ONLY_A, self._key(record), tuple(self._one_sided(record, 0)), times)
        for place in left[1]:
            self.counts.only_b += 1
            record = self.b.record(place)
            yield Difference(Kind.ONLY_B, self._key(record), tuple(self._one_sided(record, 1)), times)

    def _changed(self, a: Record, b: Record, times: tuple[int, int]) -> Iterator[Difference]:
        attributes = tuple(self._attributes(a, b))
        if attributes:
            self.counts.changed += 1
            yield Difference(Kind.CHANGED, self._key(a), attributes, times)

    def _attributes(self, a: Record, b: Record) -> Iterator[AttributeDifference]:
        rules = self.rules
        for name in (*a.values, *(name for name in b.values if name not in a.values)):
            if self._is_left_out(name):
                continue
            of_a, of_b = a.values.get(name), b.values.get(name)
            if of_a is None or of_b is None:
                there = of_a or of_b
                assert there is not None
                if rules.empty and not there.text:
                    continue
            else:
                one, other = same_but_for_its_vr(of_a, of_b, a.character_set, b.character_set)
                if rules.canonical(name, *one) == rules.canonical(name, *other):
                    continue
            yield AttributeDifference(
                name, None if of_a is None else of_a.text, None if of_b is None else of_b.text
            )

    def _one_sided(self, record: Record, side: int) -> Iterator[AttributeDifference]:
        for name, value in record.values.items():
            if not self.rules.ignores(name):
                yield AttributeDifference(name, *((value.text, None) if side == 0 else (None, value.text)))

    def _is_left_out(self, name: str) -> bool:
        return self.rules.ignores(name) or self._is_on_one_side(name)

    def _is_on_one_side(self, name: str) -> bool:
        """Whether only one of two tables has the column."""
        a, b = self.a.columns, self.b.columns
        if a is None or b is None:
            return False
        # what stands in an item belongs to the column of its sequence
        column = name if name in a or name in b else name.partition("[")[0]
        return column not in a or column not in b

    def _key(self, record: Record) -> tuple[tuple[str, str], ...]:
        found = {name: value.text for name, value in record.values.items() if not self._is_on_one_side(name)}
        names = key_names(lambda name: found.get(name, ""), self.keys)
        if not names:
            return ()
        if not self.keys and self.a.columns is not None:
            names = (*(name for name in ORIGIN if name in found and not self.rules.ignores(name)), *names)
        return tuple((name, found.get(name, "")) for name in names)


def _digest(value: object) -> bytes:
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).digest()
