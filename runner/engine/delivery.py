"""The way of responses into the sinks: one at a time, and a sink that fails harms no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from runner.engine.result import SinkResult
from runner.errors import CfindError, DefectError, SinkError
from runner.model import SinkDeclaration
from runner.sinks.base import Batch, Find, Outcome, Sink, SinkState, TakesOutcomes
from runner.status import StatusDetail
from runner.transport.stop_signal import StopSignal


@dataclass(slots=True)
class _Outlet:
    sink: Sink
    queries: frozenset[str]
    error: CfindError | None = None

    def takes(self, find: Find) -> bool:
        """Whether the sink is for what the C-FIND's query finds."""
        return not self.queries or find.operation.query.name in self.queries


class Delivery:
    """Hands batches to all sinks that still work.

    A run whose sinks have all failed goes on for nobody: it is stopped.
    """

    def __init__(self, sinks: Sequence[tuple[SinkDeclaration, Sink]], stop: StopSignal) -> None:
        self._outlets = [_Outlet(sink, frozenset(declaration.queries)) for declaration, sink in sinks]
        self._stop = stop
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open every sink, so that what cannot be written is known before any association."""
        for outlet in self._outlets:
            try:
                outlet.sink.open()
            except SinkError as error:  # noqa: PERF203 - a few sinks, once
                outlet.error = error

    @property
    def wanted(self) -> bool:
        """Whether there is any sink at all."""
        return bool(self._outlets)

    @property
    def failed(self) -> bool:
        """Whether a sink has failed."""
        return any(outlet.error is not None for outlet in self._outlets)

    @property
    def vain(self) -> bool:
        """Whether there are sinks, and all have failed."""
        return self.wanted and all(outlet.error is not None for outlet in self._outlets)

    def write(self, batch: Batch) -> None:
        """Hand a batch to every sink that works and takes what its query finds."""
        with self._lock:
            for outlet in self._outlets:
                if outlet.error is None and outlet.takes(batch.find):
                    try:
                        outlet.sink.write(batch)
                    except SinkError as error:
                        self._fail(outlet, error)

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Tell those sinks of a final response."""
        with self._lock:
            for outlet in self._outlets:
                if outlet.error is None and outlet.takes(find):
                    try:
                        outlet.sink.finish(find, detail)
                    except SinkError as error:
                        self._fail(outlet, error)

    def _fail(self, outlet: _Outlet, error: SinkError) -> None:
        outlet.error = error
        if self.vain:
            self._stop.set()

    def judge(self, outcomes: Callable[[], Iterable[Outcome]]) -> None:
        """Tell those sinks that want to know what came of the plan's operations; right before `close`.

        Args:
            outcomes: makes them anew for each sink.
        """
        for outlet in self._outlets:
            sink = outlet.sink
            if outlet.error is None and isinstance(sink, TakesOutcomes):
                try:
                    sink.judge(one for one in outcomes() if one.query in outlet.queries or not outlet.queries)
                except SinkError as error:
                    outlet.error = error

    def close(self, *, whole: bool) -> tuple[SinkResult, ...]:
        """Commit the sinks if `whole`, else keep what they have as partial; say what became of each."""
        return tuple(self._close(outlet, whole=whole) for outlet in self._outlets)

    @staticmethod
    def _close(outlet: _Outlet, *, whole: bool) -> SinkResult:
        sink = outlet.sink
        error = outlet.error
        try:
            state = sink.close(whole=whole and error is None)
        except SinkError as closing:
            error = error or closing
            state = _left(sink)
        except Exception as defect:  # noqa: BLE001 - the other sinks are to be closed all the same
            error = DefectError(defect)
            state = _left(sink)
        return SinkResult(
            type=sink.type,
            path=sink.path,
            state=state,
            responses=sink.responses,
            kept_in=sink.kept_in,
            error=error,
            undecodable_files=tuple(sink.undecodable_files),
        )


def _left(sink: Sink) -> SinkState:
    """Return what is there of a sink's output that could not be ended."""
    is_there = sink.responses and (sink.kept_in or sink.path is None)
    return SinkState.PARTIAL if is_there else SinkState.NONE
