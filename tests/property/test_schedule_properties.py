"""Cron's times against a clock that is looked at each minute, through changes of clocks."""

from datetime import datetime, timedelta, timezone
from itertools import takewhile
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from runner.schedule.cron import parse_cron
from runner.schedule.times import Times

UTC = timezone.utc
MINUTE = timedelta(minutes=1)
#: Days before changes of clocks: to both times, at midnight, by half an hour, one minute past midnight.
CHANGES = [
    ("Europe/Berlin", "2024-03-30"),
    ("Europe/Berlin", "2024-10-26"),
    ("America/New_York", "2024-03-09"),
    ("America/New_York", "2024-11-02"),
    ("Australia/Lord_Howe", "2024-04-06"),
    ("Australia/Lord_Howe", "2024-10-05"),
    ("America/Havana", "2024-03-09"),
    ("America/Havana", "2024-11-02"),
    ("America/St_Johns", "2009-03-07"),
    ("America/St_Johns", "2009-10-31"),
    ("Pacific/Apia", "2011-12-29"),
    ("Asia/Tokyo", "2024-02-28"),
]


@st.composite
def numbers(draw, low, high):
    """A field of cron and what it means."""
    form = draw(st.sampled_from(["all", "step", "list", "range", "number"]))
    one, other = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    step = draw(st.integers(1, min(high - low, 15)))
    if form == "all":
        return "*", set(range(low, high + 1))
    if form == "step":
        return f"*/{step}", set(range(low, high + 1, step))
    if form == "list":
        return f"{one},{other}", {one, other}
    return (f"{one}-{other}", set(range(one, other + 1))) if form == "range" else (str(one), {one})


fields = st.tuples(numbers(0, 59), numbers(0, 23), numbers(1, 31), numbers(1, 12), numbers(0, 6))


def means(made, local):
    (_, minutes), (_, hours), (days_text, days), (_, months), (week_text, weekdays) = made
    if local.minute not in minutes or local.hour not in hours or local.month not in months:
        return False
    by_number, by_weekday = local.day in days, (local.weekday() + 1) % 7 in weekdays
    if days_text[0] == "*" or week_text[0] == "*":
        return by_number and by_weekday
    return by_number or by_weekday


def watched(made, zone, begin, end):
    """What someone would run who looks at the clock on the wall each minute."""
    every_hour = len(made[1][1]) == 24
    ran = []
    latest = begin.astimezone(zone).replace(tzinfo=None)
    now = begin
    while (now := now + MINUTE) <= end:
        wall = now.astimezone(zone).replace(tzinfo=None)
        if every_hour:
            due = means(made, wall)
        else:
            due = False
            while (
                latest < wall
            ):  # all that the wall has shown or skipped since, and nothing that it shows again
                latest += MINUTE
                due = due or means(made, latest)
        if due:
            ran.append(now)
    return ran


@given(fields, st.sampled_from(CHANGES), st.integers(0, 1439), st.integers(0, 4000))
def test_the_times_are_those_of_a_clock_on_the_wall(made, change, offset, length):
    name, day = change
    zone = ZoneInfo(name)
    # The months of the days are made to fit, so that there is something to see.
    months = {datetime.fromisoformat(day).month, (datetime.fromisoformat(day) + timedelta(days=4)).month}
    made = (*made[:3], (",".join(map(str, sorted(months))), months), made[4])
    if not (made[2][1] & set(range(1, 29)) or "*" not in made[2][0] + made[4][0]):
        return  # perhaps no such day at all, which is an error
    begin = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=14) + offset * MINUTE
    end = begin + length * MINUTE
    times = Times(parse_cron(" ".join(text for text, _ in made)), zone)
    expected = watched(made, zone, begin, end)
    assert [time.astimezone(UTC) for time in times.between(begin, end)] == expected
    assert [
        time.astimezone(UTC) for time in takewhile(lambda time: time <= end, times.following(begin))
    ] == expected
