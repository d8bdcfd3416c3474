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
    begins = [jittered.begin(at(day)) for day in range(1, 31)]
    delays = {begin - at(day) for day, begin in enumerate(begins, 1)}
    assert len(delays) == 30
    assert timedelta(0) <= min(delays) < timedelta(seconds=200)
    assert timedelta(seconds=400) < max(delays) <= timedelta(seconds=600)
    assert begins == [course(jitter=600).begin(at(day)) for day in range(1, 31)]
    assert begins != [course(jitter=600, name="other").begin(at(day)) for day in range(1, 31)]


def test_with_jitter_a_time_is_due_when_its_run_begins_and_not_late_then():
    jittered = course("none", jitter=3600)
    begin = jittered.begin(at(5))
    assert jittered.begin_after(at(4, 12)) == begin
    assert jittered.begin_after(begin - timedelta(microseconds=1)) == begin
    assert jittered.begin_after(begin) == jittered.begin(at(6))
    assert jittered.turn(at(4), begin - timedelta(microseconds=1)) is None
    assert jittered.turn(at(4), begin) == Turn(at(5), runs=True, is_late=False, skipped=0)


def test_there_may_be_no_next_time():
    assert course(cron="@yearly").begin_after(datetime(9999, 6, 1, tzinfo=UTC)) is None
