"""Operations that follow from others, over a connection that is scripted by what it is asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner.association.events import Accepted
from runner.dicom.decoding import Decoder
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, text_at
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine import peer_worker
from runner.engine.record import Record
from runner.engine.run import run
from runner.engine.run_result import RunResult
from runner.errors import ConnectionLostError, InterruptedRunError
from runner.jobfile.load import load_job
from runner.status import FindOutcome, StatusDetail
from runner.transport.stop_signal import StopSignal

SYNTAX = TransferSyntax.EXPLICIT_LITTLE
DATE, UID, SERIES = 0x00080020, 0x0020000D, 0x0020000E
#: What is answered: the UIDs of records, "" for one without, and the final status; or what is raised.
Answer = tuple[list[str], int] | Exception
Script = Callable[[str, str], Answer]


@dataclass
class Scripted:
    """Answers by StudyDate and StudyInstanceUID of the request."""

    script: Script
    stop: StopSignal = field(default_factory=StopSignal)
    asked: list[str] = field(default_factory=list)
    alive = True
    accepted = Accepted({}, 16384)

    def open(self, *_: Any, **__: Any) -> Scripted:
        return self

    def transfer_syntax(self, _: str) -> TransferSyntax:
        return SYNTAX

    def find(self, _: str, asked: bytes, deliver: Any, *__: Any) -> FindOutcome:
        keys = Decoder(SYNTAX).identifier(asked, walk(asked, SYNTAX, STANDARD))
        date, uid = text_at(keys, (DATE,)), text_at(keys, (UID,))
        self.asked.append(date or uid)
        answer = self.script(date, uid)
        if isinstance(answer, Exception):
            raise answer
        found, status = answer
        if found:
            deliver([a_record(one) for one in found], 0xFF00)
        return FindOutcome(StatusDetail(status), len(found), False, 0, ())

    def close(self) -> None:
        return None


def a_record(uid: str) -> bytes:
    if uid == "BROKEN":
        return b"\x20\x00\x0d\x00UI\xff"
    date, _, rest = uid.partition(":")
    elements = [Element(DATE, "DA", date)] if rest else []
    return encode((*elements, Element(UID, "UI", rest or uid)), SYNTAX)


SPLIT = """
    keys: {AccessionNumber: }
    split: {key: StudyDate, from: 2024-01-01, to: 2024-01-04, until: 1d}
"""
THEN = """
    keys: {StudyDate: "20240101"}
    then:
      series: {level: SERIES, keys: {Modality: }}
"""


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[RunResult, list[Record]]]:
    def start(peer: Scripted, query: str, **options: Any) -> tuple[RunResult, list[Record]]:
        monkeypatch.setattr(peer_worker, "PeerConnection", peer)
        path = tmp_path / "job.yaml"
        path.write_text(
            "version: 1\npeers: {main: {host: pacs, port: 104}}\nqueries:\n  studies:\n"
            f"    model: study-root\n    level: STUDY{query}\nsinks:\n"
            "  - {type: csv, path: a.csv, columns: [StudyInstanceUID]}\n"
        )
        job, problems = load_job(path)
        assert job is not None, problems
        result = run(job, output_dir=tmp_path, stdout=io.BytesIO(), stop=peer.stop, **options)
        assert result.error is None
        return result, list(result.ledger.records())

    return start


Running = Callable[..., tuple[RunResult, list[Record]]]
WHOLE = "20240101-20240104"


def days(date: str) -> Iterator[int]:
    first, _, last = date.partition("-")
    return iter(range(int(first), int(last or first) + 1))


def test_too_much_for_the_peer_is_asked_in_parts(running: Running) -> None:
    """0xA700 without any response is a failure, but for a query that can be split."""

    def script(date: str, _: str) -> Answer:
        return ([], 0xA700) if date == WHOLE else ([f"{day}:1.{day}" for day in days(date)], 0)

    peer = Scripted(script)
    result, records = running(peer, SPLIT)
    assert (result.verdict.value, result.exit_status, result.ledger.delivered) == ("complete", 0, 4)
    assert records[0]["cap"] == "0xA700"
    assert sorted(day for asked in peer.asked[1:] for day in days(asked)) == list(range(20240101, 20240105))


def test_what_cannot_be_read_fails_the_question_though_its_parts_are_whole(running: Running) -> None:
    def script(date: str, _: str) -> Answer:
        return (["20240101:1.1", "BROKEN"], 0xFE00) if date == WHOLE else ([], 0)

    result, records = running(Scripted(script), SPLIT)
    assert (records[0]["verdict"], result.exit_status) == ("failed", 5)
    assert "cannot be decoded" in records[0]["error"]["message"]


def test_a_part_that_fails_makes_the_question_fail(running: Running) -> None:
    def script(date: str, _: str) -> Answer:
        if date == WHOLE:
            return ["20240101:1.1"], 0xFE00
        return ConnectionLostError("lost") if date.endswith("20240104") else ([], 0)

    result, records = running(Scripted(script), SPLIT)
    assert (records[0]["verdict"], result.exit_status) == ("failed", 5)
    assert "1 of the" in records[0]["error"]["message"]


def test_a_peer_that_ignores_what_splits_is_found_out(running: Running) -> None:
    """It answers each part with the same ten of other days: cutting further would never end."""
    peer = Scripted(lambda *_: ([f"20200101:1.{number}" for number in range(10)], 0xFE00))
    result, records = running(peer, SPLIT)
    assert (result.verdict.value, result.exit_status) == ("incomplete", 6)
    assert len(peer.asked) < 10
    assert any(
        "does not match what splits the query" in (one["error"] or {}).get("message", "") for one in records
    )


def test_the_floor_says_which_part_it_is(running: Running) -> None:
    def script(date: str, _: str) -> Answer:
        return ([f"{day}:1.{day}" for day in days(date)], 0xFE00 if 20240103 in days(date) else 0)

    result, records = running(Scripted(script), SPLIT)
    assert (result.verdict.value, result.exit_status) == ("incomplete", 6)
    floor = [one for one in records if one["cap"] and not one["parts"]]
    assert [one["part"] for one in floor] == ["StudyDate 20240103"]
    assert "StudyDate 20240103: the peer ended" in floor[0]["error"]["message"]


def test_a_run_that_is_ended_says_what_it_did_not_ask(running: Running) -> None:
    peer = Scripted(lambda *_: ([], 0))

    def script(date: str, _: str) -> Answer:
        if date == WHOLE:
            return ["20240101:1.1"], 0xFE00
        peer.stop.set()
        return InterruptedRunError("interrupted")

    peer.script = script
    result, records = running(peer, SPLIT)
    assert result.verdict.value == "incomplete"
    assert records[0]["verdict"] == "incomplete"
    assert "before all of its parts" in records[0]["error"]["message"]
    assert result.ledger.operations == result.planned


def test_each_record_is_asked_about_once(running: Running) -> None:
    def script(date: str, uid: str) -> Answer:
        return (["1.1", "1.2", "1.1"], 0) if date else ([uid], 0)

    peer = Scripted(script)
    result, records = running(peer, THEN)
    assert (peer.asked, result.exit_status) == (["20240101", "1.1", "1.2"], 0)
    assert [(one["query"], one["parent"]) for one in records] == [
        ("studies", None),
        ("series", 1),
        ("series", 1),
    ]
    assert result.planned == 3


def test_a_record_without_its_unique_key_is_said(running: Running) -> None:
    def script(date: str, uid: str) -> Answer:
        return (["1.1", ""], 0) if date else ([uid], 0)

    result, records = running(Scripted(script), THEN)
    assert (records[0]["verdict"], result.exit_status) == ("incomplete", 6)
    assert "1 of the records lack a unique key" in records[0]["error"]["message"]
    assert len(records) == 2


def test_records_that_no_part_finds_again_are_told(running: Running) -> None:
    """The peer takes the last day of a range for its first moment, say, and loses records by cutting."""

    def script(date: str, _: str) -> Answer:
        if date == WHOLE:
            return [f"2024010{day}:1.{day}" for day in (1, 2, 4)], 0xFE00
        return [f"{day}:1.{day % 10}" for day in days(date) if day % 10 in (1, 4)], 0

    result, records = running(Scripted(script), SPLIT)
    assert (result.verdict.value, result.exit_status, result.ledger.delivered) == ("unknown", 6, 3)
    assert records[0]["verdict"] == "unknown"
    assert (
        "1 records came in answers that were cut off, and in none of their parts"
        in (records[0]["error"]["message"])
    )


def test_records_that_cannot_be_told_apart_may_come_twice(running: Running) -> None:
    def script(date: str, _: str) -> Answer:
        found = ["20240101: "] if 20240101 in days(date) else []
        return found, (0xFE00 if date == WHOLE else 0)

    result, records = running(Scripted(script), SPLIT)
    assert (result.verdict.value, result.exit_status) == ("unknown", 6)
    assert "2 responses lack what tells records apart" in records[0]["error"]["message"]


OTHER = """
  series: {model: study-root, level: SERIES, keys: {StudyInstanceUID: "9"}}
"""
BEFORE = """
    keys: {StudyInstanceUID: "8"}
"""


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (SPLIT + OTHER, "studies"),
        (f"{BEFORE}{OTHER}  last:\n    model: study-root\n    level: STUDY{SPLIT}", "last"),
    ],
    ids=["it tells later", "it has told before"],
)
def test_a_peer_that_tells_of_one_kind_of_answers_may_not_tell_of_another(
    running: Running, query: str, name: str
) -> None:
    """It says that it cuts series off, which shows nothing of studies: those it cuts off without a word."""

    def script(date: str, uid: str) -> Answer:
        if uid:
            return (["1.1", "1.2"], 0xFE00) if uid == "9" else ([], 0)
        return ["20240101:1.1", "20240101:1.2"] if 20240101 in days(date) else [], 0

    result, records = running(Scripted(script), query)
    of_split = [one for one in records if one["query"] == name]
    assert "incomplete" in {one["verdict"] for one in of_split}
    assert {one["cap"] for one in of_split} == {"same-count", None} or len(of_split) == 1
    assert int(result.exit_status) == 6


def test_a_day_that_is_refused_at_every_time_is_given_up(running: Running) -> None:
    """It says no more than 0xA700, so that nothing but the number of refusals shows that it ignores times."""
    peer = Scripted(lambda date, _: ([], 0xA700 if 20240101 in days(date) else 0))
    result, records = running(peer, SPLIT.replace(", until: 1d", ""))
    assert (result.verdict.value, int(result.exit_status)) == ("failed", 5)
    assert len(peer.asked) < 1000
    assert any("part after part hit a cap" in one["error"]["message"] for one in records if one["error"])
