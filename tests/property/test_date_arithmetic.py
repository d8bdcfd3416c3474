"""Arithmetic with dates across months, leap years and changes of clocks."""

from calendar import monthrange
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from runner.dicom.date_time import bounds, span
from runner.dicom.values import problem_with_value
from runner.jobfile.clock import Clock
from runner.jobfile.moments import formatted, moment
from runner.jobfile.periods import PeriodError, compiled

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia"]
zones = st.sampled_from(ZONES)
instants = st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1), timezones=st.just(timezone.utc)).map(
    lambda instant: instant.replace(microsecond=0)
)
counts = st.integers(0, 3000)
signs = st.sampled_from("+-")


def clock_at(instant, zone):
    return Clock.at(instant.isoformat()).in_zone(zone)


def local(text, clock):
    meant = moment(text, clock)
    assert meant is not None
    return meant.instant()


def day(text, clock):
    meant = moment(text, clock)
    assert meant is not None
    return datetime.strptime(formatted(meant, "%Y%m%d"), "%Y%m%d").date()


@given(instants, zones, signs, counts)
def test_hours_and_minutes_are_elapsed_time(instant, zone, sign, count):
    clock = clock_at(instant, zone)
    way = -1 if sign == "-" else 1
    terms = {
        f"{sign}{count}h": way * timedelta(hours=count),
        f"{sign}{count}min": way * timedelta(minutes=count),
        f"{sign}{count}h{'+' if way < 0 else '-'}{count * 60}min": timedelta(0),
    }
    for text, elapsed in terms.items():
        # a time that comes twice equals none in another zone (PEP 495), so both are looked at in UTC
        assert local(f"now{text}", clock).astimezone(timezone.utc) == instant + elapsed


@given(instants, zones, signs, counts)
@example(datetime(2024, 3, 30, 1, 30, tzinfo=timezone.utc), "Europe/Berlin", "+", 1)
@example(datetime(2024, 10, 26, 0, 30, tzinfo=timezone.utc), "Europe/Berlin", "+", 1)
def test_days_keep_the_time_of_day(instant, zone, sign, count):
    clock = clock_at(instant, zone)
    there = local(f"now{sign}{count}d", clock)
    wanted = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted += timedelta(days=-count if sign == "-" else count)
    found = there.replace(tzinfo=None)
    exists = wanted.replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc).astimezone(ZoneInfo(zone))
    if exists.replace(tzinfo=None) == wanted:
        assert found == wanted
    else:  # left out by a change of clocks: later by the gap, a day in Samoa
        assert timedelta() < found - wanted <= timedelta(days=1)


@given(instants, zones, signs, counts)
def test_days_and_weeks_are_those_of_the_calendar(instant, zone, sign, count):
    clock = clock_at(instant, zone)
    today = instant.astimezone(ZoneInfo(zone)).date()
    way = -1 if sign == "-" else 1
    assert day("today", clock) == today
    assert day("yesterday", clock) == today - timedelta(days=1)
    assert day(f"today{sign}{count}d", clock) == today + way * timedelta(days=count)
    assert day(f"today{sign}{count % 1000}w", clock) == today + way * timedelta(weeks=count % 1000)


@given(instants, zones, signs, st.integers(0, 700))
@example(datetime(2024, 3, 31, 12, tzinfo=timezone.utc), "UTC", "-", 1)
@example(datetime(2024, 2, 29, 12, tzinfo=timezone.utc), "UTC", "-", 12)
def test_months_are_clamped_to_their_ends(instant, zone, sign, count):
    clock = clock_at(instant, zone)
    today = day("today", clock)
    there = day(f"today{sign}{count}mo", clock)
    months = (there.year - today.year) * 12 + there.month - today.month
    assert months == (-count if sign == "-" else count)
    assert there.day == min(today.day, monthrange(there.year, there.month)[1])
    if count % 12 == 0:
        assert day(f"today{sign}{count // 12}y", clock) == there


@given(instants, zones, signs, st.integers(0, 90), st.integers(0, 40))
def test_terms_are_taken_one_after_the_other(instant, zone, sign, months, days):
    clock = clock_at(instant, zone)
    first = day(f"today{sign}{months}mo", clock)
    assert day(f"today{sign}{months}mo-{days}d", clock) == first - timedelta(days=days)


@given(st.dates(date(1980, 1, 1), date(2060, 1, 1)))
def test_a_leap_day_is_the_last_of_february_in_other_years(today):
    clock = Clock.at(f"{today}T12:00:00Z").in_zone("UTC")
    before = day("today-1y", clock)
    leap = (today.month, today.day) == (2, 29)
    assert before == today.replace(year=today.year - 1, day=28 if leap else today.day)


words = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["today", "now"]),
    signs,
    st.integers(0, 400),
    st.sampled_from(["d", "h"]),
)
ends = st.one_of(
    st.just(""),
    words,
    st.dates(date(1980, 1, 1), date(2060, 1, 1)).map(str),
    st.times().map(lambda time: time.isoformat("seconds")),
    st.text("0123456789-:T.", max_size=16),
)
vrs = st.sampled_from(["DA", "TM", "DT"])


@given(instants, zones, vrs, ends, ends)
def test_a_period_is_a_legal_range_or_refused(instant, zone, vr, lower, upper):
    try:
        values = compiled(vr, (("from", lower), ("to", upper)), clock_at(instant, zone))
    except PeriodError as error:
        what, advice, _ = error.args
        assert what
        assert advice
        return
    for value in values:
        assert problem_with_value(vr, value) is None
        found = bounds(vr, value)
        assert found is not None or not value
        if found is not None and None not in found:
            assert found[0] <= found[1]


@given(instants, zones, st.integers(0, 5000), st.floats(0, 1))
@example(datetime(2024, 10, 27, 1, 10, tzinfo=timezone.utc), "Europe/Berlin", 30, 0.5)
def test_the_last_minutes_are_all_within(instant, zone, minutes, share):
    clock = clock_at(instant, zone)
    within = (instant - timedelta(minutes=minutes * share)).astimezone(ZoneInfo(zone))
    [value] = compiled("DT", (("last", f"{minutes}min"),), clock)
    first, last = bounds("DT", value)
    assert first <= span("DT", within.strftime("%Y%m%d%H%M%S")).first <= last
    try:
        values = compiled("TM", (("last", f"{minutes}min"),), clock)
    except PeriodError:
        assert minutes >= 20 * 60
        return
    time = span("TM", within.strftime("%H%M%S")).first
    ranges = [bounds("TM", value) for value in values]
    assert any((low is None or low <= time) and (high is None or time <= high) for low, high in ranges)


@given(instants, zones, st.integers(0, 400))
def test_the_last_days_are_those_up_to_today(instant, zone, days):
    clock = clock_at(instant, zone)
    today = instant.astimezone(ZoneInfo(zone)).date()
    expected = f"{today - timedelta(days=days):%Y%m%d}-{today:%Y%m%d}"
    assert compiled("DA", (("last", f"{days}d"),), clock) == (expected,)
