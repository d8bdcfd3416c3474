"""Responses as the rows of a CSV file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runner.errors import SinkError
from runner.model import CsvSink, Job
from runner.sinks.atomic_file import AtomicFile, check_folder
from runner.sinks.base import Batch, Earlier, Find, SinkState
from runner.sinks.csv_rows import CsvRows
from runner.sinks.undecodable import UndecodableFiles
from runner.status import StatusDetail


class CsvFileSink:
    """Writes PATH whole, or PATH.partial. See `runner.sinks.base.Sink`."""

    type = "csv"

    def __init__(self, declaration: CsvSink, job: Job, output_dir: Path) -> None:
        path = output_dir / declaration.path
        self.path = str(path)
        self.responses = 0
        self.kept_in = ""
        self._folder = path.parent
        self._rows = CsvRows(job, declaration.columns, declaration.queries)
        self._file = AtomicFile(path)
        self._undecodable = UndecodableFiles(path.parent, f"{path.name}.")
        self._opened = False
        self._rivals = sum(
            isinstance(other, CsvSink) and os.path.realpath(output_dir / other.path) == os.path.realpath(path)
            for other in job.sinks
        )

    @property
    def undecodable_files(self) -> Sequence[str]:
        """Where identifiers lie that make no row."""
        return self._undecodable.names

    def open(self) -> None:
        """Begin a temporary file beside the path, with the header."""
        if self._rivals > 1:
            raise SinkError(f"several sinks of the job write to {self.path}", "give each a path of its own")
        check_folder(self._folder)
        self._file.open()
        self._opened = True
        self._file.write(self._rows.header())

    def resume(self, earlier: Earlier) -> bool:
        """Go on with the temporary file of an earlier run."""
        if not self._file.resume(earlier):
            return False
        self._opened = True
        self.responses = earlier.responses
        return True

    def sync(self) -> None:
        """Bring the file to the disk."""
        self._file.sync()

    @property
    def place(self) -> str:
        """The temporary file."""
        return self._file.place

    @property
    def besides(self) -> Sequence[str]:
        """Nothing."""
        return ()

    @property
    def position(self) -> int:
        """How many bytes the file has."""
        return self._file.position

    def write(self, batch: Batch) -> None:
        """Append a row for each response."""
        self._file.write(self._rows.rows(batch))
        self.responses += len(batch.identifiers)
        for index in sorted(batch.undecodable):
            self._undecodable.keep(batch.identifiers[index])

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Nothing: a final status makes no row."""

    def close(self, *, whole: bool) -> SinkState:
        """Give the file its name, or keep it as PATH.partial; without any response it goes."""
        if not self._opened:
            return SinkState.NONE
        if whole:
            try:
                self._file.commit()
            finally:
                self.kept_in = self._file.kept_in
            return SinkState.COMMITTED
        if not self.responses:
            self._file.discard()
            return SinkState.NONE
        self._file.keep()
        self.kept_in = self._file.kept_in
        return SinkState.PARTIAL
