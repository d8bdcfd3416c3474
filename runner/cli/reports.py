"""The files in which a command says what came of its runs: run report, JUnit XML, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.messages import complain
from runner.engine.run_result import RunResult
from runner.errors import SinkError

if TYPE_CHECKING:
    from runner.sinks.atomic_file import AtomicFile

#: So many pieces of a report are written at once.
_PIECES = 300


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where what came of the runs is written; None for nowhere.

    Attributes:
        report: the run report, as JSON.
        junit: the same as JUnit XML.
        metrics: numbers for Prometheus, as a text file.
    """

    report: Path | None = None
    junit: Path | None = None
    metrics: Path | None = None


class Reports:
    """Writes these files, each once and whole.

    Args:
        files: where.
        jobs: the names of those that are to run.
    """

    def __init__(self, files: ReportFiles, jobs: Sequence[str]) -> None:
        self._files = files
        self._jobs = jobs
        self._report: AtomicFile | None = None
        self._junit: AtomicFile | None = None
        self._begun = self._readable = False

    def open(self) -> None:
        """Begin the files, so that a path that cannot be written is known before anything is sent.

        Raises:
            SinkError: one of them cannot be written; nothing is left of the others.
        """
        with ExitStack() as begun:
            self._report = _opened(self._files.report, begun)
            self._junit = _opened(self._files.junit, begun)
            metrics = _opened(self._files.metrics, begun)
            if metrics is not None:
                metrics.discard()  # who collects metrics looks into the folder while the jobs run
            begun.pop_all()

    @property
    def report(self) -> Path | None:
        """Where the run report can be read, once it has been written; None for nowhere."""
        path = self._files.report
        return path if self._readable and path is not None and path.is_file() else None

    def write(self, results: Sequence[RunResult]) -> None:
        """Write what is known of the jobs that ran, unless that is done; nothing where none did.

        Raises:
            SinkError: one of the files cannot be written; the others are. Of several such all but the first
                have been told.
        """
        if self._begun:
            return
        self._begun = True
        errors: list[SinkError] = []
        with ExitStack() as begun:
            for file in (self._report, self._junit):
                if file is not None:
                    begun.callback(file.discard)  # what has its name by then stays
            for write in (self._write_report, self._write_junit, self._write_metrics):
                try:
                    write(results)
                except SinkError as error:  # noqa: PERF203 - three files
                    errors.append(error)
        for another in errors[1:]:
            complain(str(another))
        if errors:
            raise errors[0]

    def _write_report(self, results: Sequence[RunResult]) -> None:
        if self._report is not None and results:
            write_report(self._report, results)
            self._readable = True

    def _write_junit(self, results: Sequence[RunResult]) -> None:
        if self._junit is not None and results:
            from runner.cli.junit import junit_text

            with self._junit as file:
                file.write(junit_text(results).encode("utf-8", "backslashreplace"))

    def _write_metrics(self, results: Sequence[RunResult]) -> None:
        if self._files.metrics is not None and results:
            from runner.cli.metrics import write_metrics

            write_metrics(self._files.metrics, results, self._jobs)


def _opened(path: Path | None, begun: ExitStack) -> AtomicFile | None:
    if path is None:
        return None
    from runner.sinks.atomic_file import AtomicFile

    file = AtomicFile(path)
    file.open()
    begun.callback(file.discard)
    return file


def write_report(file: AtomicFile, results: Sequence[RunResult]) -> None:
    """Write the run report.

    Args:
        file: which has been opened.
        results: at least one.

    Raises:
        SinkError: it cannot be written; what there is of it does not bear its name.
    """
    from runner.report import report_text

    pieces: list[str] = []
    with file:
        for piece in report_text(results):
            pieces.append(piece)
            if len(pieces) >= _PIECES:
                file.write("".join(pieces).encode("utf-8", "backslashreplace"))
                pieces.clear()
        file.write("".join(pieces).encode("utf-8", "backslashreplace"))
