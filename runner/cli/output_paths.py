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
        UsageError: if one would take the place of another, or of a job file.
    """
    written: dict[str, Job] = {}
    for job in jobs:
        for path in _files(job):
            other = written.setdefault(_real(output_dir / path), job)
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
    if any(job.source and _real(Path(job.source)) == report for job in jobs):
        raise UsageError(f"--report {report_path} is a job file", "give the report a name of its own")


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
