"""`cfind explain`: every attribute, rule and status says something, and nothing else does."""

from __future__ import annotations

import pytest

from runner.cli.exit_statuses import MEANINGS
from runner.cli.main import main
from runner.errors import ExitStatus
from runner.findscu.names import old_names
from runner.jobfile.lint.rules import RULES


def explained(word: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["explain", word]) == 0
    return capsys.readouterr().out


def lines(text: str, name: str) -> list[str]:
    """The lines of one part of an attribute's explanation."""
    begun, found = False, []
    for line in text.splitlines()[1:]:
        begun = line.startswith(f"  {name} ") or (begun and line.startswith(" " * 12))
        if begun:
            found.append(line[12:])
    return found


@pytest.mark.parametrize("word", ["PatientName", "00100010", "0010,0010", "(0010,0010)", "PatientsName"])
def test_an_attribute_by_each_of_its_names(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(word, capsys)
    assert text.startswith("PatientName (0010,0010)\n")
    assert lines(text, "VR") == ["PN, VM 1"]
    assert lines(text, "old name") == ["PatientsName (findscu 3.5.4)"]
    assert lines(text, "key") == [
        "patient-root PATIENT: required key",
        "study-root STUDY: required key",
        "patient-study-only PATIENT: required key",
        "worklist: required key",
    ]


def test_all_old_names_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    for name in old_names():
        assert name in explained(name, capsys) or name.startswith("RETIRED")


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        (
            "StudyInstanceUID",
            [
                "patient-root STUDY: unique key; a single value of it at SERIES and IMAGE",
                "study-root STUDY: unique key; a single value of it at SERIES and IMAGE",
                "patient-study-only STUDY: unique key",
                "worklist: optional key",
            ],
        ),
        (
            "PatientID",
            [
                "patient-root PATIENT: unique key; a single value of it at STUDY and SERIES and IMAGE",
                "study-root STUDY: required key",
                "patient-study-only PATIENT: unique key; a single value of it at STUDY",
                "worklist: required key",
            ],
        ),
        (
            "Modality",
            [
                "patient-root SERIES: required key",
                "study-root SERIES: required key",
                "worklist, within ScheduledProcedureStepSequence: required key",
            ],
        ),
        (
            "NumberOfStudyRelatedInstances",
            [
                "patient-root STUDY: optional key",
                "study-root STUDY: optional key",
                "patient-study-only STUDY: optional key",
                "computed by the archive: some return it and do not match by it",
            ],
        ),
        ("ScheduledStationName", ["worklist, within ScheduledProcedureStepSequence: optional key"]),
        ("SOPInstanceUID", ["patient-root IMAGE: unique key", "study-root IMAGE: unique key"]),
        (
            "FrameTime",
            [
                "patient-root IMAGE: optional key",
                "study-root IMAGE: optional key",
                "of the kinds of objects that have it; archives seldom match by it",
            ],
        ),
    ],
)
def test_where_an_attribute_is_a_key(word: str, keys: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(explained(word, capsys), "key") == keys


@pytest.mark.parametrize("word", ["QueryRetrieveLevel", "TransferSyntaxUID", "SpecificCharacterSet", "Item"])
def test_what_is_no_key(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(word, capsys)
    assert lines(text, "key")[0].startswith("no: ")
    assert lines(text, "matching") == []


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("StudyInstanceUID", "a list of values"),
        ("StudyDate", "a range"),
        ("StudyTime", "a range"),
        ("AcquisitionDateTime", "a range"),
        ("PatientName", "wildcards"),
        ("AccessionNumber", "wildcards"),
        ("RequestAttributesSequence", "a sequence"),
        ("PixelData", "no value can be matched"),
        ("SeriesNumber", "a single value; no wildcards"),
    ],
)
def test_how_a_vr_matches(word: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    *ways, empty = lines(explained(word, capsys), "matching")
    assert any(way.startswith(part) for way in ways)
    assert empty == "empty: matches everything, and is returned"


@pytest.mark.parametrize("rule", RULES)
def test_rules(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(rule, capsys)
    assert text.startswith(f"{rule} ({RULES[rule].severity.value}): {RULES[rule].summary}.\n")
    assert "```" not in text
    assert f"lint: {{ignore: [{rule}]}}" in text
    assert explained(rule.upper(), capsys) == text


def test_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert MEANINGS.keys() == set(ExitStatus)
    for status in ExitStatus:
        assert explained(str(int(status)), capsys).startswith(f"Exit status {int(status)}: ")


@pytest.mark.parametrize("word", ["0xA700", "A700", "a700H", "0xa700"])
def test_statuses_of_dicom(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert explained(word, capsys) == (
        "DICOM status 0xA700 (failure): refused: out of resources.\n\nNarrow the query or try again later.\n"
    )


def test_a_status_without_advice(capsys: pytest.CaptureFixture[str]) -> None:
    assert explained("0x0000", capsys) == "DICOM status 0x0000 (success): success.\n"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("PatientNam", "did you mean PatientName"),
        ("emptyquery", "did you mean empty-query?"),
        ("12", "cfind has no exit status 12; it has 0, 1, 2"),
        ("0009,1001", "is private"),
        ("0008,9999", "the dictionary has no attribute (0008,9999)"),
        ("!!", "name a keyword, a tag"),
        ("\x1b[2J", "\\x1b[2J"),
        ("", "nothing to explain"),
    ],
)
def test_what_is_not_known(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", word]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err
