"""A job's report as lines of a tree: the job, its queries at their peers, operations, what these led to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]

#: So many operations of a query are shown each by itself, though they are complete.
_FEW = 3
#: So many that are not complete are shown, where not all are wanted.
_MANY = 50
#: How far lines are indented at most; no run goes as deep.
_DEEPEST = 200


def job_lines(job: Document, *, whole: bool = False) -> Iterator[str]:
    """Describe what came of a job.

    Args:
        job: by schemas/report.schema.json.
        whole: show every operation.
    """
    interrupted = ", interrupted" if job.get("interrupted") else ""
    yield f"{job['job']}: {job['verdict']}{interrupted}, exit status {job['exit_status']}"
    facts = [_counted(job["responses"], "response"), _counted(len(job["operations"]), "operation")]
    if job.get("seconds") is not None:
        facts.append(f"{job['seconds']:.1f} s")
    if job.get("started"):
        facts.append(f"begun {job['started']}")
    yield f"  {', '.join(facts)}"
    if job.get("error"):
        yield f"  {_error(job['error'])}"
    yield from (f"  warning: {text}" for text in job.get("warnings", ()))
    below: dict[Any, list[Document]] = defaultdict(list)
    groups: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for operation in job["operations"]:
        if operation.get("parent"):
            below[operation["parent"]].append(operation)
        else:
            groups[operation["query"], operation["peer"]].append(operation)
    for (query, peer), operations in groups.items():
        yield f"  query {query} at peer {peer}: {_summary(operations, below)}"
        yield from _operations(operations, below, "    ", whole=whole)
    for sink in job["sinks"]:
        yield from _sink(sink)


def _operations(
    operations: Sequence[Document], below: Mapping[Any, list[Document]], indent: str, *, whole: bool
) -> Iterator[str]:
    shown = [
        operation
        for operation in operations
        if whole or len(operations) <= _FEW or not _is_plain(operation, below)
    ]
    left = len(operations) - len(shown)
    alike = [[operation] for operation in shown] if whole else _alike(shown, below)
    for first, *others in alike if whole else alike[:_MANY]:
        yield from _operation(first, below, indent, whole=whole)
        if others:
            yield f"{indent}{_counted(len(others), 'operation')} more with the same; --all shows each"
    more = sum(map(len, alike[_MANY:]))
    if not whole and more:
        yield f"{indent}{more:,} more that are not shown; --all shows them"
    if left:
        yield f"{indent}{_counted(left, 'operation')} complete"


def _alike(operations: Sequence[Document], below: Mapping[Any, list[Document]]) -> list[list[Document]]:
    """Put operations together that failed in the same way, and led to nothing else."""
    found: dict[object, list[Document]] = {}
    for operation in operations:
        error = operation.get("error")
        if error is None or operation.get("part") or below.get(operation.get("number")):
            key: object = id(operation)
        else:
            key = (_error(error), *_facts(operation), *operation.get("warnings", ()))
        found.setdefault(key, []).append(operation)
    return list(found.values())


def _is_plain(operation: Document, below: Mapping[Any, list[Document]]) -> bool:
    """Whether an operation and all that it led to are complete, with nothing to tell."""
    waiting = [operation]
    while waiting:
        one = waiting.pop()
        if one["verdict"] != "complete" or one.get("warnings"):
            return False
        waiting += below.get(one.get("number"), ())
    return True


def _operation(
    operation: Document, below: Mapping[Any, list[Document]], indent: str, *, whole: bool
) -> Iterator[str]:
    name = operation.get("part") or f"operation {operation.get('number', '?')}"
    if not operation.get("part"):
        name += f", {operation['query']}" if operation.get("parent") else ""
        name += f" from {operation['source']}" if operation.get("source") else ""
    yield f"{indent}{name}: {', '.join(_facts(operation))}"
    inner = indent + "  "
    if operation.get("error"):
        yield f"{inner}{_error(operation['error'])}"
    yield from (f"{inner}warning: {text}" for text in operation.get("warnings", ()))
    if len(inner) < _DEEPEST:
        yield from _operations(below.get(operation.get("number"), ()), below, inner, whole=whole)


def _facts(operation: Document) -> Iterator[str]:
    yield operation["verdict"]
    if operation["status"] is not None:
        yield f"status {operation['status']}"
    if operation["status"] is not None or operation["responses"]:
        yield _counted(operation["responses"], "response")
    delivered = operation.get("delivered", operation["responses"])
    if delivered != operation["responses"]:
        yield f"{delivered:,} of them delivered"
    if operation.get("cap"):
        yield f"cut off ({operation['cap']})"
    if operation.get("parts"):
        yield f"split into {_counted(operation['parts'], 'part')}"


def _summary(operations: Sequence[Document], below: Mapping[Any, list[Document]]) -> str:
    verdicts: dict[str, int] = {}
    for operation in operations:
        verdicts[operation["verdict"]] = verdicts.get(operation["verdict"], 0) + 1
    waiting, sent, responses = list(operations), 0, 0
    while waiting:
        operation = waiting.pop()
        sent += operation["status"] is not None
        responses += operation.get("delivered", operation["responses"])
        waiting += below.get(operation.get("number"), ())
    told = ", ".join(
        f"{number:,} {verdict}" if len(operations) > 1 else verdict for verdict, number in verdicts.items()
    )
    return f"{told}; {_counted(responses, 'response')} from {_counted(sent, 'C-FIND')}"


def _sink(sink: Document) -> Iterator[str]:
    where = f" {sink['path']}" if sink["path"] is not None else ""
    yield f"  sink {sink['type']}{where}: {sink['state']}, {_counted(sink['responses'], 'response')}"
    if sink.get("kept_in"):
        yield f"    kept in {sink['kept_in']}"
    if sink.get("error"):
        yield f"    {_error(sink['error'])}"


def _error(error: Document) -> str:
    return f"{error['message']}; {error['advice']}" if error["advice"] else str(error["message"])


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
