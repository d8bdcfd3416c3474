"""The rows of a `foreach` as a CSV file, each with what was found for it.

The file has the input's rows in their order with all their columns, and behind these `result` (found, not
found, ambiguous, failed), `matches` (how many different records were found), `peers` (which have them),
`reason` (why an answer is not all) and what was found. Of these a name that the input has already is written
with `found.` in front. What arrives is kept in a temporary file and joined with the rows at the end, so that
the memory does not grow with either.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from runner.dicom.path import path_text
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import SinkError
from runner.model import CohortSink, Job, Requests, RowState, UniqueKey
from runner.sinks.atomic_file import AtomicFile, check_folder
from runner.sinks.base import Batch, Earlier, Find, Outcome, SinkState
from runner.sinks.csv_rows import ResponseTable, job_columns, quoted
from runner.sinks.undecodable import UndecodableFiles
from runner.status import StatusDetail
from runner.temporary_database import kept_temporarily

if TYPE_CHECKING:
    from runner.sinks.cohort_table import CohortTable, JudgedRow, Match

#: So many characters are written to a file at once.
_PIECE = 1 << 16
#: The columns behind those of the input.
_OWN = ("result", "matches", "peers", "reason")


class CohortFileSink:
    """Writes PATH whole, or PATH.partial. See `runner.sinks.base.Sink` and `TakesOutcomes`."""

    type = "cohort"

    def __init__(self, declaration: CohortSink, job: Job, output_dir: Path) -> None:
        path = output_dir / declaration.path
        self.path = str(path)
        self.responses = 0
        self.kept_in = ""
        self._shown = path
        query = next(query for query in job.queries if query.name == declaration.query)
        assert not isinstance(query.requests, tuple)
        self._requests: Requests = query.requests
        self._peers = query.peers
        self._dictionary = job.dictionary
        self._columns = declaration.columns or job_columns((query,))
        self._key = query.record or UniqueKey()
        self._tables: dict[TransferSyntax, ResponseTable] = {}
        self._numbers = count(1)
        self._matches = AtomicFile(path.with_name(f"{path.name}.matches"))
        self._files: dict[RowState | None, AtomicFile] = {
            state: AtomicFile(output_dir / name) for state, name in declaration.list_paths.items()
        }
        self._files[None] = AtomicFile(path)  # the last to be committed: where it is, the lists are
        self._opened: list[AtomicFile] = []
        self._undecodable = UndecodableFiles(path.parent, f"{path.name}.")
        self._table: CohortTable | None = None
        self._judged = False

    @property
    def undecodable_files(self) -> Sequence[str]:
        """Where identifiers lie that make no match."""
        return self._undecodable.names

    def open(self) -> None:
        """Begin temporary files beside the paths, and take the rows."""
        self._check()
        self._matches.open()
        self._opened.append(self._matches)
        self._begin()

    def resume(self, earlier: Earlier) -> bool:
        """Go on with the file of what has arrived; the rows are taken anew."""
        self._check()
        if not self._matches.resume(earlier):
            return False
        self._opened.append(self._matches)
        self.responses = earlier.responses
        self._numbers = count(earlier.end + 1)  # each line has more than one character
        self._begin()
        return True

    def sync(self) -> None:
        """Bring what has arrived to the disk."""
        self._matches.sync()

    @property
    def place(self) -> str:
        """The file of what has arrived."""
        return self._matches.place

    @property
    def besides(self) -> Sequence[str]:
        """The files that are made of it at the end."""
        return [file.place for file in self._files.values()]

    @property
    def position(self) -> int:
        """How many bytes have arrived."""
        return self._matches.position

    def _check(self) -> None:
        check_folder(self._shown.parent)
        if self._shown.exists() and not self._shown.is_file():
            raise SinkError(f"{self._shown} is no regular file", "a cohort is written to a file of its own")

    def _begin(self) -> None:
        from runner.sinks.cohort_table import CohortTable

        for file in self._files.values():
            file.open()
            self._opened.append(file)
        with self._told():
            self._table = CohortTable(self._peers, len(self._columns))
            self._table.add_rows(cells for _, cells in self._requests.rows)

    def write(self, batch: Batch) -> None:
        """Append a line to the temporary file for each response."""
        find, identifiers = batch.find, batch.identifiers
        for index in sorted(batch.undecodable):
            self._undecodable.keep(identifiers[index])
        decodable = [data for index, data in enumerate(identifiers) if index not in batch.undecodable]
        table = self._tables.get(find.transfer_syntax)
        if table is None:
            paths = (*self._columns, *self._key.paths, *self._key.qualifiers)
            table = ResponseTable(find.transfer_syntax, self._dictionary, paths)
            self._tables[find.transfer_syntax] = table
        peer = self._peers.index(find.operation.peer.name)
        lines = [
            json.dumps([find.operation.row, self._record(data, cells), peer, cells[: len(self._columns)]])
            for data, cells in zip(decodable, table.cells(decodable), strict=True)
        ]
        self._matches.write("".join(f"{line}\n" for line in lines).encode())
        self.responses += len(identifiers)

    def _record(self, identifier: bytes, cells: Sequence[str]) -> str:
        """Return what tells a record apart; one that lacks that is like no other."""
        if not self._key.paths:
            from hashlib import blake2b

            return blake2b(identifier, digest_size=16).hexdigest()
        values = cells[len(self._columns) :]
        if all(values[: len(self._key.paths)]):
            return json.dumps(values)
        return f"unidentified {next(self._numbers)}"

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Nothing: what came of an operation is told at the end."""

    def judge(self, outcomes: Iterable[Outcome]) -> None:
        """Take what came of the operations that asked for rows."""
        if self._table is None:
            return
        with self._told():
            self._table.add_outcomes(outcomes)
        self._judged = True

    def close(self, *, whole: bool) -> SinkState:
        """Join what was found with the rows; give the files their names, or keep them as NAME.partial."""
        if self._table is None or not self._judged:
            return self._leave()
        try:
            with self._told():
                self._table.add_matches(self._arrived())
                self._write(self._table.judged())
        except BaseException:
            self._leave()  # half a table says of no row what became of it
            raise
        if not whole:
            for file in self._files.values():
                file.keep()
            self.kept_in = self._files[None].kept_in
            self._matches.leave()
            return SinkState.PARTIAL
        self._commit([*self._files.values()])
        with suppress(SinkError):  # it says nothing any more, and what was asked for is there
            self._matches.discard()
        return SinkState.COMMITTED

    def _commit(self, files: Sequence[AtomicFile]) -> None:
        """Give all files their names, or none of them."""
        for number, file in enumerate(files):
            try:
                file.commit()
            except SinkError:  # noqa: PERF203 - a few files, once
                for named in files[:number]:
                    named.take_back()
                for other in files[number + 1 :]:
                    other.keep()
                self.kept_in = self._files[None].kept_in
                self._matches.leave()
                raise

    def _leave(self) -> SinkState:
        """Remove the tables, and leave what has arrived for a run to go on with."""
        for file in self._opened:
            if file is not self._matches or not self.responses:
                with suppress(SinkError):
                    file.discard()
        if not self.responses:
            return SinkState.NONE
        self._matches.leave()
        self.kept_in = self._matches.place
        return SinkState.PARTIAL

    def _arrived(self) -> Iterator[Match]:
        from runner.sinks.cohort_table import Match

        for line in self._matches.lines():
            yield Match(*json.loads(line))

    def _write(self, rows: Iterable[JudgedRow]) -> None:
        """Write the rows into the file, and into those of their states."""
        from runner.sinks.cohort_table import BETWEEN

        header = self._header()
        pieces = {name: [header] for name in self._files}
        lengths = dict.fromkeys(self._files, 0)
        for row in rows:
            peers = BETWEEN.join(self._peers[peer] for peer in row.peers)
            told = [row.state.value, str(row.matches), peers, row.reason]
            line = ",".join(map(quoted, (*row.cells, *told, *row.values))) + "\n"
            for name in (None, row.state):
                if name not in pieces:
                    continue
                pieces[name].append(line)
                lengths[name] += len(line)
                if lengths[name] >= _PIECE:
                    self._files[name].write("".join(pieces[name]).encode("utf-8", "replace"))
                    pieces[name].clear()
                    lengths[name] = 0
        for name, file in self._files.items():
            file.write("".join(pieces[name]).encode("utf-8", "replace"))

    def _header(self) -> str:
        names = list(self._requests.rows.columns)
        for name in (*_OWN, *(path_text(path, self._dictionary) for path in self._columns)):
            free = name
            while free in names:
                free = f"found.{free}"
            names.append(free)
        return ",".join(map(quoted, names)) + "\n"

    def _told(self) -> AbstractContextManager[None]:
        """Tell of a temporary database that cannot be written as of a sink that fails."""
        return kept_temporarily(f"the rows of {self._shown}")
