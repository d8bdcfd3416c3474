"""The files in which a command says what came of its runs: run report, JUnit XML, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.engine.run_result import RunResult

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
    """Writes these files, each once and whole."""

    def __init__(self, files: ReportFiles) -> None:
        self._files = files
        self._report: AtomicFile | None = None
        self._junit: AtomicFile | None = None
        self._begun = self._readable = False

    def open(self) -> None:
        """Begin the files, so that a path that cannot be written is known before anything is sent.

        Raises:
            SinkError: one of them cannot be written.
        """
        self._report, self._junit = _opened(self._files.report), _opened(self._files.junit)
        metrics = _opened(self._files.metrics)
        if metrics is not None:
            metrics.discard()  # who collects metrics looks into the folder while the jobs run

    @property
    def report(self) -> Path | None:
        """Where the run report can be read, once it has been written; None for nowhere."""
        path = self._files.report
        return path if self._readable and path is not None and path.is_file() else None

    def write(self, results: Sequence[RunResult]) -> None:
        """Write what is known of the jobs that ran, unless that is done; nothing where none did.

        Raises:
            SinkError: one of the files cannot be written.
        """
        if self._begun:
            return
        self._begun = True
        if self._report is not None:
            write_report(self._report, results)
            self._readable = True
        if self._junit is not None:
            _write_junit(self._junit, results)
        if self._files.metrics is not None and results:
            from runner.cli.metrics import write_metrics

            write_metrics(self._files.metrics, results)


def _opened(path: Path | None) -> AtomicFile | None:
    if path is None:
        return None
    from runner.sinks.atomic_file import AtomicFile

    file = AtomicFile(path)
    file.open()
    return file


def write_report(file: AtomicFile, results: Sequence[RunResult]) -> None:
    """Write the run report; nothing where nothing ran.

    Raises:
        SinkError: it cannot be written.
    """
    if not results:
        file.discard()
        return
    from runner.report import report_text

    pieces: list[str] = []
    for piece in report_text(results):
        pieces.append(piece)
        if len(pieces) >= _PIECES:
            file.write("".join(pieces).encode("utf-8", "backslashreplace"))
            pieces.clear()
    file.write("".join(pieces).encode("utf-8", "backslashreplace"))
    file.commit()


def _write_junit(file: AtomicFile, results: Sequence[RunResult]) -> None:
    if not results:
        file.discard()
        return
    from runner.cli.junit import junit_text

    file.write(junit_text(results).encode("utf-8", "backslashreplace"))
    file.commit()
