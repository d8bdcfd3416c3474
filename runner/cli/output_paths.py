"""What jobs and the report write: no file twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.errors import UsageError
from runner.model import Job


def check_outputs(jobs: Sequence[Job], output_dir: Path, report_path: Path | None) -> None:
    """Check that what jobs of one command line and the report write are different files.

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
            other = written.setdefault(real, job)
            if other is not job:
                raise UsageError(
                    f"the jobs {other.source} and {job.source} both write {path}",
                    "run them apart, each with its own --output-dir, or change one",
                )
    if report_path is None:
        return
    report = _real(report_path)
    if report in written:
        raise UsageError(
            f"--report {report_path} is the file that a sink of the job {written[report].name} writes",
            "give the report a name of its own",
        )
    if report in inputs:
        raise UsageError(f"--report {report_path} is {inputs[report]}", "give the report a name of its own")


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
        path = getattr(declaration, "path", "")
        if path and not _is_device(path):
            yield path


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
