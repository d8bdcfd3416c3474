"""What is told of files, folders and jobs that cannot be scheduled as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.errors import CfindError
from runner.scheduler.happening import Happening
from runner.scheduler.job_files import JobFiles, Look, Refusal


def invalid(files: JobFiles, look: Look) -> Iterator[Happening]:
    """Yield what is wrong with a file, and that it is left out, where that is so."""
    for problem in look.problems:
        members = {
            "file": problem.file,
            "line": problem.line or None,
            "column": problem.column or None,
            "severity": problem.severity.value,
            "rule": problem.id or None,
        }
        yield Happening("schedule_problem", str(problem), is_trouble=True, members=members)
    if not look.is_valid:
        yield _refused(files, look.path, "the file is invalid")


def colliding(files: JobFiles, refused: Sequence[Refusal]) -> dict[str, Happening]:
    """Return what is to be told of files that do not go with others, by their paths."""
    return {str(refusal.path): _refused(files, refusal.path, _why(refusal)) for refusal in refused}


def unseen(files: JobFiles) -> dict[str, Happening]:
    """Return what is to be told of folders that cannot be looked into now, by their paths."""
    return {
        error.where: Happening(
            "schedule_unseen",
            f"{error}; its jobs stay as they were",
            is_trouble=True,
            members={"folder": error.where},
        )
        for error in files.troubles
    }


def impossible(job: str, error: CfindError) -> Happening:
    """Return what is to be told of a job that cannot be scheduled although its file is valid."""
    return Happening("schedule_refused", str(error), job, is_trouble=True)


def without_schedule(look: Look) -> Happening:
    """Return what is to be told of a file that is named and has no schedule."""
    text = f'{look.path}: the job has no schedule; add such as schedule: {{cron: "@daily"}}'
    return Happening("schedule_refused", text, is_trouble=True, members={"file": str(look.path)})


def _why(refusal: Refusal) -> str:
    """Return what is wrong, without the file, which is named anyway."""
    error = refusal.error
    if error.where != str(refusal.path):
        return str(error)
    return f"{error.what}; {error.advice}" if error.advice else error.what


def _refused(files: JobFiles, path: Path, why: str) -> Happening:
    kept = files.at(path)
    stands = f"{kept.job.name} stays as it was" if kept is not None else "it is not scheduled"
    members = {"file": str(path), "stays_as_it_was": kept.job.name if kept is not None else None}
    return Happening("schedule_refused", f"{path}: {stands}: {why}", is_trouble=True, members=members)
