"""Databases for what is too much for the memory: they are on the disk and end with the process."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import TYPE_CHECKING

from runner.errors import SinkError

if TYPE_CHECKING:
    from sqlite3 import Connection

#: What is committed is in the file: reading it and undoing what failed then write nothing anew.
_SETTINGS = ("locking_mode=EXCLUSIVE", "journal_mode=MEMORY", "synchronous=OFF")
#: Why there is no folder for temporary files; tempfile says the first of several.
_NO_FOLDER = (errno.ENOENT, errno.EROFS, errno.EACCES)


def temporary_database() -> Connection:
    """Open a database whose rows, once they are committed, can be read although the disk is full.

    In one that SQLite names itself ("") they are lost then: it writes late, and when it is read, too. That is
    what there is where no folder for temporary files can be written; it stays in memory while it is small.

    Raises:
        sqlite3.Error: there is no room for it.
    """
    import sqlite3
    import tempfile

    connect = partial(sqlite3.connect, check_same_thread=False, factory=_self_closing())
    try:
        with tempfile.NamedTemporaryFile(prefix="cfind-") as file:  # the name goes, the file is still open
            database = connect(file.name)
            for setting in _SETTINGS:
                database.execute(f"PRAGMA {setting}")
    except OSError as error:
        if error.errno not in _NO_FOLDER:
            raise sqlite3.OperationalError(error.strerror) from None
        database = connect("")
    return database


@cache
def _self_closing() -> type[Connection]:
    from sqlite3 import Connection, Error

    class SelfClosing(Connection):
        """Is closed with the last reference to it, as a file is."""

        def __del__(self) -> None:
            with suppress(Error):  # it was never open
                self.close()

    return SelfClosing


@contextmanager
def kept_temporarily(what: str) -> Iterator[None]:
    """Tell of a temporary database that cannot be written as of an output that cannot be.

    Args:
        what: is kept in it, in the plural.

    Raises:
        SinkError: it cannot be written or read.
    """
    from sqlite3 import DatabaseError, OperationalError

    try:
        yield
    except DatabaseError as error:
        if type(error) not in (DatabaseError, OperationalError):  # the others are of statements, and defects
            raise
        raise SinkError(
            f"{what} cannot be kept in a temporary database: {error}",
            "free some space where temporary files go, or let TMPDIR name another folder",
        ) from None
