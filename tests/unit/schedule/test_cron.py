from datetime import date

import pytest

from runner.schedule.cron import CronError, parse_cron

EVERY = tuple(range(60))


def test_five_fields():
    cron = parse_cron("0,30 8-18/2 1,15 */3 1-5")
    assert cron.minutes == (0, 30)
    assert cron.hours == (8, 10, 12, 14, 16, 18)
    assert cron.days == (1, 15)
    assert cron.months == (1, 4, 7, 10)
    assert cron.weekdays == (1, 2, 3, 4, 5)
    assert parse_cron("\t* * * *   * ").minutes == EVERY


@pytest.mark.parametrize(
    ("written", "weekdays"),
    [
        ("0", (0,)),
        ("7", (0,)),
        ("0,7", (0,)),
        ("5-7", (0, 5, 6)),
        ("fri-sun", (0, 5, 6)),
        ("0-7", (0, 1, 2, 3, 4, 5, 6)),
        ("*", (0, 1, 2, 3, 4, 5, 6)),
        ("*/2", (0, 2, 4, 6)),
        ("1-5/2", (1, 3, 5)),
        ("MON,Wed", (1, 3)),
    ],
)
def test_sunday_is_0_and_7_and_days_have_names(written, weekdays):
    assert parse_cron(f"0 0 * * {written}").weekdays == weekdays


def test_months_have_names():
    assert parse_cron("0 0 1 jan,MAR-may *").months == (1, 3, 4, 5)


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ],
)
def test_words(word, fields):
    assert parse_cron(word) == parse_cron(fields)


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ("0 0 13 * fri", [5, 12, 13, 19, 26]),  # either
        ("0 0 13 * *", [13]),
        ("0 0 * * fri", [5, 12, 19, 26]),
        ("0 0 */13 * fri", []),  # a field that begins with a star does not restrict by itself: both
        ("0 0 */2 * fri", [5, 19]),
        ("0 0 1-31/13 * fri", [1, 5, 12, 14, 19, 26, 27]),
        ("0 0 13 * */5", []),
        ("0 0 1 2 *", []),
    ],
)
def test_day_of_month_and_day_of_week_mean_either(fields, days):
    cron = parse_cron(fields)
    assert [day for day in range(1, 32) if cron.has(date(2024, 1, day))] == days


def test_numbers_may_begin_with_any_number_of_zeros():
    assert parse_cron("0000000005 00 */0000000002 * *") == parse_cron("5 0 */2 * *")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "here are 0"),
        ("0 2 * *", "here are 4"),
        ("0 0 2 * * *", "here are 6"),
        ("60 2 * * *", "the minute goes from 0 to 59"),
        ("0 24 * * *", "the hour goes from 0 to 23"),
        ("0 2 0 * *", "the day of the month goes from 1 to 31"),
        ("0 2 * 13 *", "the month goes from 1 to 12"),
        ("0 2 * * 8", "the day of the week goes from 0 to 7"),
        ("0 2 * * monday", "'monday' is no day of the week"),
        ("0 2 * mon *", "'mon' is no month"),
        ("0 2 * * MONDAY", "'MONDAY' is no day of the week"),
        ("0 2 * Monday-5 *", "'Monday' is no month"),
        ("0 2 * * \u017fun", "'\u017fun' is no day of the week"),
        ("0 0000000025 * * *", "the hour goes from 0 to 23"),
        ("0 2 * * mon#1", "'mon#1' is no day of the week"),
        ("0 2 L * *", "'L' is no day of the month"),
        ("0 2 ? * *", "'?' is no day of the month"),
        ("0 2 15W * *", "'15W' is no day of the month"),
        ("-1 2 * * *", "'-1' is no minute"),
        ("1,,2 2 * * *", "empty item in the field of the minute"),
        ("5/15 * * * *", "a step of the minute needs a range"),
        ("*/0 * * * *", "the step of the minute is zero"),
        ("*/90 * * * *", "the step of the minute is longer than 0 to 59"),
        ("30-10 * * * *", "the range of the minute runs backwards"),
        ("0 2 * * fri-mon", "the range of the day of the week runs backwards"),
        ("0 2 31 4,jun *", "no month that is meant has such a day"),
        ("0 2 30 2 *", "no month that is meant has such a day"),
        ("@reboot", "@reboot is no time"),
        ("@never", "cron has no such word"),
        ("٣ 2 * * *", "is no minute"),
        (f"{'9' * 5000} 2 * * *", "the minute goes from 0 to 59"),
    ],
)
def test_what_is_not_crons(text, what):
    with pytest.raises(CronError) as caught:
        parse_cron(text)
    said, advice = caught.value.args
    assert what in said
    assert advice
