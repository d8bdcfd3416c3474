"""The files that say what came of runs: each is tried, and none that fails leaves anything of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.reports import ReportFiles, Reports
from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, PeerResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import SinkError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations
from runner.sinks.atomic_file import AtomicFile

NAMES = ["cfind.prom", "junit.xml", "report.json"]


def a_result() -> RunResult:
    query = Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(()),))
    job = Job("job", (Peer("main", "pacs", 104),), (query,))
    ledger = Ledger(OperationResult(operation, Verdict.COMPLETE, 0, 1) for operation in operations(job))
    return RunResult(job, ledger, (), 1, peers=(PeerResult("main"),))


def files_in(folder: Path) -> ReportFiles:
    return ReportFiles(folder / "report.json", folder / "junit.xml", folder / "cfind.prom")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_are_written_once(tmp_path: Path) -> None:
    reports = Reports(files_in(tmp_path), ["job"])
    reports.open()
    assert reports.report is None
    for _ in range(2):
        reports.write([a_result()])
    assert names(tmp_path) == NAMES
    assert reports.report == tmp_path / "report.json"


def test_where_nothing_ran_nothing_is_written(tmp_path: Path) -> None:
    reports = Reports(files_in(tmp_path), ["job"])
    reports.open()
    reports.write([])
    assert names(tmp_path) == []


@pytest.mark.parametrize("missing", ["report", "junit", "metrics"])
def test_a_path_that_cannot_be_written_leaves_nothing_of_the_others(tmp_path: Path, missing: str) -> None:
    files = files_in(tmp_path)
    object.__setattr__(files, missing, tmp_path / "missing" / "file")
    with pytest.raises(SinkError, match="missing/file: No such file or directory"):
        Reports(files, ["job"]).open()
    assert names(tmp_path) == []


@pytest.mark.parametrize("failing", [[name] for name in NAMES] + [NAMES])
def test_one_that_fails_keeps_no_other_from_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failing: list[str]
) -> None:
    write = AtomicFile.write

    def write_some(file: AtomicFile, data: bytes) -> None:
        for name in failing:
            if name in file.place:
                raise SinkError(f"there is no room for {name}")
        write(file, data)

    monkeypatch.setattr(AtomicFile, "write", write_some)
    reports = Reports(files_in(tmp_path), ["job"])
    reports.open()
    with pytest.raises(SinkError, match=f"no room for {failing[-1]}"):
        reports.write([a_result()])
    assert names(tmp_path) == [name for name in NAMES if name not in failing]
    told = capsys.readouterr().err
    assert [name for name in NAMES if f"no room for {name}" in told] == failing[:-1]


def test_a_defect_leaves_nothing_of_what_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("runner.report.report_text", defective)
    reports = Reports(files_in(tmp_path), ["job"])
    reports.open()
    with pytest.raises(ZeroDivisionError):
        reports.write([a_result()])
    assert names(tmp_path) == []
