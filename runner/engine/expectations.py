"""Whether the answers of a run are what its job expects: judged for each query, over all its operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from runner.dicom.dictionary import STANDARD, Dictionary
from runner.dicom.identifier import Path
from runner.dicom.path import path_text
from runner.engine.record import Record
from runner.engine.result import OperationResult, Verdict
from runner.engine.screening import Screened
from runner.model import Expect, Job, Query
from runner.plan import Operation


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """Whether an expectation was met.

    Attributes:
        query: the query that states it.
        expectation: in words, such as `min 1`.
        met: None where that is open, since answers are missing.
        message: what came in its place, without any value of a response; "" where it was met.
    """

    query: str
    expectation: str
    met: bool | None
    message: str = ""


def expectations(expect: Expect, dictionary: Dictionary) -> list[str]:
    """Return what is expected, each in words, in the order in which it is judged."""
    words = []
    for of, bounds in (("", expect.total), ("each ", expect.each)):
        for name, bound in (("min", bounds.min), ("max", bounds.max)):
            if bound is not None:
                words.append(f"{of}{name} {bound}")
    words += (f"required {path_text(path, dictionary)}" for path in expect.required)
    words += (f"unique {_combined(paths, dictionary)}" for paths in expect.unique)
    if expect.statuses:
        words.append(f"status {_listed(expect.statuses)}")
    return words


def _combined(paths: Sequence[Path], dictionary: Dictionary) -> str:
    return " with ".join(path_text(path, dictionary) for path in paths)


def _listed(statuses: Sequence[int]) -> str:
    return " or ".join(f"0x{status:04X}" for status in statuses)


class Expectations:
    """Takes each result of a run once, and judges at the end.

    Args:
        queries: those of the job.
    """

    def __init__(self, queries: Sequence[Query]) -> None:
        self._tallies = {
            one.name: _Tally(one, one.expect, below=one is not query)
            for query in queries
            for one in query.family
            if one.expect is not None
        }

    def add(self, result: OperationResult) -> None:
        """Note what came of an operation."""
        tally = self._tallies.get(result.operation.query.name)
        if tally is not None:
            tally.add(result)

    def restore(self, job: Job, record: Record, more: Record) -> None:
        """Note what came of an operation that an earlier run has done; parts before what they are parts of.

        Args:
            job: that runs.
            record: of the operation.
            more: what is kept besides.
        """
        tally = self._tallies.get(record["query"])
        if tally is None:
            return
        operation = Operation(
            record["number"],
            tally.query,
            job.peer(record["peer"]),
            (),
            job.dictionary,
            record["source"],
            record["repetition"],
            record["parent"] or 0,
            record["part"] or "",
        )
        result = OperationResult(
            operation,
            Verdict(record["verdict"]),
            None if record["status"] is None else int(record["status"], 16),
            record["responses"],
            delivered=record["delivered"],
            screened=Screened(missing=tuple(more["missing"]), repeated=tuple(more["repeated"]))
            if more
            else None,
        )
        tally.add(result)

    def results(self, *, whole: bool) -> tuple[ExpectationResult, ...]:
        """Judge all expectations, in the order of the job.

        Args:
            whole: whether all answers of the run are complete.
        """
        return tuple(result for tally in self._tallies.values() for result in tally.results(run_whole=whole))


@dataclass(slots=True)
class _Offence:
    """How many operations offend, and the first of them."""

    count: int = 0
    number: int = 0
    source: str = ""
    said: str = ""

    def note(self, operation: Operation, said: str) -> None:
        if not self.count or operation.number < self.number:
            self.number, self.source, self.said = operation.number, operation.source, said
        self.count += 1

    def first(self) -> str:
        return f"the first is operation {self.number}{f', {self.source},' if self.source else ''} {self.said}"


class _Tally:
    """What came of the operations of one query."""

    def __init__(self, query: Query, expect: Expect, *, below: bool) -> None:
        self.query = query
        # Whether it is asked for each record of another query, so that nobody knows how often.
        self._below = below
        # What the parts of an operation had that is not at its end yet, by its number.
        self._of_parts: dict[int, int] = {}
        self._expect = expect
        self._dictionary: Dictionary = STANDARD
        self._operations = self._planned = 0
        self._complete = 0
        self._open = 0
        self._delivered = 0
        self._too_few, self._too_many, self._status = _Offence(), _Offence(), _Offence()
        self._missing = [0] * len(expect.required)
        self._repeated = [0] * len(expect.unique)

    def add(self, result: OperationResult) -> None:
        expect, operation = self._expect, result.operation
        is_complete = result.verdict is Verdict.COMPLETE
        self._dictionary = operation.dictionary
        self._operations += 1
        self._planned += not operation.parent
        self._complete += is_complete
        self._delivered += _counted(result)
        self._note_each(result, is_complete=is_complete)
        if result.status is None:
            self._open += 1
        elif expect.statuses and result.status not in expect.statuses:
            self._status.note(operation, f"with 0x{result.status:04X}")
        if result.screened is not None:
            for counts, more in (
                (self._missing, result.screened.missing),
                (self._repeated, result.screened.repeated),
            ):
                for number, count in enumerate(more):
                    counts[number] += count

    def _note_each(self, result: OperationResult, *, is_complete: bool) -> None:
        """Judge one operation together with the parts that it was cut into, which end before it."""
        each, operation = self._expect.each, result.operation
        delivered = _counted(result) + self._of_parts.pop(operation.number, 0)
        if operation.part:
            self._of_parts[operation.parent] = self._of_parts.get(operation.parent, 0) + delivered
            return
        said = f"with {_responses(delivered)}"
        if is_complete and each.min is not None and delivered < each.min:
            self._too_few.note(operation, said)
        if each.max is not None and delivered > each.max:
            self._too_many.note(operation, said)

    def results(self, *, run_whole: bool) -> Iterator[ExpectationResult]:
        """Judge each expectation, in the order of `expectations`."""
        words = expectations(self._expect, self._dictionary)
        return (self._result(*one) for one in zip(words, self._findings(run_whole=run_whole), strict=True))

    def _findings(self, *, run_whole: bool) -> Iterator[_Finding]:
        expect, count = self._expect, self._delivered
        planned = len(self.query.peers) * self.query.operations_per_peer
        begun = run_whole if self._below else self._planned >= planned
        whole = begun and self._complete == self._operations
        came = f"{_responses(count)} came"
        if expect.total.min is not None:
            yield _Finding(whole and count < expect.total.min, whole or count >= expect.total.min, came)
        if expect.total.max is not None:
            yield _Finding(count > expect.total.max, whole, came)
        if expect.each.min is not None:
            yield self._of_operations(self._too_few, whole)
        if expect.each.max is not None:
            yield self._of_operations(self._too_many, whole)
        for missing in self._missing:
            yield _Finding(missing > 0, whole, f"{missing} of {_responses(count)} have no value there")
        for repeated in self._repeated:
            yield _Finding(repeated > 0, whole, f"{repeated} of {_responses(count)} repeat a value")
        if expect.statuses:
            yield self._of_operations(self._status, begun and not self._open)

    def _of_operations(self, offence: _Offence, decided: bool) -> _Finding:
        said = f"{offence.count} of {self._operations} operations do not meet it, {offence.first()}"
        return _Finding(offence.count > 0, decided, said)

    def _result(self, expectation: str, finding: _Finding) -> ExpectationResult:
        name = self.query.name
        if finding.refuted:
            return ExpectationResult(name, expectation, False, finding.said)
        if finding.decided:
            return ExpectationResult(name, expectation, True)
        return ExpectationResult(name, expectation, None, "it cannot be told, since answers are missing")


def _counted(result: OperationResult) -> int:
    """Return how many responses count, those that an earlier run has delivered among them."""
    return result.delivered + (result.screened.known if result.screened is not None else 0)


class _Finding(NamedTuple):
    """What is known of an expectation.

    Attributes:
        refuted: whether it is shown not to be met, whatever is missing.
        decided: whether nothing that is missing could change that.
        said: what came instead.
    """

    refuted: bool
    decided: bool
    said: str


def _responses(count: int) -> str:
    return f"{count} response{'' if count == 1 else 's'}"
