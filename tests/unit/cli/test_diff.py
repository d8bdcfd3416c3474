"""`cfind diff`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from runner.cli.main import main
from unit.comparison.results import write_report, write_rsp

A = "StudyInstanceUID,PatientName,Modality\n1.1,Doe^John,CT\n1.2,Roe^Jane,\n1.3,Same,MR\n"
B = "StudyInstanceUID,PatientName,Modality\n1.3,Same,MR\n1.1,Doe^John\x1b[2J,CT\n1.4,New,US\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text(A, "utf-8")
    Path("b.csv").write_text(B, "utf-8")


def test_equal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.csv", "a.csv"]) == 0
    out, err = capsys.readouterr()
    assert out == "no difference in 3 records\n"
    assert err == "cfind: A: a.csv: 3 records (CSV)\ncfind: B: a.csv: 3 records (CSV)\n"


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.csv", "b.csv"]) == 7
    out, err = capsys.readouterr()
    assert out == (
        "different: StudyInstanceUID 1.1\n"
        "  PatientName: Doe^John -> Doe^John\\x1b[2J\n"
        "only in A: StudyInstanceUID 1.2\n"
        "only in B: StudyInstanceUID 1.4\n"
        "1 only in A, 1 only in B, 1 different; 1 record alike\n"
    )
    assert "1.1" not in err
    assert "Doe" not in err


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.csv", "b.csv", "--format", "json"]) == 7
    document = json.loads(capsys.readouterr().out)
    assert document["different"] is True
    [comparison] = document["comparisons"]
    assert (comparison["a"], comparison["b"]) == ("a.csv", "b.csv")
    assert comparison["records"]["same"] == 1
    changed, only_a, only_b = comparison["differences"]
    assert changed == {
        "difference": "changed",
        "key": {"StudyInstanceUID": "1.1"},
        "records_with_key": {"a": 1, "b": 1},
        "attributes": [{"attribute": "PatientName", "a": "Doe^John", "b": "Doe^John\x1b[2J"}],
    }
    assert only_a["attributes"][1] == {"attribute": "PatientName", "a": "Roe^Jane", "b": None}
    assert only_b["records_with_key"] == {"a": 0, "b": 1}
    assert main(["diff", "a.csv", "a.csv", "--format", "json"]) == 0
    equal = json.loads(capsys.readouterr().out)
    assert (equal["different"], equal["comparisons"][0]["differences"]) == (False, [])


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.csv", "b.csv", "--format", "csv"]) == 7
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        ["output", "difference", "key", "attribute", "a", "b"],
        ["", "changed", "StudyInstanceUID=1.1", "PatientName", "Doe^John", "Doe^John\x1b[2J"],
        ["", "only-a", "StudyInstanceUID=1.2", "", "", ""],
        ["", "only-b", "StudyInstanceUID=1.4", "", "", ""],
    ]


def test_an_absent_attribute_is_told_from_an_empty_one(capsys: pytest.CaptureFixture[str]) -> None:
    write_rsp(Path("x"), [{"StudyInstanceUID": "1", "PatientSex": ""}])
    write_rsp(Path("y"), [{"StudyInstanceUID": "1"}])
    assert main(["diff", "x", "y"]) == 7
    assert "  PatientSex: (empty) -> (absent)\n" in capsys.readouterr().out
    assert main(["diff", "x", "y", "--format", "csv"]) == 7
    assert ",attribute-only-a,StudyInstanceUID=1,PatientSex,,\n" in capsys.readouterr().out
    assert main(["diff", "x", "y", "--format", "json"]) == 7
    assert '{"attribute": "PatientSex", "a": "", "b": null}' in capsys.readouterr().out
    assert main(["diff", "x", "y", "--ignore-empty"]) == 0


def test_names_are_keywords_tags_paths_or_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.csv").write_text(A.replace("Doe^John", "DOE^J").replace("Same", "same"), "utf-8")
    assert main(["diff", "a.csv", "b.csv", "--ignore", "(0010,0010),Modality"]) == 0
    assert main(["diff", "a.csv", "b.csv", "--ignore-case"]) == 7
    assert main(["diff", "a.csv", "b.csv", "--ignore-case-of", "PatientName", "--ignore-case"]) == 7
    capsys.readouterr()
    assert main(["diff", "a.csv", "b.csv", "--key", "PatientName", "--key", "StudyInstanceUID"]) == 7
    assert "only in A: PatientName Doe^John, StudyInstanceUID 1.1\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ignore", "PatientNam"], "did you mean PatientName?"),
        (["--key", "AccessionNumber"], "a.csv has no column 'AccessionNumber' to be a key"),
        (["--ignore", ","], "a name is missing"),
        (["--format", "xml"], "invalid choice"),
    ],
)
def test_wrong_command_lines(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a.csv", "b.csv", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_nothing_is_printed_of_what_cannot_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.csv").write_text(B + "1.5\n", "utf-8")
    assert main(["diff", "a.csv", "b.csv", "--format", "json"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "b.csv:5: the row has 1 cells" in err


@pytest.mark.parametrize(("verdict", "status"), [("complete", 0), ("unknown", 6), ("incomplete", 6)])
def test_equal_results_of_an_answer_that_may_not_be_all(
    verdict: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = {"type": "csv", "path": "a.csv", "state": "committed", "responses": 3}
    write_report(Path("r.json"), sink, verdict=verdict)
    assert main(["diff", "r.json", "a.csv"]) == status
    err = capsys.readouterr().err
    assert (
        f"warning: r.json: the job test is {verdict}, so this comparison cannot be trusted" in err
    ) is bool(status)
    assert main(["diff", "r.json", "b.csv"]) == 7


def test_several_outputs(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("x", "y"):
        Path(folder).mkdir()
        for name in ("one.csv", "two.csv"):
            Path(folder, name).write_text(A, "utf-8")
    Path("y/two.csv").write_text(A.replace("CT", "MR"), "utf-8")
    assert main(["diff", "x", "y"]) == 7
    assert capsys.readouterr().out == (
        "one.csv:\nno difference in 3 records\n"
        "two.csv:\ndifferent: StudyInstanceUID 1.1\n  Modality: CT -> MR\n1 different; 2 records alike\n"
    )
    assert main(["diff", "x", "y", "--format", "json"]) == 7
    outputs = [one["output"] for one in json.loads(capsys.readouterr().out)["comparisons"]]
    assert outputs == ["one.csv", "two.csv"]


def test_several_records_with_a_key_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.csv").write_text(A + "1.1,Doe^John,US\n1.1,Doe^John,XA\n", "utf-8")
    assert main(["diff", "a.csv", "b.csv"]) == 7
    out, err = capsys.readouterr()
    assert "only in B: StudyInstanceUID 1.1 (1 in A and 3 in B have this key)\n" in out
    assert "  Modality: XA\n" in out
    assert "warning: 1 key of several records each" in err


def test_records_without_a_key_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("c.csv").write_text("Ward\nW1\n", "utf-8")
    Path("d.csv").write_text("Ward\nW2\n", "utf-8")
    assert main(["diff", "c.csv", "d.csv"]) == 7
    out, err = capsys.readouterr()
    assert out.startswith("only in A: a record without a unique key\n  Ward: W1\n")
    assert "warning: 2 records without a unique key" in err


def test_no_room_for_the_index(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import sqlite3

    class Full(sqlite3.Connection):
        def executemany(self, *_: object) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("database or disk is full")

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **_: connect(path, factory=Full))
    assert main(["diff", "a.csv", "b.csv"]) == 8
    assert (
        "digests of the records cannot be kept in a temporary database: database or disk is full; free some"
        in capsys.readouterr().err
    )
