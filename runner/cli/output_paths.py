"""What jobs and reports write: no file twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.cli.reports import ReportFiles
from runner.errors import UsageError
from runner.model import CohortSink, Job


def check_outputs(jobs: Sequence[Job], output_dir: Path, files: ReportFiles) -> None:
    """Check that what jobs of one command line and the reports write are different files.

    Within a job its own check has seen to that. Folders may be shared: their files are numbered on.

    Raises:
        UsageError: if one would take the place of another, of a job file, or of a file that a job includes.
    """
    inputs = dict(_inputs(jobs))
    written: dict[str, Job] = {}
    for job in jobs:
        for path in _files(job):
            real = _real(output_dir / path)
            if real in inputs:
                what = f"a sink of the job {job.name} writes {path}, which is {inputs[real]}"
                raise UsageError(what, "give its output a name of its own")
            first = written.setdefault(real, job)
            if first is not job:
                raise UsageError(
                    f"the jobs {first.source} and {job.source} both write {path}",
                    "run them apart, each with its own --output-dir, or change one",
                )
    taken = {real: f"the file that a sink of the job {job.name} writes" for real, job in written.items()}
    options = (("--report", files.report), ("--junit", files.junit), ("--metrics", files.metrics))
    for option, chosen in options:
        if chosen is None:
            continue
        real = _real(chosen)
        other = taken.get(real) or inputs.get(real)
        if other is not None:
            raise UsageError(f"{option} {chosen} is {other}", "give it a name of its own")
        if not _is_device(str(chosen)):
            taken[real] = f"the file of {option}"


def _inputs(jobs: Sequence[Job]) -> Iterator[tuple[str, str]]:
    """Yield the files that jobs are made of, with what they are called."""
    for job in jobs:
        for file in job.included:
            yield _real(Path(file)), f"a file that the job {job.name} includes"
    for job in jobs:
        if job.source:
            yield _real(Path(job.source)), "a job file"


def _files(job: Job) -> Iterator[str]:
    for declaration in job.sinks:
        paths = [getattr(declaration, "path", "")]
        if isinstance(declaration, CohortSink):
            paths += declaration.list_paths.values()
        yield from (path for path in paths if path and not _is_device(path))


def _is_device(path: str) -> bool:
    try:
        return Path(path).exists() and not Path(path).is_file()
    except UnicodeError:
        return False


def _real(path: Path) -> str:
    """Return where a path leads; as it is where it cannot be a file name, which the run will say."""
    try:
        return os.path.realpath(path)
    except UnicodeError:
        return str(path)
