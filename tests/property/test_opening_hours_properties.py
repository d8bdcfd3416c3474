"""Windows of peers at any time, in zones whose clocks change: there is always a next one."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from runner.engine.opening_hours import OpeningHours
from runner.model import Window

#: Days with changes of clocks: by an hour, by half an hour, at midnight, and a day that never was.
CHANGES = [
    ("Europe/Berlin", "2024-03-31"),
    ("Europe/Berlin", "2024-10-27"),
    ("Australia/Lord_Howe", "2024-10-06"),
    ("America/Havana", "2024-03-10"),
    ("America/Havana", "2024-11-03"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Tokyo", "2024-02-29"),
]
#: Minutes of a day, those around changes often.
minutes = st.one_of(st.integers(0, 4).map(lambda hour: 60 * hour), st.integers(0, 1439))
#: One day a week, often.
days_of_week = st.one_of(
    st.integers(0, 6).map(lambda day: {day}), st.sets(st.integers(0, 6), min_size=1, max_size=7)
)


@given(st.sampled_from(CHANGES), st.integers(-9 * 24 * 60, 2 * 24 * 60), minutes, minutes, days_of_week)
@example(("Pacific/Apia", "2011-12-30"), -4 * 24 * 60, 600, 720, {4})
def test_a_window_opens_within_two_weeks_and_not_before(change, offset, opens, closes, days):
    zone, day = change
    now = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
    now += timedelta(minutes=offset)
    hours = OpeningHours(Window(opens, closes, frozenset(days), zone))
    found = hours.opens(now)
    assert now <= found <= now + timedelta(days=15)
    end = hours.closes(found)
    assert end is not None
    assert end > found
    moment = now
    while moment < found:  # no window opens before that
        assert hours.closes(moment) is None
        moment += max((found - moment) / 2, timedelta(seconds=1))


@given(st.sampled_from(CHANGES), st.integers(-36, 36), minutes, minutes)
def test_a_window_that_is_open_stays_so_until_it_closes(change, offset, opens, closes):
    zone, day = change
    now = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(timezone.utc)
    now += timedelta(hours=offset)
    hours = OpeningHours(Window(opens, closes, frozenset({0, 2, 3, 5, 6}), zone))
    end = hours.closes(now)
    if end is not None:
        assert hours.closes(now + (end - now) / 2) == end
        assert hours.closes(end - timedelta(seconds=1)) == end
        assert hours.closes(end) is None
