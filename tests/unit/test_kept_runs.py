"""What is kept of runs: one at a time, a history that forgets, a database that is damaged or full."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from pathlib import Path

import pytest

from runner.errors import AlreadyRunningError, ExitStatus, StateError
from runner.state.database import FILE_NAME, Database
from runner.state.folder import prepare
from runner.state.history import is_known, last_run, last_success, prune, runs
from runner.state.kept_run import Ending, KeptRun
from runner.state.lock import JobLock, file_name, is_held

COMPLETE = Ending("complete", 0, 5, 2, 2, 0.5)
FAILED = Ending("failed", 5, 3, 1, 2, 0.5)


def begun(folder: Path, job: str = "job", instant: int = 0) -> KeptRun:
    kept = KeptRun(folder, job)
    kept.begin(f"{job}.yaml", instant, {})
    return kept


def a_run(folder: Path, ending: Ending | None = COMPLETE, job: str = "job", instant: int = 0) -> int:
    kept = begun(folder, job, instant)
    if ending is not None:
        kept.end(ending)
    kept.release()
    assert kept.trouble is None
    return kept.id


def test_a_job_runs_once_at_a_time(tmp_path: Path) -> None:
    lock = JobLock.take(tmp_path, "job")
    with pytest.raises(
        AlreadyRunningError, match=rf"job is going on: process {os.getpid()}, since 2\d"
    ) as info:
        JobLock.take(tmp_path, "job")
    assert info.value.status is ExitStatus.ALREADY_RUNNING
    assert is_held(tmp_path, "job")
    JobLock.take(tmp_path, "other").release()
    lock.release()
    assert not is_held(tmp_path, "job")
    JobLock.take(tmp_path, "job").release()
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_leaves_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "job.lock").write_text("1 2020-01-01 00:00:00\n")
    assert not is_held(tmp_path, "job")
    JobLock.take(tmp_path, "job").release()


def test_who_looks_whether_a_run_goes_on_keeps_none_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.lock").write_text("1 2020-01-01 00:00:00\n")  # of a run that was killed
    with (tmp_path / "job.lock").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_held(tmp_path, "job"), "two who look are no run"
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
        JobLock.take(tmp_path, "job").release()


def test_a_lock_that_was_removed_takes_no_other_with_it(tmp_path: Path) -> None:
    """Somebody clears the folder while a run goes on, and another run begins: a third does not."""
    first = JobLock.take(tmp_path, "job")
    (tmp_path / "job.lock").unlink()
    second = JobLock.take(tmp_path, "job")
    first.release()
    assert is_held(tmp_path, "job")
    with pytest.raises(AlreadyRunningError):
        JobLock.take(tmp_path, "job")
    second.release()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".", "x" * 4000, "\udcff", "äöü", "a\0b", ""])
def test_any_job_has_a_lock_in_the_folder(tmp_path: Path, name: str) -> None:
    lock = JobLock.take(tmp_path, name)
    assert [path.parent for path in tmp_path.iterdir()] == [tmp_path]
    lock.release()


def test_no_two_jobs_share_a_lock() -> None:
    names = ["a", "A", "a/b", "a%2Fb", "a b", "x" * 200, "x" * 201, "..", "."]
    assert len({file_name(name) for name in names}) == len(names)


def test_a_folder_without_locks_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="has no lock for the job: No such file"):
        JobLock.take(tmp_path / "missing", "job")


def test_the_folder_is_for_its_owner_and_not_for_version_control(tmp_path: Path) -> None:
    folder = tmp_path / ".cfind"
    prepare(folder)
    prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    a_run(folder)
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="is no folder"):
        prepare(tmp_path / "file")
    with pytest.raises(StateError, match="cannot be made: No such file"):
        prepare(tmp_path / "missing" / "state")


def test_a_folder_that_is_not_ours_to_look_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(StateError, match=r"cannot be read: Permission denied; ask who it belongs to"):
        is_known(tmp_path)


def test_runs_are_known_the_latest_first(tmp_path: Path) -> None:
    a_run(tmp_path)
    a_run(tmp_path, FAILED, "other")
    a_run(tmp_path, None)
    database = Database(tmp_path)
    found = runs(tmp_path, database)
    assert [(run.job, run.verdict, run.exit_status, run.running) for run in found] == [
        ("job", None, None, False),
        ("other", "failed", 5, False),
        ("job", "complete", 0, False),
    ]
    assert [run.job for run in runs(tmp_path, database, "other")] == ["other"]
    last = last_run(database, "other")
    assert last is not None
    assert (last.responses, last.complete, last.planned, last.source) == (3, 1, 2, "other.yaml")
    assert last_run(database, "unheard of") is None


def test_a_run_that_goes_on_is_said_to(tmp_path: Path) -> None:
    a_run(tmp_path, None)
    going_on = begun(tmp_path)
    assert [run.running for run in runs(tmp_path, Database(tmp_path))] == [True, False]
    going_on.release()


def test_the_last_success_is_the_moment_that_its_dates_were_made_for(tmp_path: Path) -> None:
    database = Database(tmp_path)
    assert last_success(database, "job") is None
    a_run(tmp_path, instant=1_500_000)
    a_run(tmp_path, instant=2_000_000, job="other")
    a_run(tmp_path, FAILED, instant=9_000_000)
    a_run(tmp_path, COMPLETE._replace(exit_status=8), instant=8_000_000)
    assert last_success(database, "job") == 1_500_000


def test_old_runs_are_forgotten_but_for_the_latest_and_the_latest_complete(tmp_path: Path) -> None:
    ids = [a_run(tmp_path, ending) for ending in (COMPLETE, COMPLETE, FAILED, FAILED)]
    other = a_run(tmp_path, FAILED, "other")
    database = Database(tmp_path)
    assert prune(database, keep=3) == 1
    assert [run.id for run in runs(tmp_path, database)] == [other, *ids[:0:-1]]
    assert prune(database, "other", keep=0) == 0
    assert prune(database, days=1, now=runs(tmp_path, database)[0].begun + 86400 * 2) == 1
    assert [run.id for run in runs(tmp_path, database)] == [other, ids[3], ids[1]]
    assert [row for (row,) in database.rows("SELECT id FROM works ORDER BY id")] == [ids[1], ids[3], other]


def test_a_damaged_database_does_not_keep_a_run_from_running(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    kept = begun(tmp_path)
    kept.end(COMPLETE)
    kept.release()
    assert "file is not a database; remove this file" in str(kept.trouble)


def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StateError, match="written by another version of cfind"):
        Database(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_full_disk_does_not_keep_a_run_from_ending(tmp_path: Path) -> None:
    kept = begun(tmp_path)
    assert kept.id == 1
    database = kept._database
    assert database is not None
    (pages,) = next(database.rows("PRAGMA page_count"))
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateError, match="full"), database.writing():
        database.put(
            "INSERT INTO operations VALUES (1, ?, 0, ?, '')", [(number, "x" * 5000) for number in range(9)]
        )
    kept.end(COMPLETE)
    kept.release()
    assert list(Database(tmp_path).rows("SELECT * FROM operations")) == []


def test_what_several_processes_write_is_all_there(tmp_path: Path) -> None:
    first, second = Database(tmp_path), Database(tmp_path)
    for number in range(20):
        for database in (first, second):
            with database.writing():
                database.execute(
                    "INSERT INTO runs (job, work, kind, source, pid, begun) VALUES (?, 0, 'run', '', 0, 0)",
                    (f"job {number}",),
                )
    first.be_durable()
    first.close()
    assert len(runs(tmp_path, second)) == 40
