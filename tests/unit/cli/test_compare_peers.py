"""`cfind run --compare`: two jobs are made of one, and their answers compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.compare_peers import compare_results, jobs_of_peers
from runner.cli.main import main
from runner.engine.ledger import Ledger
from runner.engine.result import SinkResult
from runner.engine.run_result import RunResult
from runner.errors import ConnectError, ExitStatus, UsageError
from runner.model import CsvSink, InformationModel, Job, Peer, Query, RspSink
from runner.sinks.base import SinkState
from unit.comparison.results import Values, write_rsp

BELOW = Query("series", ("a",), InformationModel.STUDY_ROOT, ())
JOB = Job(
    name="test",
    peers=(Peer("a"), Peer("b"), Peer("../c")),
    queries=(Query("studies", ("a",), InformationModel.STUDY_ROOT, (), then=(BELOW,)),),
    sinks=(CsvSink("x.csv"),),
)


def test_all_queries_go_to_each_peer(tmp_path: Path) -> None:
    a, b = jobs_of_peers([JOB], ["a", "b"], tmp_path)
    assert [a.name, b.name] == ["test at a", "test at b"]
    assert [peer.name for peer in b.peers] == ["b"]
    assert [query.peers for query in b.queries[0].family] == [("b",), ("b",)]
    assert b.sinks == (RspSink("b"),)


@pytest.mark.parametrize(
    ("jobs", "names", "message"),
    [
        ([JOB, JOB], ["a", "b"], "--compare takes one job"),
        ([JOB], ["a", "a"], "two different peers; the job has a, b"),
        ([JOB], ["a", "d"], "the job test has no peer 'd' to compare; it has a, b"),
        ([JOB], ["a", "../c"], "'../c' cannot be the name of a folder"),
        ([JOB], ["b", "a"], "where the answers of the peer b go, is there already"),
    ],
)
def test_what_cannot_be_asked(jobs: list[Job], names: list[str], message: str, tmp_path: Path) -> None:
    write_rsp(tmp_path / "b", [{"PatientID": "P1"}])
    with pytest.raises(UsageError) as caught:
        jobs_of_peers(jobs, names, tmp_path)
    assert message in str(caught.value)


def result(folder: Path, responses: int = 1, *, failed: bool = False, kept_in: str = "") -> RunResult:
    sink = SinkResult("rsp", str(folder), SinkState.COMMITTED, responses, kept_in)
    error = ConnectError("refused") if failed else None
    return RunResult(JOB, Ledger(), (sink,), 0, error=error)


STUDY: Values = {"StudyInstanceUID": "1.1", "RetrieveAETitle": "A"}


def test_the_answers_of_two_peers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = result(write_rsp(tmp_path / "a", [STUDY]))
    b = result(write_rsp(tmp_path / "b", [{**STUDY, "RetrieveAETitle": "B"}]))
    assert compare_results([a, b], ["a", "b"]) is ExitStatus.SUCCESS
    out, err = capsys.readouterr()
    assert out == "no difference in 1 record\n"
    assert "not compared: RetrieveAETitle" in err
    assert "trusted" not in err
    c = result(write_rsp(tmp_path / "c", [{**STUDY, "StudyID": "7"}]))
    assert compare_results([a, c], ["a", "c"]) is ExitStatus.EXPECTATION
    assert capsys.readouterr().out.startswith("different: StudyInstanceUID 1.1\n  StudyID: (absent) -> 7\n")


def test_what_was_kept_of_an_answer_is_compared_and_doubted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = result(write_rsp(tmp_path / "a", [STUDY]))
    kept = write_rsp(tmp_path / "b" / "partial-1", [STUDY])
    b = result(tmp_path / "b", failed=True, kept_in=str(kept))
    assert compare_results([a, b], ["a", "b"]) is ExitStatus.SUCCESS  # the run's own status says the rest
    out, err = capsys.readouterr()
    assert out == "no difference in 1 record\n"
    assert "the answer of the peer b is failed, so this comparison cannot be trusted" in err


def test_without_answers_nothing_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = result(write_rsp(tmp_path / "a", [STUDY]))
    assert compare_results([a, result(tmp_path / "b", 0, failed=True)], ["a", "b"]) is ExitStatus.SUCCESS
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "cfind: not compared: there are no answers of the peer b\n"


def test_the_job_is_read_before_anything_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = {
        "version": 1,
        "peers": {name: {"host": "localhost", "port": 1} for name in ("a", "b")},
        "queries": {"q": {"peers": ["a", "b"], "model": "worklist", "keys": {"PatientID": "1"}}},
    }
    path = tmp_path / "job.yaml"
    path.write_text(json.dumps(job), "utf-8")
    assert main(["run", str(path), "--compare", "a", "c", "--output-dir", str(tmp_path)]) == 2
    assert "the job job has no peer 'c' to compare; it has a, b" in capsys.readouterr().err
    state = ["--state", str(tmp_path / "state")]
    assert main(["run", str(path), "--compare", "a", "b", "--output-dir", str(tmp_path), *state]) == 2
    assert "--state does not go with --compare" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]
