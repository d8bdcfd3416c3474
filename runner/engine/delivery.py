"""The way of responses into the sinks: one at a time, and a sink that fails harms no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from runner.engine.result import SinkResult
from runner.errors import CfindError, DefectError, SinkError
from runner.model import SinkDeclaration
from runner.sinks.base import Batch, Earlier, Find, Outcome, Sink, SinkState, TakesOutcomes
from runner.status import StatusDetail
from runner.transport.stop_signal import StopSignal

#: Where responses lie in the output of a sink: from, up to, and how many.
Segment = tuple[int, int, int]


@dataclass(slots=True)
class _Outlet:
    sink: Sink
    queries: frozenset[str]
    error: CfindError | None = None
    # What became of it in an earlier run, where nothing is left to be done.
    settled: SinkResult | None = None
    # Where the responses lie in its output, by the operation of the plan that they follow from.
    segments: dict[int, list[Segment]] = field(default_factory=dict)

    def takes(self, find: Find) -> bool:
        """Whether the sink is for what the C-FIND's query finds."""
        return not self.queries or find.operation.query.name in self.queries

    def note(self, root: int, begin: int, responses: int) -> None:
        """Note that responses were written from a position on."""
        segments, end = self.segments.setdefault(root, []), self.sink.position
        if segments and segments[-1][1] == begin:
            begin, _, before = segments.pop()
            responses += before
        segments.append((begin, end, responses))


class Delivery:
    """Hands batches to all sinks that still work.

    A run whose sinks have all failed goes on for nobody: it is stopped.

    Args:
        sinks: and what the job says of each.
        stop: ends the run.
        noting: whether it is noted where the responses go.

    Attributes:
        left_alone: whether what an earlier run has left stays as it was.
    """

    def __init__(
        self, sinks: Sequence[tuple[SinkDeclaration, Sink]], stop: StopSignal, *, noting: bool = False
    ) -> None:
        self.left_alone = False
        self._noting = noting
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

    def resume(self, earlier: Sequence[Earlier | SinkResult | None]) -> str:
        """Go on with the outputs of an earlier run, in place of `open`.

        Where one of them is gone or cannot be written, what is there of all is left alone, as it was noted.

        Args:
            earlier: for each sink what is there of its output, or what became of it for good; None for one
                that begins anew.

        Returns:
            The path of an output that is not there any more; "" where all are.
        """
        for outlet, one in zip(self._outlets, earlier, strict=True):
            try:
                if one is None:
                    outlet.sink.open()
                elif isinstance(one, SinkResult):
                    outlet.settled = one
                elif not outlet.sink.resume(one):
                    self._leave_alone(earlier)
                    return one.place
            except SinkError as error:  # noqa: PERF203 - a few sinks, once
                outlet.error = error
                if isinstance(one, Earlier):
                    self._leave_alone(earlier)
                    break
        return ""

    def _leave_alone(self, earlier: Sequence[Earlier | SinkResult | None]) -> None:
        self.left_alone = True
        for outlet, one in zip(self._outlets, earlier, strict=True):
            if isinstance(one, Earlier):
                sink, partial = outlet.sink, SinkState.PARTIAL
                outlet.settled = SinkResult(
                    sink.type, sink.path, partial, one.responses, one.place, outlet.error
                )
                for path in sink.besides:
                    with suppress(OSError):
                        Path(path).unlink()
            elif one is not None:
                outlet.settled = one

    @property
    def sinks(self) -> list[Sink]:
        """All of them, in the job's order."""
        return [outlet.sink for outlet in self._outlets]

    def segments(self, root: int) -> list[list[Segment]]:
        """Return for each sink where the responses of an operation of the plan lie, which are all there."""
        with self._lock:
            return [outlet.segments.pop(root, []) for outlet in self._outlets]

    def sync(self) -> None:
        """Bring what was written to the disk; a sink where that fails will fail when it is closed."""
        for outlet in self._outlets:
            if outlet.error is None and outlet.settled is None:
                with suppress(SinkError):
                    outlet.sink.sync()

    def clear(self) -> None:
        """Remove what closed sinks left for a run to go on with, since none will; not what they tell of."""
        for outlet in self._outlets if not self.left_alone else ():
            place = Path(outlet.sink.place)
            if place.name.startswith(".") and place.is_file() and outlet.sink.kept_in != str(place):
                with suppress(OSError):
                    place.unlink()

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
                if outlet.error is None and outlet.settled is None and outlet.takes(batch.find):
                    sink = outlet.sink
                    begin, before = sink.position, sink.responses
                    try:
                        sink.write(batch)
                    except SinkError as error:
                        self._fail(outlet, error)
                    else:
                        if self._noting:
                            outlet.note(batch.find.operation.origin, begin, sink.responses - before)

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Tell those sinks of a final response."""
        with self._lock:
            for outlet in self._outlets:
                if outlet.error is None and outlet.settled is None and outlet.takes(find):
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
        if outlet.settled is not None:
            return outlet.settled
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
