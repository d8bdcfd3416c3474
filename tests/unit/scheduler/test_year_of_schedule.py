"""A year of schedule: APScheduler itself, by a clock that is moved to where it would wake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import apscheduler.executors.base
import apscheduler.schedulers.base
import pytest
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler

from runner.jobfile.clock import Clock
from runner.model import CatchUp, Job, Schedule
from runner.scheduler.job_files import ScheduledJob
from runner.scheduler.line import Line, Surroundings
from runner.scheduler.timer import Timer
from runner.state.schedule_memory import ScheduleMemory

UTC = timezone.utc


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, text: str) -> None:
        self.time = datetime.fromisoformat(text).replace(tzinfo=UTC)

    def now(self, zone: Any = UTC) -> datetime:
        return self.time.astimezone(zone)


class ByHand(BaseScheduler):  # type: ignore[misc]  # APScheduler has no types
    """APScheduler without a thread: somebody else waits."""

    def wakeup(self) -> None:
        pass

    def shutdown(self, wait: bool = True) -> None:
        super().shutdown(wait)

    def due(self) -> float | None:
        """Do what is due; return in how many seconds there is more."""
        seconds: float | None = self._process_jobs()
        return seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    fake = FakeClock("2024-01-01T00:00:30")
    for module in (apscheduler.schedulers.base, apscheduler.executors.base):
        monkeypatch.setattr(module, "datetime", fake)
    return fake


class World:
    """One job, its runs, and the scheduler, which may be ended and begun again."""

    def __init__(self, folder: Path, clock: FakeClock, schedule: Schedule) -> None:
        self.folder, self.clock = folder, clock
        self.scheduled = ScheduledJob(Job("nightly", (), ()), schedule, {})
        self.ran: list[tuple[datetime, datetime | None]] = []
        self.told: list[str] = []
        self.takes: Callable[[], timedelta] = lambda: timedelta(seconds=20)
        self.puts: list[tuple[datetime, timedelta]] = []
        self.zone = Clock(0).in_zone(schedule.timezone).zone
        self.going_on = False

    def run(self, scheduled: ScheduledJob, now: datetime | None) -> int:
        assert not self.going_on
        self.going_on = True
        self.ran.append((self.clock.time.astimezone(self.zone), now))
        self.clock.time += self.takes()
        self.going_on = False
        return 0

    def live(self, until: str, tick: timedelta | None = None) -> None:
        """Schedule until then; look at the clock each tick, where there is one, as the service does."""
        end = datetime.fromisoformat(until).replace(tzinfo=UTC)
        scheduler = ByHand(timezone=UTC, executors={"default": DebugExecutor()})
        timer, memory = Timer(scheduler), ScheduleMemory(self.folder)
        line = Line(
            self.scheduled,
            Surroundings(self.run, memory, self.clock.now, lambda told: self.told.append(str(told))),
        )
        timer.put(line)
        timer.start()
        while (seconds := scheduler.due()) is not None:
            wait = timedelta(seconds=seconds)
            wait = wait if tick is None else min(wait, tick)
            if not self.puts and self.clock.time + wait >= end:
                break
            self.clock.time += wait
            if self.puts and self.clock.time >= self.puts[0][0]:
                self.clock.time += self.puts.pop(0)[1]
            if tick is not None:
                timer.wake([line])
        self.clock.time = max(self.clock.time, end)
        timer.stop()
        memory.release_all()

    @property
    def times(self) -> Iterator[str]:
        return (f"{begun:%Y-%m-%dT%H:%M}" for begun, _ in self.ran)


def schedule(cron: str, catch_up: CatchUp = CatchUp.ONE, jitter: int = 0) -> Schedule:
    return Schedule(cron, "Europe/Berlin", jitter, catch_up)


@pytest.mark.parametrize("jitter", [0, 900])
def test_a_year_of_nights_through_both_changes_of_clocks(
    tmp_path: Path, clock: FakeClock, jitter: int
) -> None:
    world = World(tmp_path / "state", clock, schedule("30 2 * * *", jitter=jitter))
    world.live("2024-12-31T23:00:00")
    begun = [begun for begun, _ in world.ran]
    assert len(begun) == 366
    assert set(Counter(time.date() for time in begun).values()) == {1}
    for time in begun:
        due = time.replace(hour=2, minute=30, second=0, microsecond=0)
        if f"{time:%m-%d}" == "03-31":  # right after the change
            due = time.replace(hour=3, minute=0, second=0, microsecond=0)
        assert timedelta(0) <= time - due <= timedelta(seconds=jitter + 1), time
    assert [time.utcoffset() for time in begun if f"{time:%m-%d}" == "10-27"] == [timedelta(hours=2)]
    assert all(now is None for _, now in world.ran)


def test_a_year_of_working_days_and_of_either_day(tmp_path: Path, clock: FakeClock) -> None:
    world = World(tmp_path / "state", clock, schedule("0 6 1 * mon-fri"))
    world.live("2024-12-31T23:00:00")
    days = [begun.date() for begun, _ in world.ran]
    expected = [
        day
        for number in range(366)
        if (day := (datetime(2024, 1, 1) + timedelta(days=number)).date()).day == 1 or day.weekday() < 5
    ]
    assert days == expected


def test_runs_do_not_overlap_and_a_time_that_comes_meanwhile_waits(tmp_path: Path, clock: FakeClock) -> None:
    world = World(tmp_path / "state", clock, schedule("0 * * * *"))
    world.takes = lambda: timedelta(minutes=150 if len(world.ran) == 1 else 1)
    world.live("2024-01-01T06:30:00")
    # 2 and 3 o'clock passed while the first one went on: one run is made up for, at once
    assert list(world.times) == [
        "2024-01-01T02:00", "2024-01-01T04:30", "2024-01-01T05:00", "2024-01-01T06:00", "2024-01-01T07:00"
    ]  # fmt: skip
    assert "nightly: 1 run was missed and is not made up for" in world.told


@pytest.mark.parametrize(
    ("catch_up", "late"),
    [
        (CatchUp.ONE, [None]),
        (CatchUp.NONE, []),
        (CatchUp.ALL, ["2024-01-04", "2024-01-05", "2024-01-06"]),
    ],
)
def test_what_was_missed_between_two_lives(
    tmp_path: Path, clock: FakeClock, catch_up: CatchUp, late: list[str | None]
) -> None:
    world = World(tmp_path / "state", clock, schedule("0 2 * * *", catch_up))
    world.live("2024-01-03T12:00:00")
    assert len(world.ran) == 3
    clock.time += timedelta(days=3)
    world.live("2024-01-07T12:00:00")
    again = world.ran[3:]
    assert [now and f"{now:%Y-%m-%d}" for _, now in again[: len(late)]] == late
    assert all(f"{begun:%Y-%m-%dT%H}" == "2024-01-06T13" for begun, _ in again[: len(late)])
    assert [f"{begun:%Y-%m-%dT%H:%M}" for begun, _ in again[len(late) :]] == ["2024-01-07T02:00"]


def test_the_first_life_makes_up_for_nothing(tmp_path: Path, clock: FakeClock) -> None:
    world = World(tmp_path / "state", clock, schedule("0 2 * * *", CatchUp.ALL))
    clock.time += timedelta(hours=12)
    world.live("2024-01-01T23:00:00")
    assert world.ran == []


def test_a_schedule_that_was_another_makes_up_for_nothing(tmp_path: Path, clock: FakeClock) -> None:
    World(tmp_path / "state", clock, schedule("0 2 * * *", CatchUp.ALL)).live("2024-01-02T12:00:00")
    clock.time += timedelta(days=3)
    world = World(tmp_path / "state", clock, schedule("0 3 * * *", CatchUp.ALL))
    world.live("2024-01-05T23:00:00")
    assert world.ran == []


def test_the_clock_may_be_put_back(tmp_path: Path, clock: FakeClock) -> None:
    world = World(tmp_path / "state", clock, schedule("0 2 * * *"))
    world.live("2024-06-01T12:00:00")
    number = len(world.ran)
    clock.time = datetime(2024, 2, 1, tzinfo=UTC)
    world.live("2024-02-03T12:00:00")
    assert len(world.ran) == number + 3


AHEAD = [timedelta(hours=3), timedelta(days=150)]


def is_right_again(world: World) -> None:
    """Two o'clock was run for, then some time by the wrong clock, and then each hour."""
    begun = list(world.times)
    assert (begun[0], len(begun)) == ("2024-01-01T02:00", 7)
    assert begun[2:] == [f"2024-01-01T0{hour}:00" for hour in range(3, 8)]
    [told] = [text for text in world.told if "the clock was put back" in text]
    assert told.endswith("runs again; next at 2024-01-01T03:00:00+01:00")


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_clock_that_is_ahead_between_two_runs_of_a_line(
    tmp_path: Path, clock: FakeClock, ahead: timedelta
) -> None:
    world = World(tmp_path / "state", clock, schedule("0 * * * *"))
    wrong = {1: ahead, 2: -ahead}
    world.takes = lambda: wrong.get(len(world.ran), timedelta(0)) + timedelta(seconds=20)
    world.live("2024-01-01T06:30:00", timedelta(seconds=30))
    is_right_again(world)


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_time_that_comes_once_the_clock_was_put_right_waits_for_the_end_of_the_run(
    tmp_path: Path, clock: FakeClock, ahead: timedelta
) -> None:
    world = World(tmp_path / "state", clock, schedule("0 * * * *"))
    wrong = {1: ahead, 2: timedelta(minutes=70) - ahead}
    world.takes = lambda: wrong.get(len(world.ran), timedelta(0)) + timedelta(seconds=20)
    world.live("2024-01-01T04:30:00", timedelta(seconds=30))
    begun = list(world.times)
    assert begun[:1] + begun[2:] == [f"2024-01-01T0{time}" for time in ("2:00", "3:10", "4:00", "5:00")]


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_clock_that_is_ahead_when_apscheduler_looks_at_it(
    tmp_path: Path, clock: FakeClock, ahead: timedelta
) -> None:
    world = World(tmp_path / "state", clock, schedule("0 * * * *"))
    right = clock.time + timedelta(minutes=90)
    world.puts = [(right, ahead), (right + ahead, -ahead)]
    world.live("2024-01-01T06:30:00", timedelta(seconds=30))
    is_right_again(world)


@pytest.mark.parametrize(("back", "again"), [(2, 0), (59, 0), (62, 1)])
def test_a_clock_that_is_put_back_by_a_little_repeats_nothing(
    tmp_path: Path, clock: FakeClock, back: int, again: int
) -> None:
    world = World(tmp_path / "state", clock, schedule("0 * * * *"))
    world.takes = lambda: timedelta(0)
    world.live("2024-01-01T01:00:01")
    clock.time -= timedelta(seconds=1 + back)
    world.live("2024-01-01T01:30:00")
    assert list(world.times) == ["2024-01-01T02:00"] * (1 + again)
