"""What a run leaves for another one that goes on with it, and how it goes on with an earlier one."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine.ledger import Ledger, is_in_doubt
from runner.engine.record import Record, record
from runner.engine.result import Cap, Kind, OperationResult, SinkResult, Verdict
from runner.engine.roots import Roots
from runner.engine.verdict import same_as_capped
from runner.errors import InterruptedRunError, StateError
from runner.plan import Operation
from runner.sinks.atomic_file import other_place
from runner.sinks.base import Earlier, Sink, SinkState
from runner.state.kept_run import KeptRun, SinkPlace

if TYPE_CHECKING:
    from runner.engine.delivery import Delivery
    from runner.engine.expectations import Expectations
    from runner.engine.screening import Screens
    from runner.model import Job

#: Caps of which the peer says nothing.
_UNTOLD = (Cap.DECLARED.value, Cap.SAME_COUNT.value)
_FAILED = (Verdict.FAILED.value, Verdict.INCOMPLETE.value)
#: A folder of files that did not get their names in the end, some of which were given them all the same.
_NAMED = "named"


class Continuation:
    """Keeps what a run does.

    Args:
        kept: where.
        delivery: of the run.
        screens: of the run, whose memory is kept.

    Attributes:
        done: how many operations of the plan earlier runs have done.
        highest: the highest number of an operation that earlier runs have done.
        following: how many of these are not of the plan.
        done_at: how many operations of the plan they have done at each peer.
    """

    def __init__(self, kept: KeptRun, delivery: Delivery, screens: Screens) -> None:
        self.done = self.highest = self.following = 0
        self.done_at: Counter[str] = Counter()
        self.roots = Roots(self._done)
        self._kept = kept
        self._delivery = delivery
        self._screens = screens
        self._finished: set[int] = set()
        self._begun: list[SinkPlace] = []
        # For each sink where an earlier run kept what came of operations that are all asked for anew.
        self._outdated: Sequence[SinkPlace] = ()

    # --- what was done before -----------------------------------------------------------------------------

    def open(self) -> None:
        """Open the sinks, or go on with what is there of their outputs.

        Raises:
            StateError: what is to be gone on with is not there any more.
        """
        kept, sinks = self._kept, self._delivery.sinks
        earlier = kept.earlier
        leftovers = kept.leftovers
        if earlier is not None:
            self._finished = {root for root, _ in kept.segments()}
            if self._finished:
                self._resume(earlier.phase, earlier.sinks)
                return
            leftovers = tuple(path for sink in earlier.sinks for path in sink.leftovers)
            self._outdated = earlier.sinks
        kept.opened([_place(sink) for sink in sinks])
        for place in leftovers:
            remove_leftover(place)
            remove_leftover(_hidden_other(place))
        self._delivery.open()
        self._begun = [_place(sink, end=sink.position) for sink in sinks]
        kept.opened(self._begun)

    def _resume(self, phase: str, places: Sequence[SinkPlace]) -> None:
        """Decide what becomes of each output, go on with them, note where they lie, and only then remove."""
        kept, sinks = self._kept, self._delivery.sinks
        committing = phase == "committing"
        spans, responses = self._spans(places)
        left = [
            _left(*one, committing=committing) for one in zip(sinks, places, spans, responses, strict=True)
        ]
        for place, one in zip(places, left, strict=True):
            for path in place.besides:
                remove_leftover(path)
            if isinstance(one, Earlier):
                remove_leftover(str(other_place(Path(place.place))))
        missing = self._delivery.resume(left)
        if missing:
            self._delivery.close(whole=False)
            raise _is_gone(missing)
        if self._delivery.left_alone:
            return
        self._begun = [
            _place(sink)._replace(begin=one.begin, end=one.begin + place.end - place.begin)
            if isinstance(one, Earlier)
            else SinkPlace("", state=SinkState.COMMITTED.value, responses=one.responses)
            if isinstance(one, SinkResult)
            else _place(sink, end=sink.position)
            for sink, one, place in zip(sinks, left, places, strict=True)
        ]
        spread = [one.spans if isinstance(one, Earlier) and not one.is_packed else None for one in left]
        kept.moved(self._begun, spread, committing=committing)
        for place, now in zip(places, self._begun, strict=True):
            if place.place and place.place != now.place:
                remove_leftover(place.place, kept=True)

    def _spans(self, places: Sequence[SinkPlace]) -> tuple[list[list[tuple[int, int]]], list[int]]:
        """Return for each sink which spans of its output are kept, and how many responses these are."""
        spans = [[(place.begin, place.end)] for place in places]
        responses = [0] * len(places)
        for _, segments in self._kept.segments():
            for number, each in enumerate(segments):
                for begin, end, count in each:
                    spans[number].append((begin, end))
                    responses[number] += count
        return [_merged(each) for each in spans], responses

    def restore(
        self,
        job: Job,
        ledger: Ledger,
        expectations: Expectations | None,
        caps: Caps,
        trusted: Callable[[Record], bool],
    ) -> None:
        """Note what earlier runs have done as if it had been done now.

        Args:
            job: that runs.
            ledger: of the run.
            expectations: of the run.
            caps: what the run knows of caps, which is added to.
            trusted: says of which answers there is no doubt.
        """
        if self._kept.earlier is None:
            return
        for _, one, more in self._kept.records():
            ledger.restore({**one, "earlier": True})
            self.highest = max(self.highest, one["number"])
            self.following += one["parent"] is not None
            self.done_at[one["peer"]] += one["parent"] is None
            caps.note(one)
            if expectations is not None:
                expectations.restore(job, one, more)
        for peer, responses in caps.capped:
            ledger.doubt(peer, responses, same_as_capped(responses), trusted)
        for name, digest, operation in self._kept.seen():
            self._screens.restore(json.loads(name), digest, operation)
        self.done = len(self._finished)

    def left(self, operations: Iterable[Operation]) -> Iterator[Operation]:
        """Yield the operations of a plan that are not done yet."""
        finished = self._finished
        return (operation for operation in operations if operation.number not in finished)

    # --- while it goes on ---------------------------------------------------------------------------------

    def ended(self, result: OperationResult) -> None:
        """Note what came of an operation, or of one and all that it was cut into."""
        screened = result.screened
        more: Record = {}
        if screened is not None and (screened.missing or screened.repeated):
            more = {"missing": screened.missing, "repeated": screened.repeated}
        self._kept.operation_ended(result.operation.origin, record(result), more)

    def settle(self, result: OperationResult) -> None:
        """Note that a C-FIND has ended from which nothing follows."""
        if not isinstance(result.error, InterruptedRunError):
            self._done(result.operation.origin)

    def _done(self, root: int) -> None:
        segments = self._delivery.segments(root)
        if self._delivery.failed:
            return  # a sink lacks something
        for name, news in self._screens.news():
            self._kept.remember(json.dumps(name), news)
        self._kept.root_done(root, segments, self._delivery.sync)

    # --- the end ------------------------------------------------------------------------------------------

    def closing(self, *, whole: bool) -> None:
        """Note that the sinks are closed now."""
        if self._delivery.left_alone:
            return
        now = [
            begun._replace(responses=sink.responses) if begun.state == "open" else begun
            for begun, sink in zip(self._begun, self._delivery.sinks, strict=False)
        ]
        self._kept.closing(now, self._delivery.sync, whole=whole)

    def closed(self, results: Sequence[SinkResult], delivered: Collection[str]) -> None:
        """Note what became of the sinks.

        Args:
            results: of the sinks.
            delivered: the names of queries whose records they have committed.
        """
        if self._delivery.left_alone:
            return
        places = []
        for begun, sink, result in zip(self._begun, self._delivery.sinks, results, strict=False):
            place, state = "", result.state.value
            if result.state is SinkState.PARTIAL and begun.place:
                place = _absolute(sink.place) if result.kept_in else ""
                state = state if place else _NAMED
            places.append(SinkPlace(place, begun.begin, begun.end, state, result.responses))
        superseded = []
        for number, old in enumerate(self._outdated):
            if not old.place or _is_hidden(old.place) or places[number].place == old.place:
                continue
            if results[number].state is SinkState.NONE:
                places[number] = old  # there is nothing in its place yet
            else:
                superseded.append(old.place)
        self._kept.closed(places, delivered)
        for path in superseded:
            remove_leftover(path, kept=True)


@dataclass(frozen=True, slots=True)
class Caps:
    """What is known of peers from answers that were cut off.

    Attributes:
        capped: for each peer how many responses these had.
        telling: the kinds of answers of which peers say so where they cut them off.
    """

    capped: set[tuple[str, int]] = field(default_factory=set)
    telling: set[Kind] = field(default_factory=set)

    def note(self, one: Record) -> None:
        """Note what an answer says, by its record."""
        if one["cap"] is not None:
            self.capped.add((one["peer"], one["responses"]))
            if one["cap"] not in _UNTOLD:
                self.telling.add((one["peer"], one["model"], one["level"]))


def failed_roots(kept: KeptRun, split: Collection[str]) -> set[int]:
    """Return the operations of the plan of which something failed or is not complete in the earlier run.

    Args:
        kept: goes on with that run.
        split: the names of queries that are cut where they hit a cap.

    Raises:
        StateError: they cannot be read.
    """
    caps = Caps()
    for _, one, _ in kept.records():
        caps.note(one)

    def trusted(one: Record) -> bool:
        return one["query"] in split and (one["peer"], one["model"], one["level"]) in caps.telling

    return {
        root
        for root, one, _ in kept.records()
        if one["verdict"] in _FAILED
        or ((one["peer"], one["responses"]) in caps.capped and is_in_doubt(one) and not trusted(one))
    }


def remove_leftover(place: str, *, kept: bool = False) -> None:
    """Remove a temporary file or folder of a run that was killed.

    Args:
        place: its path; what does not look like one is left alone.
        kept: whether it may be one that an earlier run has kept as partial.
    """
    path = Path(place)
    name = path.name.removesuffix("~")
    hidden = name.startswith(".") and (name.endswith(".tmp") or ".partial-" in name)
    if not place or not (hidden or kept or path.name.endswith("~")):
        return
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            import shutil

            shutil.rmtree(path)
        else:
            path.unlink()


def _left(
    sink: Sink, place: SinkPlace, spans: Sequence[tuple[int, int]], responses: int, *, committing: bool
) -> Earlier | SinkResult | None:
    """Return what is there of an output, or what became of it for good; None where there is nothing of it.

    Args:
        sink: whose output it is.
        place: where it lies, as it was noted.
        spans: what of it is kept.
        responses: how many responses these hold.
        committing: whether the outputs were being given their final names.

    Raises:
        StateError: what is to be gone on with is not there any more.
    """
    if place.state == _NAMED:
        what = f"the files of the earlier run in {sink.path} have got their names already"
        raise StateError(what, "run the job from the beginning; keep_after_failure wants it so")
    gone = bool(place.place) and not os.path.lexists(place.place)
    if place.state == SinkState.COMMITTED.value or (committing and (gone or not place.place)):
        if sink.path is not None and not os.path.lexists(sink.path):
            raise _is_gone(place.place or sink.path)
        return SinkResult(sink.type, sink.path, SinkState.COMMITTED, place.responses)
    if gone:
        raise _is_gone(place.place)
    if place.place:
        return Earlier(place.place, spans, responses, committing)
    if responses and sink.path is not None and place.state == SinkState.NONE.value:
        raise _is_gone(sink.path)
    return None


def _hidden_other(place: str) -> str:
    """Return where a hidden temporary file may have been packed into; "" for another one."""
    return str(other_place(Path(place))) if _is_hidden(place) else ""


def _is_hidden(place: str) -> bool:
    return Path(place).name.startswith(".")


def _place(sink: Sink, end: int = 0) -> SinkPlace:
    begin = 0 if not sink.place or Path(sink.place).is_file() else end
    besides = tuple(map(_absolute, filter(None, sink.besides)))
    return SinkPlace(_absolute(sink.place) if sink.place else "", begin, end, besides=besides)


def _absolute(place: str) -> str:
    return os.path.abspath(place)  # noqa: PTH100 - symbolic links stay what they are


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order, those that touch as one."""
    spans.sort()
    merged = [spans[0]]
    for begin, end in spans[1:]:
        if begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _is_gone(place: str) -> StateError:
    return StateError(
        f"what the earlier run left in {place} is not there any more, so nothing can go on with it",
        "run the job from the beginning, without --resume",
    )
