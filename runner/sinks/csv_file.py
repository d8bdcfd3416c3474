"""Responses as the rows of a CSV file."""

from __future__ import annotations

import os
from pathlib import Path

from runner.errors import SinkError
from runner.model import CsvSink, Job
from runner.sinks.base import Batch, Find, SinkState
from runner.sinks.csv_rows import CsvRows
from runner.sinks.one_file import OneFileSink
from runner.status import StatusDetail


class CsvFileSink(OneFileSink):
    """Writes PATH whole, or PATH.partial. See `runner.sinks.base.Sink`."""

    type = "csv"

    def __init__(self, declaration: CsvSink, job: Job, output_dir: Path) -> None:
        path = output_dir / declaration.path
        super().__init__(path)
        self._rows = CsvRows(job, declaration.columns, declaration.queries)
        self._rivals = sum(
            isinstance(other, CsvSink) and os.path.realpath(output_dir / other.path) == os.path.realpath(path)
            for other in job.sinks
        )

    def open(self) -> None:
        """Begin a temporary file beside the path, with the header."""
        if self._rivals > 1:
            raise SinkError(f"several sinks of the job write to {self.path}", "give each a path of its own")
        self._begin(self._rows.header())

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
            self._file.commit()
            return SinkState.COMMITTED
        return self._keep()
