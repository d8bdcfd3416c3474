"""Databases for what is too much for the memory: they are on the disk and end with the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from runner.errors import SinkError

if TYPE_CHECKING:
    from sqlite3 import Connection

#: What is committed is in the file: reading it and undoing what failed then write nothing anew.
_SETTINGS = ("locking_mode=EXCLUSIVE", "journal_mode=MEMORY", "synchronous=OFF")


def temporary_database() -> Connection:
    """Open a database whose rows, once they are committed, can be read although the disk is full.

    In one that SQLite names itself ("") they are lost then: it writes late, and when it is read, too.

    Raises:
        sqlite3.Error: there is no room for it.
    """
    import sqlite3
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(prefix="cfind-") as file:  # the name goes, the file is still open
            database = sqlite3.connect(file.name, check_same_thread=False, factory=_self_closing())
            for setting in _SETTINGS:
                database.execute(f"PRAGMA {setting}")
    except OSError as error:
        raise sqlite3.OperationalError(error.strerror) from None
    return database


@cache
def _self_closing() -> type[Connection]:
    from sqlite3 import Connection

    class SelfClosing(Connection):
        """Is closed with the last reference to it, as a file is."""

        def __del__(self) -> None:
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
    from sqlite3 import Error

    try:
        yield
    except Error as error:
        raise SinkError(
            f"{what} cannot be kept in a temporary database: {error}",
            "free some space where temporary files go, or let TMPDIR name another folder",
        ) from None
