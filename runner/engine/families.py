"""Operations that follow from others: parts of a question, and what is asked for the records that were found.

A question is an operation whose query has `split`. If it hits a cap it is cut into parts, and these again.
What became of a part is known when all that it was cut into has ended, and what became of the question when
all its parts have. A query with `then` has others below it, which are asked for each record that it finds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from runner.engine.descent import Descent, Parent, child_operations
from runner.engine.result import Cap, Kind, OperationResult, Verdict, kind_of_answer
from runner.engine.screening import Consumer, Screening, Screens, Seen
from runner.errors import CfindError, IncompleteError
from runner.model import UniqueKey
from runner.partition.cutting import cut, first_parts, note
from runner.partition.experience import Experience
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.engine.part_screens import Coverage
    from runner.model import Job, QueryOption, Split
    from runner.partition.part import Cut, Gap, Part

#: The worst first.
_ORDER = (Verdict.FAILED, Verdict.INCOMPLETE, Verdict.UNKNOWN, Verdict.COMPLETE)
#: So many gaps are named in a message.
_MAX_NAMED = 3


@dataclass(slots=True, eq=False)
class _Question:
    """An operation of the plan that is asked in parts."""

    split: Split
    experience: Experience
    seen: Seen = field(default_factory=Seen)
    left_open: dict[Gap, None] = field(default_factory=dict)
    closed: set[Gap] = field(default_factory=set)
    ignored: bool = False
    # Digests of records that came in answers which were cut off, and in no part that was not.
    missed: set[bytes] = field(default_factory=set)
    # How many responses cannot be told from others, and so may be there twice.
    unidentified: int = 0

    def gaps(self) -> list[Gap]:
        return [gap for gap in self.left_open if gap not in self.closed]


@dataclass(slots=True, eq=False)
class _Node:
    """A part, or a question as a whole, that has not ended.

    Attributes:
        operation: it.
        part: what of the question it asks for; None for a question that is asked in first parts.
        above: what it was cut from, None for a question.
        waiting: how many of those that it was cut into have not ended.
        making: whether there are more of these to come.
        result: of its own C-FIND, once that has ended.
        parts: what it was cut into, as far as made, by their verdicts.
    """

    question: _Question
    operation: Operation
    part: Part | None
    above: _Node | None
    waiting: int = 0
    making: bool = False
    result: OperationResult | None = None
    parts: dict[Verdict, int] = field(default_factory=dict)
    coverage: Coverage | None = None


class Families:
    """What follows from the operations of a run; for any thread.

    Args:
        job: whose operations they are.
        numbers: of operations that the plan does not have.
        ended: is told of each operation that has ended with all that it was cut into.
        telling: the kinds of answers of which the peer says so where it cuts them off; grows.

    Attributes:
        made: how many operations were made that the plan does not have.
    """

    def __init__(
        self,
        job: Job,
        numbers: Iterator[int],
        ended: Callable[[OperationResult], None],
        telling: Collection[Kind] = (),
    ) -> None:
        self.made = 0
        self._telling = telling
        self._descent = Descent(job)
        self._numbers = numbers
        self._ended = ended
        self._nodes: dict[int, _Node] = {}
        self._lock = threading.RLock()

    def begin(self, operation: Operation) -> Iterator[Operation]:
        """Return what is to be asked for an operation: itself, or the first parts of it."""
        split = operation.query.split
        if split is None:
            return iter((operation,))
        question = _Question(split, Experience(operation.peer.result_limit))
        parts = first_parts(split, operation.identifier)
        first = next(parts)
        second = next(parts, None)
        if second is None:
            asked = replace(operation, identifier=first.identifier)
            with self._lock:
                self._nodes[operation.number] = _Node(question, asked, first, None)
            return iter((asked,))
        node = _Node(question, operation, None, None)
        with self._lock:
            self._nodes[operation.number] = node
        return self._parts(node, chain((first, second), parts))

    def screening(
        self, screens: Screens, operation: Operation, agreed: Iterable[QueryOption]
    ) -> Screening | None:
        """Return what looks at an operation's responses, with what is of interest here.

        Args:
            screens: of the run.
            operation: whose responses come.
            agreed: what the peer does beyond the baseline.
        """
        before: Sequence[Consumer] = ()
        seen: Seen | None = None
        node = self._nodes.get(operation.number)
        if node is not None and node.part is not None:
            from runner.engine.part_screens import Coverage, part_screens

            def ignored() -> None:
                node.question.ignored = True

            # what is not of this part must not be taken for what has come
            if node.coverage is None:  # another attempt goes on with what came in the one before
                duplicates = operation.query.deduplicate
                node.coverage = Coverage(duplicates.key if duplicates else UniqueKey(), node.question.missed)
            before = part_screens(node.part, ignored, node.coverage)
            seen = node.question.seen
        behind = [self._descent.screen(operation)] if operation.query.then else []
        return screens.screening(operation, before=before, behind=behind, agreed=agreed, seen=seen)

    def end(self, result: OperationResult, *, cutting: bool) -> Iterator[Operation] | None:
        """Note what came of an operation.

        Args:
            result: of its C-FIND.
            cutting: whether it may be cut.

        Returns:
            The operations that follow from it: its parts, and then what is asked for the records that it
            found. None where there are none.
        """
        operation = result.operation
        below: Iterator[Operation] | None = None
        if operation.query.then:
            parents, nameless = self._descent.found(operation)
            below = self._below(operation, parents) if parents else None
            if nameless:
                result = _without_children(result, nameless)
        parts = self._end(result, cutting=cutting)
        if parts is None or below is None:
            return parts or below
        return chain(parts, below)

    def _end(self, result: OperationResult, *, cutting: bool) -> Iterator[Operation] | None:
        with self._lock:
            node = self._nodes.get(result.operation.number)
            if node is None:
                self._ended(result)
                return None
            question, part = node.question, node.part
            assert part is not None
            made = self._cut(question, part, result) if result.cap is not None and cutting else None
            tells = kind_of_answer(result.operation) in self._telling
            if result.cap is Cap.SAME_COUNT and tells and (made is None or _leaves_more(made.parts, part)):
                # what is cut off here says so, and this answer did not: it is whole as far as can be shown
                result = replace(result, verdict=Verdict.COMPLETE, error=None, cap=None)
                made = None
            note(question.experience, part, result.responses, capped=result.cap is not None)
            question.left_open.update(dict.fromkeys(part.leaves))
            if result.verdict is Verdict.COMPLETE:
                question.closed.update(part.closes)
            node.result = result
            _note_coverage(node, cut_off=result.cap is not None)
            if made is not None and made.parts:
                return self._parts(node, iter(made.parts))
            if made is not None:
                # what only would have closed a gap leaves it open
                node.result = _no_proof(result) if part.closes else _at_the_floor(result, made.reason)
            self._close(node)
            return None

    @staticmethod
    def _cut(question: _Question, part: Part, result: OperationResult) -> Cut:
        if result.cap is not Cap.SAME_COUNT:
            question.experience.note_cap(result.responses)
        return cut(question.split, part, question.experience, ignored=question.ignored)

    def flush(self) -> None:
        """End what has not ended, since the run has."""
        with self._lock:
            for number in sorted(self._nodes, reverse=True):  # parts before what they are parts of
                node = self._nodes.pop(number)
                self._ended(_combined(node, unasked=True))

    def _below(self, operation: Operation, parents: Sequence[Parent]) -> Iterator[Operation]:
        """Make the operations for the records that an operation found, one by one."""
        for parent in parents:
            for made in child_operations(operation, parent):
                with self._lock:
                    child = replace(made, number=next(self._numbers))
                    self.made += 1
                yield from self.begin(child)

    def _parts(self, node: _Node, parts: Iterator[Part]) -> Iterator[Operation]:
        """Make the operations of parts, one by one: there may be many."""
        node.making = True
        for part in parts:
            with self._lock:
                operation = replace(
                    node.operation,
                    number=next(self._numbers),
                    identifier=part.identifier,
                    parent=node.operation.number,
                    part=part.label,
                    root=node.operation.origin,
                )
                self.made += 1
                node.waiting += 1
                self._nodes[operation.number] = _Node(node.question, operation, part, node)
            yield operation
        with self._lock:
            node.making = False
            if not node.waiting:
                self._close(node)

    def _close(self, node: _Node) -> None:
        """End a node, and those above it that waited for nothing else."""
        while True:
            self._nodes.pop(node.operation.number, None)
            result = _combined(node)
            self._ended(result)
            above = node.above
            if above is None:
                return
            above.waiting -= 1
            above.parts[result.verdict] = above.parts.get(result.verdict, 0) + 1
            if above.waiting or above.making:
                return
            node = above


def _without_children(result: OperationResult, nameless: int) -> OperationResult:
    """Say that some of the records found do not say what is to be asked for them."""
    if result.verdict is not Verdict.COMPLETE:
        return result
    names = ", ".join(query.name for query in result.operation.query.then)
    what = f"{nameless} of the records lack a unique key, so that {names} could not be asked for them"
    error = IncompleteError(what, "the peer does not return the unique keys of its level (PS3.4 C.6)")
    return replace(result, verdict=Verdict.INCOMPLETE, error=error)


def _note_coverage(node: _Node, *, cut_off: bool) -> None:
    """Note which records an answer has that parts must find, or that they have found."""
    question, coverage = node.question, node.coverage
    if node.result is not None and node.result.screened is not None:
        question.unidentified += node.result.screened.unidentified
    if coverage is None:
        return
    if cut_off:
        question.missed |= coverage.came
    else:
        question.missed -= coverage.found


def _leaves_more(parts: Sequence[Part], whole: Part) -> bool:
    """Whether cutting leaves more open than not cutting; so does what cannot be cut."""
    return not parts or any(gap not in whole.leaves for part in parts for gap in part.leaves)


def _no_proof(result: OperationResult) -> OperationResult:
    """Say that a part which would have shown that nothing is missing was cut off itself."""
    error, part = result.error, result.operation.part
    if error is not None and part:
        error = type(error)(f"{part}: {error.what}", error.advice)
    return replace(result, verdict=Verdict.UNKNOWN, error=error)


def _at_the_floor(result: OperationResult, reason: str) -> OperationResult:
    """Say of a part that hit a cap why it is not cut any more."""
    error = result.error
    if error is None:
        return result
    part = result.operation.part
    what = f"{part}: {error.what}" if part else error.what
    return replace(
        result, error=type(error)(f"{what}, and it cannot be split further: {reason}", error.advice)
    )


def _combined(node: _Node, *, unasked: bool = False) -> OperationResult:
    """Return what came of a node: of its own C-FIND, if it was not cut, else of all that it was cut into."""
    result = node.result or OperationResult(node.operation, Verdict.COMPLETE)
    parts = sum(node.parts.values()) + node.waiting
    if parts or unasked:
        verdict, error = _verdict_of_parts(node, parts, unasked=unasked)
        if result.undecodable:  # what cannot be read here need not come again in a part
            verdict, error = result.verdict, result.error
        result = replace(result, verdict=verdict, error=error, parts=parts)
    if node.above is None and result.verdict is Verdict.COMPLETE:
        gaps = node.question.gaps()
        if gaps:
            result = replace(result, verdict=Verdict.UNKNOWN, error=_open_gaps(gaps))
        elif parts and (doubt := _doubt(node.question)) is not None:
            result = replace(result, verdict=Verdict.UNKNOWN, error=doubt)
    return result


def _verdict_of_parts(node: _Node, parts: int, *, unasked: bool) -> tuple[Verdict, CfindError | None]:
    if unasked or node.waiting:
        what = "it was ended before all of its parts were asked for"
        return Verdict.INCOMPLETE, IncompleteError(what, "run it again")
    verdict = next(verdict for verdict in _ORDER if node.parts.get(verdict))
    if verdict is Verdict.COMPLETE:
        return verdict, None
    number = parts - node.parts.get(Verdict.COMPLETE, 0)
    what = (
        f"{number} of the {parts} parts that it was split into {'is' if number == 1 else 'are'} not complete"
    )
    return verdict, IncompleteError(what, "the report says of each part what came of it")


def _doubt(question: _Question) -> IncompleteError | None:
    """Return what the answers themselves say against their being all, and each once."""
    if question.missed:
        what = f"{len(question.missed)} records came in answers that were cut off, and in none of their parts"
        advice = f"the peer finds less by parts of {question.split.name} than there is: split by another key"
        return IncompleteError(what, f"{advice}, or run it again if its records have changed meanwhile")
    if question.unidentified:
        what = f"{question.unidentified} responses lack what tells records apart: some may be there twice"
        return IncompleteError(what, "let 'deduplicate: {keys: …}' name attributes that the peer returns")
    return None


def _open_gaps(gaps: Iterable[Gap]) -> IncompleteError:
    named = [str(gap) for gap in gaps]
    more = f"; and {len(named) - _MAX_NAMED} more" if len(named) > _MAX_NAMED else ""
    return IncompleteError(
        f"it is not known whether there are {'; '.join(named[:_MAX_NAMED])}{more}",
        "only a question that they are not part of can be shown to be answered completely",
    )
