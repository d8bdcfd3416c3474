"""A batch takes no more memory the longer it gets."""

from __future__ import annotations

import gc
import io
import tracemalloc
from pathlib import Path

import pytest

from runner.cli.watching import Told, Watcher
from runner.engine import peer_worker
from runner.engine.run import run
from runner.errors import ConnectionLostError
from runner.jobfile.load import load_job
from runner.status import FindOutcome, StatusDetail
from runner.transport.stop_signal import StopSignal
from unit.engine.test_runs import Connection, Peers, identifier_of

#: The ledger has moved to the disk by then, and whatever is remembered up to a limit has reached it.
SETTLED, LAST = 2500, 5500
#: How many bytes an operation may leave behind: not even a reference in a list.
LEFT = 8

JOB = """
version: 1
peers:
  main: {host: pacs, port: 104, rate: 100000, retries: {backoff: 0}, window: {to: "24:00"}}
queries:
  studies:
    model: study-root
    level: STUDY
    foreach: {csv: rows.csv}
    keys: {AccessionNumber: "${row.Number}", PatientID: , StudyInstanceUID: }
    expect: {each: {max: 5}}
sinks:
  - {type: csv, path: studies.csv}
"""


def test_what_an_operation_took_is_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hundredth of them loses the connection and is tried again."""
    (tmp_path / "job.yaml").write_text(JOB, "utf-8")
    with (tmp_path / "rows.csv").open("w", encoding="utf-8") as rows:
        rows.write("Number\n")
        rows.writelines(f"A{number:07}\n" for number in range(LAST))
    job, problems = load_job(tmp_path / "job.yaml")
    assert job is not None, problems
    taken: dict[int, int] = {}
    asked = 0

    def script(connection: Connection) -> FindOutcome:
        nonlocal asked
        asked += 1
        del peers.opened[:-2]  # which the run has forgotten
        if asked in (SETTLED, LAST):
            gc.collect()
            taken[asked] = tracemalloc.get_traced_memory()[0]
        connection.deliver([identifier_of("1")], 0xFF00)
        if asked % 100 == 0:
            connection.alive = False
            raise ConnectionLostError("lost")
        return FindOutcome(StatusDetail(0), 1, False, 0, ())

    peers = Peers(script)
    monkeypatch.setattr(peer_worker, "PeerConnection", peers)
    tracemalloc.start(1)
    try:
        result = run(
            job,
            output_dir=tmp_path,
            stdout=io.BytesIO(),
            stop=StopSignal(),
            observer=Watcher(Told.NOTHING),
        )
    finally:
        tracemalloc.stop()
    assert (result.exit_status, result.ledger.operations, result.responses) == (0, LAST, LAST)
    # the batch of records that goes to the disk next is longer or shorter at these moments
    batch = 60_000
    assert taken[LAST] - taken[SETTLED] < LEFT * (LAST - SETTLED) + batch
