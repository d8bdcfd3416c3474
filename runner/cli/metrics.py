"""What came of runs as metrics for Prometheus, in a file for node_exporter's textfile collector.

The text is that of Prometheus's exposition format 0.0.4. All are gauges and tell of the last run of a job.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from runner.engine.result import Verdict
from runner.engine.run_result import RunResult
from runner.errors import ExitStatus, UsageError
from runner.model import Job

_LAST_SUCCESS = "cfind_last_success_timestamp_seconds"
#: Each metric and its help, in the order of the file.
_HELP = {
    "cfind_operations": "C-FINDs of the last run, by what came of them.",
    "cfind_planned_operations": "C-FINDs that the last run had to do, as far as was known.",
    "cfind_responses": "Responses that came in the last run.",
    "cfind_operation_seconds": "Seconds that the C-FINDs of the last run took, added up.",
    "cfind_run_seconds": "Seconds that the last run took.",
    "cfind_exit_status": "Exit status of the last run; 0 where every answer is complete.",
    "cfind_last_run_timestamp_seconds": "When the last run ended, in seconds since 1970.",
    _LAST_SUCCESS: "When a run last ended with exit status 0, in seconds since 1970.",
}
_SUCCESS_LINE = re.compile(rf'{_LAST_SUCCESS}\{{job="((?:[^"\\]|\\.)*)"\}} ([0-9.e+]+)')
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
#: A file of an earlier run is no longer than this.
_MAX_OLD = 10_000_000

#: A metric's name, its labels, its value.
Sample = tuple[str, Mapping[str, str], float]


def check_names(jobs: Sequence[Job]) -> None:
    """Check that metrics can tell jobs apart.

    Raises:
        UsageError: two jobs have the same name.
    """
    sources: dict[str, str] = {}
    for job in jobs:
        first = sources.setdefault(job.name, job.source)
        if first is not job.source:
            raise UsageError(
                f"{first} and {job.source} both have the name {job.name}, and metrics cannot tell them apart",
                "give each a name of its own, or run them apart",
            )


def write_metrics(path: Path, results: Sequence[RunResult], jobs: Sequence[str] = ()) -> None:
    """Write the metrics of runs, in place of those that are there.

    Args:
        path: of the file.
        results: of jobs with names of their own.
        jobs: the names of those whose last success is kept, although they may have not run.

    Raises:
        SinkError: they cannot be written.
    """
    from runner.sinks.atomic_file import AtomicFile

    text = metrics_text(results, _last_successes(path), jobs)
    file = AtomicFile(path)
    file.open()
    with file:
        file.write(text.encode("utf-8", "backslashreplace"))


def metrics_text(
    results: Sequence[RunResult], last_successes: Mapping[str, float], jobs: Sequence[str] = ()
) -> str:
    """Return the file's text.

    Args:
        results: of jobs with names of their own.
        last_successes: when jobs last ended well before these runs, by the name as it stands in a label.
        jobs: the names of further jobs of which that is told; of those with a result it is in any case.
    """
    by_name: dict[str, list[str]] = {name: [] for name in _HELP}
    ran = {result.job.name for result in results}
    absent = (_last_success(job, last_successes) for job in jobs if job not in ran)
    for name, labels, value in chain(*(_samples(result, last_successes) for result in results), *absent):
        inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        by_name[name].append(f"{name}{{{inner}}} {value:.15g}")
    lines: list[str] = []
    for name, samples in by_name.items():
        if samples:
            lines += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge", *samples]
    return "\n".join([*lines, ""])


def _samples(result: RunResult, last_successes: Mapping[str, float]) -> Iterator[Sample]:
    job = {"job": result.job.name}
    operations: Counter[tuple[str, str]] = Counter()
    responses: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for record in result.ledger.records():
        peer = record["peer"]
        operations[peer, record["verdict"]] += 1
        responses[peer] += record["responses"]
        seconds[peer] += record["seconds"]
    for one in result.peers:
        labels = {**job, "peer": one.name}
        for verdict in Verdict:
            yield (
                "cfind_operations",
                {**labels, "verdict": verdict.value},
                operations[one.name, verdict.value],
            )
        yield "cfind_responses", labels, responses[one.name]
        yield "cfind_operation_seconds", labels, round(seconds[one.name], 6)
    ended = round(result.started + result.seconds, 3)
    yield "cfind_planned_operations", job, result.planned
    yield "cfind_run_seconds", job, round(result.seconds, 6)
    yield "cfind_exit_status", job, int(result.exit_status)
    yield "cfind_last_run_timestamp_seconds", job, ended
    if result.exit_status is ExitStatus.SUCCESS:
        yield _LAST_SUCCESS, job, ended
    else:
        yield from _last_success(result.job.name, last_successes)


def _last_success(job: str, last_successes: Mapping[str, float]) -> Iterator[Sample]:
    success = last_successes.get(_escaped(job))
    if success is not None:
        yield _LAST_SUCCESS, {"job": job}, success


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def _last_successes(path: Path) -> dict[str, float]:
    """Read when jobs last ended well from a file that was written before; nothing where there is none."""
    try:
        if not path.is_file():  # to read a device may take for ever
            return {}
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_OLD)
    except (OSError, ValueError):
        return {}
    found = {}
    for line in text.splitlines():
        match = _SUCCESS_LINE.fullmatch(line)
        if match is not None:
            try:
                found[match[1]] = float(match[2])
            except ValueError:
                continue
    return found
