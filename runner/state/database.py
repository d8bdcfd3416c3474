"""The file state.sqlite: opened, made where it is not there, and read only where it can be trusted."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runner.errors import StateError

FILE_NAME = "state.sqlite"
#: Of the tables below; a database with a later one is not touched.
_VERSION = 2
#: So long a log is worked into the database file, in bytes.
_LONG_LOG = 1 << 22
#: How long another process may write, in seconds.
_PATIENCE = 20.0
_APPLICATION = 0x63664E44
#: What SQLite says of a full disk.
_FULL = "database or disk is full"

_TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, work INTEGER NOT NULL, kind TEXT NOT NULL,
    source TEXT NOT NULL, pid INTEGER NOT NULL, begun REAL NOT NULL, seconds REAL, verdict TEXT,
    exit_status INTEGER, responses INTEGER NOT NULL DEFAULT 0, complete INTEGER NOT NULL DEFAULT 0,
    planned INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_of_job ON runs (job, id);
CREATE TABLE works (
    id INTEGER PRIMARY KEY, instant INTEGER NOT NULL, compiled TEXT NOT NULL, boot TEXT NOT NULL,
    durable INTEGER NOT NULL DEFAULT 0, sinks TEXT NOT NULL DEFAULT '[]', phase TEXT NOT NULL
);
CREATE TABLE roots (
    work INTEGER NOT NULL, root INTEGER NOT NULL, checkpoint INTEGER NOT NULL,
    segments TEXT NOT NULL, PRIMARY KEY (work, root)
) WITHOUT ROWID;
CREATE TABLE operations (
    work INTEGER NOT NULL, number INTEGER NOT NULL, root INTEGER NOT NULL, record TEXT NOT NULL,
    more TEXT NOT NULL,
    PRIMARY KEY (work, number)
) WITHOUT ROWID;
CREATE INDEX operations_of_root ON operations (work, root);
CREATE TABLE seen (
    work INTEGER NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL, operation INTEGER NOT NULL,
    PRIMARY KEY (work, name, digest)
) WITHOUT ROWID;
CREATE TABLE delivering (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL, query TEXT NOT NULL, UNIQUE (job, query)
);
CREATE TABLE delivered (
    query INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (query, digest)
) WITHOUT ROWID;
CREATE TABLE noted (
    query INTEGER NOT NULL, digest BLOB NOT NULL, operation INTEGER NOT NULL,
    PRIMARY KEY (query, digest, operation)
) WITHOUT ROWID;
"""

#: What makes the tables of the next version of those of a version.
_MIGRATIONS = {
    # where runs had noted what they delivered, if any had, it was not known in which operation
    1: """
CREATE TABLE IF NOT EXISTS delivering (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL, query TEXT NOT NULL, UNIQUE (job, query)
);
CREATE TABLE IF NOT EXISTS delivered (
    query INTEGER NOT NULL, digest BLOB NOT NULL, work INTEGER NOT NULL, PRIMARY KEY (query, digest)
) WITHOUT ROWID;
ALTER TABLE delivered RENAME TO delivered_before;
CREATE TABLE delivered (
    query INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (query, digest)
) WITHOUT ROWID;
INSERT INTO delivered SELECT query, digest FROM delivered_before WHERE work = 0;
DROP TABLE delivered_before;
CREATE TABLE noted (
    query INTEGER NOT NULL, digest BLOB NOT NULL, operation INTEGER NOT NULL,
    PRIMARY KEY (query, digest, operation)
) WITHOUT ROWID;
""",
}


class Database:
    """A connection; for any thread, one transaction at a time.

    Nothing waits for the disk unless `durable` is asked for: what a process has written outlives its death
    as it is. Only the death of the machine may take the latest with it, and what is left is consistent,
    since the write-ahead log is worked into the file after both are on the disk alone.

    Args:
        folder: the state folder, which is there.

    Raises:
        StateError: the database cannot be opened, is damaged or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._lock = threading.RLock()
        with self._told("opened"):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._begin()

    def _begin(self) -> None:
        run = self._connection.execute
        run("PRAGMA synchronous = OFF")
        run("PRAGMA wal_autocheckpoint = 0")
        (version,) = run("PRAGMA user_version").fetchone()
        if version < _VERSION:
            run("PRAGMA journal_mode = WAL")
            with self.writing():
                version = self._migrated()
        if version != _VERSION:
            raise StateError(
                f"the state in {self.path} was written by another version of cfind",
                "let --state name another folder, or remove this file",
            )
        log = Path(f"{self.path}-wal")
        if log.exists() and log.stat().st_size > _LONG_LOG:
            self.be_durable()

    def _migrated(self) -> int:
        """Make the tables, or those of this version of earlier ones; return the version then."""
        run = self._connection.execute
        (version,) = run("PRAGMA user_version").fetchone()
        if version >= _VERSION:  # another process was faster
            return int(version)
        steps = [_TABLES] if version == 0 else [_MIGRATIONS[each] for each in range(version, _VERSION)]
        for step in steps:
            for statement in step.split(";\n"):
                run(statement)
        run(f"PRAGMA application_id = {_APPLICATION}")
        run(f"PRAGMA user_version = {_VERSION}")
        return _VERSION

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            damaged = type(error) is sqlite3.DatabaseError  # those below it are of a database that is sound
            raise StateError(
                f"the state in {self.path} cannot be {what}: {reason}",
                "remove this file, with what it knows of earlier runs"
                if damaged
                else "free some space there, or let --state name a folder elsewhere"
                if reason == _FULL
                else "",
            ) from None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make one transaction of what is executed meanwhile.

        Raises:
            StateError: it cannot be written; nothing of it is.
        """
        with self._lock, self._told("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def execute(self, statement: str, values: Iterable[Any] = ()) -> int:
        """Execute a statement; return the id of the row that it put in.

        Raises:
            StateError: it cannot be executed.
        """
        with self._lock, self._told("written"):
            return self._connection.execute(statement, tuple(values)).lastrowid or 0

    def put(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute a statement for each of the rows.

        Raises:
            StateError: it cannot be executed.
        """
        with self._lock, self._told("written"):
            self._connection.executemany(statement, rows)

    def rows(self, statement: str, values: Iterable[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query.

        Raises:
            StateError: they cannot be read.
        """
        with self._lock, self._told("read"):
            yield from self._connection.execute(statement, tuple(values))

    def be_durable(self) -> None:
        """Bring all that is written to the disk.

        Raises:
            StateError: that cannot be done.
        """
        with self._lock, self._told("written"):
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._connection.execute("PRAGMA synchronous = OFF")

    def close(self) -> None:
        """Close the connection; the last one brings all that is written to the disk."""
        with self._lock:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.close()

    def __del__(self) -> None:
        """Close what nobody has closed in the same way, or its log would go before it is on the disk."""
        with suppress(AttributeError):  # it was never open
            self.close()
