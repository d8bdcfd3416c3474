"""Run a job: peers side by side in threads, each operation over an association, responses into the sinks."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from runner.engine.address import reachable
from runner.engine.delivery import Delivery
from runner.engine.ledger import Ledger
from runner.engine.observer import Observer, Observers
from runner.engine.operation_queue import OperationQueue
from runner.engine.peer_worker import PeerWorker
from runner.engine.result import Cap, Kind, OperationResult, PeerResult, SinkResult, Verdict, kind_of_answer
from runner.engine.run_result import RunResult
from runner.engine.screening import EarlierRuns, Screening, Screens
from runner.engine.verdict import same_as_capped
from runner.errors import (
    ArchiveError,
    CfindError,
    DefectError,
    ExitStatus,
    InvalidJobError,
    SinkError,
    StateError,
)
from runner.model import Job, Peer, QueryOption
from runner.plan import Operation, operations, planned
from runner.sinks.base import Outcome, SinkState
from runner.sinks.registry import make_sinks
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from runner.association.events import Accepted
    from runner.engine.continuation import Continuation
    from runner.engine.expectations import Expectations
    from runner.engine.families import Families
    from runner.engine.record import Record
    from runner.engine.restraint import Restraint
    from runner.model import SinkDeclaration
    from runner.sinks.base import Sink
    from runner.state.kept_run import KeptRun
    from runner.transport.tls_session import TlsSession

#: An answer with fewer responses is not compared with others: many have one.
_COMPARED = 2

#: So many different warnings are kept for the report; peers can put something else into each.
_MAX_WARNINGS = 1000

#: The exit statuses of runs whose answers are all there.
_WHOLE = (ExitStatus.SUCCESS, ExitStatus.EXPECTATION)


class Interruption(Protocol):
    """Says which signal ended the run, if one did."""

    def __call__(self) -> ExitStatus | None:
        """Return INTERRUPTED or TERMINATED, or None while no signal came."""


def run(
    job: Job,
    *,
    output_dir: Path,
    stdout: BinaryIO,
    stop: StopSignal,
    interruption: Interruption = lambda: None,
    observer: Observer | None = None,
    executor: Executor | None = None,
    clock: Callable[[], float] = time.time,
    waits: bool = True,
    earlier: EarlierRuns | None = None,
    kept: KeptRun | None = None,
) -> RunResult:
    """Run a job to its end.

    Args:
        job: what to run.
        output_dir: the folder that the sinks' paths are relative to.
        stdout: where the stdout sinks print.
        stop: set from outside to end the run in order.
        interruption: tells after the run which signal stopped it.
        observer: is told what happens.
        executor: where the peers' workers run; None for threads of the run's own.
        clock: tells whether a peer's window is open, in seconds since the epoch.
        waits: whether a window that is closed is waited for; else what is for that peer fails.
        earlier: knows what earlier runs have delivered, for queries that want only what is new; None to
            deliver all.
        kept: where it is kept what the run does, and what it goes on with; None for nowhere.

    Returns:
        What came of it. Failures of peers and sinks are in there, and defects of cfind; they do not raise.
    """
    observer = observer or Observers()
    return _Run(
        job, output_dir, stdout, stop, interruption, observer, executor, clock, earlier, kept, waits=waits
    ).run()


class _Run:
    def __init__(
        self,
        job: Job,
        output_dir: Path,
        stdout: BinaryIO,
        stop: StopSignal,
        interruption: Interruption,
        observer: Observer,
        executor: Executor | None,
        clock: Callable[[], float],
        earlier: EarlierRuns | None,
        kept: KeptRun | None,
        *,
        waits: bool,
    ) -> None:
        self._job = job
        self._stop = stop
        self._interruption = interruption
        self._observer = observer
        self._executor = executor
        self._clock = clock
        self._waits = waits
        self._restraints: list[tuple[Peer, Restraint]] = []
        self._lock = threading.Lock()
        self._ledger = Ledger()
        self._planned = planned(job)
        # How many responses the answers had that are known to be capped, for each peer.
        self._capped: set[tuple[str, int]] = set()
        # Of which answers the peers say so where they cut them off.
        self._telling: set[Kind] = set()
        self._kept = kept
        self._screens = Screens(earlier, keeping=kept is not None)
        # Of these the parts are compared with each other, by what they find.
        self._split = frozenset(
            member.name for query in job.queries for member in query.family if member.split is not None
        )
        self._numbers = count(self._planned + 1)
        self._families = self._made_families()
        self._expectations = _expectations(job)
        # Each once, with how often it came.
        self._warnings: Counter[str] = Counter()
        self._sessions: dict[str, TlsSession] = {}
        self._accepted: dict[str, Accepted] = {}
        self._queues: list[tuple[Peer, OperationQueue]] = []
        self._at_work: dict[str, list[PeerWorker]] = {peer.name: [] for peer in self._peers()}
        self._output_dir = output_dir
        self._stdout = stdout
        self._delivery = Delivery((), stop)
        self._continuation: Continuation | None = None

    def run(self) -> RunResult:
        started, begun = time.time(), time.monotonic()
        error: CfindError | None = None
        try:
            try:
                _check_names(self._job, self._output_dir)
                self._open(make_sinks(self._job, self._output_dir, self._stdout))
            finally:  # by now it is known what an earlier run has done
                self._observer.run_begun(self._job, self)
            if not self._delivery.failed and not self._is_done():
                self._work()
        except (SinkError, InvalidJobError, StateError) as failure:  # such as rows that have changed
            error = failure
        except Exception as defect:  # noqa: BLE001 - what came is kept, and the report written
            error = DefectError(defect)
        except BaseException:
            self._delivery.close(whole=False)
            raise
        result = RunResult(
            job=self._job,
            ledger=self._ledger,
            sinks=(),
            planned=self._planned + self._following(),
            resumed=self._kept is not None and self._kept.earlier is not None,
            interrupted=self._interruption(),
            error=error,
            started=started,
            warnings=tuple(
                text if times == 1 else f"{text} ({times} times)" for text, times in self._warnings.items()
            ),
            peers=tuple(
                PeerResult(peer.name, self._sessions.get(peer.name), self._accepted.get(peer.name))
                for peer in self._peers()
            ),
        )
        if self._expectations is not None:
            judged = self._expectations.results(whole=result.verdict is Verdict.COMPLETE)
            result = replace(result, expectations=judged)
        # A sink that failed is its own affair: what the others hold is whole. And so are answers that are
        # not what the job expects.
        whole = result.verdict is Verdict.COMPLETE and result.exit_status in _WHOLE
        if (self._ledger.operations or not self._planned) and not isinstance(error, DefectError):
            self._delivery.judge(self._outcomes)
        if self._continuation is not None:
            self._continuation.closing(whole=whole)
        closed = self._delivery.close(whole=whole)
        if self._continuation is not None:
            self._continuation.closed(closed, _delivered(self._job, closed) if whole else ())
        if not whole and (self._kept is None or self._kept.trouble is not None):
            self._delivery.clear()
        # A signal that came while the sinks committed did not keep anything from being whole.
        return replace(result, sinks=closed, seconds=time.monotonic() - begun)

    def planned(self, peer: str) -> int | None:
        """Return how many operations a peer gets in all; None where others may follow from them."""
        if self._families is not None:
            return None
        before = self._continuation.done_at[peer] if self._continuation is not None else 0
        return sum(query.operations_per_peer for query in self._job.queries if peer in query.peers) - before

    def received(self, peer: str) -> int:
        """Return how many responses of a peer have come so far."""
        return sum(worker.received for worker in self._at_work[peer])

    def _outcomes(self) -> Iterator[Outcome]:
        from runner.engine.outcomes import outcomes

        return outcomes(self._job, self._ledger, self._planned)

    def _open(self, sinks: list[tuple[SinkDeclaration, Sink]]) -> None:
        """Open the sinks, where an earlier run is gone on with at the point where that ended.

        Raises:
            StateError: what it left is not there any more.
        """
        delivery = Delivery(sinks, self._stop, noting=self._kept is not None)
        if self._kept is None:
            self._delivery = delivery
            delivery.open()
            return
        from runner.engine.continuation import Caps, Continuation

        continuation = Continuation(self._kept, delivery, self._screens)
        continuation.open()
        self._delivery, self._continuation = delivery, continuation
        caps = Caps(self._capped, self._telling)
        continuation.restore(self._job, self._ledger, self._expectations, caps, self._is_trusted)
        self._numbers = count(max(self._planned, continuation.highest) + 1)

    def _is_done(self) -> bool:
        return self._continuation is not None and 0 < self._planned <= self._continuation.done

    def _following(self) -> int:
        """Return how many operations there are that the plan does not have."""
        before = self._continuation.following if self._continuation is not None else 0
        return before + (self._families.made if self._families is not None else 0)

    def _peers(self) -> list[Peer]:
        return list(self._job.used_peers)

    def _work(self) -> None:
        with ExitStack() as stack:
            workers = [worker for peer in self._peers() for worker in self._workers(peer, stack)]
            try:
                self._run_all(workers)
            except BaseException:
                self._stop.set()
                raise
            finally:
                if self._families is not None:
                    self._families.flush()
        for peer, queue in self._queues:
            if queue.reached and queue.refusal is not None and not queue.deserted:
                self._warn(
                    f"peer {peer.name}",
                    "it gave fewer associations than max_associations allows, so the operations went over"
                    f" those that it gave: {queue.refusal}",
                )
        for peer, restraint in self._restraints:
            if failures := restraint.failures():
                self._warn(f"peer {peer.name}", f"it gave no association {failures} times in all")

    def _run_all(self, workers: Sequence[PeerWorker]) -> None:
        if self._executor is not None:
            _wait_for(self._executor, self._drain, workers, self._stop)
        elif len(workers) > 1:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(len(workers), thread_name_prefix="peer") as executor:
                _wait_for(executor, self._drain, workers, self._stop)
        else:
            for worker in workers:
                self._drain(worker)

    def _workers(self, peer: Peer, stack: ExitStack) -> Iterator[PeerWorker]:
        unreachable: CfindError | None = None
        try:
            peer = reachable(peer, stack, partial(self._warn, f"peer {peer.name}"))
        except ArchiveError as error:
            unreachable = error
        queries = [query for query in self._job.queries if peer.name in query.peers]
        models = dict.fromkeys(member.model for query in queries for member in query.family)
        abstract_syntaxes = tuple(model.sop_class_uid for model in models)
        families = self._families
        planned_ones: Iterator[Operation] = (
            replace(operation, peer=peer) for operation in operations(self._job, peer.name)
        )
        if self._continuation is not None:
            planned_ones = self._continuation.left(planned_ones)
        if families is not None:
            planned_ones = chain.from_iterable(map(self._begun, planned_ones))
        queue = OperationQueue(planned_ones, growing=families is not None)
        self._queues.append((peer, queue))
        restraint = self._restraint(peer)
        most = sum(query.operations_per_peer for query in queries)
        for _ in range(peer.max_associations if families is not None else min(peer.max_associations, most)):
            worker = PeerWorker(
                peer,
                abstract_syntaxes,
                queue,
                self._delivery,
                self._stop,
                self._warn,
                self._secured,
                self._opened,
                self._started,
                self._screening,
                restraint,
                unreachable,
            )
            self._at_work[peer.name].append(worker)
            yield worker

    def _restraint(self, peer: Peer) -> Restraint | None:
        """Return what holds a peer's workers back; None where nothing does."""
        if peer.rate is None and peer.retries is None and peer.window is None:
            return None
        from runner.engine.restraint import Restraint

        warn = partial(self._warn, f"peer {peer.name}")
        tell = partial(self._waiting, peer)
        restraint = Restraint(peer, self._stop, warn, tell, self._clock, waits=self._waits)
        self._restraints.append((peer, restraint))
        return restraint

    def _drain(self, worker: PeerWorker) -> None:
        try:
            with closing(worker.results()) as results:
                for result in results:
                    self._note(worker.queue, result)
        except BaseException:
            # The other workers are not to go on, for hours perhaps, for a run that has failed.
            self._stop.set()
            raise

    def _note(self, queue: OperationQueue, result: OperationResult) -> None:
        """Note what came of a C-FIND, and let follow what follows from it."""
        result = self._compared(result)
        continuation, families = self._continuation, self._families
        if families is None:
            self._ended(result)
            if continuation is not None:
                continuation.settle(result)
            return
        stopped = self._stop.is_set()
        following = families.end(result, cutting=not stopped)
        root = result.operation.origin
        if following is not None:
            if continuation is not None:
                following = continuation.roots.following(root, following)
            queue.follow(following)
        if continuation is not None and not stopped:
            # of what is being stopped not all follows that would have: it is not done
            continuation.roots.ended(root)

    def _begun(self, operation: Operation) -> Iterator[Operation]:
        """Return what is to be asked for an operation of the plan."""
        assert self._families is not None
        asked = self._families.begin(operation)
        if self._continuation is None:
            return asked
        return self._continuation.roots.following(operation.number, asked)

    def _made_families(self) -> Families | None:
        """Return what knows of operations that follow from others; None where the job has none such."""
        if not any(member.split or member.then for query in self._job.queries for member in query.family):
            return None
        from runner.engine.families import Families

        return Families(self._job, iter(self._number, None), self._ended, self._telling)

    def _number(self) -> int:
        return next(self._numbers)

    def _screening(self, operation: Operation, agreed: Iterable[QueryOption]) -> Screening | None:
        if self._families is not None:
            return self._families.screening(self._screens, operation, agreed)
        return self._screens.screening(operation, agreed=agreed)

    def _ended(self, result: OperationResult) -> None:
        with self._lock:
            self._ledger.add(result)
            if self._expectations is not None:
                self._expectations.add(result)
            if self._continuation is not None:
                self._continuation.ended(result)
            self._observer.operation_finished(result)

    def _compared(self, result: OperationResult) -> OperationResult:
        """Compare an answer with others of its peer that were cut off: one as long may be cut off, too."""
        peer, responses = result.operation.peer.name, result.responses
        if responses < _COMPARED:
            return result
        doubted = 0
        with self._lock:
            if result.cap is None:
                suspect = result.verdict is Verdict.COMPLETE and not result.cancelled
                if not suspect or (peer, responses) not in self._capped:
                    return result
                judgement = same_as_capped(responses)
                return replace(result, verdict=judgement.verdict, error=judgement.error, cap=judgement.cap)
            if result.cap not in (Cap.DECLARED, Cap.SAME_COUNT):
                self._telling.add(kind_of_answer(result.operation))
            if (peer, responses) not in self._capped:
                self._capped.add((peer, responses))
                doubted = self._ledger.doubt(peer, responses, same_as_capped(responses), self._is_trusted)
        if doubted:
            self._warn(
                f"peer {peer}",
                f"{doubted} earlier {'answer' if doubted == 1 else 'answers'} had {responses} responses,"
                " as many as one that was cut off now: that may not have been all",
            )
        return result

    def _is_trusted(self, one: Record) -> bool:
        """Whether an answer is of a split query, and of a kind of which the peer says if it is cut off."""
        return one["query"] in self._split and (one["peer"], one["model"], one["level"]) in self._telling

    def _warn(self, where: str, text: str) -> None:
        with self._lock:
            warning = f"{where}: {text}"
            if warning in self._warnings or len(self._warnings) < _MAX_WARNINGS:
                self._warnings[warning] += 1
            self._observer.warning(where, text)

    def _secured(self, peer: Peer, session: TlsSession) -> None:
        """Note the first TLS handshake with a peer; the others come to the same."""
        with self._lock:
            if peer.name in self._sessions:
                return
            self._sessions[peer.name] = session
            self._observer.connection_secured(peer, session)
        if session.warning is not None:
            self._warn(f"peer {peer.name}", session.warning)

    def _opened(self, peer: Peer, accepted: Accepted) -> None:
        """Note the first association with a peer; the others come to the same."""
        with self._lock:
            self._accepted.setdefault(peer.name, accepted)
            self._observer.association_opened(peer)

    def _waiting(self, peer: Peer, text: str) -> None:
        with self._lock:
            self._observer.waiting(peer, text)

    def _started(self, operation: Operation) -> None:
        with self._lock:
            self._observer.operation_started(operation)


def _expectations(job: Job) -> Expectations | None:
    """Return what judges the job's expectations; None where it has none."""
    if not any(one.expect for query in job.queries for one in query.family):
        return None
    from runner.engine.expectations import Expectations

    return Expectations(job.queries)


def _delivered(job: Job, sinks: Sequence[SinkResult]) -> list[str]:
    """Return the names of the queries that want only what is new and whose records are delivered for good."""
    if any(sink.state is not SinkState.COMMITTED for sink in sinks):
        return []
    taken = [sink.queries for sink in job.sinks]
    return [
        member.name
        for query in job.queries
        for member in query.family
        if member.only_new and any(not names or member.name in names for names in taken)
    ]


def _check_names(job: Job, output_dir: Path) -> None:
    """Check that the sinks' paths can be file names at all.

    Raises:
        SinkError: if the locale's encoding lacks a character.
    """
    for declaration in job.sinks:
        for path in (getattr(declaration, "path", ""), getattr(declaration, "directory", "")):
            if _is_no_file_name(output_dir / path):
                raise SinkError(
                    f"the path {path!a} of a sink cannot be a file name in {sys.getfilesystemencoding()}",
                    "set a locale with UTF-8 (LC_ALL=C.UTF-8, or PYTHONUTF8=1), or choose another name",
                )


def _is_no_file_name(path: Path) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return True
    return False


def _wait_for(
    executor: Executor, work: Callable[[PeerWorker], None], workers: Sequence[PeerWorker], stop: StopSignal
) -> None:
    """Run all workers to their end; only then raise what one of them raised."""
    from concurrent.futures import Future, wait

    futures: list[Future[None]] = []
    try:
        for worker in workers:
            futures.append(executor.submit(work, worker))  # noqa: PERF401 - those that were begun are waited for
        wait(futures)
    except BaseException:
        stop.set()
        wait(futures)
        raise
    for future in futures:
        future.result()
