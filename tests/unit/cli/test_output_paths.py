"""No file is written twice by one command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli.output_paths import check_outputs
from runner.cli.reports import ReportFiles
from runner.errors import UsageError
from runner.model import CsvSink, Job, RspSink, SinkDeclaration


def a_job(source: str, *sinks: SinkDeclaration) -> Job:
    return Job(name=Path(source).stem, peers=(), queries=(), sinks=sinks, source=source)


def test_different_files_and_shared_folders_are_fine(tmp_path: Path) -> None:
    jobs = [
        a_job("a.yaml", CsvSink("a.csv"), RspSink("rsp")),
        a_job("b.yaml", CsvSink("b.csv"), RspSink("rsp")),
    ]
    check_outputs(jobs, tmp_path, ReportFiles(tmp_path / "report.json"))


def test_two_jobs_with_the_same_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(tmp_path)
    jobs = [a_job("a.yaml", CsvSink("a.csv")), a_job("b.yaml", CsvSink("same/a.csv"))]
    with pytest.raises(UsageError, match=r"the jobs a\.yaml and b\.yaml both write same/a\.csv"):
        check_outputs(jobs, tmp_path, ReportFiles())


def test_the_report_does_not_take_the_place_of_a_result(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is the file that a sink of the job a writes"):
        check_outputs([a_job("a.yaml", CsvSink("a.csv"))], tmp_path, ReportFiles(tmp_path / "a.csv"))


def test_the_report_does_not_take_the_place_of_a_job(tmp_path: Path) -> None:
    source = str(tmp_path / "a.yaml")
    with pytest.raises(UsageError, match="is a job file"):
        check_outputs([a_job(source)], tmp_path, ReportFiles(Path(source)))


def test_nothing_takes_the_place_of_what_a_job_includes(tmp_path: Path) -> None:
    peers = tmp_path / "peers.yaml"
    job = replace(a_job(str(tmp_path / "a.yaml")), included=(str(peers),))
    with pytest.raises(UsageError, match=r"peers\.yaml is a file that the job a includes"):
        check_outputs([job], tmp_path, ReportFiles(peers))
    other = a_job("b.yaml", CsvSink("peers.yaml"))
    with pytest.raises(UsageError, match=r"of the job b writes peers\.yaml, which is a file that the job a"):
        check_outputs([other, job], tmp_path, ReportFiles())


def test_a_sink_does_not_take_the_place_of_a_job(tmp_path: Path) -> None:
    job = a_job(str(tmp_path / "a.yaml"), CsvSink("a.yaml"))
    with pytest.raises(UsageError, match=r"writes a\.yaml, which is a job file"):
        check_outputs([job], tmp_path, ReportFiles())


def test_a_device_may_be_written_by_all(tmp_path: Path) -> None:
    null = CsvSink("/dev/null")
    check_outputs([a_job("a.yaml", null), a_job("b.yaml", null)], tmp_path, ReportFiles(Path("/dev/null")))
