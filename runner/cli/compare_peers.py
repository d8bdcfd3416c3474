"""`cfind run --compare`: the queries of a job asked of two peers, and what their answers differ in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.messages import complain
from runner.errors import ExitStatus, UsageError
from runner.model import Job, Query, RspSink

if TYPE_CHECKING:
    from runner.comparison.inputs import Output
    from runner.engine.run_result import RunResult

#: Which archive answered is no difference between the answers.
IGNORED = "RetrieveAETitle"


def jobs_of_peers(jobs: Sequence[Job], names: Sequence[str], output_dir: Path) -> list[Job]:
    """Return a job for each of two peers: all queries go to it, all responses into the folder of its name.

    The job's own sinks are left out: they are made for the answers of its own peers.

    Raises:
        UsageError: there are several jobs, the job does not have the peers, or a folder is not empty.
    """
    if len(jobs) > 1:
        raise UsageError("--compare takes one job", "run each with a command of its own")
    [job] = jobs
    if names[0] == names[1]:
        raise UsageError("--compare wants two different peers", f"the job has {_peers(job)}")
    for name in names:
        if name not in {peer.name for peer in job.peers}:
            raise UsageError(f"the job {job.name} has no peer {name!r} to compare", f"it has {_peers(job)}")
        if name.startswith(".") or not name.isprintable() or set(name) & set('/\\:*?"<>|'):
            raise UsageError(
                f"the peer's name {name!r} cannot be the name of a folder",
                "give it a name of letters, digits and hyphens",
            )
        if _is_taken(output_dir / name):
            raise UsageError(
                f"{output_dir / name}, where the answers of the peer {name} go, is there already",
                "remove it, or name another folder with --output-dir",
            )
    return [
        replace(
            job,
            name=f"{job.name} at {name}",
            peers=(job.peer(name),),
            queries=tuple(_asked_of(query, name) for query in job.queries),
            sinks=(RspSink(name),),
        )
        for name in names
    ]


def compare_results(results: Sequence[RunResult], names: Sequence[str]) -> ExitStatus:
    """Print what the answers of two peers differ in.

    Returns:
        EXPECTATION where anything does, else SUCCESS; so too where there is nothing to compare, since the
        run itself has failed then.
    """
    from runner.cli.comparing import print_comparisons
    from runner.comparison.rules import Rules

    outputs = [_output(result, name) for result, name in zip(results, names, strict=False)]
    found = [output for output in outputs if output is not None]
    if len(found) < 2:
        missing = next(
            name for name, output in zip(names, [*outputs, None, None], strict=False) if output is None
        )
        complain(f"not compared: there are no answers of the peer {missing}")
        return ExitStatus.SUCCESS
    complain(f"not compared: {IGNORED}, which says whose answer it is")
    one, other = found
    different = print_comparisons([(one, other)], Rules(ignored=frozenset({IGNORED})), (), "text")
    for result, name in zip(results, names, strict=True):
        if result.verdict != "complete":
            complain(
                f"warning: the answer of the peer {name} is {result.verdict.value}, so this comparison cannot"
                " be trusted"
            )
    return ExitStatus.EXPECTATION if different else ExitStatus.SUCCESS


def _asked_of(query: Query, peer: str) -> Query:
    return replace(query, peers=(peer,), then=tuple(_asked_of(below, peer) for below in query.then))


def _output(result: RunResult, name: str) -> Output | None:
    """Return where the answers of a peer lie; None where there are none."""
    from runner.comparison.inputs import Output

    [sink] = result.sinks or (None,)
    if sink is None or sink.path is None:
        return None
    path = Path(sink.kept_in or sink.path)
    # one that cannot be decoded is a response, and no record
    expected = None if sink.undecodable_files else sink.responses
    return Output("rsp", name, path, expected) if path.is_dir() else None


def _is_taken(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _peers(job: Job) -> str:
    return ", ".join(peer.name for peer in job.peers)
