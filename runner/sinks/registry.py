"""From the declarations of a job to its sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from runner.model import CohortSink, CsvSink, Job, RspSink, SinkDeclaration, StdoutSink, XmlSink
from runner.sinks.base import Sink

#: Makes a sink of a declaration, the job, the output folder and standard output.
Factory = Callable[[Any, Job, Path, BinaryIO], Sink]


def _stdout(declaration: StdoutSink, job: Job, output_dir: Path, stdout: BinaryIO) -> Sink:
    from runner.sinks.stdout import stdout_sink

    return stdout_sink(declaration, job, output_dir, stdout)


def _rsp(declaration: RspSink, job: Job, output_dir: Path, _stdout: BinaryIO) -> Sink:
    from runner.sinks.rsp import RspFilesSink

    return RspFilesSink(declaration, job, output_dir)


def _csv(declaration: CsvSink, job: Job, output_dir: Path, _stdout: BinaryIO) -> Sink:
    from runner.sinks.csv_file import CsvFileSink

    return CsvFileSink(declaration, job, output_dir)


def _xml(declaration: XmlSink, job: Job, output_dir: Path, _stdout: BinaryIO) -> Sink:
    from runner.sinks.xml import XmlFileSink, XmlFilesSink

    return (XmlFileSink if declaration.path else XmlFilesSink)(declaration, job, output_dir)


def _cohort(declaration: CohortSink, job: Job, output_dir: Path, _stdout: BinaryIO) -> Sink:
    from runner.sinks.cohort import CohortFileSink

    return CohortFileSink(declaration, job, output_dir)


#: Each kind of declaration and what makes its sink; a factory imports its module when it is asked.
FACTORIES: Mapping[type[Any], Factory] = {
    StdoutSink: _stdout,
    RspSink: _rsp,
    CsvSink: _csv,
    XmlSink: _xml,
    CohortSink: _cohort,
}


def make_sinks(job: Job, output_dir: Path, stdout: BinaryIO) -> list[tuple[SinkDeclaration, Sink]]:
    """Return the job's sinks in its order, not yet opened.

    Args:
        job: whose responses come.
        output_dir: what the sinks' paths are relative to.
        stdout: where the stdout sinks print, binary.
    """
    return [
        (declaration, FACTORIES[type(declaration)](declaration, job, output_dir, stdout))
        for declaration in job.sinks
    ]
