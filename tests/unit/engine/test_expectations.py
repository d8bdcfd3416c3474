"""Expectations of queries that are cut into parts, and of those that are asked for each record of another."""

from __future__ import annotations

from dataclasses import replace

from runner.engine.expectations import Expectations
from runner.engine.result import OperationResult, Verdict
from runner.model import Bounds, Expect, InformationModel, Job, Peer, Query, Request
from runner.plan import operations


def _query(name: str, expect: Expect, **more: object) -> Query:
    model = InformationModel.STUDY_ROOT
    return Query(name, ("p",), model, (Request(()),), expect=expect, **more)  # type: ignore[arg-type]


def _met(expectations: Expectations, *, whole: bool = True) -> list[bool | None]:
    return [result.met for result in expectations.results(whole=whole)]


def test_parts_count_for_the_operation_that_was_cut() -> None:
    query = _query("q", Expect(each=Bounds(3, 4)))
    (root,) = operations(Job("job", (Peer("p", "pacs", 104),), (query,)))
    expectations = Expectations([query])
    for number, delivered in ((2, 2), (3, 1)):
        part = replace(root, number=number, parent=root.number, part="a part")
        expectations.add(OperationResult(part, Verdict.COMPLETE, 0, delivered, delivered=delivered))
    expectations.add(OperationResult(root, Verdict.COMPLETE, 0xFE00, 1, delivered=1, parts=2))
    assert _met(expectations) == [True, True]


def test_a_query_below_another_is_judged_when_all_is_there() -> None:
    below = _query("below", Expect(Bounds(2), Bounds(1, 1)))
    top = replace(_query("top", Expect(Bounds(1))), then=(below,))
    (root,) = operations(Job("job", (Peer("p", "pacs", 104),), (top,)))
    expectations = Expectations([top])
    expectations.add(OperationResult(root, Verdict.COMPLETE, 0, 2, delivered=2))
    for number in (2, 3):
        child = replace(root, number=number, parent=root.number, query=below)
        expectations.add(OperationResult(child, Verdict.COMPLETE, 0, 1, delivered=1))
    assert _met(expectations) == [True, True, True, True]
    assert _met(expectations, whole=False) == [True, True, None, None]
