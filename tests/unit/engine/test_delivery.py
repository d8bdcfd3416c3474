"""Responses go into every sink that works; one that fails harms no other."""

from __future__ import annotations

from typing import Any

from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine.delivery import Delivery
from runner.errors import SinkError
from runner.model import InformationModel, Job, Peer, Query, Request, StdoutSink
from runner.plan import operations
from runner.sinks.base import Batch, Find, Passing, SinkState
from runner.status import StatusDetail

JOB = Job(
    name="job",
    peers=(Peer(name="main", host="pacs", port=104),),
    queries=(Query("studies", ("main",), InformationModel.STUDY_ROOT, (Request(()),)),),
)
FIND = Find(next(operations(JOB)), TransferSyntax.EXPLICIT_LITTLE)
BATCH = Batch(FIND, 1, 0xFF00, [b"one", b"two"], {})


class RecordingSink(Passing):
    """Notes what it is called with; fails in the method that it is told."""

    type = "recording"
    path = None
    kept_in = ""
    undecodable_files: tuple[str, ...] = ()

    def __init__(self, fails_in: str = "") -> None:
        self.fails_in = fails_in
        self.calls: list[tuple[str, Any]] = []
        self.responses = 0

    def _note(self, method: str, argument: Any) -> None:
        self.calls.append((method, argument))
        if method == self.fails_in:
            raise SinkError(f"{method} failed")

    def open(self) -> None:
        self._note("open", None)

    def write(self, batch: Batch) -> None:
        self._note("write", batch)
        self.responses += len(batch.identifiers)

    def finish(self, find: Find, detail: StatusDetail) -> None:
        self._note("finish", detail.status)

    def close(self, *, whole: bool) -> SinkState:
        self._note("close", whole)
        return SinkState.COMMITTED if whole else SinkState.PARTIAL


class Stop:
    def __init__(self) -> None:
        self.set_times = 0

    def set(self) -> None:
        self.set_times += 1


def delivered(*sinks: RecordingSink, whole: bool = True) -> tuple[Delivery, Stop, Any]:
    stop = Stop()
    delivery = Delivery([(StdoutSink(), sink) for sink in sinks], stop)  # type: ignore[arg-type]
    delivery.open()
    delivery.write(BATCH)
    delivery.finish(FIND, StatusDetail(0))
    return delivery, stop, delivery.close(whole=whole)


def test_a_sink_gets_everything_in_order_and_commits() -> None:
    sink = RecordingSink()
    delivery, stop, (result,) = delivered(sink)
    assert sink.calls == [("open", None), ("write", BATCH), ("finish", 0), ("close", True)]
    assert (result.state, result.responses, result.error) == (SinkState.COMMITTED, 2, None)
    assert (delivery.failed, stop.set_times) == (False, 0)


def test_a_failing_sink_is_left_alone_and_the_others_go_on() -> None:
    broken, sound = RecordingSink("write"), RecordingSink()
    delivery, stop, (broken_result, sound_result) = delivered(broken, sound)
    assert broken.calls == [("open", None), ("write", BATCH), ("close", False)]
    assert str(broken_result.error) == "write failed"
    assert broken_result.state is SinkState.PARTIAL
    assert sound_result.state is SinkState.COMMITTED
    assert (delivery.failed, stop.set_times) == (True, 0)


def test_a_run_for_no_sink_at_all_is_stopped() -> None:
    _, stop, _ = delivered(RecordingSink("write"), RecordingSink("write"))
    assert stop.set_times == 1


def test_what_cannot_be_opened_gets_no_responses() -> None:
    sink = RecordingSink("open")
    delivery, _, (result,) = delivered(sink)
    assert delivery.failed
    assert [call for call, _ in sink.calls] == ["open", "close"]
    assert result.error is not None


def test_a_sink_that_cannot_commit_says_so() -> None:
    sink = RecordingSink("close")
    _, _, (result,) = delivered(sink)
    assert str(result.error) == "close failed"
    assert result.state is SinkState.PARTIAL


def test_a_job_without_sinks_wants_no_batches() -> None:
    assert not Delivery([], Stop()).wanted  # type: ignore[arg-type]
    assert Delivery([(StdoutSink(), RecordingSink())], Stop()).wanted  # type: ignore[arg-type]
