"""`--log json`: each event is one object a line, as the golden file has them, without what is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.cli import messages
from runner.cli.json_log import JsonLog
from runner.cli.main import main
from runner.cli.tally import Tally
from runner.cli.told import Told
from runner.dicom.identifier import Element
from runner.engine.ledger import Ledger
from runner.engine.result import OperationResult, SinkResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import ConnectError, DefectError, SinkError
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import operations
from runner.sinks.base import SinkState

GOLDEN = Path(__file__).parents[2] / "golden" / "json-log.jsonl"
ROOT = Path(__file__).parents[3]
REQUEST = Request((Element(0x00100010, "PN", "SECRET^PATIENT"),), "cohort.csv:2")
JOB = Job(
    "job",
    (Peer("main", "pacs", 104, ae_title="PACS"),),
    (Query("q", ("main",), InformationModel.STUDY_ROOT, (REQUEST,), repeat=3),),
    source="job.yaml",
)
OPERATIONS = tuple(operations(JOB))


@pytest.fixture(autouse=True)
def _plain_again() -> Iterator[None]:
    yield
    messages.speak_json(as_json=False)


class Far:
    def planned(self, peer: str) -> int:
        return 3

    def received(self, peer: str) -> int:
        return 25


def _log(told: Told) -> None:
    """Tell of a run in which something of everything happens."""
    teller, tally = JsonLog(told), Tally(lambda: 7.0)
    for observer in (teller, tally):
        observer.run_begun(JOB, Far())
    teller.association_opened(JOB.peers[0])
    results = [
        OperationResult(OPERATIONS[0], Verdict.COMPLETE, 0, 25, delivered=25, seconds=0.5),
        OperationResult(OPERATIONS[1], Verdict.COMPLETE, 0, warnings=("odd",)),
        OperationResult(OPERATIONS[2], Verdict.FAILED, error=ConnectError("no way", "look")),
    ]
    for result in results:
        teller.operation_started(result.operation)
        teller.operation_finished(result)
        tally.operation_finished(result)
    teller.warning("peer main", "the release went wrong")
    snapshot = tally.snapshot()
    assert snapshot is not None
    teller.progress(snapshot)
    sinks = (
        SinkResult("csv", "a.csv", SinkState.PARTIAL, 25, "a.csv.partial"),
        SinkResult("rsp", "rsp", SinkState.NONE, 0, error=SinkError("full", "free some")),
    )
    teller.summarize(RunResult(JOB, Ledger(results), sinks, 3, seconds=1.5))


def _events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_every_event_is_as_the_golden_file_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    _log(Told.SUMMARY)
    events = _events(capsys)
    for event in events:
        assert event.pop("time").endswith("Z")
    said = "".join(f"{json.dumps(event)}\n" for event in events)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(said, encoding="utf-8")
    assert said == GOLDEN.read_text(encoding="utf-8")
    assert "SECRET" not in said


def test_quiet_leaves_what_is_noteworthy(capsys: pytest.CaptureFixture[str]) -> None:
    _log(Told.WARNINGS)
    assert [(event["event"], event.get("number")) for event in _events(capsys)] == [
        ("operation_finished", 2),
        ("operation_finished", 3),
        ("warning", None),
        ("sink_closed", None),
        ("run_ended", None),
    ]


def test_debug_has_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    _log(Told.IDENTIFIERS)
    started = [event for event in _events(capsys) if event["event"] == "operation_started"]
    assert len(started) == 3
    assert all("SECRET^PATIENT" in "".join(event["identifier"]) for event in started)


def test_a_defect_is_told_in_whatever_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    messages.speak_json()
    JsonLog(Told.WARNINGS).summarize(RunResult(JOB, Ledger(), (), 0, error=DefectError(KeyError("SECRET"))))
    events = _events(capsys)
    assert [event["event"] for event in events] == ["run_ended", "message"]
    assert "this is a defect" in events[1]["text"]
    assert "SECRET" not in str(events)


def test_all_of_stderr_is_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text("version: 1\npeers: 5\n", encoding="utf-8")
    assert main(["run", str(path), "--log", "json"]) == 3
    events = _events(capsys)
    assert {event["event"] for event in events} == {"message"}
    assert "invalid, so nothing was sent" in events[-1]["text"]


def test_annotations_are_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "x.yaml", "--log", "json", "--annotations", "github"]) == 2
    assert "no JSON" in capsys.readouterr().err


def test_what_a_terminal_would_obey_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    JsonLog().warning("peer main", "\x1b[2J\x9b \u2028")
    line = capsys.readouterr().err.rstrip("\n")
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == "\x1b[2J\x9b \u2028"
