"""What is looked at again and again: job files, and those that they include."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runner.errors import AlreadyRunningError, ExitStatus, InvalidJobError, StateError
from runner.scheduler import job_files
from runner.scheduler.job_files import JobFiles, Look, ScheduledJob
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
    assert files.look() == []
    assert [error.what for error in files.troubles] == ["the folder has no job files"]
    with pytest.raises(InvalidJobError, match="no job files"):
        JobFiles([tmp_path]).look()


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
def test_a_memory_that_is_garbled_says_so(tmp_path: Path, text: str) -> None:
    memory = ScheduleMemory(tmp_path / "state")
    memory.note("job", "@daily", NOON)
    [path] = (tmp_path / "state" / "schedule").glob("*.json")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StateError, match=r"job.json cannot be read: it is garbled; what the job job missed"):
        memory.through("job", "@daily")


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
    with pytest.raises(StateError, match="is no folder") as caught:
        ScheduleMemory(tmp_path / "state")
    assert caught.value.status is ExitStatus.INVALID_JOB
    with pytest.raises(StateError, match="cannot be made: No such file") as caught:
        ScheduleMemory(tmp_path / "nowhere" / "state")
    assert caught.value.status is ExitStatus.SINK_FAILED


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_no_memory_is_no_fault_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    memory = ScheduleMemory(tmp_path / "state")

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as failing:
        failing.setattr(os, "open", refuse)
        with pytest.raises(StateError, match="has no lock") as caught:
            memory.take("job")
        assert caught.value.status is ExitStatus.SINK_FAILED
    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", refuse)
        with pytest.raises(StateError, match="cannot be noted") as caught:
            memory.note("job", "@daily", NOON)
        assert caught.value.status is ExitStatus.SINK_FAILED


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


def named(name: str) -> str:
    return f"version: 1\nname: {name}\n{PEERS}{QUERIES}{SCHEDULE}"


class Together:
    """Files whose jobs are to have names of their own, and what is refused."""

    def __init__(self, folder: Path, **names: str) -> None:
        self.folder = folder
        self.write(**names)
        self.files = JobFiles([folder])
        self.refused: list[str] = []
        self.take(self.files.look(at_all=True))

    def write(self, **names: str) -> None:
        for file, name in names.items():
            write(self.folder / f"{file}.yaml", named(name))

    def check(self, jobs: Sequence[ScheduledJob]) -> None:
        names = [job.job.name for job in jobs]
        if len(set(names)) < len(names):
            raise InvalidJobError("the same name")

    def take(self, looks: Sequence[Look]) -> None:
        self.refused = [refusal.path.stem for refusal in self.files.take(looks, self.check)]

    def look(self) -> None:
        self.take(self.files.look())
        self.take(self.files.look())

    @property
    def jobs(self) -> dict[str, str]:
        return {Path(job.job.source).stem: job.job.name for job in self.files.jobs}


def test_only_a_file_that_collides_is_refused_and_only_as_long_as_it_does(tmp_path: Path) -> None:
    together = Together(tmp_path, a="one")
    together.write(c="one", d="two")
    together.look()
    assert (together.jobs, together.refused) == ({"a": "one", "d": "two"}, ["c"])
    together.look()
    assert together.refused == ["c"]
    (tmp_path / "a.yaml").unlink()
    together.take(together.files.look())
    assert (together.jobs, together.refused) == ({"c": "one", "d": "two"}, [])


def test_the_job_that_is_scheduled_goes_before_a_new_one_whatever_their_files_are_called(
    tmp_path: Path,
) -> None:
    together = Together(tmp_path, b="one")
    together.write(a="one")
    together.look()
    assert (together.jobs, together.refused) == ({"b": "one"}, ["a"])
    together.write(b="two")
    together.look()
    assert (together.jobs, together.refused) == ({"a": "one", "b": "two"}, [])


@pytest.mark.parametrize("at_once", [True, False])
def test_two_jobs_may_swap_their_names(tmp_path: Path, at_once: bool) -> None:
    together = Together(tmp_path, a="one", b="two")
    together.write(a="two")
    if not at_once:
        together.look()
        assert (together.jobs, together.refused) == ({"a": "one", "b": "two"}, ["a"])
    together.write(b="one")
    together.look()
    assert (together.jobs, together.refused) == ({"a": "two", "b": "one"}, [])


def test_a_job_that_has_to_stay_as_it_was_may_be_in_the_way_of_another(tmp_path: Path) -> None:
    together = Together(tmp_path, a="one", b="two", c="three")
    together.write(a="two", b="three", d="four")
    together.look()
    assert together.jobs == {"a": "one", "b": "two", "c": "three", "d": "four"}
    assert together.refused == ["a", "b"]


def test_a_file_that_is_refused_and_becomes_invalid_is_not_taken_for_what_it_was(tmp_path: Path) -> None:
    together = Together(tmp_path, a="one")
    together.write(c="one")
    together.look()
    write(tmp_path / "c.yaml", "nonsense: [")
    together.look()
    (tmp_path / "a.yaml").unlink()
    together.look()
    assert (together.jobs, together.refused) == ({}, [])


def test_a_folder_that_is_gone_for_a_moment_keeps_its_jobs(tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    write(folder / "a.yaml", named("one"))
    other = tmp_path / "other.yaml"
    write(other, named("two"))
    files = JobFiles([folder, other])
    files.take(files.look(at_all=True))
    folder.rename(tmp_path / "away")
    write(other, named("three"))
    for _ in range(3):
        looks = files.look()
        assert {look.path for look in looks} <= {other}
        files.take(looks)
        assert [error.what for error in files.troubles] == ["the folder is not there any more"]
    assert [job.job.name for job in files.jobs] == ["one", "three"]  # others are seen meanwhile
    (tmp_path / "away").rename(folder)
    (folder / "a.yaml").unlink()
    write(folder / "b.yaml", named("four"))
    files.take(files.look())
    files.take(files.look())
    assert files.troubles == []
    assert [job.job.name for job in files.jobs] == ["four", "three"]


def test_a_file_is_one_however_it_is_spelled(tmp_path: Path) -> None:
    write(tmp_path / "jobs" / "a.yaml", named("one"))
    again = Path(f"{tmp_path}/jobs/../jobs/a.yaml")
    files = JobFiles([tmp_path / "jobs", again])
    assert [look.path for look in files.look(at_all=True)] == [tmp_path / "jobs" / "a.yaml"]
    assert files.is_named(tmp_path / "jobs" / "a.yaml")


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("peers.yaml", f"include: lacking/peers.yaml\n{QUERIES}"),
        (
            "rows.csv",
            f"{PEERS}queries: {{q: {{model: worklist, foreach: {{csv: lacking/rows.csv}},"
            " keys: {PatientID: '${row.id}'}}}\n",
        ),
        ("x.dcm", f"peers: {{p: {{archive: lacking}}}}\n{QUERIES}"),
    ],
)
def test_an_invalid_job_is_taken_up_once_what_it_lacks_is_there(
    tmp_path: Path, missing: str, text: str
) -> None:
    write(tmp_path / "job.yaml", f"version: 1\n{SCHEDULE}{text}")
    files = JobFiles([tmp_path / "job.yaml"])
    [look] = files.look(at_all=True)
    assert not look.is_valid
    assert not any(files.look() for _ in range(30))  # nothing is told twice
    write(tmp_path / "lacking" / missing, PEERS if missing == "peers.yaml" else "id\n1\n")
    looks = [look for _ in range(job_files._AGAIN) for look in files.look()]
    assert [look.is_valid for look in looks] == [True]


def test_a_pipe_is_not_read_again(tmp_path: Path) -> None:
    """It would be waited for until somebody writes into it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with ThreadPoolExecutor() as pool:
        pool.submit(path.write_text, "nonsense: [")
        files = JobFiles([path])
        files.look(at_all=True)
    assert not any(files.look() for _ in range(30))


def test_few_that_collide_are_found_in_few_looks() -> None:
    from runner.scheduler.job_files import _misfits

    proposals = [(Path(str(number)), number % 997) for number in range(1000)]
    looks = 0

    def check(jobs: Any) -> None:
        nonlocal looks
        looks += 1
        if len(set(jobs)) < len(jobs):
            raise InvalidJobError("twice", "")

    stay: Any = []
    misfits = [str(path) for path, _ in _misfits(stay, proposals, check)]  # type: ignore[arg-type]
    assert misfits == ["997", "998", "999"]
    assert stay == list(range(997))
    assert looks < 50
