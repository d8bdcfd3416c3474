"""Times through a year, on a clock that is moved by hand."""

from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from runner.schedule.cron import parse_cron
from runner.schedule.times import Times

UTC = timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")


def times(fields, zone=BERLIN):
    return Times(parse_cron(fields), zone)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def within(fields, begin, end, zone=BERLIN):
    return [time.isoformat() for time in times(fields, zone).between(at(begin), at(end))]


def test_a_time_that_is_skipped_runs_right_after_the_change():
    assert within("30 2 * * *", "2024-03-30", "2024-04-02") == [
        "2024-03-30T02:30:00+01:00",
        "2024-03-31T03:00:00+02:00",
        "2024-04-01T02:30:00+02:00",
    ]


def test_several_times_that_are_skipped_run_once_and_with_the_one_at_the_change():
    assert within("*/20 2,3 * * *", "2024-03-30T22:00", "2024-03-31T22:00") == [
        "2024-03-31T03:00:00+02:00",
        "2024-03-31T03:20:00+02:00",
        "2024-03-31T03:40:00+02:00",
    ]


def test_a_time_that_comes_twice_runs_once():
    assert within("30 2 * * *", "2024-10-26", "2024-10-29") == [
        "2024-10-26T02:30:00+02:00",
        "2024-10-27T02:30:00+02:00",
        "2024-10-28T02:30:00+01:00",
    ]
    assert times("30 2 * * *").next(at("2024-10-27T00:30")).isoformat() == "2024-10-28T02:30:00+01:00"


def test_every_hour_is_elapsed_time():
    for begin, end in (("2024-03-31T00:00", "2024-03-31T06:00"), ("2024-10-27T00:00", "2024-10-27T06:00")):
        found = [datetime.fromisoformat(time) for time in within("15 * * * *", begin, end)]
        assert len(found) == 6
        assert {after - before for before, after in pairwise(found)} == {timedelta(hours=1)}


def test_a_change_at_midnight_and_a_day_that_there_is_not():
    havana = ZoneInfo("America/Havana")  # from 0 to 1 o'clock, and from 1 to 0
    assert within("30 0 * * *", "2024-03-09T12:00", "2024-03-11T12:00", havana) == [
        "2024-03-10T01:00:00-04:00", "2024-03-11T00:30:00-04:00"
    ]  # fmt: skip
    assert within("30 0 * * *", "2024-11-02T12:00", "2024-11-04T12:00", havana) == [
        "2024-11-03T00:30:00-04:00", "2024-11-04T00:30:00-05:00"
    ]  # fmt: skip
    apia = ZoneInfo("Pacific/Apia")  # which left out 30 December 2011
    assert within("0 2 30,31 12 *", "2011-12-25", "2012-01-05", apia) == [
        "2011-12-31T00:00:00+14:00", "2011-12-31T02:00:00+14:00"
    ]  # fmt: skip


@pytest.mark.parametrize(("year", "days"), [(2023, 365), (2024, 366)])
@pytest.mark.parametrize("fields", ["30 2 * * *", "0 2 * * *", "59 1 * * *", "0 3 * * *"])
def test_a_year_has_each_day_once(year, days, fields):
    clock = datetime(year, 1, 1, tzinfo=BERLIN)
    ran = []
    while True:
        due = times(fields).next(clock)
        assert due > clock
        if due.year > year:
            break
        ran.append(due)
        clock = due + timedelta(seconds=7)
    assert len({run.date() for run in ran}) == len(ran) == days


@pytest.mark.parametrize(("zone", "hours"), [("Europe/Berlin", 8760), ("Australia/Lord_Howe", 8760)])
def test_a_year_has_each_hour_that_passes(zone, hours):
    begin = datetime(2023, 1, 1, tzinfo=ZoneInfo(zone)) - timedelta(minutes=1)
    found = list(times("0 * * * *", ZoneInfo(zone)).between(begin, begin + timedelta(days=365)))
    local = [time.replace(tzinfo=None) for time in found]
    assert all(time.minute == 0 for time in local)
    assert len(found) in (hours - 1, hours)  # Lord Howe moves its clocks by half an hour


def test_rare_days_come_and_time_ends():
    leap = times("0 0 29 2 *", UTC)
    assert [time.year for time in islice(leap.following(at("2095-01-01")), 2)] == [2096, 2104]
    assert times("0 0 29 2 */7", UTC).next(at("2024-03-01")).date().isoformat() == "2032-02-29"
    assert times("@yearly", UTC).next(at("9999-06-01")) is None


def test_the_machines_zone(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert within("30 2 * * *", "2024-03-30", "2024-04-01", None) == [
            "2024-03-30T02:30:00+01:00", "2024-03-31T03:00:00+02:00"
        ]  # fmt: skip
        assert within("30 2 * * *", "2024-10-26T12:00", "2024-10-28", None) == ["2024-10-27T02:30:00+02:00"]
    finally:
        monkeypatch.undo()
        time.tzset()
