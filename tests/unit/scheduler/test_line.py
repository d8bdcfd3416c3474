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
from runner.scheduler.happening import Happening
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.line import AGAIN, POLITELY, Line, Surroundings
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

    def tell(self, happening: Happening) -> None:
        self.told.append(str(happening))

    def run(self, scheduled: ScheduledJob, now: datetime | None) -> int | None:
        self.ran.append(self.time)
        return self.ends.pop(0)() if self.ends else 0

    def memory(self) -> ScheduleMemory:
        return ScheduleMemory(self.folder / "state")

    def surroundings(self, memory: ScheduleMemory, processes: Processes | None = None) -> Surroundings:
        run = self.run if processes is None else processes.run
        return Surroundings(run, memory, lambda: self.time, self.tell)

    def line(self, catch_up: CatchUp = CatchUp.ONE, jitter: int = 0) -> Line:
        return Line(hourly("nightly", catch_up, jitter), self.surroundings(self.memory()))

    def call(self, line: Line) -> set[ExitStatus]:
        """Call a line when it wants to be called next."""
        begin = line.next_begin()
        assert begin is not None
        self.time = max(self.time, begin)
        return line.go()

    def due(self, processes: Processes, *names: str) -> set[ExitStatus]:
        memory = self.memory()
        try:
            return run_due([hourly(name) for name in names], processes, self.surroundings(memory, processes))
        finally:
            memory.release_all()


def hourly(name: str, catch_up: CatchUp = CatchUp.ONE, jitter: int = 0) -> ScheduledJob:
    schedule = Schedule("0 * * * *", "UTC", jitter, catch_up)
    return ScheduledJob(Job(name, (), (), source=f"{name}.yaml"), schedule, {})


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
    assert "first: cannot be run: there is no thread to be had; it counts as missed" in world.told
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


def test_a_run_that_another_one_keeps_from_running_is_tried_each_minute_and_told_once(world: World) -> None:
    line = world.line()
    world.ends = [lambda: 9, lambda: 9, lambda: 9]
    world.time = at("01-01T01:00:00")
    for _ in range(3):
        assert line.go() == {ExitStatus.ALREADY_RUNNING}
        assert world.memory().through("nightly", "0 * * * * UTC") == at("01-01T00:30:00")
        world.time += POLITELY - timedelta(seconds=1)
        assert not line.is_stale()
        world.time += timedelta(seconds=1)
        assert line.is_stale()
        assert line.next_begin() == world.time
    assert line.go() == {ExitStatus.SUCCESS}
    assert world.memory().through("nightly", "0 * * * * UTC") == at("01-01T01:00:00")
    begun, postponed, ended = world.told
    assert begun == "nightly: begun for 2024-01-01T01:00:00+00:00"
    assert postponed == "nightly: not run, since another run of the job goes on; it is tried again"
    assert "exit status 0; next at 2024-01-01T02:00:00+00:00" in ended
    assert not line.is_stale()


def test_a_run_that_is_tried_again_has_had_its_jitter(world: World) -> None:
    line = world.line(jitter=1000)
    world.ends = [lambda: 9, lambda: 9]
    while world.call(line) != {ExitStatus.SUCCESS}:
        world.time += POLITELY
    first, *others = world.ran
    assert [time - first for time in others] == [POLITELY, 2 * POLITELY]


def test_a_run_that_is_not_made_up_for_is_tried_again_only_as_long_as_it_is_in_time(world: World) -> None:
    line = world.line(CatchUp.NONE)
    world.ends = [lambda: 9] * 9
    world.time = at("01-01T01:00:00")
    while line.go() == {ExitStatus.ALREADY_RUNNING}:
        world.time += AGAIN
        assert line.is_stale()
    assert len(world.ran) == 4
    assert world.told[-2].endswith(
        "1 run was missed and is not made up for, the last one at 2024-01-01T01:00:00+00:00"
    )
    assert world.memory().through("nightly", "0 * * * * UTC") == at("01-01T01:00:00")


def test_what_is_due_and_another_run_keeps_from_running_stays_due(world: World) -> None:
    processes = Processes([])
    processes.run = world.run  # type: ignore[method-assign]
    world.ends = [lambda: 9]
    world.time = at("01-01T01:00:05")
    assert world.due(processes, "nightly") == {ExitStatus.ALREADY_RUNNING}
    assert world.due(processes, "nightly") == {ExitStatus.SUCCESS}
    assert world.due(processes, "nightly") == set()


@pytest.mark.parametrize("catch_up", [CatchUp.ONE, CatchUp.ALL])
def test_runs_that_are_made_up_for_begin_by_the_jitter_later(world: World, catch_up: CatchUp) -> None:
    world.memory().note("nightly", "0 * * * * UTC", at("01-01T00:00:00"))
    world.time = at("01-01T05:30:00")
    line = world.line(catch_up, jitter=1000)
    begin = line.next_begin()
    assert begin is not None
    assert timedelta(0) < begin - world.time <= timedelta(seconds=1000)
    line.announce("schedule_next")
    due = "05" if catch_up is CatchUp.ONE else "01"
    assert world.told == [
        f"nightly: next at {begin:%Y-%m-%dT%H:%M:%S}+00:00, late, for 2024-01-01T{due}:00:00+00:00"
    ]
    world.time += timedelta(seconds=1)
    assert line.go() == set()  # whoever calls too early
    assert not line.is_stale()
    assert line.next_begin() == begin
    world.time = begin
    assert line.go() == {ExitStatus.SUCCESS}
    assert set(world.ran) == {begin}  # one after the other, without a further pause
    assert len(world.ran) == (1 if catch_up is CatchUp.ONE else 5)


def test_after_the_machine_slept_runs_begin_by_the_jitter_later_too(world: World) -> None:
    line = world.line(jitter=1000)
    world.time = at("01-01T07:30:00")
    assert line.go() == set()
    assert not line.is_stale()
    world.time += timedelta(seconds=1000)
    assert line.is_stale()
    assert world.call(line) == {ExitStatus.SUCCESS}
    world.time = at("01-01T12:40:00")
    begin = line.next_begin()  # after the next night
    assert begin is not None
    assert timedelta(0) < begin - world.time <= timedelta(seconds=1000)


def test_what_comes_once_the_clock_was_put_back_is_not_late_for_a_run_that_ended_by_it(world: World) -> None:
    line = world.line(CatchUp.NONE)
    world.time = at("01-01T05:00:00")
    assert line.go() == {ExitStatus.SUCCESS}
    world.time = at("01-01T01:30:00")
    for hour in ("02", "03"):
        assert world.call(line) == {ExitStatus.SUCCESS}
        assert world.ran[-1] == at(f"01-01T{hour}:00:00")


def test_no_run_is_made_up_for_that_came_while_the_one_before_went_on(world: World) -> None:
    line = world.line(CatchUp.NONE)

    def long() -> int:
        world.time += timedelta(seconds=3605)
        return 0

    world.ends = [long]
    world.time = at("01-01T01:00:00")
    assert line.go() == {ExitStatus.SUCCESS}
    assert len(world.ran) == 1
    missed, following = world.told[-2:]
    assert missed.endswith(
        "1 run was missed and is not made up for, the last one at 2024-01-01T02:00:00+00:00"
    )
    assert following == "nightly: next at 2024-01-01T03:00:00+00:00"


def test_what_came_while_the_run_before_went_on_begins_at_once(world: World) -> None:
    line = world.line(jitter=1000)

    def long() -> int:
        world.time += timedelta(hours=2)
        return 0

    world.ends = [long]
    assert world.call(line) == {ExitStatus.SUCCESS}
    first, second = world.ran
    assert second - first == timedelta(hours=2)


def test_it_is_said_that_a_run_is_late_and_begins_now(world: World) -> None:
    world.memory().note("nightly", "0 * * * * UTC", at("01-01T00:00:00"))
    world.time = at("01-01T02:30:00")
    line = world.line(CatchUp.ALL)
    line.announce("schedule_next")
    line.go()
    assert world.told[0] == "nightly: next now, late, for 2024-01-01T01:00:00+00:00"
    first, second = (text for text in world.told if "ended" in text)
    assert first.endswith("exit status 0; next now, late, for 2024-01-01T02:00:00+00:00")
    assert second.endswith("exit status 0; next at 2024-01-01T03:00:00+00:00")


def test_a_memory_that_is_garbled_is_told_and_the_job_begins_anew(world: World) -> None:
    world.memory().note("nightly", "0 * * * * UTC", at("01-01T00:00:00"))
    [path] = world.folder.glob("state/schedule/*.json")
    path.write_text("{", encoding="utf-8")
    line = world.line()
    [told] = world.told
    assert told.startswith("nightly: warning: ")
    assert told.endswith("it is garbled; what the job nightly missed until now is not made up for")
    assert line.next_begin() == at("01-01T01:00:00")
    assert world.memory().through("nightly", "0 * * * * UTC") == world.time


def test_what_happens_has_members_for_programs(world: World) -> None:
    world.memory().note("nightly", "0 * * * * UTC", at("01-01T00:00:00"))
    world.time = at("01-01T02:30:00")
    happened: list[Happening] = []
    line = Line(
        hourly("nightly"), Surroundings(world.run, world.memory(), lambda: world.time, happened.append)
    )
    world.ends = [lambda: 6]
    line.go()
    assert [(told.event, told.job, told.is_trouble) for told in happened] == [
        ("scheduled_run_begun", "nightly", False),
        ("schedule_missed", "nightly", True),
        ("scheduled_run_ended", "nightly", True),
    ]
    due, following = "2024-01-01T02:00:00+00:00", "2024-01-01T03:00:00+00:00"
    begun, missed, ended = (dict(told.members) for told in happened)
    assert begun == {"due": due, "late": True}
    assert missed == {"number": 1, "run_for": due}
    assert ended.pop("seconds") >= 0
    assert ended == {"due": due, "late": True, "exit_status": 6, "signal": None, "next": following}
