"""Temporary databases: where there is no room for them, and no folder."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile

import pytest

from runner.errors import SinkError
from runner.temporary_database import _self_closing, kept_temporarily, temporary_database


@pytest.mark.parametrize(
    ("number", "opens"),
    [
        (errno.ENOENT, True),
        (errno.EROFS, True),
        (errno.EACCES, True),
        (errno.ENOSPC, False),
        (errno.EMFILE, False),
    ],
)
def test_without_a_folder_for_temporary_files_it_is_in_memory(
    monkeypatch: pytest.MonkeyPatch, number: int, opens: bool
) -> None:
    def refused(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refused)
    if not opens:
        with (
            pytest.raises(
                SinkError, match=f"rows cannot be kept in a temporary database: {os.strerror(number)}"
            ),
            kept_temporarily("rows"),
        ):
            temporary_database()
        return
    database = temporary_database()
    database.execute("CREATE TABLE one (number)")
    database.execute("INSERT INTO one VALUES (1)")
    assert database.execute("SELECT number FROM one").fetchall() == [(1,)]


def test_statements_that_are_wrong_are_no_full_disk() -> None:
    database = temporary_database()
    database.execute("CREATE TABLE one (number UNIQUE)")
    with pytest.raises(sqlite3.IntegrityError), kept_temporarily("rows"):
        database.executemany("INSERT INTO one VALUES (?)", [(1,), (1,)])


def test_one_that_could_not_be_opened_goes_without_a_word() -> None:
    never_opened = _self_closing().__new__(_self_closing())
    del never_opened  # what it says then, pytest makes a failure of
