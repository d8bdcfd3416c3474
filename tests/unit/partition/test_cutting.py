"""What is sent for parts, what they are called, and what they leave open."""

import pytest

from runner.dicom.identifier import Element, text_at
from runner.model import DateSplit, LetterSplit, ListSplit
from runner.partition.cutting import cut, first_parts, ignores, note
from runner.partition.experience import Experience

DATE, TIME, NAME = (0x00080020,), (0x00080030,), (0x00100010,)
HOUR, DAY = 3600, 86400
UNIVERSAL = (Element(0x00080020, "DA"), Element(0x0020000D, "UI"))


def open_gaps(parts_asked, parts_whole):
    """The gaps that parts leave, and none of those that came back whole closes."""
    closed = {gap for part in parts_whole for gap in part.closes}
    return tuple(dict.fromkeys(gap for part in parts_asked for gap in part.leaves if gap not in closed))


def only(split, identifier=UNIVERSAL):
    [part] = first_parts(split, identifier)
    return part


def labels(parts):
    return [part.label for part in parts]


def study(day, time=""):
    return (Element(0x00080020, "DA", day), Element(0x00080030, "TM", time))


def test_days_share_nothing_and_times_share_their_boundaries():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20240102")
    days = cut(split, only(split), Experience()).parts
    assert labels(days) == ["StudyDate 20240101", "StudyDate 20240102"]
    times = cut(split, days[0], Experience()).parts
    assert labels(times) == [
        "StudyDate 20240101, StudyTime -103000",
        "StudyDate 20240101, StudyTime 103000-150500",
        "StudyDate 20240101, StudyTime 150500-",
    ]
    assert [text_at(part.identifier, TIME) for part in times] == ["-103000", "103000-150500", "150500-"]
    assert {text_at(part.identifier, DATE) for part in times} == {"20240101"}


def test_a_day_that_is_cut_leaves_records_without_a_time():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20240101")
    day = only(split)
    assert day.leaves == ()
    parts = cut(split, day, Experience()).parts
    [gap] = open_gaps((day, *parts), parts)
    assert gap.records == "records of 20240101 without a legal StudyTime"


def test_times_that_the_question_asks_for_leave_nothing_and_keep_their_ends():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20240101")
    parts = cut(split, only(split, (*UNIVERSAL, Element(0x00080030, "TM", "08-1600"))), Experience()).parts
    assert text_at(parts[0].identifier, TIME).startswith("08-")
    assert text_at(parts[-1].identifier, TIME).endswith("-1600")
    assert open_gaps(parts, parts) == ()


def test_a_whole_answer_for_the_day_closes_its_gap():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20240101", every=12 * HOUR, residue=True)
    undated, day, *halves = first_parts(split, UNIVERSAL)
    assert labels([undated, day, *halves]) == [
        "with and without StudyDate",
        "StudyDate 20240101, with and without StudyTime",
        "StudyDate 20240101, StudyTime -120000",
        "StudyDate 20240101, StudyTime 120000-",
    ]
    assert undated.only_without == DATE
    asked = (undated, day, *halves)
    assert open_gaps(asked, asked) == ()
    assert [gap.records for gap in open_gaps(asked, (undated, *halves))] == list(
        {gap.records for gap in halves[0].leaves}
    )
    assert [gap.records for gap in open_gaps(asked, (day, *halves))] == ["records without StudyDate"]
    assert cut(split, undated, Experience()).parts == ()


def test_a_question_for_all_dates_leaves_records_without_one_when_cut():
    split = DateSplit(DATE, "StudyDate")
    whole = only(split)
    assert (whole.identifier, whole.label) == (UNIVERSAL, "whole")
    parts = cut(split, whole, Experience()).parts
    assert text_at(parts[0].identifier, DATE).startswith("-")
    assert text_at(parts[-1].identifier, DATE).endswith("-")
    assert [gap.records for gap in open_gaps(parts, parts)] == ["records without a legal StudyDate"]


@pytest.mark.parametrize(
    ("split", "identifier", "reason"),
    [
        (DateSplit((0x00100030,), "PatientBirthDate", "DA", "19500101", "19500101"), UNIVERSAL, "no time is"),
        (DateSplit(DATE, "StudyDate", "DA", "20240101", "20240130", until=30 * DAY), UNIVERSAL, "`until`"),
        (DateSplit(DATE, "StudyDate"), (Element(0x00080020, "DA", "20240101\\20240103"),), "no range"),
        (LetterSplit(NAME, "PatientName", "PN", "AB"), (Element(0x00100010, "PN", "DOE"),), "first letters"),
        (ListSplit((0x00080061,), "ModalitiesInStudy", "CS"), UNIVERSAL, "no values"),
    ],
)
def test_floors_say_why(split, identifier, reason):
    made = cut(split, only(split, identifier), Experience())
    assert made.parts == ()
    assert reason in made.reason


def test_letters_and_what_follows_them():
    split = LetterSplit(NAME, "PatientName", "PN", "AB")
    first = cut(split, only(split), Experience()).parts
    assert labels(first) == ["PatientName A*", "PatientName B*"]
    second = cut(split, first[0], Experience()).parts
    assert labels(second) == [f"PatientName {text}" for text in ("A", "AA*", "AB*", "A^*")]
    third = cut(split, second[1], Experience()).parts
    shown = ["A… (2 characters)", *["AA… (3 characters)*"] * 3]  # what is reported is no patient's name
    assert labels(third) == [f"PatientName {text}" for text in shown]
    assert [text_at(part.identifier, NAME) for part in third] == ["AA", "AAA*", "AAB*", "AA^*"]
    assert "begins with 'AA… (3 characters)'" in str(cut(split, third[1], Experience()).parts[0].leaves[-1])
    assert len(open_gaps((*first, *second), second)) == 2


def test_a_list_of_what_is_no_code_is_told_by_numbers():
    split = ListSplit((0x00100020,), "PatientID", "LO", ("P1", "P2"))
    made = cut(split, only(split), Experience())
    assert labels(made.parts) == ["PatientID value 1 of 2", "PatientID value 2 of 2"]
    assert made.parts[0].leaves[0].records == "records with no PatientID of the 2 that are listed"


def test_a_crowded_day_is_cut_out():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20240131")
    answer = [study("20240110")] * 9 + [study("20240120")]
    parts = cut(split, only(split), Experience(10), answer=answer).parts
    assert labels(parts) == [
        "StudyDate 20240101-20240109", "StudyDate 20240110", "StudyDate 20240111-20240131"
    ]  # fmt: skip


def test_a_peer_that_ignores_the_key_is_found_out_by_its_answers():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20240131")
    part = only(split)
    assert ignores(part, study("20240201"))
    assert not ignores(part, study("20240131"))
    assert not ignores(part, study(""))
    assert not ignores(part, study("soon"))
    made = cut(split, part, Experience(10), answer=[study("20240131"), study("20230101")])
    assert "does not match" in made.reason


def test_more_parts_where_more_is_known_to_be():
    split = DateSplit(DATE, "StudyDate", "DA", "20240101", "20241231")
    part = only(split)
    few, many = Experience(10), Experience(10)
    january = only(DateSplit(DATE, "StudyDate", "DA", "20240101", "20240110"))
    note(few, january, 1, capped=False)
    note(many, january, 9, capped=False)
    assert len(cut(split, part, few).parts) < len(cut(split, part, many).parts)
