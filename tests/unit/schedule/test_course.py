from datetime import datetime, timedelta, timezone

import pytest

from runner.model import CatchUp, Schedule
from runner.schedule.course import Course, Turn
from runner.schedule.cron import parse_cron
from runner.schedule.times import Times

UTC = timezone.utc


def course(catch_up="one", jitter=0, cron="0 2 * * *", name="job"):
    return Course(Schedule(cron, "UTC", jitter, CatchUp(catch_up)), Times(parse_cron(cron), UTC), name)


def at(day, hour=2, minute=0, second=0):
    return datetime(2024, 3, day, hour, minute, second, tzinfo=UTC)


def begin_of(course, time):
    return course.begin_after(time - timedelta(microseconds=1))


@pytest.mark.parametrize("catch_up", ["one", "none", "all"])
def test_a_time_that_has_just_come_runs(catch_up):
    for now in (at(5), at(5, second=59)):
        assert course(catch_up).turn(at(4), now) == Turn(at(5), runs=True, is_late=False, skipped=0)
    assert course(catch_up).turn(at(5), at(5, 3)) is None
    assert course(catch_up).turn(at(4), at(5, 1, 59, 59)) is None


def test_one_run_is_made_up_for_however_many_were_missed():
    assert course("one").turn(at(1), at(5, 9)) == Turn(at(5), runs=True, is_late=True, skipped=3)


def test_each_run_is_made_up_for_in_order():
    through, ran = at(1), []
    while (turn := course("all").turn(through, at(5, 9))) is not None:
        assert turn.runs
        assert turn.is_late
        ran.append(turn.time)
        through = turn.time
    assert ran == [at(2), at(3), at(4), at(5)]


def test_no_run_is_made_up_for():
    assert course("none").turn(at(1), at(5, 9)) == Turn(at(5), runs=False, is_late=True, skipped=4)
    assert course("none").turn(at(1), at(5)) == Turn(at(5), runs=True, is_late=False, skipped=3)


def test_jitter_is_within_its_bounds_and_stays_what_it_is():
    jittered = course(jitter=600)
    begins = [begin_of(jittered, at(day)) for day in range(1, 31)]
    delays = {begin - at(day) for day, begin in enumerate(begins, 1)}
    assert len(delays) == 30
    assert timedelta(0) <= min(delays) < timedelta(seconds=200)
    assert timedelta(seconds=400) < max(delays) <= timedelta(seconds=600)
    assert begins == [begin_of(course(jitter=600), at(day)) for day in range(1, 31)]
    assert begins != [begin_of(course(jitter=600, name="other"), at(day)) for day in range(1, 31)]


def test_with_jitter_a_time_is_due_when_its_run_begins_and_not_late_then():
    jittered = course("none", jitter=3600)
    begin = begin_of(jittered, at(5))
    assert jittered.begin_after(at(4, 12)) == begin
    assert jittered.begin_after(begin - timedelta(microseconds=1)) == begin
    assert jittered.begin_after(begin) == begin_of(jittered, at(6))
    assert jittered.turn(at(4), begin - timedelta(microseconds=1)) is None
    assert jittered.turn(at(4), begin) == Turn(at(5), runs=True, is_late=False, skipped=0)


def test_there_may_be_no_next_time():
    assert course(cron="@yearly").begin_after(datetime(9999, 6, 1, tzinfo=UTC)) is None


def test_jitter_ends_where_the_next_time_comes_so_that_none_passes_for_missed():
    minutely = course(jitter=3600, cron="* * * * *")
    begins = [minutely.begin_after(at(5))]
    while len(begins) < 100:
        begins.append(minutely.begin_after(begins[-1]))
    for number, begin in enumerate(begins):
        time = at(5) + timedelta(minutes=number)
        if number == 0 and begin < at(5, minute=1):
            continue  # that of 2:00 itself
        assert begin.replace(second=0, microsecond=0) - at(5) in (
            time - at(5),
            time + timedelta(minutes=1) - at(5),
        )
    through = at(5)
    for begin in begins[1:]:
        turn = minutely.turn(through, begin)
        assert (turn.skipped, turn.runs) == (0, True)
        through = turn.time


@pytest.mark.parametrize(
    ("catch_up", "turn"),
    [
        ("none", Turn(at(5, 2, 1), runs=False, is_late=True, skipped=1)),
        ("one", Turn(at(5, 2, 1), runs=True, is_late=True, skipped=0)),
        ("all", Turn(at(5, 2, 1), runs=True, is_late=True, skipped=0)),
    ],
)
def test_what_came_before_the_end_of_the_run_before_is_late_if_only_by_a_second(catch_up, turn):
    minutely = course(catch_up, cron="* * * * *")
    ended = at(5, 2, 1, 10)
    assert minutely.turn(at(5), ended, ended) == turn
    assert minutely.turn(at(5), at(5, 2, 1), at(5, 2, 0, 59)).is_late is False
    assert minutely.turn(at(5), at(5, 2, 1, 10)).is_late is False
