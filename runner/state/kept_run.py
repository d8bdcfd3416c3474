"""What is kept of a run while it goes on, so that another one can go on with it."""

from __future__ import annotations

import json
import os
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import StateError
from runner.state.database import Database
from runner.state.deliveries import Deliveries
from runner.state.history import Run, last_run, prune
from runner.state.lock import JobLock

#: After so many runs old ones are forgotten.
_PRUNE_EVERY = 100
#: What has ended is written after so many operations, or so many seconds.
_MANY = 200
_SECONDS = 0.1
#: What is written is brought to the disk after so many seconds: until then it outlives the process alone.
_DURABLE_SECONDS = 10.0
#: A run that is shorter is not brought to the disk.
_SHORT = 1.0

Record = dict[str, Any]
#: Where the responses to an operation lie in a sink's output: from, up to, and how many.
Segment = tuple[int, int, int]


class SinkPlace(NamedTuple):
    """Where a sink's output lies.

    Attributes:
        place: the file or folder that it writes to, or where it was kept; "" for none.
        begin: where in there the first thing of its own begins, such as the header.
        end: where that ends and the first response begins.
        state: `open`, or what became of it in the end: `committed`, `partial` or `none`.
        responses: how many it took, in the end.
        besides: temporary files that it has besides.
    """

    place: str
    begin: int = 0
    end: int = 0
    state: str = "open"
    responses: int = 0
    besides: Sequence[str] = ()

    @property
    def leftovers(self) -> tuple[str, ...]:
        """What is left over where nobody goes on with it."""
        return tuple(filter(None, (self.place, *self.besides)))


class Work(NamedTuple):
    """What is known of what the runs before have done of the same work.

    Attributes:
        id: of its first run.
        last: its latest run.
        instant: microseconds since the epoch that the dates of the job were made for.
        compiled: what is done, by names.
        sinks: where the outputs lie.
        phase: `running`, `committing` or `ended`.
    """

    id: int
    last: Run
    instant: int
    compiled: dict[str, str]
    sinks: tuple[SinkPlace, ...]
    phase: str


class Ending(NamedTuple):
    """How a run ended.

    Attributes:
        verdict: on the whole.
        exit_status: of the run.
        responses: pending responses that arrived whole.
        complete: how many operations are complete.
        planned: how many there were to do.
        seconds: how long it took.
    """

    verdict: str
    exit_status: int
    responses: int
    complete: int
    planned: int
    seconds: float


class KeptRun:
    """What is kept of a run that goes on; for any thread.

    What cannot be written any more is no failure of the run: it goes on without, and `trouble` says why.

    Args:
        folder: the state folder, which is there.
        job: the job's name.
        opened: gives the database of the folder, which is not closed; None for one of its own.

    Attributes:
        id: counts the runs of the state folder; 0 where nothing is kept.
        trouble: why nothing more is kept; None where all is well.
        last: what the latest run of the job was about; None where none is known.
        earlier: the same, where this run goes on with it.
        leftovers: temporary files and folders of a run that was killed and is not gone on with.

    Raises:
        AlreadyRunningError: a run of the job goes on.
        StateError: the folder has no locks.
    """

    def __init__(self, folder: Path, job: str, opened: Callable[[], Database] | None = None) -> None:
        self.id = 0
        self.trouble: StateError | None = None
        self.last: Work | None = None
        self.earlier: Work | None = None
        self.leftovers: tuple[str, ...] = ()
        self._job = job
        self._work = 0
        self._begun = time.monotonic()
        self._checkpoint = 0
        self._written = self._durable = self._begun
        self._records: list[tuple[int, int, int, str, str]] = []
        self._roots: list[tuple[int, int, int, str]] = []
        self._seen: list[tuple[int, str, bytes, int]] = []
        self._deliveries: Deliveries | None = None
        self._mutex = threading.RLock()
        self._lock = JobLock.take(folder, job)
        self._database: Database | None = None
        try:
            self._database = Database(folder) if opened is None else opened()
            self.last = self._last_work(self._database)
        except StateError as error:
            self._give_up(error)

    def _last_work(self, database: Database) -> Work | None:
        run = last_run(database, self._job)
        if run is None:
            return None
        rows = database.rows("SELECT instant, compiled, sinks, phase FROM works WHERE id = ?", (run.work,))
        try:
            for instant, compiled, sinks, phase in rows:
                places = tuple(SinkPlace(**sink) for sink in json.loads(sinks))
                return Work(run.work, run, instant, json.loads(compiled), places, phase)
        except (ValueError, TypeError) as error:
            raise self._unreadable(database) from error
        return None

    @staticmethod
    def _unreadable(database: Database) -> StateError:
        return StateError(
            f"the state in {database.path} cannot be read: it is damaged",
            "remove this file, with what it knows of earlier runs",
        )

    def deliveries(self, job: str) -> Deliveries:
        """Return what knows what earlier runs of the job have delivered; `closed` commits it.

        Raises:
            StateError: nothing can be kept.
        """
        if self._database is None:
            raise self.trouble or StateError("the state cannot be used")
        self._deliveries = Deliveries(self._database, job, self._work)
        return self._deliveries

    def _give_up(self, error: StateError) -> None:
        self.trouble = self.trouble or error
        self._database = None

    # --- the beginning ------------------------------------------------------------------------------------

    def begin(self, source: str, instant: int, compiled: dict[str, str]) -> None:
        """Begin from the beginning.

        Args:
            source: the job's file.
            instant: microseconds since the epoch that the dates of the job were made for.
            compiled: what is done, by names.
        """
        database, last = self._database, self.last
        if database is None:
            return
        if last is not None:
            self.leftovers = tuple(path for sink in last.sinks for path in sink.leftovers)
        try:
            with database.writing():
                self._work = self.id = self._new_run(database, "run", source)
                database.execute("UPDATE runs SET work = id WHERE id = ?", (self.id,))
                database.execute(
                    "INSERT INTO works (id, instant, compiled, boot, phase) VALUES (?, ?, ?, ?, 'running')",
                    (self.id, instant, json.dumps(compiled), _boot()),
                )
                if last is not None:
                    for statement in _FORGET:
                        database.execute(statement, (last.id,))
        except StateError as error:
            self._give_up(error)

    def go_on(self, source: str, kind: str) -> None:
        """Go on with the work of the latest run.

        After the machine was started anew only what was on the disk counts.

        Args:
            source: the job's file.
            kind: `resume` or `retry`.

        Raises:
            StateError: it cannot be read or written.
        """
        work, database = self.last, self._database
        if work is None or database is None:
            raise self.trouble or StateError("nothing is known of an earlier run")
        with database.writing():
            self._work, self.earlier = work.id, work
            self.id = self._new_run(database, kind, source)
            database.execute("UPDATE runs SET work = ? WHERE id = ?", (work.id, self.id))
            for boot, durable in database.rows("SELECT boot, durable FROM works WHERE id = ?", (work.id,)):
                if not boot or boot != _boot():
                    database.execute(
                        "DELETE FROM roots WHERE work = ? AND checkpoint > ?", (work.id, durable)
                    )
                self._checkpoint = durable
            for (checkpoint,) in database.rows(
                "SELECT MAX(checkpoint) FROM roots WHERE work = ?", (work.id,)
            ):
                self._checkpoint = max(self._checkpoint, checkpoint or 0)
            database.execute("UPDATE works SET boot = ? WHERE id = ?", (_boot(), work.id))
            self._forget_undone(database)

    def _new_run(self, database: Database, kind: str, source: str) -> int:
        return database.execute(
            "INSERT INTO runs (job, work, kind, source, pid, begun) VALUES (?, 0, ?, ?, ?, ?)",
            (self._job, kind, source, os.getpid(), time.time()),
        )

    def _forget_undone(self, database: Database) -> None:
        """Forget what is known of operations whose root is not done."""
        for statement in _FORGET_UNDONE:
            database.execute(statement, (self._work, self._work))

    # --- what was done before -----------------------------------------------------------------------------

    def records(self) -> Iterator[tuple[int, Record, Record]]:
        """Yield for each operation that was done its root's number, its record, and what came with that.

        The latest come first: what follows from an operation comes before it.

        Raises:
            StateError: they cannot be read.
        """
        for root, record, more in self._rows(
            "SELECT root, record, more FROM operations WHERE work = ? ORDER BY number DESC"
        ):
            yield root, json.loads(record), json.loads(more)

    def segments(self) -> Iterator[tuple[int, list[list[Segment]]]]:
        """Yield for each root that is done its number, and for each sink where its responses lie.

        Raises:
            StateError: they cannot be read.
        """
        for root, segments in self._rows("SELECT root, segments FROM roots WHERE work = ?"):
            yield root, json.loads(segments)

    def seen(self) -> Iterator[tuple[str, bytes, int]]:
        """Yield what has come: the name of what remembers it, a digest, and the number of an operation.

        Raises:
            StateError: it cannot be read.
        """
        yield from self._rows("SELECT name, digest, operation FROM seen WHERE work = ?")

    def _rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        database = self._database
        if database is None:
            return
        try:
            yield from database.rows(statement, (self._work,))
        except ValueError as error:
            raise self._unreadable(database) from error

    def done(self) -> int:
        """Return how many operations of the plan are done.

        Raises:
            StateError: that cannot be read.
        """
        return sum(number for (number,) in self._rows("SELECT COUNT(*) FROM roots WHERE work = ?"))

    def drop(self, roots: Iterable[int]) -> None:
        """Forget roots that are to be done again.

        Raises:
            StateError: they cannot be.
        """
        database = self._database
        if database is None:
            return
        with database.writing():
            dropped = [(self._work, root) for root in roots]
            database.put("DELETE FROM roots WHERE work = ? AND root = ?", dropped)
            self._forget_undone(database)

    def moved(
        self,
        sinks: Sequence[SinkPlace],
        spans: Sequence[Sequence[tuple[int, int]] | None],
        *,
        committing: bool,
    ) -> None:
        """Note that what is kept of the outputs lies one behind the other now.

        Args:
            sinks: where they lie.
            spans: for each what was kept, in order; None for one that has not moved.
            committing: whether the outputs are being given their final names.

        Raises:
            StateError: it cannot be noted; then it counts as not moved.
        """
        database = self._database
        if database is None:
            return
        moves = [None if one is None else _Move(one) for one in spans]
        rows = []
        if any(moves):
            for root, segments in self.segments():
                new = [
                    each if move is None else [move.segment(segment) for segment in each]
                    for move, each in zip(moves, segments, strict=True)
                ]
                rows.append((json.dumps(new), self._work, root))
        with database.writing():
            database.put("UPDATE roots SET segments = ? WHERE work = ? AND root = ?", rows)
            self._put_sinks(database, sinks, "committing" if committing else "running")

    # --- while it goes on ---------------------------------------------------------------------------------

    def opened(self, sinks: Sequence[SinkPlace]) -> None:
        """Note where the outputs lie."""
        if self._database is None:
            return
        try:
            self._put_sinks(self._database, sinks, "running")
        except StateError as error:
            self._give_up(error)

    def _put_sinks(self, database: Database, sinks: Sequence[SinkPlace], phase: str) -> None:
        database.execute(
            "UPDATE works SET sinks = ?, phase = ? WHERE id = ?",
            (json.dumps([sink._asdict() for sink in sinks]), phase, self._work),
        )

    def operation_ended(self, root: int, record: Record, more: Record) -> None:
        """Note what came of an operation; it counts once its root is done.

        Args:
            root: the number of the operation of the plan that it follows from, its own for one of these.
            record: of it.
            more: what else another run must know.
        """
        if self._database is not None:
            text = json.dumps(record, ensure_ascii=False)
            with self._mutex:
                self._records.append((self._work, record["number"], root, text, json.dumps(more)))

    def remember(self, name: str, digests: Iterable[tuple[bytes, int]]) -> None:
        """Note what has come, with the numbers of the operations that it came in."""
        with self._mutex:
            self._seen.extend((self._work, name, digest, operation) for digest, operation in digests)

    def root_done(self, root: int, segments: Sequence[Sequence[Segment]], sync: Callable[[], None]) -> None:
        """Note that all that follows from an operation of the plan has ended.

        Args:
            root: its number.
            segments: for each sink where the responses lie.
            sync: brings what the sinks have to the disk.
        """
        with self._mutex:
            self._roots.append((self._work, root, self._checkpoint + 1, json.dumps(segments)))
            now = time.monotonic()
            if len(self._roots) >= _MANY or len(self._records) >= _MANY or now - self._written >= _SECONDS:
                self._write()
                self._written = now
                if now - self._durable >= _DURABLE_SECONDS:
                    self.be_durable(sync)
                    self._durable = time.monotonic()

    def _write(self) -> None:
        database = self._database
        if database is not None:
            try:
                with database.writing():
                    database.put("INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?, ?)", self._records)
                    database.put("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?)", self._seen)
                    database.put("INSERT OR REPLACE INTO roots VALUES (?, ?, ?, ?)", self._roots)
            except StateError as error:
                self._give_up(error)
        self._checkpoint += 1
        for written in (self._records, self._seen, self._roots):
            written.clear()

    def be_durable(self, sync: Callable[[], None]) -> None:
        """Bring all to the disk: first the outputs, then what says that they are there."""
        if self._database is None:
            return
        checkpoint = self._checkpoint
        try:
            sync()
            self._database.execute("UPDATE works SET durable = ? WHERE id = ?", (checkpoint, self._work))
            self._database.be_durable()
        except StateError as error:
            self._give_up(error)

    # --- the end ------------------------------------------------------------------------------------------

    def closing(self, sinks: Sequence[SinkPlace], sync: Callable[[], None], *, whole: bool) -> None:
        """Note all that has ended, and that the outputs get their final names now, if they do."""
        with self._mutex:
            self._write()
        database = self._database
        if database is None or not whole:
            return
        try:
            self._put_sinks(database, sinks, "committing")
        except StateError as error:
            self._give_up(error)
        if time.monotonic() - self._begun >= _SHORT and any(sink.place for sink in sinks):
            self.be_durable(sync)

    def closed(self, sinks: Sequence[SinkPlace], delivered: Collection[str] = ()) -> None:
        """Note what became of the outputs.

        Args:
            sinks: where they lie, if anywhere.
            delivered: the names of queries whose records they have committed.
        """
        deliveries = self._deliveries if delivered else None
        try:
            if deliveries is not None:  # also where the run itself is not kept any more
                deliveries.commit(delivered)
        except StateError as error:
            what = f"{error.what}; so a later run will deliver again what this one has"
            self.trouble, self._database = StateError(what, error.advice), None
        if self._database is None:
            return
        try:
            self._put_sinks(self._database, sinks, "ended")
            if deliveries is not None:
                # the outputs are on the disk: what they hold is not to come again after a power cut
                self._database.be_durable()
        except StateError as error:
            self._give_up(error)

    def end(self, ending: Ending) -> None:
        """Note how the run ended.

        Args:
            ending: how.
        """
        if self._database is None:
            return
        try:
            with self._database.writing():
                self._database.execute(
                    "UPDATE runs SET verdict = ?, exit_status = ?, responses = ?, complete = ?, planned = ?,"
                    " seconds = ? WHERE id = ?",
                    (
                        ending.verdict,
                        ending.exit_status,
                        ending.responses,
                        ending.complete,
                        ending.planned,
                        ending.seconds,
                        self.id,
                    ),
                )
            if self.id % _PRUNE_EVERY == 0:
                prune(self._database)
        except StateError as error:
            self._give_up(error)

    def release(self) -> None:
        """Let other runs of the job begin."""
        self._lock.release()


_FORGET = (
    "DELETE FROM roots WHERE work = ?",
    "DELETE FROM operations WHERE work = ?",
    "DELETE FROM seen WHERE work = ?",
)


_FORGET_UNDONE = (
    "DELETE FROM operations WHERE work = ? AND root NOT IN (SELECT root FROM roots WHERE work = ?)",
    "DELETE FROM seen WHERE work = ? AND operation NOT IN (SELECT number FROM operations WHERE work = ?)",
)


class _Move:
    """Where things lie after spans were put one behind the other."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._begins = [begin for begin, _ in spans]
        self._shifts = []
        end = spans[0][0]
        for begin, behind in spans:
            self._shifts.append(begin - end)
            end += behind - begin

    def segment(self, segment: Segment) -> Segment:
        begin, end, responses = segment
        shift = self._shifts[bisect_right(self._begins, begin) - 1]
        return begin - shift, end - shift, responses


def _boot() -> str:
    """Return what tells one start of the machine from another; "" where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
