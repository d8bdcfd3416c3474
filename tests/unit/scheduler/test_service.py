"""Jobs that come and go while their runs go on, and what is said of what cannot be scheduled."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from runner.errors import AlreadyRunningError, CfindError, ExitStatus, InvalidJobError, StateError
from runner.model import Job, Schedule
from runner.scheduler.happening import Happening
from runner.scheduler.job_files import Check, JobFiles, Look, Refusal, ScheduledJob
from runner.scheduler.line import Line, Surroundings
from runner.scheduler.processes import Processes
from runner.scheduler.service import Service
from runner.scheduler.signals import Signals
from runner.scheduler.timer import Timer
from runner.state.schedule_memory import ScheduleMemory

WORDS = "0 * * * * UTC"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-01-01T{text}").replace(tzinfo=timezone.utc)


def hourly(name: str = "nightly", port: int = 104) -> ScheduledJob:
    return ScheduledJob(Job(name, (), ()), Schedule("0 * * * *", "UTC"), {"job.yaml": b"%d" % port})


class Files:
    """Job files that are whatever a test says."""

    def __init__(self, *jobs: ScheduledJob) -> None:
        self.jobs = list(jobs)
        self.troubles: list[CfindError] = []

    def look(self, *, at_all: bool = False) -> list[Look]:
        return []

    def take(self, _: Sequence[Look], check: Check) -> list[Refusal]:
        return []


class Calls:
    """A timer that calls nobody, and knows whom it would."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def put(self, line: Line) -> None:
        self.lines[line.name] = line

    def remove(self, name: str) -> None:
        del self.lines[name]

    def stop(self) -> None:
        self.lines.clear()


class World:
    """A service whose runs end when they are told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = at("00:30:00")
        self.begun, self.ending = threading.Semaphore(0), threading.Semaphore(0)
        self.status: int | None = 0
        self.ran: list[tuple[datetime, bytes]] = []
        self.told: list[str] = []
        self.threads: list[threading.Thread] = []
        self.memory = ScheduleMemory(folder / "state")
        self.files, self.timer, self.processes = Files(hourly()), Calls(), Processes([])
        self.service = Service(
            files=cast("JobFiles", self.files),
            timer=cast("Timer", self.timer),
            processes=self.processes,
            surroundings=Surroundings(self.run, self.memory, lambda: self.time, self.tell),
            check=lambda _: None,
            tell=self.tell,
            lines={},
        )
        self.look()

    def tell(self, happening: Happening) -> None:
        self.told.append(str(happening))

    def run(self, scheduled: ScheduledJob, now: datetime | None) -> int | None:
        self.ran.append((self.time, scheduled.files["job.yaml"]))
        self.begun.release()
        assert self.ending.acquire(timeout=20)
        return self.status

    def look(self, *, at_all: bool = False) -> list[str]:
        """Let the service look; return what is said."""
        del self.told[:]
        self.service.look(at_all=at_all)
        return list(self.told)

    def begin(self, line: Line, now: str) -> None:
        """Let a run go on."""
        self.time = at(now)
        self.threads.append(threading.Thread(target=line.go))
        self.threads[-1].start()
        assert self.begun.acquire(timeout=20)

    def end(self) -> None:
        """Let the run come to its end."""
        self.ending.release()
        self.threads.pop().join(20)

    @property
    def through(self) -> datetime | None:
        return self.memory.through("nightly", WORDS)

    def is_free(self) -> bool:
        """Whether another process might schedule the job."""
        other = ScheduleMemory(self.folder / "state")
        try:
            other.take("nightly")
        except AlreadyRunningError:
            return False
        other.release("nightly")
        return True


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for thread in world.threads:
        world.ending.release()
        thread.join(20)
    world.memory.release_all()


def test_a_job_that_is_gone_for_a_moment_does_not_run_twice(world: World) -> None:
    line = world.timer.lines["nightly"]
    world.begin(line, "01:00:00")
    world.files.jobs = []
    assert world.look() == ["nightly: not scheduled any more; its run goes on"]
    assert (world.timer.lines, world.is_free()) == ({}, False)
    changed = hourly(port=105)
    world.files.jobs = [changed]
    assert world.look() == ["nightly: scheduled; next at 2024-01-01T02:00:00+00:00"]
    line = world.timer.lines["nightly"]
    assert line.go() == set()  # it has the run that goes on
    world.end()
    assert (world.through, world.is_free()) == (at("01:00:00"), False)
    assert line.go() == set()
    world.begin(line, "02:00:00")
    world.end()
    assert world.ran == [(at("01:00:00"), b"104"), (at("02:00:00"), b"105")]


def test_a_job_that_is_gone_is_free_once_its_run_has_ended(world: World) -> None:
    line = world.timer.lines["nightly"]
    world.begin(line, "01:00:00")
    world.files.jobs = []
    world.look()
    world.time = at("02:00:00")
    world.end()
    assert (world.through, world.is_free(), len(world.ran)) == (at("01:00:00"), True, 1)
    world.look()
    assert world.service.leaving == {}
    world.files.jobs = [hourly()]
    world.look()
    assert not world.is_free()
    line.go()  # as where a thread comes late to it
    assert (world.is_free(), len(world.ran)) == (False, 1)


def test_a_job_without_a_run_is_free_as_soon_as_it_is_gone(world: World) -> None:
    world.files.jobs = []
    assert world.look() == ["nightly: not scheduled any more"]
    assert world.is_free()
    world.files.jobs = [hourly()]
    assert world.look() == ["nightly: scheduled; next at 2024-01-01T01:00:00+00:00"]
    assert not world.is_free()


def test_the_end_waits_for_the_run_of_a_job_that_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's process may have ended already: what it was is yet to be noted."""
    world.begin(world.timer.lines["nightly"], "01:00:00")
    world.files.jobs = []
    world.look()

    def wait(_: float) -> list[signal.Signals]:
        assert world.through == at("00:30:00")
        world.end()
        return []

    signals: Any = Signals()
    monkeypatch.setattr(signals, "wait", wait)
    assert world.service._end(signal.SIGTERM, signals) is ExitStatus.TERMINATED
    assert (world.through, world.is_free()) == (at("01:00:00"), True)


def test_a_job_that_another_process_has_is_told_once_and_scheduled_once_it_is_free(world: World) -> None:
    [nightly], second = world.files.jobs, hourly("second")
    other = ScheduleMemory(world.folder / "state")
    other.take("second")
    world.files.jobs = [nightly, second]
    [told] = world.look()
    assert told.startswith("second: another cfind schedule has the job second")
    assert (world.look(), world.look()) == ([], [])
    assert world.look(at_all=True) == [told, "read again: 2 jobs are scheduled"]
    world.files.jobs = [nightly]
    assert world.look() == []
    world.files.jobs = [nightly, second]  # it is told of a file that is there anew
    assert world.look() == [told]
    other.release("second")
    assert world.look() == ["second: scheduled; next at 2024-01-01T01:00:00+00:00"]


def test_files_that_cannot_be_found_are_told_once(world: World) -> None:
    world.files.troubles = [InvalidJobError("the folder has no job files", where="jobs")]
    told = ["jobs: the folder has no job files; its jobs stay as they were"]
    assert (world.look(), world.look()) == (told, [])
    world.files.troubles = []
    assert world.look() == []
    world.files.troubles = [InvalidJobError("the folder has no job files", where="jobs")]
    assert world.look() == told


def test_a_change_of_times_that_cannot_be_remembered_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(*_: Any) -> None:
        raise StateError("the disk is full")

    daily = ScheduledJob(Job("nightly", (), ()), Schedule("0 6 * * *", "UTC"), {"job.yaml": b"new"})
    world.files.jobs = [daily]
    with monkeypatch.context() as full:
        full.setattr(world.memory, "note", note)
        assert (world.look(), world.look()) == (["nightly: the disk is full"], [])
        assert world.timer.lines["nightly"].next_begin() == at("01:00:00")
    assert world.look() == ["nightly: changed; next at 2024-01-01T06:00:00+00:00"]
