"""What the words of a command line name, and which of it is compared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.comparison.inputs import chosen, side
from runner.errors import InvalidJobError
from unit.comparison.results import Values, compared, write_report, write_rsp

STUDY: Values = {"StudyInstanceUID": "1.1"}


def csv(path: Path, rows: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("StudyInstanceUID\n" + "".join(f"1.{row}\n" for row in range(rows)), "utf-8")
    return path


def sink(
    kind: str, path: Path, responses: int, state: str = "committed", **more: object
) -> dict[str, object]:
    return {"type": kind, "path": str(path), "state": state, "responses": responses, **more}


def test_dicom_files_come_before_csv_and_the_rest_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_rsp(tmp_path / name / "rsp", [STUDY])
        csv(tmp_path / name / "studies.csv")
    choice = chosen(side(str(tmp_path / "a")), side(str(tmp_path / "b")))
    assert [(one.kind, one.name, other.path) for one, other in choice.pairs] == [
        ("rsp", "rsp", tmp_path / "b" / "rsp")
    ]
    assert choice.left_out == (str(tmp_path / "a" / "studies.csv"), str(tmp_path / "b" / "studies.csv"))


def test_a_report_is_compared_by_what_the_other_side_is(tmp_path: Path) -> None:
    rsp, table = write_rsp(tmp_path / "a" / "rsp", [STUDY]), csv(tmp_path / "a" / "s.csv")
    report = write_report(tmp_path / "a" / "report.json", sink("csv", table, 1), sink("rsp", rsp, 1))
    for other, kind in ((csv(tmp_path / "b.csv"), "csv"), (write_rsp(tmp_path / "b", [STUDY]), "rsp")):
        [(one, _)] = chosen(side(str(report)), side(str(other))).pairs
        assert (one.kind, one.expected) == (kind, 1)


def test_several_outputs_are_paired_by_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        csv(tmp_path / name / "one.csv")
        csv(tmp_path / name / "two.csv")
    choice = chosen(side(str(tmp_path / "a")), side(str(tmp_path / "b")))
    assert [(one.path.name, other.path.name) for one, other in choice.pairs] == [
        ("one.csv", "one.csv"),
        ("two.csv", "two.csv"),
    ]
    (tmp_path / "b" / "two.csv").rename(tmp_path / "b" / "three.csv")
    with pytest.raises(InvalidJobError, match=r"two\.csv has none of that name on the other side"):
        chosen(side(str(tmp_path / "a")), side(str(tmp_path / "b")))


def test_a_report_that_was_moved_with_its_outputs(tmp_path: Path) -> None:
    csv(tmp_path / "moved" / "out" / "s.csv")
    report = write_report(tmp_path / "moved" / "r.json", sink("csv", Path("/gone/out/s.csv"), 1))
    [output] = side(str(report)).outputs
    assert output.path == tmp_path / "moved" / "out" / "s.csv"
    lost = write_report(tmp_path / "r.json", sink("csv", Path("/gone/out/s.csv"), 1))
    with pytest.raises(InvalidJobError, match=r"tells of /gone/out/s\.csv, which is not there"):
        side(str(lost))


def test_an_output_that_a_later_run_wrote_to(tmp_path: Path) -> None:
    a = write_report(tmp_path / "a.json", sink("rsp", write_rsp(tmp_path / "rsp", [STUDY] * 3), 2))
    b = write_report(tmp_path / "b.json", sink("rsp", write_rsp(tmp_path / "other", [STUDY] * 3), 3))
    with pytest.raises(InvalidJobError, match="tells of 2 responses in it, and it has 3 now"):
        compared(a, b)
    same = write_report(tmp_path / "same.json", sink("rsp", tmp_path / "rsp", 3))
    with pytest.raises(InvalidJobError, match="which only the later run's results can be in"):
        chosen(side(str(a)), side(str(same)))


def test_an_answer_that_is_not_complete_is_a_doubt(tmp_path: Path) -> None:
    kept = csv(tmp_path / "s.csv.partial")
    part = sink("csv", tmp_path / "s.csv", 1, "partial", kept_in=str(kept))
    report = side(str(write_report(tmp_path / "r.json", part, verdict="incomplete")))
    assert [output.path for output in report.outputs] == [kept]
    assert report.doubts == ("the job test is incomplete",)
    (tmp_path / "s.csv").write_text("x\n", "utf-8")
    write_rsp(tmp_path / "rsp" / "partial-1", [STUDY])
    (tmp_path / "rsp" / "rsp0001.bin").touch()
    folder = side(str(tmp_path))
    assert [output.name for output in folder.outputs] == ["s.csv"]
    assert len(folder.doubts) == 3


def test_a_run_that_found_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    differences, comparison = compared(tmp_path / "empty", write_rsp(tmp_path / "b", [STUDY]))
    assert len(differences) == comparison.counts.only_b == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "there is no such file or folder"),
        ("fifo", "no file that can be read twice"),
        ("useless", "the folder has neither DICOM files"),
        ("report.json", "this is no run report"),
        ("none.json", "the report tells of no output that can be compared"),
    ],
)
def test_what_cannot_be_compared(name: str, message: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "useless").mkdir()
    (tmp_path / "useless" / "notes.txt").touch()
    (tmp_path / "report.json").write_text('{"job": 1}', "utf-8")
    write_report(
        tmp_path / "none.json", {"type": "stdout", "path": None, "state": "committed", "responses": 1}
    )
    with pytest.raises(InvalidJobError) as caught:
        side(str(tmp_path / name))
    assert message in str(caught.value)


def test_dicom_is_not_compared_with_csv(tmp_path: Path) -> None:
    a, b = write_rsp(tmp_path / "a", [STUDY]), csv(tmp_path / "b.csv")
    with pytest.raises(InvalidJobError, match=r"has DICOM files, and .*b\.csv has CSV"):
        chosen(side(str(a)), side(str(b)))
