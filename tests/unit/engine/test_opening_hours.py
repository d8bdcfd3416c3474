"""When windows are open: over midnight, by days of the week, and through changes of clocks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from runner.engine.opening_hours import OpeningHours
from runner.model import Window

BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = frozenset(range(5))


def hours(opens: str, closes: str, days: frozenset[int] = frozenset(range(7))) -> OpeningHours:
    def minutes(text: str) -> int:
        hour, minute = text.split(":")
        return int(hour) * 60 + int(minute)

    return OpeningHours(Window(minutes(opens), minutes(closes), days, "Europe/Berlin"))


def berlin(text: str, fold: int = 0) -> datetime:
    """A time on the wall of 2024 (January 1st was a Monday) as an instant."""
    return datetime.fromisoformat(f"2024-{text}").replace(tzinfo=BERLIN, fold=fold).astimezone(timezone.utc)


@pytest.mark.parametrize(
    ("now", "closes"),
    [
        ("01-01 18:59", None),
        ("01-01 19:00", "01-02 06:00"),
        ("01-02 05:59:59", "01-02 06:00"),
        ("01-02 06:00", None),
        # it belongs to the day on which it opens: Friday's lasts into Saturday, Monday has no early morning
        ("01-06 03:00", "01-06 06:00"),
        ("01-06 19:30", None),
        ("01-08 03:00", None),
    ],
)
def test_a_window_over_midnight_on_working_days(now: str, closes: str | None) -> None:
    found = hours("19:00", "06:00", WORKDAYS).closes(berlin(now))
    assert found == (berlin(closes) if closes else None)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("01-02 06:00", "01-02 19:00"),
        ("01-06 06:00", "01-08 19:00"),
        ("01-08 03:00", "01-08 19:00"),
        ("01-01 20:00", "01-01 20:00"),
    ],
)
def test_when_the_next_one_opens(now: str, opens: str) -> None:
    assert hours("19:00", "06:00", WORKDAYS).opens(berlin(now)) == berlin(opens)


def test_one_day_a_week() -> None:
    sundays = hours("12:00", "13:00", frozenset({6}))
    assert sundays.opens(berlin("01-07 13:00")) == berlin("01-14 12:00")


def test_windows_that_follow_each_other_are_one() -> None:
    weekend = hours("00:00", "24:00", frozenset({5, 6}))
    assert weekend.closes(berlin("01-06 10:00")) == berlin("01-08 00:00")
    assert weekend.closes(berlin("01-08 00:00")) is None
    overlapping = hours("19:00", "18:00", frozenset({0, 1}))
    assert overlapping.closes(berlin("01-01 20:00")) == berlin("01-02 18:00")


def test_the_same_time_twice_is_a_whole_day() -> None:
    assert hours("08:00", "08:00", frozenset({0})).closes(berlin("01-01 09:00")) == berlin("01-02 08:00")


def test_always_open_is_never_waited_for() -> None:
    always = hours("00:00", "24:00")
    closes = always.closes(berlin("01-01 12:00"))
    assert closes is not None
    assert closes > berlin("01-08 00:00")


def test_a_night_of_a_change_is_an_hour_shorter_or_longer() -> None:
    night = hours("19:00", "06:00")
    for evening, morning, length in (("03-30 19:00", "03-31 06:00", 10), ("10-26 19:00", "10-27 06:00", 12)):
        closes = night.closes(berlin(evening))
        assert closes == berlin(morning)
        assert closes - berlin(evening) == timedelta(hours=length)


def test_a_time_that_is_skipped_is_right_after_the_change() -> None:
    after = berlin("03-31 03:00")
    assert hours("02:30", "06:00").opens(berlin("03-31 01:00")) == after
    assert hours("19:00", "02:15").closes(berlin("03-31 01:00")) == after
    # all of it is skipped: it comes the next day
    assert hours("02:10", "02:50").opens(berlin("03-31 01:00")) == berlin("04-01 02:10")


def test_a_window_once_a_week_that_a_change_skips_comes_in_the_week_after() -> None:
    sundays = hours("02:00", "03:00", frozenset({6}))
    for now in ("03-24 03:00", "03-27 12:00", "03-31 01:59:59", "04-01 00:00"):
        assert sundays.opens(berlin(now)) == berlin("04-07 02:00")


def test_of_a_time_that_comes_twice_the_first_counts() -> None:
    first, second = berlin("10-27 02:30"), berlin("10-27 02:30", fold=1)
    assert second - first == timedelta(hours=1)
    assert hours("02:30", "06:00").opens(berlin("10-27 01:00")) == first
    late = hours("19:00", "02:30")
    assert late.closes(berlin("10-27 01:00")) == first
    assert late.closes(second - timedelta(minutes=15)) is None


@pytest.mark.parametrize("year_day", range(0, 366, 5))
def test_a_window_is_open_from_its_opening_to_its_closing(year_day: int) -> None:
    """At any time: it is open, or opens later, and is open then."""
    window = hours("19:00", "06:00", frozenset({0, 2, 6}))
    now = berlin("01-01 00:00") + timedelta(days=year_day, hours=year_day % 24)
    opens = window.opens(now)
    closes = window.closes(opens)
    assert closes is not None
    assert now <= opens < closes
    assert closes - opens <= timedelta(hours=35)
    if opens > now:
        assert window.closes(opens - timedelta(seconds=1)) is None


def test_it_is_shown_in_the_zone_of_the_window() -> None:
    opens = hours("19:00", "06:00").opens(berlin("07-01 12:00"))
    assert hours("19:00", "06:00").shown(opens) == "Monday 2024-07-01 19:00 CEST"
