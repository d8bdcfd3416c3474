"""Rows of a cohort: each comes out once, in its place, with what was found for it."""

from __future__ import annotations

import csv
import errno
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from peers.dataset_notation import write
from runner.dicom.identifier import Element
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import SinkError, UndecodableIdentifierError
from runner.model import CohortSink, InformationModel, InputRows, Job, Peer, Query, Request, UniqueKey
from runner.plan import operations
from runner.sinks.base import Batch, Find, Outcome, SinkState
from runner.sinks.cohort import CohortFileSink

SYNTAX = TransferSyntax.EXPLICIT_LITTLE
STUDY_UID, PATIENT_ID, DESCRIPTION = (0x0020000D,), (0x00100020,), (0x00081030,)
KEY = UniqueKey((STUDY_UID,))
TOLD = ["result", "matches", "peers", "reason"]


@dataclass(frozen=True)
class Rows:
    columns: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        for number, cells in enumerate(self.cells, 2):
            yield f"cohort.csv:{number}", cells


@dataclass(frozen=True)
class RowRequests:
    rows: InputRows

    def __iter__(self) -> Iterator[Request]:
        for number, (where, cells) in enumerate(self.rows, 1):
            yield Request((Element(0x00100020, "LO", cells[0]),), where, number)

    @property
    def size(self) -> int:
        return sum(1 for _ in self.rows)


class Cohort:
    """A sink of a job with some rows and peers."""

    def __init__(
        self,
        folder: Path,
        *rows: tuple[str, ...],
        columns: tuple[str, ...] = ("MRN", "Note"),
        peers: tuple[str, ...] = ("main",),
        key: UniqueKey = KEY,
        lists: bool = False,
    ) -> None:
        self.folder = folder
        declaration = CohortSink("result.csv", "studies", (STUDY_UID, DESCRIPTION), lists=lists)
        model = InformationModel.STUDY_ROOT
        requests = RowRequests(Rows(columns, rows))
        self.job = Job(
            "job",
            tuple(Peer(name, "host", 104) for name in peers),
            (Query("studies", peers, model, requests, record=key),),
            (declaration,),
        )
        self.peers = peers
        self.finds = {(one.row, one.peer.name): Find(one, SYNTAX) for one in operations(self.job)}
        self.sink = CohortFileSink(declaration, self.job, folder)

    def write(self, row: int, *found: tuple[str, str], peer: str = "main") -> None:
        data = [
            write(
                [
                    ["0008,0005", "CS", "ISO_IR 192"],
                    ["0008,1030", "LO", text],
                    ["0020,000D", "UI", uid or None],
                ],
                SYNTAX.uid,
            )
            for uid, text in found
        ]
        self.sink.write(Batch(self.finds[row, peer], 1, 0xFF00, data, {}))

    def judge(self, **broken: str) -> None:
        """Take outcomes; those of an operation such as main_2 are not whole for a reason."""
        self.sink.judge(
            Outcome("studies", peer, row, reason is None, reason or "")
            for row, peer in self.finds
            for reason in [broken.get(f"{peer}_{row}")]
        )

    def table(self, name: str = "result.csv") -> list[dict[str, str]]:
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def told(self, name: str = "result.csv") -> list[list[str]]:
        return [[row[column] for column in TOLD] for row in self.table(name)]


def whole(cohort: Cohort, **broken: str) -> Cohort:
    cohort.judge(**broken)
    assert cohort.sink.close(whole=True) is SinkState.COMMITTED
    return cohort


def test_rows_in_their_order_with_what_was_found(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", "x, y"), ("B", ""), ("C", 'say "ä"'))
    cohort.sink.open()
    cohort.write(3, ("1.1", "CT"), ("1.2", "MR"))
    cohort.write(1, ("1.3", "Schädel"))
    whole(cohort)
    assert (tmp_path / "result.csv").read_text("utf-8").splitlines() == [
        "MRN,Note,result,matches,peers,reason,StudyInstanceUID,StudyDescription",
        'A,"x, y",found,1,main,,1.3,Schädel',
        "B,,not found,0,,,,",
        'C,"say ""ä""",ambiguous,2,main,,1.1 | 1.2,CT | MR',
    ]
    assert cohort.sink.responses == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.csv"]


def test_a_value_that_all_matches_have_stands_once(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""))
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"), ("1.2", "CT"))
    (row,) = whole(cohort).table()
    assert (row["StudyInstanceUID"], row["StudyDescription"]) == ("1.1 | 1.2", "CT")


def test_of_many_matches_the_first_are_told(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""))
    cohort.sink.open()
    cohort.write(1, *((f"1.{number:02}", "CT") for number in range(25)))
    (row,) = whole(cohort).table()
    assert row["matches"] == "25"
    assert row["StudyInstanceUID"].split(" | ") == [f"1.{number:02}" for number in range(10)] + ["…"]


@pytest.mark.parametrize("reason", ["the connection was lost", "it is not known whether there are more"])
def test_a_failure_is_never_not_found(tmp_path: Path, reason: str) -> None:
    cohort = Cohort(tmp_path, ("A", ""), ("B", ""))
    cohort.sink.open()
    cohort.write(2, ("1.1", "CT"))
    assert whole(cohort, main_1=reason, main_2=reason).told() == [
        ["failed", "0", "", reason],
        ["failed", "1", "main", reason],
    ]


def test_a_row_is_found_if_any_peer_has_it(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""), ("B", ""), ("C", ""), ("D", ""), peers=("main", "other"))
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"), peer="other")
    cohort.write(1, ("1.1", "CT"), peer="main")
    cohort.write(2, ("1.2", "CT"), peer="other")
    cohort.write(3, ("1.3", "CT"), peer="main")
    cohort.write(3, ("1.4", "CT"), peer="other")
    assert whole(cohort, main_2="gone", other_4="gone").told() == [
        ["found", "1", "main | other", ""],
        ["found", "1", "other", "main: gone"],
        ["ambiguous", "2", "main | other", ""],
        ["failed", "0", "", "other: gone"],
    ]


def test_a_record_that_comes_again_counts_once_and_one_without_unique_key_each_time(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""), ("B", ""))
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"))
    cohort.write(1, ("1.1", "CT"))
    cohort.write(2, ("", "CT"), ("", "CT"))
    assert [row[:2] for row in whole(cohort).told()] == [["found", "1"], ["ambiguous", "2"]]


def test_without_a_unique_key_equal_identifiers_are_one_record(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""), key=UniqueKey())
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"), ("1.1", "CT"), ("1.1", "MR"))
    assert [row[:2] for row in whole(cohort).told()] == [["ambiguous", "2"]]


def test_the_same_row_twice_is_two_rows(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""), ("A", ""))
    cohort.sink.open()
    for row in (2, 1):
        cohort.write(row, ("1.1", "CT"))
    assert [row[:2] for row in whole(cohort).told()] == [["found", "1"], ["found", "1"]]


def test_names_that_the_input_has_get_another(tmp_path: Path) -> None:
    names = ("StudyInstanceUID", "result", "found.result")
    cohort = Cohort(tmp_path, ("1.1", "good", "x"), columns=names)
    cohort.sink.open()
    whole(cohort)
    assert (tmp_path / "result.csv").read_text("utf-8").splitlines()[0] == (
        "StudyInstanceUID,result,found.result,found.found.result,matches,peers,reason,"
        "found.StudyInstanceUID,StudyDescription"
    )


def test_the_four_lists_apart(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""), ("B", ""), ("C", ""), ("D", ""), lists=True)
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"))
    cohort.write(3, ("1.1", "CT"), ("1.2", "CT"))
    whole(cohort, main_4="gone")
    lists = {name: [row["MRN"] for row in cohort.table(f"result.{name}.csv")] for name in LISTS}
    assert lists == {"found": ["A"], "not-found": ["B"], "ambiguous": ["C"], "failed": ["D"]}
    assert [row["MRN"] for row in cohort.table()] == ["A", "B", "C", "D"]


LISTS = ("found", "not-found", "ambiguous", "failed")


def test_after_a_failed_run_all_is_partial(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""), ("B", ""), lists=True)
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"))
    cohort.judge(main_2="not asked")
    assert cohort.sink.close(whole=False) is SinkState.PARTIAL
    names = {f"result.{name}.csv.partial" for name in LISTS} | {"result.csv.partial"}
    names.add(Path(cohort.sink.place).name)  # what has arrived, for a run that goes on
    assert {path.name for path in tmp_path.iterdir()} == names
    assert cohort.sink.kept_in == str(tmp_path / "result.csv.partial")
    assert cohort.told("result.csv.partial") == [["found", "1", "main", ""], ["failed", "0", "", "not asked"]]


@pytest.mark.parametrize("found", [True, False])
def test_without_outcomes_what_has_arrived_is_left_for_a_run_to_go_on_with(
    tmp_path: Path, found: bool
) -> None:
    cohort = Cohort(tmp_path, ("A", ""), lists=True)
    cohort.sink.open()
    if found:
        cohort.write(1, ("1.1", "CT"))
    assert cohort.sink.close(whole=False) is (SinkState.PARTIAL if found else SinkState.NONE)
    assert [str(path) for path in tmp_path.iterdir()] == ([cohort.sink.place] if found else [])
    assert cohort.sink.kept_in == (cohort.sink.place if found else "")


def test_all_tables_get_their_names_or_none_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = Cohort(tmp_path, ("A", ""), lists=True)
    cohort.sink.open()
    cohort.write(1, ("1.1", "CT"))
    cohort.judge(main_1="")
    replace = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if target.name == "result.failed.csv":
            raise OSError(errno.EIO, "broken")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(SinkError, match=r"result\.failed\.csv: Input/output error"):
        cohort.sink.close(whole=True)
    names = {f"result.{name}.csv.partial" for name in LISTS} | {"result.csv.partial"}
    assert {path.name for path in tmp_path.iterdir()} == {*names, Path(cohort.sink.place).name}
    assert cohort.sink.kept_in == str(tmp_path / "result.csv.partial")


def test_a_row_that_nobody_tells_of_is_failed(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""))
    cohort.sink.open()
    cohort.sink.judge([])
    assert cohort.sink.close(whole=False) is SinkState.PARTIAL
    assert cohort.told("result.csv.partial") == [["failed", "0", "", "not asked"]]


def test_what_cannot_be_decoded_is_kept_and_no_match(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path, ("A", ""))
    cohort.sink.open()
    bad = {0: UndecodableIdentifierError("cut off", "")}
    cohort.sink.write(Batch(cohort.finds[1, "main"], 1, 0xFF00, [b"\1"], bad))
    whole(cohort, main_1="1 of 1 responses cannot be decoded")
    assert cohort.told() == [["failed", "0", "", "1 of 1 responses cannot be decoded"]]
    (kept,) = cohort.sink.undecodable_files
    assert Path(kept).read_bytes() == b"\1"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    cohort = Cohort(tmp_path / "missing", ("A", ""))
    with pytest.raises(SinkError, match="missing"):
        cohort.sink.open()
    assert cohort.sink.close(whole=False) is SinkState.NONE


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result.csv").mkdir()
    cohort = Cohort(tmp_path, ("A", ""))
    with pytest.raises(SinkError, match="no regular file"):
        cohort.sink.open()
    assert cohort.sink.close(whole=False) is SinkState.NONE
    assert [path.name for path in tmp_path.iterdir()] == ["result.csv"]


def test_an_output_that_cannot_be_finished_is_no_output(tmp_path: Path, monkeypatch: Any) -> None:
    cohort = Cohort(tmp_path, ("A", ""))
    cohort.sink.open()
    cohort.judge()
    next(tmp_path.glob(".*matches*")).unlink()
    with pytest.raises(SinkError, match="cannot read"):
        cohort.sink.close(whole=True)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        folder = tmp_path / str(rows)
        folder.mkdir()
        cohort = Cohort(folder, *((f"P{number}", "") for number in range(rows)))
        tracemalloc.start()
        try:
            cohort.sink.open()
            for row in range(1, rows + 1):
                cohort.write(row, (f"1.{row}", "CT"))
            whole(cohort)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is made once
    assert peak(4000) < peak(1000) + 200_000
