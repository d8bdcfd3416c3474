"""`cfind probe`: learn what a peer does with queries, and write it as a profile that jobs include."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.interruption import SignalledStop
from runner.cli.job_files import valid_jobs
from runner.cli.messages import complain, say
from runner.cli.profile_text import HEAD, profile_text
from runner.engine.address import reachable
from runner.engine.run_result import foremost
from runner.errors import CfindError, ExitStatus, UsageError
from runner.model import InformationModel, Job, Peer
from runner.probe.facts import Findings
from runner.probe.ground import Ground, ground_of
from runner.probe.interview import Interview
from runner.probe.learn import MAX_QUESTIONS
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from runner.sinks.atomic_file import AtomicFile


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "probe",
        "Learn what a peer does with queries: how many answers it gives at most, which keys it ignores,"
        " whether it takes wildcards, ranges and relational queries, in which character set it answers,"
        " whether it heeds a C-CANCEL, and how many associations it allows. What is learned is printed as a"
        f" profile that jobs include. About {MAX_QUESTIONS} C-FINDs are sent at most, to one peer after the"
        " other.",
    )
    made.add_argument(
        "job",
        type=Path,
        metavar="JOB",
        help="a job file: its first query for a peer leads to records",
    )
    made.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME",
        help="a peer of the job; may be repeated (default: all of them)",
    )
    made.add_argument(
        "--limit",
        type=limit,
        default=2000,
        metavar="N",
        help="cancel each query after N answers (default: 2000); a limit of the peer above that is not found",
    )
    made.add_argument(
        "--output", type=Path, metavar="FILE", help="write the profile to FILE (default: standard output)"
    )
    add_variable_option(made)
    add_clock_option(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    variables, clock = given_variables(options.variables), given_clock(options.now)
    statuses: set[ExitStatus] = set()
    found: dict[str, tuple[InformationModel, Findings]] = {}
    stop = StopSignal()
    with SignalledStop(stop) as signalled:
        job = valid_jobs([options.job], variables, check_rows=False, clock=clock)[0]
        peers = _chosen(job, options.peer)
        file = _opened(job, options.output)
        try:
            for peer in peers:
                ground = _ground(job, peer)
                try:
                    found[peer.name] = (ground.model, _probed(peer, ground, options.limit, stop, statuses))
                except CfindError as error:
                    statuses.add(signalled() or error.status)
                    complain(f"peer {peer.name}: {error}")
                    if signalled() is not None:
                        break
            if found:
                text = profile_text(found, clock.instant)
                if file is None:
                    say(text)
                else:
                    file.write(text.encode("utf-8"))
                    file.commit()
                    file = None
                    complain(f"{options.output} is written")
        finally:
            if file is not None:
                file.discard()
    return foremost(statuses)


def _probed(peer: Peer, ground: Ground, limit: int, stop: StopSignal, statuses: set[ExitStatus]) -> Findings:
    """Ask a peer, and tell what came of it."""
    warn = partial(_warn, peer)
    with ExitStack() as stack:
        interview = Interview(reachable(peer, stack, warn), ground, limit, stop, warn)
        findings = interview.findings()
    unknown = findings.unknown()
    left = f"not known: {', '.join(unknown)}" if unknown else "all is known"
    complain(f"peer {peer.name}: {findings.questions} C-FINDs of {ground.model.value}; {left}")
    if interview.error is not None:
        statuses.add(interview.error.status)
        complain(f"peer {peer.name}: {interview.error}")
    return findings


def _ground(job: Job, peer: Peer) -> Ground:
    for query in (one for top in job.queries for one in top.family):
        if peer.name in query.peers:
            identifier = next((request.identifier for request in query.requests), ())
            return ground_of(query.model, identifier)
    return ground_of(InformationModel.STUDY_ROOT)


def _chosen(job: Job, names: Sequence[str]) -> list[Peer]:
    known = [peer.name for peer in job.peers]
    for name in names:
        if name not in known:
            raise UsageError(f"cfind probe: the job has no peer {name}", f"it has {', '.join(known)}")
    return [peer for peer in job.peers if not names or peer.name in names]


def _opened(job: Job, path: Path | None) -> AtomicFile | None:
    """Begin the profile before anything is sent, so that nobody is asked in vain.

    Raises:
        UsageError: it would take the place of another file that the job is made of than an older profile.
        SinkError: it cannot be written.
    """
    if path is None:
        return None
    inputs = {os.path.realpath(file) for file in (job.source, *job.included)}
    if os.path.realpath(path) in inputs and HEAD.encode() not in path.read_bytes()[:1000]:
        raise UsageError(
            f"cfind probe: --output {path} is the job, or a file that it includes", "choose another name"
        )
    from runner.sinks.atomic_file import AtomicFile

    file = AtomicFile(path)
    file.open()
    return file


def _warn(peer: Peer, text: str) -> None:
    complain(f"peer {peer.name}: warning: {text}")


def limit(text: str) -> int:
    """Return a number of answers.

    Raises:
        ValueError: if it is none; argparse makes a message of it.
    """
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise ValueError
    return number
