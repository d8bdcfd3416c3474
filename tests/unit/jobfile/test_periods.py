"""Periods under date and time keys, as range matching of each VR."""

import pytest

from runner.jobfile.clock import Clock
from runner.jobfile.load import load_job
from runner.jobfile.periods import PeriodError, compiled

BERLIN = Clock.at("2024-03-10T01:30:15+01:00").in_zone("Europe/Berlin")


def asked(vr, clock=BERLIN, **members):
    return compiled(vr, tuple((name.strip("_"), text) for name, text in members.items()), clock)


@pytest.mark.parametrize(
    ("vr", "members", "value"),
    [
        ("DA", {"from_": "2024-01-01", "to": "today"}, "20240101-20240310"),
        ("DA", {"from_": "20240101", "to": "20240101"}, "20240101-20240101"),
        ("DA", {"to": "now", "from_": "now-2h"}, "20240309-20240310"),
        ("DA", {"from_": "today-1mo"}, "20240210-"),
        ("DA", {"to": "2024-02-29"}, "-20240229"),
        ("DA", {"from_": "", "to": "2024-02-29"}, "-20240229"),
        ("DA", {"from_": "", "to": ""}, ""),
        ("DA", {"last": "7d"}, "20240303-20240310"),
        ("DA", {"last": "0d"}, "20240310-20240310"),
        ("DA", {"last": "1mo2d"}, "20240208-20240310"),
        ("DA", {"last": "2h"}, "20240309-20240310"),
        ("DA", {"last": ""}, ""),
        ("DA", {"on": "yesterday"}, "20240309"),
        ("DA", {"on": " 2024-01-01 "}, "20240101"),
        ("DA", {"on": ""}, ""),
        ("TM", {"from_": "08:30", "to": "12"}, "0830-12"),
        ("TM", {"from_": "08:30:15.5"}, "083015.5-"),
        ("TM", {"to": "083015"}, "-083015"),
        ("TM", {"last": "90min"}, "000015-013015"),
        ("TM", {"from_": "now-1h", "to": "now+1h"}, "003015-023015"),
        ("TM", {"on": "08"}, "080000-085959"),
        ("TM", {"on": "08:30"}, "083000-083059"),
        ("TM", {"on": "08:30:15"}, "083015"),
        ("TM", {"on": "now"}, "013015"),
        ("DT", {"from_": "2024-01-01", "to": "2024-01-31"}, "20240101-20240131235959"),
        ("DT", {"from_": "2024-01-01T08:30", "to": "20240131"}, "202401010830-20240131235959"),
        ("DT", {"from_": "2024-01-01 08:30:15.25Z"}, "20240101083015.25+0000-"),
        ("DT", {"to": "2024-01-01T08:30-05:00"}, "-202401010830-0500"),
        ("DT", {"from_": "today", "to": "now"}, "20240310-20240310013015"),
        ("DT", {"to": "202402"}, "-20240229235959"),
        ("DT", {"last": "7d"}, "20240303013015-20240310013015"),
        ("DT", {"last": "2h"}, "20240309233015-20240310013015"),
        ("DT", {"on": "yesterday"}, "20240309-20240309235959"),
        ("DT", {"on": "2024"}, "2024-20241231235959"),
        ("DT", {"on": "2024-01-01T08:30"}, "202401010830-20240101083059"),
        ("DT", {"on": "20240101083015"}, "20240101083015"),
    ],
)
def test_values(vr, members, value):
    assert asked(vr, **members) == (value,)


@pytest.mark.parametrize(
    "members", [{"last": "2h"}, {"from_": "now-2h", "to": "now"}, {"last": "23h"}, {"last": "1h59min60min"}]
)
def test_times_that_pass_midnight_are_two(members):
    evening, morning = asked("TM", **members)
    assert evening.endswith("-")
    assert morning == "-013015"
    assert evening[:6] > "013015"


@pytest.mark.parametrize(
    ("now", "last", "value"),
    [
        # at 03:00 summer time the clocks went back to 02:00
        ("2024-10-27T02:10:00+01:00", "30min", "20241027014000-20241027031000"),
        ("2024-10-27T02:10:00+01:00", "10min", "20241027020000-20241027021000"),
        ("2024-10-27T04:00:00+01:00", "2h", "20241027020000-20241027040000"),
        ("2024-10-27T04:00:00+01:00", "150min", "20241027013000-20241027040000"),
        ("2024-03-31T03:30:00+02:00", "1h", "20240331013000-20240331033000"),
    ],
)
def test_an_hour_that_comes_twice_is_wholly_asked_for(now, last, value):
    assert asked("DT", Clock.at(now).in_zone("Europe/Berlin"), last=last) == (value,)


@pytest.mark.parametrize(
    ("vr", "members", "said"),
    [
        ("DA", {"from_": "20240201", "to": "2024-01-31"}, "ends before it begins"),
        ("DA", {"from_": "today", "to": "yesterday"}, "ends before it begins"),
        ("DA", {"from_": "now", "to": "now-1min"}, "ends before it begins"),
        ("TM", {"from_": "22:00", "to": "06:00"}, "ends before it begins"),
        ("DT", {"from_": "2024-01-01T08:00+01:00", "to": "2024-01-01T06:59Z"}, "ends before it begins"),
        ("TM", {"last": "24h"}, "every time of day"),
        ("TM", {"last": "1d"}, "every time of day"),
        ("TM", {"from_": "now-23h", "to": "now+2h"}, "every time of day"),
        ("TM", {"from_": "today"}, "a whole day stands here"),
        ("DA", {"on": "today-7"}, "begins like one"),
        ("DA", {"on": "2024-02-30"}, "not taken for a date"),
        ("DA", {"on": "2024-01-01T08:30"}, "not taken for a date"),
        ("DA", {"from_": "20240101-20240131"}, "not taken for a date"),
        ("DA", {"on": "2024.01.01"}, "not taken for a date"),
        ("TM", {"on": "24:00"}, "not taken for a time"),
        ("TM", {"on": "8:30"}, "not taken for a time"),
        ("DT", {"on": "2024-01-01T08"}, "not taken for a date and time"),
        ("DT", {"on": "2024-13-01"}, "not taken for a date and time"),
        ("DA", {"last": "7"}, "no length of time"),
        ("DA", {"last": "-7d"}, "no length of time"),
        ("DA", {"last": "3000y"}, "outside of the years"),
    ],
)
def test_what_cannot_be_asked_for(vr, members, said):
    with pytest.raises(PeriodError, match=said):
        asked(vr, **members)


def load(tmp_path, queries):
    path = tmp_path / "job.yaml"
    head = "lint: {ignore: [key-not-in-worklist, empty-cell, dates-and-times]}\n"
    head += "version: 1\ntimezone: Europe/Berlin\npeers: {p: {host: localhost, port: 104}}\nqueries:\n"
    path.write_text(head + queries, encoding="utf-8")
    return load_job(path, clock=BERLIN)


def values_of(job):
    return [[element.value for element in request.identifier] for request in job.queries[0].requests]


def test_periods_of_rows(tmp_path):
    (tmp_path / "visits.csv").write_text("from,to,hours\n2024-01-01,20240131,1\n,today,2\n,,3\n")
    keys = "{StudyDate: {from: '${row.from}', to: '${row.to}'}, StudyTime: {last: '${row.hours}h'}}"
    job, problems = load(tmp_path, f"  q: {{model: worklist, foreach: {{csv: visits.csv}}, keys: {keys}}}\n")
    assert problems == []
    assert values_of(job) == [
        ["20240101-20240131", "003015-013015"],
        ["-20240310", "233015-"],
        ["-20240310", "-013015"],
        ["", "223015-"],
        ["", "-013015"],
    ]
    assert [request.source for request in job.queries[0].requests] == [
        "visits.csv:2",
        "visits.csv:3, StudyTime 1 of 2",
        "visits.csv:3, StudyTime 2 of 2",
        "visits.csv:4, StudyTime 1 of 2",
        "visits.csv:4, StudyTime 2 of 2",
    ]
    assert job.queries[0].operations_per_peer == 5


def test_a_night_is_written_as_two(tmp_path):
    keys = "{StudyTime: {any_of: [{from: 22:00}, {to: 06:00}]}, StudyDate: {on: yesterday}}"
    job, problems = load(tmp_path, f"  q: {{model: worklist, keys: {keys}}}\n")
    assert problems == []
    assert values_of(job) == [["20240309", "2200-"], ["20240309", "-0600"]]
