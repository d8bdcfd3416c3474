"""What is looked at again and again: job files, and those that they include."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runner.errors import AlreadyRunningError, InvalidJobError, StateError
from runner.scheduler import job_files
from runner.scheduler.job_files import JobFiles, Look
from runner.state.schedule_memory import ScheduleMemory

QUERIES = "queries: {q: {model: worklist, keys: {PatientName: A*}}}\n"
PEERS = "peers: {p: {host: localhost, port: 104}}\n"
SCHEDULE = "schedule: {cron: '@daily'}\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    stamp = path.stat().st_mtime_ns + write.count * 1_000_000_000  # type: ignore[attr-defined]
    os.utime(path, ns=(stamp, stamp))  # clocks of file systems are coarse
    write.count += 1  # type: ignore[attr-defined]


write.count = 1  # type: ignore[attr-defined]


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    write(tmp_path / "peers.yaml", PEERS)
    write(tmp_path / "job.yaml", f"version: 1\ninclude: peers.yaml\n{QUERIES}{SCHEDULE}")
    write(tmp_path / "plain.yaml", f"version: 1\n{PEERS}{QUERIES}")
    files = JobFiles([tmp_path])
    looks = files.look(at_all=True)
    assert [(look.path.name, look.is_valid, look.found is None) for look in looks] == [
        ("job.yaml", True, False),
        ("peers.yaml", True, True),
        ("plain.yaml", True, True),
    ]
    files.take(looks)
    return files


def changed(files: JobFiles) -> list[Look]:
    """What a change is seen as, which must have come to its end."""
    assert files.look() == []
    looks = files.look()
    files.take(looks)
    assert files.look() == []
    return looks


def test_the_files_of_a_job_are_kept_as_they_were(files: JobFiles, tmp_path: Path) -> None:
    [job] = files.jobs
    assert job.files == {
        str(tmp_path / name): (tmp_path / name).read_bytes() for name in ("job.yaml", "peers.yaml")
    }
    assert files.look() == []


def test_a_change_of_an_included_file_is_one_of_the_job(files: JobFiles, tmp_path: Path) -> None:
    write(tmp_path / "peers.yaml", PEERS.replace("104", "105"))
    assert [look.path.name for look in changed(files)] == ["job.yaml", "peers.yaml"]
    assert files.jobs[0].job.peers[0].port == 105
    write(tmp_path / "peers.yaml", PEERS.replace("104", "none"))
    [look, _] = changed(files)
    assert not look.is_valid
    assert files.jobs[0].job.peers[0].port == 105
    (tmp_path / "peers.yaml").unlink()
    changed(files)
    assert files.jobs[0].job.peers[0].port == 105
    write(tmp_path / "peers.yaml", PEERS)
    changed(files)
    assert files.jobs[0].job.peers[0].port == 104


def test_a_file_that_goes_on_to_change_is_left_alone(files: JobFiles, tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "job.yaml", f"# {'long' * number}")
        assert files.look() == []
    assert [look.is_valid for look in files.look()] == [False]


def test_jobs_come_and_go(files: JobFiles, tmp_path: Path) -> None:
    write(tmp_path / "plain.yaml", f"version: 1\n{PEERS}{QUERIES}{SCHEDULE}")
    changed(files)
    assert [job.job.name for job in files.jobs] == ["job", "plain"]
    (tmp_path / "job.yaml").unlink()
    assert files.look() == []
    assert [job.job.name for job in files.jobs] == ["plain"]
    write(tmp_path / "plain.yaml", f"version: 1\n{PEERS}{QUERIES}")
    changed(files)
    assert files.jobs == []
    for path in tmp_path.glob("*.yaml"):
        path.unlink()
    with pytest.raises(InvalidJobError, match="no job files"):
        files.look()


def test_a_file_that_is_named_and_goes_away_stays(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    write(path, f"version: 1\n{PEERS}{QUERIES}{SCHEDULE}")
    files = JobFiles([path])
    files.take(files.look(at_all=True))
    path.unlink()
    [look] = changed(files)
    assert not look.is_valid
    assert [job.job.name for job in files.jobs] == ["job"]


def meanwhile(monkeypatch: pytest.MonkeyPatch, *writes: Callable[[], None]) -> list[None]:
    """Let files be written right after a job was loaded from them, one time after the other."""
    load, left, loaded = job_files.load_job, list(writes), []

    def load_job(*arguments: Any, **named: Any) -> Any:
        result = load(*arguments, **named)
        loaded.append(None)
        if left:
            left.pop(0)()
        return result

    monkeypatch.setattr(job_files, "load_job", load_job)
    return loaded


@pytest.mark.parametrize("name", ["job.yaml", "peers.yaml"])
@pytest.mark.parametrize("times", [1, 2])
def test_what_is_handed_over_is_what_was_found_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    write(tmp_path / "peers.yaml", PEERS)
    write(tmp_path / "job.yaml", f"version: 1\ninclude: peers.yaml\n{QUERIES}{SCHEDULE}")
    valid = (tmp_path / name).read_text("utf-8")

    def change() -> None:
        write(tmp_path / name, f"{valid}# changed\n")

    meanwhile(monkeypatch, *[lambda: None] * (times - 1), change)
    files = JobFiles([tmp_path / "job.yaml"])
    [look] = files.look(at_all=True)
    assert look.found is not None
    assert look.found.files[str(tmp_path / name)].endswith(b"# changed\n")
    files.take([look])
    assert files.look() == []
    assert files.look() == []


@pytest.mark.parametrize("name", ["job.yaml", "peers.yaml"])
def test_what_became_invalid_while_it_was_read_is_not_handed_over(
    files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = files.jobs[0].files
    write(tmp_path / "job.yaml", f"version: 1\ninclude: peers.yaml\n{QUERIES}{SCHEDULE}# changed\n")
    meanwhile(monkeypatch, lambda: write(tmp_path / name, "nonsense: ["))
    assert files.look() == []
    [look, *_] = files.look()
    assert (look.path.name, look.is_valid) == ("job.yaml", False)
    files.take([look])
    assert files.jobs[0].files == before


def test_a_file_that_changes_all_the_time_is_looked_at_again(
    files: JobFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"version: 1\ninclude: peers.yaml\n{QUERIES}{SCHEDULE}"
    write(tmp_path / "job.yaml", f"{text}# 0\n")
    loaded = meanwhile(
        monkeypatch, *(partial(write, tmp_path / "job.yaml", f"{text}# {n}\n") for n in range(1, 5))
    )
    assert files.look() == []
    [look] = files.look()
    assert not look.is_valid
    assert "written again and again" in str(look.problems[0])
    assert len(loaded) == 4
    [look] = changed(files)
    assert look.is_valid
    assert files.jobs[0].files[str(tmp_path / "job.yaml")].endswith(b"# 4\n")


def test_a_file_that_is_there_only_while_the_job_is_loaded_is_not_left_to_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.yaml"
    load = job_files.load_job

    def load_job(*arguments: Any, **named: Any) -> Any:
        write(path, f"version: 1\n{PEERS}{QUERIES}{SCHEDULE}")
        try:
            return load(*arguments, **named)
        finally:
            path.unlink()

    monkeypatch.setattr(job_files, "load_job", load_job)
    [look] = JobFiles([path]).look(at_all=True)
    assert (look.is_valid, look.found) == (False, None)


def test_a_new_job_is_looked_at_again_when_what_it_includes_is_put_right(
    files: JobFiles, tmp_path: Path
) -> None:
    write(tmp_path / "shared" / "p.yaml", PEERS.replace("104", "none"))
    write(tmp_path / "new.yaml", f"version: 1\ninclude: shared/p.yaml\n{QUERIES}{SCHEDULE}")
    files = JobFiles([tmp_path / "job.yaml", tmp_path / "new.yaml"])
    assert [look.is_valid for look in files.look(at_all=True)] == [True, False]
    write(tmp_path / "shared" / "p.yaml", PEERS)
    assert [(look.path.name, look.is_valid) for look in changed(files)] == [("new.yaml", True)]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"version: 1\n{PEERS}{QUERIES}{SCHEDULE}".encode())
    os.close(writing)
    try:
        [look] = JobFiles([Path(f"/dev/fd/{reading}")]).look(at_all=True)
    finally:
        os.close(reading)
    assert look.is_valid
    assert look.found is not None


NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


def test_the_memory_keeps_what_is_noted_for_a_schedule(tmp_path: Path) -> None:
    memory = ScheduleMemory(tmp_path / "state")
    assert memory.through("a/b", "@daily") is None
    memory.note("a/b", "@daily", NOON)
    assert ScheduleMemory(tmp_path / "state").through("a/b", "@daily") == NOON
    assert memory.through("a/b", "@hourly") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schedule": "@daily", "through": "x"}',
        '{"schedule": "@daily", "through": "2024-01-01"}',
    ],
)
def test_a_memory_that_is_broken_is_none(tmp_path: Path, text: str) -> None:
    memory = ScheduleMemory(tmp_path / "state")
    memory.note("job", "@daily", NOON)
    [path] = (tmp_path / "state" / "schedule").glob("*.json")
    path.write_text(text, encoding="utf-8")
    assert memory.through("job", "@daily") is None


def test_a_job_has_one_scheduler(tmp_path: Path) -> None:
    one, other = ScheduleMemory(tmp_path / "state"), ScheduleMemory(tmp_path / "state")
    one.take("job")
    one.take("job")
    with pytest.raises(AlreadyRunningError, match="another cfind schedule has the job job: process"):
        other.take("job")
    one.release_all()
    other.take("job")
    other.release("job")


def test_a_memory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder", encoding="utf-8")
    with pytest.raises(StateError, match="is no folder"):
        ScheduleMemory(tmp_path / "state")


def test_what_is_noted_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's bytes are on the disk before it has its name, and its name before anything else is done."""
    memory = ScheduleMemory(tmp_path / "state")
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    memory.note("job", "@daily", NOON)
    assert done == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize(
    ("number", "fails"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)]
)
def test_a_file_system_that_cannot_sync_folders_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fails: bool
) -> None:
    memory = ScheduleMemory(tmp_path / "state")

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StateError, match="cannot be noted") if fails else nullcontext():
        memory.note("job", "@daily", NOON)
    assert memory.through("job", "@daily") == NOON
