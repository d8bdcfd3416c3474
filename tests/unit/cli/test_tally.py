"""How far a run is: counts of each peer, the speed lately, the time left; and the line that says so."""

from __future__ import annotations

import threading

import pytest

from runner.cli.progress_text import duration_text, progress_text
from runner.cli.tally import Snapshot, Tally
from runner.cli.ticking import Ticking
from runner.engine.result import OperationResult, Verdict
from runner.model import InformationModel, Job, Peer, Query, Request
from runner.plan import Operation, operations

JOB = Job(
    "night",
    (Peer("a", "pacs", 104), Peer("b", "pacs", 105), Peer("unused", "pacs", 106)),
    (Query("q", ("a", "b"), InformationModel.STUDY_ROOT, (Request(()),), repeat=4),),
)


class Far:
    """A run that is as far as the test says."""

    def __init__(self, planned: int | None = 4) -> None:
        self.responses = {"a": 0, "b": 0}
        self._planned = planned

    def planned(self, peer: str) -> int | None:
        return self._planned

    def received(self, peer: str) -> int:
        return self.responses[peer]


class Run:
    """A tally with a clock in hand."""

    def __init__(self, planned: int | None = 4) -> None:
        self.now = 100.0
        self.far = Far(planned)
        self.tally = Tally(lambda: self.now)
        self.tally.run_begun(JOB, self.far)
        self._operations = {peer: operations(JOB, peer) for peer in "ab"}

    def end(self, peer: str, verdict: Verdict = Verdict.COMPLETE) -> None:
        operation: Operation = next(self._operations[peer])
        self.tally.operation_finished(OperationResult(operation, verdict))

    def look(self, now: float) -> Snapshot:
        self.now = now
        snapshot = self.tally.snapshot()
        assert snapshot is not None
        return snapshot


def test_there_is_nothing_to_see_before_a_run() -> None:
    assert Tally().snapshot() is None


def test_operations_are_counted_for_each_peer_that_is_asked() -> None:
    run = Run()
    run.end("a")
    run.end("a", Verdict.FAILED)
    run.end("b", Verdict.UNKNOWN)
    run.end("b", Verdict.INCOMPLETE)
    seen = run.look(110)
    assert [(peer.name, peer.done, peer.failed, peer.doubtful, peer.left) for peer in seen.peers] == [
        ("a", 2, 1, 0, 2),
        ("b", 2, 0, 2, 2),
    ]
    assert (seen.done, seen.failed, seen.doubtful, seen.planned, seen.seconds) == (4, 1, 2, 8, 10)


def test_the_slowest_peer_says_when_the_run_ends() -> None:
    run = Run()
    for _ in range(3):
        run.end("a")
    assert run.look(109).seconds_left is None, "of b nothing is known yet"
    run.end("b")
    assert run.look(112).seconds_left == 36
    for _ in range(3):
        run.end("b")
    run.end("a")
    assert run.look(113).seconds_left == 0


def test_what_may_grow_has_no_end_in_sight() -> None:
    run = Run(planned=None)
    run.end("a")
    seen = run.look(101)
    assert (seen.planned, seen.seconds_left, seen.peers[0].left) == (None, None, None)
    assert progress_text(seen) == "night: 1 operation done, 0 responses (0 a second)"


def test_the_speed_is_that_of_the_last_seconds() -> None:
    run = Run()
    assert run.look(100).responses_per_second == 0
    for second in range(1, 21):
        run.far.responses["a"] += 10 if second <= 10 else 100
        seen = run.look(100 + second)
        assert len(run.tally._counts["a"].looks) <= 8
    assert seen.responses_per_second == 100
    assert seen.responses == 1100
    run.far.responses["b"] = 300
    assert run.look(150).responses_per_second == pytest.approx(10)  # since the look before


def test_a_line_says_it_all() -> None:
    run = Run()
    run.end("a")
    run.end("b", Verdict.FAILED)
    run.end("b", Verdict.UNKNOWN)
    run.far.responses["a"] = 45
    assert progress_text(run.look(110)) == (
        "night: 3 of 8 operations done, 1 failed, 1 incomplete, 45 responses (4.5 a second), about 30 s left"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (3661, "1 h 01 min"),
     (172800, "2 d 00 h")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_ticks_come_until_the_end() -> None:
    ticked = threading.Event()
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            ticked.set()

    with Ticking(tick, 0.001):
        assert ticked.wait(30)
    number = len(ticks)
    assert not [one for one in threading.enumerate() if one.name == "ticking"]
    assert len(ticks) == number


def test_a_short_run_is_not_looked_at() -> None:
    ticks: list[int] = []
    with Ticking(lambda: ticks.append(1), 0.001, first=3600):
        pass
    assert ticks == []


def test_a_defect_of_who_looks_on_is_told_and_harms_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Ticking(lambda: print(1 // 0), 0.001) as ticking:
        ticking._thread.join(30)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "ZeroDivisionError" in err
