"""Whole runs against capped archives: nothing is lost where the verdict says so, and nothing comes twice."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.association.events import Accepted
from runner.dicom.decoding import Decoder
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import Matcher, attributes
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine import peer_worker
from runner.engine.result import Verdict
from runner.engine.run import run
from runner.jobfile.load import load_job
from runner.model import Job
from runner.status import FindOutcome, StatusDetail
from runner.transport.stop_signal import StopSignal

SYNTAX = TransferSyntax.EXPLICIT_LITTLE
DATES = ("20240101", "20240102", "20240131", "20240201", "")
TIMES = ("000000", "080000", "0800", "08", "080000.5", "120000", "120000.000000", "235959.999999", "")
JOB = """
version: 1
peers: {{main: {{host: pacs, port: 104, max_associations: {associations}{limit}}}}}
queries:
  studies:
    model: study-root
    level: STUDY
    keys: {{AccessionNumber: }}
    split: {{key: StudyDate, from: 2024-01-01, to: 2024-02-29{more}}}
sinks: [{{type: csv, path: studies.csv}}]
"""


@dataclass
class Capped:
    """A peer that gives no more than `cap` records at a time, and ends such an answer in its own way."""

    records: Sequence[Identifier]
    cap: int
    status: int
    alive = True
    accepted = Accepted({}, 16384)

    def open(self, *_: Any, **__: Any) -> Capped:
        return self

    def transfer_syntax(self, _: str) -> TransferSyntax:
        return SYNTAX

    def find(self, _: str, asked: bytes, deliver: Any, *__: Any) -> FindOutcome:
        keys = Decoder(SYNTAX).identifier(asked, walk(asked, SYNTAX, STANDARD))
        matcher = Matcher(keys)
        found = [record for record in self.records if matcher.matches(attributes(record))]
        given_ = found[: self.cap]
        if given_:
            deliver([encode(record, SYNTAX) for record in given_], 0xFF00)
        status = self.status if len(found) > self.cap else 0
        return FindOutcome(StatusDetail(status), len(given_), False, 0, ())

    def close(self) -> None:
        return None


def a_record(number: int, date: str, time: str) -> Identifier:
    return (
        Element(0x00080020, "DA", date),
        Element(0x00080030, "TM", time),
        Element(0x00080050, "SH", str(number)),
        Element(0x0020000D, "UI", f"1.2.{number}"),
    )


def loaded(folder: Path, **options: str) -> Job:
    path = folder / "job.yaml"
    path.write_text(JOB.format(**options))
    job, problems = load_job(path)
    assert job is not None, problems
    return job


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(DATES), st.sampled_from(TIMES)), max_size=40),
    st.integers(2, 9),
    st.sampled_from(["silent", "FE00", "A700", "B001"]),
    st.sampled_from(["", ", every: 10d", ", until: 1d", ", residue: true"]),
    st.integers(1, 3),
)
def test_no_run_loses_or_doubles_a_record(
    moments: list[tuple[str, str]], cap: int, kind: str, more: str, associations: int
) -> None:
    records = [a_record(number, *moment) for number, moment in enumerate(moments)]
    peer = Capped(records, cap, {"silent": 0}.get(kind) or int("0" + kind.replace("silent", ""), 16))
    limit = f", result_limit: {cap}" if kind == "silent" else ""
    wanted = {
        str(number)
        for number, (date, _) in enumerate(moments)
        if ("20240101" <= date <= "20240229") or (not date and "residue" in more)
    }
    with tempfile.TemporaryDirectory() as name, patch.object(peer_worker, "PeerConnection", peer):
        folder = Path(name)
        job = loaded(folder, limit=limit, more=more, associations=str(associations))
        result = run(job, output_dir=folder, stdout=io.BytesIO(), stop=StopSignal())
        assert result.error is None
        whole = folder / "studies.csv"
        partial = folder / "studies.csv.partial"
        path = whole if whole.exists() else partial
        text = path.read_text("utf-8") if path.exists() else ""
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        found = [row["AccessionNumber"] for row in rows]
        assert len(found) == len(set(found))
        assert set(found) <= wanted
        if result.verdict is Verdict.COMPLETE:
            assert set(found) == wanted
            assert whole.exists()
        else:
            assert int(result.exit_status) == 6
        if len(wanted) < cap and "every" not in more and "residue" not in more:
            assert result.verdict is Verdict.COMPLETE


WORKLIST = """
version: 1
peers: {{main: {{host: pacs, port: 104}}}}
queries:
  steps:
    model: worklist
    keys: {{ScheduledProcedureStepSequence: [{{ScheduledProcedureStepStartTime: 0000-2359}}]}}
    split: {{key: ScheduledProcedureStepStartDate, from: 2024-01-01, to: 2024-01-03{more}}}
sinks: [{{type: csv, path: steps.csv}}]
"""


def a_step(date: str, time: str) -> Identifier:
    item = (Element(0x00400002, "DA", date), Element(0x00400003, "TM", time))
    return (Element(0x00400100, "SQ", (item,)),)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(DATES[:2]), st.sampled_from(["0800", "1200", "120000"])), max_size=30),
    st.integers(2, 9),
    st.sampled_from(["", ", every: 1d"]),
)
def test_steps_that_look_the_same_are_as_many_as_there_are(
    moments: list[tuple[str, str]], cap: int, more: str
) -> None:
    """What is asked of a worklist need not tell its entries apart: parts overlap, and none is lost."""
    peer = Capped([a_step(*moment) for moment in moments], cap, 0xFE00)
    with tempfile.TemporaryDirectory() as name, patch.object(peer_worker, "PeerConnection", peer):
        folder = Path(name)
        path = folder / "job.yaml"
        path.write_text(WORKLIST.format(more=more))
        job, problems = load_job(path)
        assert job is not None, problems
        result = run(job, output_dir=folder, stdout=io.BytesIO(), stop=StopSignal())
        assert result.error is None
        assert result.ledger.delivered <= len(moments)
        if result.verdict is Verdict.COMPLETE:
            assert result.ledger.delivered == len(moments)
        if len(moments) <= cap:
            assert result.verdict is Verdict.COMPLETE
