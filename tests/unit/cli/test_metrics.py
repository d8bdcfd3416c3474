"""`--metrics`: a file that Prometheus's own parser reads, of the last run and the last that ended well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from runner.cli.main import main
from runner.cli.metrics import check_names, metrics_text, write_metrics
from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, PeerResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import ConnectError, UsageError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations


def _job(name: str, source: str = "") -> Job:
    peers = (Peer("main", "pacs", 104), Peer("other", "pacs", 105))
    query = Query("q", ("main", "other"), InformationModel.STUDY_ROOT, (Request(()),), repeat=2)
    return Job(name, peers, (query,), source=source)


def _result(name: str = "job", *, failing: bool = False, started: float = 1000.0) -> RunResult:
    job = _job(name)
    results = [
        OperationResult(operation, Verdict.COMPLETE, 0, 10 * operation.number, seconds=0.25)
        for operation in operations(job)
    ]
    if failing:
        results[3] = OperationResult(results[3].operation, Verdict.FAILED, error=ConnectError("no"))
    peers = (PeerResult("main"), PeerResult("other"))
    return RunResult(job, Ledger(results), (), 4, started=started, seconds=2.5, peers=peers)


def _read(text: str) -> dict[tuple[str, ...], float]:
    """The samples by their names and the values of their labels."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.name.startswith("cfind_")
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found
            found[key] = sample.value
    return found


def test_what_came_of_a_run() -> None:
    found = _read(metrics_text([_result(failing=True)], {}))
    assert found["cfind_operations", "job", "main", "complete"] == 2
    assert found["cfind_operations", "job", "other", "complete"] == 1
    assert found["cfind_operations", "job", "other", "failed"] == 1
    assert found["cfind_operations", "job", "main", "unknown"] == 0
    assert found["cfind_responses", "job", "main"] == 30
    assert found["cfind_operation_seconds", "job", "main"] == 0.5
    assert found["cfind_planned_operations", "job"] == 4
    assert found["cfind_run_seconds", "job"] == 2.5
    assert found["cfind_exit_status", "job"] == 4
    assert found["cfind_last_run_timestamp_seconds", "job"] == 1002.5
    assert ("cfind_last_success_timestamp_seconds", "job") not in found


def test_a_failure_keeps_when_it_last_went_well(tmp_path: Path) -> None:
    path = tmp_path / "cfind.prom"
    names = ("plain", 'with "quotes" and \\', "two\nlines")
    write_metrics(path, [_result(name, started=1_700_000_000.123) for name in names])
    for started in (1_800_000_000.0, 1_900_000_000.0):
        write_metrics(path, [_result(name, failing=True, started=started) for name in names])
        found = _read(path.read_text("utf-8"))
        for name in names:
            assert found["cfind_last_success_timestamp_seconds", name] == 1_700_000_002.623
            assert found["cfind_last_run_timestamp_seconds", name] == started + 2.5
    assert [one.name for one in tmp_path.iterdir()] == ["cfind.prom"]


def test_a_job_that_did_not_run_keeps_when_it_last_went_well(tmp_path: Path) -> None:
    path = tmp_path / "cfind.prom"
    names = ["a", 'with "quotes"', "never ran", "other"]
    write_metrics(path, [_result(name, started=1000.0) for name in names if name != "never ran"], names)
    jobs = names[:3]  # it is another command line's, by now
    for started in (2000.0, 3000.0):
        write_metrics(path, [_result("a", started=started)], jobs)
        found = _read(path.read_text("utf-8"))
        successes = {key[1]: value for key, value in found.items() if key[0].startswith("cfind_last_success")}
        assert successes == {"a": started + 2.5, 'with "quotes"': 1002.5}
        assert {key[1] for key in found} == {"a", 'with "quotes"'}


@pytest.mark.parametrize(
    "before", [b"", b"\xff\xfe", b'cfind_last_success_timestamp_seconds{job="job"} 1e+e\n', b"x" * 100_000]
)
def test_a_file_of_something_else_is_no_trouble(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "cfind.prom"
    path.write_bytes(before)
    write_metrics(path, [_result(failing=True)])
    assert ("cfind_last_success_timestamp_seconds", "job") not in _read(path.read_text("utf-8"))


def test_jobs_of_one_name_cannot_be_told_apart() -> None:
    check_names([_job("a", "a.yaml"), _job("b", "b.yaml")])
    with pytest.raises(UsageError, match=r"a\.yaml and b\.yaml both have the name job"):
        check_names([_job("job", "a.yaml"), _job("job", "b.yaml")])


def test_a_path_that_cannot_be_written_is_known_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.yaml"
    text = "peers: {p: {host: localhost, port: 1}}\nqueries: {q: {model: worklist, keys: {Modality: CT}}}\n"
    path.write_text(f"version: 1\n{text}", encoding="utf-8")
    arguments: list[Any] = ["run", str(path), "--output-dir", str(tmp_path), "--metrics"]
    assert main([*arguments, str(tmp_path / "missing" / "m.prom")]) == 8
    assert "m.prom" in capsys.readouterr().err
    assert main([*arguments, str(path)]) == 2
    assert "--metrics" in capsys.readouterr().err
