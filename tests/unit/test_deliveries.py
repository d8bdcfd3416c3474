"""What earlier runs have delivered: it counts once their sinks have committed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import StateError
from runner.state.database import FILE_NAME, Database
from runner.state.deliveries import Deliveries
from runner.state.history import prune, runs
from runner.state.kept_run import Ending, KeptRun

COMPLETE = Ending("complete", 0, 5, 2, 2, 0.5)
FAILED = Ending("failed", 5, 3, 1, 2, 0.5)
RECORDS = [bytes([number]) * 16 for number in range(10)]


def begun(folder: Path, job: str) -> KeptRun:
    kept = KeptRun(folder, job)
    kept.begin("", 0, {})
    return kept


def a_run(folder: Path, *found: int, fails: bool = False, job: str = "job", query: str = "q") -> set[int]:
    """Note records in a run; return those that were known."""
    kept = begun(folder, job)
    known = kept.deliveries(job).note(query, {RECORDS[number] for number in found}, 1)
    kept.closed((), () if fails else (query,))
    kept.end(FAILED if fails else COMPLETE)
    kept.release()
    assert kept.trouble is None
    return {RECORDS.index(record) for record in known}


def test_what_a_run_has_delivered_is_known_to_the_next(tmp_path: Path) -> None:
    assert a_run(tmp_path, 1, 2) == set()
    assert a_run(tmp_path, 1, 2, 3) == {1, 2}
    assert a_run(tmp_path, 3, 4) == {3}
    assert a_run(tmp_path) == set()


def test_what_a_failed_run_has_noted_is_not(tmp_path: Path) -> None:
    assert a_run(tmp_path, 1, fails=True) == set()
    assert a_run(tmp_path, 2) == set()
    assert a_run(tmp_path, 1, 2) == {2}


def test_it_is_of_a_job_and_a_query(tmp_path: Path) -> None:
    a_run(tmp_path, 1)
    assert a_run(tmp_path, 1, job="other") == set()
    assert a_run(tmp_path, 1, query="other") == set()
    assert a_run(tmp_path, 1) == {1}


def test_a_record_that_comes_again_in_a_run_is_new_still(tmp_path: Path) -> None:
    kept = begun(tmp_path, "job")
    deliveries = kept.deliveries("job")
    assert [deliveries.note("q", RECORDS[:2], 1), deliveries.note("q", RECORDS[:3], 2)] == [set(), set()]
    kept.release()


def test_only_queries_whose_records_went_to_a_sink_are_committed(tmp_path: Path) -> None:
    kept = begun(tmp_path, "job")
    deliveries = kept.deliveries("job")
    deliveries.note("a", RECORDS[:1], 1)
    deliveries.note("b", RECORDS[:1], 1)
    kept.closed((), ["a"])
    kept.end(COMPLETE)
    kept.release()
    assert a_run(tmp_path, 0, query="a") == {0}
    assert a_run(tmp_path, 0, query="b") == set()


def test_many_at_once(tmp_path: Path) -> None:
    database = Database(tmp_path)
    records = [number.to_bytes(16, "big") for number in range(2000)]
    first = Deliveries(database, "job", 1)
    first.note("q", records[:1500], 1)
    first.commit(["q"])
    assert Deliveries(database, "job", 2).note("q", records, 1) == set(records[:1500])


def test_what_is_asked_again_is_noted_again(tmp_path: Path) -> None:
    """An operation that failed had delivered a record that its next attempt does not have."""
    kept = begun(tmp_path, "job")
    deliveries = kept.deliveries("job")
    for number in (1, 2):
        deliveries.note("q", RECORDS[:number], number)
        kept.operation_ended(number, {"number": number}, {})
        kept.root_done(number, [], lambda: None)
    kept.closing((), lambda: None, whole=False)
    kept.closed(())
    kept.end(FAILED)
    kept.release()
    kept = KeptRun(tmp_path, "job")
    kept.go_on("", "retry")
    kept.drop([2])
    assert kept.deliveries("job").note("q", RECORDS[2:3], 2) == set()
    kept.closed((), ["q"])
    kept.end(COMPLETE)
    kept.release()
    assert a_run(tmp_path, 0, 1, 2) == {0, 2}


def test_what_is_delivered_is_known_also_where_the_run_is_not_kept_to_its_end(tmp_path: Path) -> None:
    kept = begun(tmp_path, "job")
    kept.deliveries("job").note("q", RECORDS[:1], 1)
    kept._give_up(StateError("the disk was full for a moment"))
    kept.closed((), ["q"])
    kept.release()
    assert a_run(tmp_path, 0, 1) == {0}


def test_what_is_noted_and_not_on_the_disk_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Database) -> None:
        raise StateError("the state cannot be written: disk I/O error")

    kept = begun(tmp_path, "job")
    kept.deliveries("job").note("q", RECORDS[:1], 1)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "be_durable", fails)
        kept.closed((), ["q"])
    kept.release()
    assert "deliver again" not in str(kept.trouble)
    assert a_run(tmp_path, 0) == {0}


def test_that_it_cannot_be_noted_is_told(tmp_path: Path) -> None:
    kept = begun(tmp_path, "job")
    deliveries = kept.deliveries("job")
    deliveries.note("q", RECORDS[:1], 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
        other.execute("DROP TABLE delivered")
    kept.closed((), ["q"])
    kept.release()
    assert "no such table: delivered; so a later run will deliver again" in str(kept.trouble)
    assert "remove this file" not in str(kept.trouble)


def test_a_state_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    a_run(tmp_path, 1, 2)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old:
        old.executescript(
            "ALTER TABLE delivered ADD COLUMN work INTEGER NOT NULL DEFAULT 0; UPDATE delivered SET work = 7"
            f" WHERE digest = x'{RECORDS[2].hex()}'; DROP TABLE noted; PRAGMA user_version = 1"
        )
    assert a_run(tmp_path, 1, 2) == {1}
    assert [run.responses for run in runs(tmp_path, Database(tmp_path))] == [5, 5]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as old:
        old.executescript(
            "DROP TABLE delivered; DROP TABLE delivering; DROP TABLE noted; PRAGMA user_version = 1"
        )
    assert a_run(tmp_path, 1) == set()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as later:
        later.execute("PRAGMA user_version = 3")
    with pytest.raises(StateError, match="another version of cfind"):
        Database(tmp_path)


def test_pruning_runs_does_not_forget_what_they_delivered(tmp_path: Path) -> None:
    a_run(tmp_path, 1)
    a_run(tmp_path, 2)
    assert prune(Database(tmp_path), keep=0, days=0) == 1
    assert a_run(tmp_path, 1, 2) == {1, 2}


def test_without_a_state_there_is_no_telling(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    kept = begun(tmp_path, "job")
    with pytest.raises(StateError, match="not a database"):
        kept.deliveries("job")
    kept.release()
