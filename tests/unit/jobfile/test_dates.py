"""Dates in references: words, arithmetic, forms, time zones, and the clock of a run."""

import json
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from runner.cli.arguments import given_clock
from runner.cli.job_files import valid_jobs
from runner.errors import UsageError
from runner.jobfile.clock import Clock, UnknownZoneError
from runner.jobfile.load import load_job
from runner.jobfile.moments import MomentError, form_for, formatted, moment

ROOT = Path(__file__).parents[3]

BERLIN = Clock.at("2024-03-10T14:30:15.25+01:00").in_zone("Europe/Berlin")


def written(text, clock=BERLIN, vr="", form=None):
    meant = moment(text, clock)
    assert meant is not None
    return formatted(meant, form_for(vr, meant) if form is None else form)


def load(tmp_path, text, clock=BERLIN):
    path = tmp_path / "job.yaml"
    path.write_text(text, encoding="utf-8")
    job, problems = load_job(path, clock=clock)
    return job, [str(problem).replace(str(path), "FILE") for problem in problems]


def job_with(keys, top="timezone: Europe/Berlin"):
    return (
        f"version: 1\n{top}\npeers: {{p: {{host: localhost, port: 104}}}}\n"
        f"queries: {{q: {{model: worklist, keys: {keys}}}}}\n"
        "lint: {ignore: [key-not-in-worklist, list-of-values, dates-and-times]}\n"
    )


def values_of(job):
    [request] = job.queries[0].requests
    return [element.value for element in request.identifier]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "20240310"),
        ("yesterday", "20240309"),
        ("today-7d", "20240303"),
        ("today+2w", "20240324"),
        ("today-1mo", "20240210"),
        ("today-10d-1mo", "20240129"),
        ("today-1y", "20230310"),
        ("today-1mo-2d", "20240208"),
        ("today+0d", "20240310"),
        ("yesterday-9d", "20240229"),
        ("yesterday-9d-1y", "20230228"),
        ("today+21d-1mo", "20240229"),
        ("today-2y+21d+1mo", "20220430"),
        ("now", "20240310T143015"),
        ("now-2h", "20240310T123015"),
        ("now-15h", "20240309T233015"),
        ("now+45min", "20240310T151515"),
        ("now-1mo-2h", "20240210T123015"),
        ("today-90min", "20240309T223000"),
    ],
)
def test_words_and_arithmetic(text, expected):
    assert written(text) == expected


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        # clocks go forward at 02:00 on 31 March, and back at 03:00 on 27 October
        ("2024-03-31T03:30:00+02:00", "now-1h", "20240331T013000+0100"),
        ("2024-03-31T12:00:00+02:00", "now-24h", "20240330T110000+0100"),
        ("2024-03-31T12:00:00+02:00", "now-1d", "20240330T120000+0100"),
        ("2024-03-30T02:30:00+01:00", "now+1d", "20240331T033000+0200"),
        ("2024-10-27T02:30:00+01:00", "now-1h", "20241027T023000+0200"),
        ("2024-10-27T02:30:00+01:00", "now+0d", "20241027T023000+0100"),
        ("2024-10-27T12:00:00+01:00", "now-1d", "20241026T120000+0200"),
        ("2024-10-27T12:00:00+01:00", "now-24h", "20241026T130000+0200"),
        ("2024-10-26T02:30:00+02:00", "now+1d", "20241027T023000+0200"),
        ("2024-10-27T12:00:00+01:00", "today+3h", "20241027T020000+0100"),
    ],
)
def test_changes_of_clocks(now, text, expected):
    assert written(text, Clock.at(now).in_zone("Europe/Berlin"), form="%Y%m%dT%H%M%S%z") == expected


def test_days_that_a_zone_skips_or_begins_late():
    samoa = Clock.at("2011-12-31T12:00:00+14:00").in_zone("Pacific/Apia")  # had no 30 December
    assert written("yesterday", samoa) == "20111230"
    cairo = Clock.at("2024-04-26T12:00:00+03:00").in_zone("Africa/Cairo")  # begins at 01:00
    assert written("today", cairo, form="%Y%m%d%H%M") == "202404260100"
    assert written("today", cairo) == "20240426"


def test_the_zone_decides_which_day_it_is():
    clock = Clock.at("2024-03-10T23:30:00Z")
    assert written("today", clock.in_zone("UTC")) == "20240310"
    assert written("today", clock.in_zone("Europe/Berlin")) == "20240311"
    assert written("today", clock.in_zone("America/New_York")) == "20240310"


def test_without_a_zone_the_machines_counts(monkeypatch):
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    try:
        clock = Clock.at("2024-03-10T12:00:00Z")
        assert written("now", clock, form="%H%M%z") == "0800-0400"
        assert written("now-1d", clock, form="%d%H%M%z") == "090800-0500"
        assert written("now-24h", clock, form="%d%H%M%z") == "090700-0500"
        assert written("today", clock, form="%d%H%M%z") == "100000-0500"
        before = Clock.at("2024-03-09T02:30:00-05:00")
        assert written("now+1d", before, form="%d%H%M%z") == "100330-0400"  # half past two is left out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_forms():
    assert written("now", vr="DA") == "20240310"
    assert written("now", vr="TM") == "143015"
    assert written("now", vr="DT") == "20240310143015"
    assert [written("today", vr=vr) for vr in ("DA", "DT", "LO", "")] == ["20240310"] * 4
    assert (
        written("today", form="%Y-%j %G-W%V-%u %y%% %H:%M:%S.%f") == "2024-070 2024-W10-7 24% 00:00:00.000000"
    )
    assert written("now", form="%H:%M:%S.%f %z") == "14:30:15.250000 +0100"
    early = Clock.at("0987-06-05T00:00:00Z").in_zone("UTC")
    assert written("today", early) == "09870605"
    with pytest.raises(MomentError):
        written("today", vr="TM")


def test_years_that_there_are():
    for text in ("today-3000y", "today+999999w", "now-999999999h", "now+999999999mo", "today-999999999d"):
        with pytest.raises(MomentError):
            moment(text, BERLIN)
    clock = Clock.at("9999-12-31T23:59:59Z")
    with pytest.raises(MomentError):
        moment("now", clock.in_zone("Europe/Berlin"))


@pytest.mark.parametrize("text", ["", "Today", "today-", "today-7", "today 7d", "today-7m", "now-1s"])
def test_what_is_no_date(text):
    assert moment(text, BERLIN) is None


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00.5+01:00", 500_000),
        ("1970-01-01 00:00-00:30", 1_800_000_000),
        ("1969-12-31t23:59:59.999999+0000", -1),
    ],
)
def test_the_clock_stands_where_it_is_put(text, microseconds):
    assert given_clock(text).instant == microseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2024-03-10", "2024-03-10T14:30", "2024-13-10T14:30:00Z"),
        *(
            "2024-02-30T00:00:00Z",
            "2024-03-10T24:30:00Z",
            "2024-03-10T14:30:00+24:00",
            "2024-03-10T14:30:00+01:75",
        ),
        "2024-03-10T14:30:00Z\n",
    ],
)
def test_now_is_a_time_with_an_offset(text):
    with pytest.raises(UsageError, match="--now wants"):
        given_clock(text)


def test_the_machines_clock_is_read_once_for_all():
    before = datetime.now(timezone.utc)
    clock = given_clock(None)
    assert before.timestamp() * 1e6 - 1 <= clock.instant <= datetime.now(timezone.utc).timestamp() * 1e6 + 1
    assert clock.in_zone("Asia/Tokyo").now() == clock.in_zone("UTC").now()


def test_all_jobs_of_a_command_line_see_the_same_moment(tmp_path, monkeypatch):
    midnights = iter(range(0, 10**18, 86_400 * 10**9))  # another day whenever the clock is read
    monkeypatch.setattr("runner.jobfile.clock.time.time_ns", lambda: next(midnights))
    paths = [tmp_path / name for name in ("a.yaml", "b.yaml")]
    for path in paths:
        keys = "{StudyDate: '${today}', SeriesDate: {last: 0d}}"
        path.write_text(job_with(keys, "timezone: UTC"), encoding="utf-8")
    first, second = valid_jobs(paths)
    day, of_period = values_of(first)
    assert of_period == f"{day}-{day}"
    assert values_of(second) == [day, of_period]


@pytest.mark.parametrize("name", ["Europe/Berln", "../passwd", "/etc/passwd", "Europe", "a\0b", "x" * 5000])
def test_unknown_zones(name):
    with pytest.raises(UnknownZoneError):
        BERLIN.in_zone(name)


def test_dates_in_keys_take_the_form_of_the_vr(tmp_path):
    keys = (
        "{StudyDate: '${now-7d}-${today}', StudyTime: '${now-1h}-', StudyID: '$${today}',"
        " AcquisitionDateTime: ['${today}', '${now}'], PatientID: '${today-1mo:%Y%m}*',"
        " '(0009,\"ACME\",01)': {vr: DT, value: '${now}'},"
        " RequestAttributesSequence: [{ScheduledProcedureStepStartTime: '${now}'}]}"
    )
    job, problems = load(tmp_path, job_with(keys))
    assert problems == []
    *flat, nested = values_of(job)
    assert flat == [
        "20240303-20240310",
        "20240310\\20240310143015",
        "133015-",
        "ACME",
        "20240310143015",
        "202402*",
        "${today}",
    ]
    assert nested[0][0].value == "143015"


def test_a_row_may_stand_beside_a_date(tmp_path):
    text = job_with("{StudyDate: '${row.A}-${today}', StudyTime: '${row.B}${now}'}").replace(
        "keys:", "foreach: {values: {A: ['20240101', '20240202'], B: ['', '${now:%H%M%S}-']}}, keys:"
    )
    job, problems = load(tmp_path, text)
    assert problems == []
    made = [[element.value for element in request.identifier] for request in job.queries[0].requests]
    assert made == [
        ["20240101-20240310", "143015"],
        ["20240101-20240310", "143015-143015"],
        ["20240202-20240310", "143015"],
        ["20240202-20240310", "143015-143015"],
    ]


def test_dates_of_variables_are_in_the_zone_of_the_job(tmp_path, monkeypatch):
    monkeypatch.setenv("CFIND_TEST_ZONE", "Pacific/Auckland")
    text = job_with(
        "{StudyDate: '${var:SINCE}-', StudyTime: '${var:AT}'}",
        "vars: {SINCE: '${today-7d}', AT: '${now:%H%M}'}\ntimezone: ${env:CFIND_TEST_ZONE}",
    )
    job, problems = load(tmp_path, text)
    assert (problems, values_of(job)) == ([], ["20240304-", "0230"])


def test_dates_outside_of_keys(tmp_path):
    text = job_with("{PatientID: x}", "name: '${today}'\ndescription: since ${yesterday:%d.%m.%Y}")
    job, problems = load(tmp_path, text + "sinks: [{type: csv, path: 'out-${now}.csv'}]\n")
    assert problems == []
    assert (job.name, job.description) == ("20240310", "since 09.03.2024")
    assert job.sinks[0].path.startswith("out-20240310T")


def test_the_time_is_not_one_of_a_day(tmp_path):
    assert load(tmp_path, job_with("{StudyTime: '${today}'}"))[1] == [
        "FILE:4:50: queries.q.keys.StudyTime: a whole day stands here for a time;"
        " write now, or a time such as 08:30"
    ]


def test_contents_of_a_file(tmp_path):
    (tmp_path / "id.txt").write_bytes(b"\xef\xbb\xbfA1${today}\r\n")
    (tmp_path / "host name").write_bytes(b"pacs\n")
    text = job_with("{PatientID: '${file:id.txt}', StudyID: '${var:V}'}", "vars: {V: '${file:./id.txt}'}")
    job, problems = load(tmp_path, text.replace("localhost", "'${file:host name}'"))
    assert (problems, values_of(job)) == ([], ["A1${today}", "A1${today}"])
    assert job.peers[0].host == "pacs"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "the file 'f.txt' is not there; name one, relative to this file"),
        (b"\xff", "the file 'f.txt' is not UTF-8; save it as UTF-8"),
        (b"x" * 65537, "the file 'f.txt' is longer than 65,536 bytes; a reference is for short texts"),
        (b"a\x1b[2J", "the file 'f.txt' holds the character U+001B; take it out"),
    ],
)
def test_files_that_are_not_taken(tmp_path, data, said):
    if data is not None:
        (tmp_path / "f.txt").write_bytes(data)
    assert load(tmp_path, job_with("{PatientID: '${file:f.txt}'}"))[1] == [
        f"FILE:4:50: queries.q.keys.PatientID: {said}"
    ]


def test_files_are_no_devices(tmp_path):
    for path in ("/dev/zero", "."):
        _, [problem] = load(tmp_path, job_with(f'{{PatientID: "${{file:{path}}}"}}'))
        assert "FILE:4:50: queries.q.keys.PatientID:" in problem


def test_all_commands_take_now(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(job_with("{StudyDate: '${today}'}"), encoding="utf-8")
    at = ("--now", "2001-02-03T04:05:06Z")
    done = subprocess.run(
        [sys.executable, "-m", "runner", "plan", "--format", "json", str(path), *at],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    [operation] = json.loads(done.stdout)["operations"]
    assert operation["identifier"]["00080020"]["Value"] == ["20010203"]
    for command in ("run", "validate", "plan", "echo"):
        done = subprocess.run(
            [sys.executable, "-m", "runner", command, str(path), "--now", "today"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 2
        assert "--now wants a time of ISO 8601" in done.stderr
