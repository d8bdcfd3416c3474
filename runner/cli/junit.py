"""What came of a run as JUnit XML, for servers that show tests: `cfind run --junit FILE`.

Each job is a test suite. Its test cases are, for each query and peer, whether the answers are complete; each
expectation of a query; and each sink. A failure is an answer that is not what it should be, an error is what
kept it from coming.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from runner.engine.result import SinkResult, Verdict
from runner.engine.run_result import RunResult
from runner.model import Query

#: What XML 1.0 does not have.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    """A test case.

    Attributes:
        group: what it belongs to, its `classname`.
        name: in words.
        outcome: `failure`, `error` or `skipped`; "" for one that passed.
        message: why.
        seconds: how long it took.
    """

    group: str
    name: str
    outcome: str = ""
    message: str = ""
    seconds: float = 0.0


def junit_text(results: Sequence[RunResult]) -> str:
    """Return the XML of the jobs that ran."""
    suites = [(result, list(_cases(result))) for result in results]
    every = [case for _, cases in suites for case in cases]
    seconds = sum(result.seconds for result in results)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f"<testsuites{_attributes(name='cfind', **_counts(every), time=f'{seconds:.3f}')}>")
    for result, cases in suites:
        begun = dt.datetime.fromtimestamp(result.started, dt.timezone.utc).isoformat(timespec="seconds")
        head = _attributes(
            name=result.job.name, **_counts(cases), time=f"{result.seconds:.3f}", timestamp=begun[:19]
        )
        lines += [
            f"  <testsuite{head}>",
            *(line for case in cases for line in _lines(case)),
            "  </testsuite>",
        ]
    return "\n".join([*lines, "</testsuites>", ""])


def _counts(cases: Sequence[_Case]) -> dict[str, int]:
    outcomes = [case.outcome for case in cases]
    return {
        "tests": len(cases),
        "failures": outcomes.count("failure"),
        "errors": outcomes.count("error"),
        "skipped": outcomes.count("skipped"),
    }


def _lines(case: _Case) -> Iterator[str]:
    head = _attributes(classname=case.group, name=case.name, time=f"{case.seconds:.3f}")
    if not case.outcome:
        yield f"    <testcase{head}/>"
        return
    yield f"    <testcase{head}>"
    yield f"      <{case.outcome}{_attributes(message=case.message)}/>"
    yield "    </testcase>"


def _attributes(**values: object) -> str:
    return "".join(f" {name}={quoteattr(_UNFIT.sub('?', str(value)))}" for name, value in values.items())


def _cases(result: RunResult) -> Iterator[_Case]:
    job = result.job.name
    if result.error is not None:
        yield _Case(job, "run", "error", str(result.error), result.seconds)
    yield from _answers(result)
    for expectation in result.expectations:
        outcome = "" if expectation.met else "skipped" if expectation.met is None else "failure"
        name = f"expect {expectation.expectation}"
        yield _Case(f"{job}.{expectation.query}", name, outcome, expectation.message)
    for sink in result.sinks:
        yield _sink(job, sink)


def _answers(result: RunResult) -> Iterator[_Case]:
    """Sum up the operations of each query and peer."""
    begun: dict[tuple[str, str], _Answers] = {}
    for record in result.ledger.records():
        begun.setdefault((record["query"], record["peer"]), _Answers()).add(record)
    for query, planned in _asked(result):
        for peer in query.peers:
            answers = begun.get((query.name, peer), _Answers())
            group = f"{result.job.name}.{query.name}"
            outcome, message = answers.outcome(planned)
            yield _Case(group, f"complete answers of {peer}", outcome, message, answers.seconds)


def _asked(result: RunResult) -> Iterator[tuple[Query, int]]:
    """Yield the queries, and how many operations of the plan each has for a peer."""
    for query in result.job.queries:
        for one in query.family:
            yield one, query.operations_per_peer if one is query else 0


class _Answers:
    """What came of the operations of one query at one peer."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._operations = self._planned = 0
        self._worst: dict[str, tuple[int, str]] = {}

    def add(self, record: dict[str, Any]) -> None:
        self._operations += 1
        self._planned += not record.get("parent")
        self.seconds += record["seconds"]
        verdict, error = record["verdict"], record["error"]
        if verdict != Verdict.COMPLETE.value:
            count, first = self._worst.get(verdict, (0, error["message"] if error else verdict))
            self._worst[verdict] = (count + 1, first)

    def outcome(self, planned: int) -> tuple[str, str]:
        for verdict in (Verdict.FAILED, Verdict.INCOMPLETE, Verdict.UNKNOWN):
            if verdict.value in self._worst:
                count, first = self._worst[verdict.value]
                kind = "error" if verdict is Verdict.FAILED else "failure"
                return kind, f"{count} of {self._operations} operations {verdict.value}: {first}"
        if self._planned < planned:
            return "error", f"{planned - self._planned} of {planned} operations were not begun"
        return "", ""


def _sink(job: str, sink: SinkResult) -> _Case:
    name = f"sink {sink.type}{f' {sink.path}' if sink.path else ''}"
    if sink.error is not None:
        return _Case(job, name, "error", str(sink.error))
    if sink.state.value != "committed":
        return _Case(job, name, "skipped", "not committed, since answers are missing")
    return _Case(job, name)
