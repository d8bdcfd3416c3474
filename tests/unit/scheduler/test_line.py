"""What a line makes of runs that cannot be begun, end in some other way, or meet a defect."""

from __future__ import annotations

import errno
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ExitStatus
from runner.model import CatchUp, Job, Schedule
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.line import AGAIN, Line, Surroundings
from runner.scheduler.once import run_due
from runner.scheduler.processes import Processes, counts_as
from runner.state.schedule_memory import ScheduleMemory

Run = Callable[[], int | None]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-{text}").replace(tzinfo=timezone.utc)


def refused() -> int:
    raise OSError(errno.EAGAIN, "Resource temporarily unavailable")


def defective() -> int:
    raise LookupError("a patient's name")


class World:
    """A clock, runs that end as they are told to, and what is said."""

    def __init__(self, folder: Path, now: str) -> None:
        self.folder = folder
        self.time = at(now)
        self.ends: list[Run] = []
        self.ran: list[datetime] = []
        self.told: list[str] = []

    def run(self, scheduled: ScheduledJob, now: datetime | None) -> int | None:
        self.ran.append(self.time)
        return self.ends.pop(0)() if self.ends else 0

    def memory(self) -> ScheduleMemory:
        return ScheduleMemory(self.folder / "state")

    def surroundings(self, memory: ScheduleMemory, processes: Processes | None = None) -> Surroundings:
        run = self.run if processes is None else processes.run
        return Surroundings(run, memory, lambda: self.time, self.told.append)

    def line(self, catch_up: CatchUp = CatchUp.ONE) -> Line:
        return Line(hourly("nightly", catch_up), self.surroundings(self.memory()))

    def due(self, processes: Processes, *names: str) -> set[ExitStatus]:
        memory = self.memory()
        try:
            return run_due([hourly(name) for name in names], processes, self.surroundings(memory, processes))
        finally:
            memory.release_all()


def hourly(name: str, catch_up: CatchUp = CatchUp.ONE) -> ScheduledJob:
    return ScheduledJob(
        Job(name, (), (), source=f"{name}.yaml"), Schedule("0 * * * *", "UTC", 0, catch_up), {}
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, "01-01T00:30:00")


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (0, ExitStatus.SUCCESS),
        (7, ExitStatus.EXPECTATION),
        (2, ExitStatus.USAGE),
        (120, ExitStatus.DEFECT),
        (-signal.SIGKILL, ExitStatus.DEFECT),
        (-signal.SIGTERM, ExitStatus.TERMINATED),
        (-signal.SIGHUP, ExitStatus.TERMINATED),
        (-signal.SIGINT, ExitStatus.INTERRUPTED),
    ],
)
def test_what_the_end_of_a_run_counts_as(world: World, status: int, counts: ExitStatus) -> None:
    assert counts_as(status) is counts
    line = world.line()
    world.ends = [lambda: status]
    world.time = at("01-01T01:00:00")
    assert line.go() == {counts}


def test_a_run_that_cannot_be_begun_is_not_dealt_with(world: World) -> None:
    line = world.line()
    world.ends = [refused]
    world.time = at("01-01T01:00:00")
    assert line.go() == {ExitStatus.DEFECT}
    assert not line.is_busy
    assert len(world.ran) == 1  # it is not tried on and on
    told = "nightly: cannot be run: Resource temporarily unavailable; it counts as missed"
    assert world.told == ["nightly: begun for 2024-01-01T01:00:00+00:00", told]
    assert world.memory().through("nightly", "0 * * * * UTC") == at("01-01T00:30:00")


@pytest.mark.parametrize("catch_up", list(CatchUp))
def test_a_run_that_could_not_be_begun_is_tried_again_in_time(world: World, catch_up: CatchUp) -> None:
    line = world.line(catch_up)
    world.ends = [refused, refused]
    world.time = at("01-01T01:00:00")
    tries = 0
    while line.go() != {ExitStatus.SUCCESS}:
        tries += 1
        world.time += AGAIN - timedelta(seconds=1)
        assert not line.is_stale()
        world.time += timedelta(seconds=1)
        assert line.is_stale()
        assert line.next_begin() == world.time
    assert (tries, len(world.ran)) == (2, 3)
    assert not line.is_stale()
    assert line.next_begin() == at("01-01T02:00:00")
    assert not any("missed and" in text for text in world.told)


def test_a_time_that_was_reckoned_by_a_clock_that_was_ahead_is_stale(world: World) -> None:
    """As where APScheduler looks at the clock while the line has a long run."""
    line = world.line()
    assert line.begin_after(at("06-01T00:00:00")) == at("06-01T01:00:00")
    assert line.is_stale()
    assert line.next_begin() == at("01-01T01:00:00")
    assert not line.is_stale()
    assert world.told == []


def test_what_was_dealt_with_by_a_clock_that_was_ahead_is_stale(world: World) -> None:
    world.memory().note("nightly", "0 * * * * UTC", at("06-01T00:00:00"))
    line = world.line()
    assert line.is_stale()
    assert line.next_begin() == at("01-01T01:00:00")
    assert not line.is_stale()
    assert world.memory().through("nightly", "0 * * * * UTC") == world.time  # and so after a new start
    again = "what ran until 2024-06-01T00:00:00+00:00 runs again; next at 2024-01-01T01:00:00+00:00"
    assert world.told == [f"nightly: the clock was put back: {again}"]


def test_a_run_that_could_not_be_begun_by_a_clock_that_was_ahead_is_not_waited_for(world: World) -> None:
    line = world.line()
    world.ends = [refused]
    world.time = at("06-01T00:00:00")
    line.go()
    world.time = at("01-01T00:40:00")
    assert line.is_stale()
    assert line.next_begin() == at("01-01T01:00:00")
    assert not line.is_stale()


def test_a_defect_is_told_without_what_it_holds_and_the_line_goes_on(world: World) -> None:
    line = world.line()
    world.ends = [defective]
    world.time = at("01-01T01:00:00")
    assert line.go() == {ExitStatus.DEFECT}
    assert "nightly: this is a defect of cfind" in world.told[-1]
    assert "a patient's name" not in world.told[-1]
    world.time = at("01-01T02:00:00")
    assert line.go() == {ExitStatus.SUCCESS}


def test_what_was_due_and_could_not_be_begun_is_no_success_and_runs_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def popen(*_: Any, **__: Any) -> Any:
        refused()

    world.time = at("01-01T01:00:05")
    monkeypatch.setattr(subprocess, "Popen", popen)
    assert world.due(Processes([]), "nightly") == {ExitStatus.DEFECT}
    world.time = at("01-01T01:30:00")
    processes = Processes([])
    monkeypatch.setattr(processes, "run", world.run)
    assert world.due(processes, "nightly") == {ExitStatus.SUCCESS}
    assert world.due(processes, "nightly") == set()
    assert "nightly: begun, late, for 2024-01-01T01:00:00+00:00" in world.told


def test_a_defect_in_what_is_due_is_no_success(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.time = at("01-01T01:00:05")
    processes = Processes([])
    monkeypatch.setattr(processes, "run", world.run)
    world.ends = [defective]
    assert world.due(processes, "nightly") == {ExitStatus.DEFECT}


def test_a_job_without_a_thread_is_no_success_and_the_others_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", begin)
        raise RuntimeError("can't start new thread")

    world.time = at("01-01T01:00:05")
    processes = Processes([])
    monkeypatch.setattr(processes, "run", world.run)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert world.due(processes, "first", "second") == {ExitStatus.DEFECT, ExitStatus.SUCCESS}
    assert "first: cannot be run: there is no thread to be had" in world.told
    assert "second: begun for 2024-01-01T01:00:00+00:00" in world.told


def test_a_process_that_cannot_be_given_its_files_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def popen(_: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(begin(["sleep", "60"], **options))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr("runner.scheduler.processes._hand_over", lambda *_: refused())
    processes = Processes([])
    with pytest.raises(OSError, match="temporarily"):
        processes.run(hourly("nightly"), None)
    assert (processes.count, begun[0].returncode) == (0, -signal.SIGKILL)
