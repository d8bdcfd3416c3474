"""The jobs with a schedule among files and folders, and how they change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from runner.jobfile.clock import Clock
from runner.jobfile.load import find_job_files, is_fragment, load_job
from runner.jobfile.problem import Problem, Severity, strict
from runner.jobfile.source import MAX_LENGTH
from runner.model import Job, Schedule
from runner.schedule.course import Course
from runner.schedule.cron import parse_cron
from runner.schedule.times import Times

#: What tells that a file was written: when, how long it is, and which one it is.
_Stamp = tuple[int, int, int]

#: So many times a job is loaded that changes meanwhile, in one look.
_TRIES = 4


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job that was found valid, with its files as they were then.

    Attributes:
        job: the job.
        schedule: when it runs.
        files: what was in the job file and in those that it includes, by their names in messages.
    """

    job: Job
    schedule: Schedule
    files: Mapping[str, bytes]

    @property
    def times(self) -> Times:
        """Its times, in its zone."""
        return Times(parse_cron(self.schedule.cron), Clock(0).in_zone(self.schedule.timezone).zone)

    @property
    def course(self) -> Course:
        """Its schedule, kept on this machine."""
        from platform import node

        return Course(self.schedule, self.times, f"{self.job.name} {node()}")


@dataclass(frozen=True, slots=True)
class Look:
    """What became of a file that was looked at because it is new or has changed.

    Attributes:
        path: the file.
        problems: what is wrong with it.
        is_valid: whether it can be run, or is a file for jobs to include.
        found: None where it is invalid or has no schedule.
    """

    path: Path
    problems: tuple[Problem, ...]
    is_valid: bool
    found: ScheduledJob | None


@dataclass(slots=True)
class _Known:
    """A file, when it was written, and the job that it last was."""

    stamps: dict[str, _Stamp | None]
    changing: dict[str, _Stamp | None] | None = None
    found: ScheduledJob | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A job as it was loaded, with its files as they were all the while.

    Attributes:
        job: None where a problem is an error.
        problems: what is wrong with it.
        stamps: when each file was written whose change may make it another.
        contents: what was in these files, and maybe in others.
    """

    job: Job | None
    problems: list[Problem]
    stamps: dict[str, _Stamp | None]
    contents: dict[str, bytes]


@dataclass(slots=True)
class JobFiles:
    """Files and folders that are looked at again and again.

    Attributes:
        paths: job files, and folders of them.
        variables: values that take the place of those under `vars`.
        strictly: whether a job with warnings is invalid.
        clock: for dates; None to read the machine's each time.
    """

    paths: Sequence[Path]
    variables: Mapping[str, str] = field(default_factory=dict)
    strictly: bool = False
    clock: Clock | None = None
    _known: dict[Path, _Known] = field(default_factory=dict)

    @property
    def jobs(self) -> list[ScheduledJob]:
        """The jobs with a schedule, each as it last was valid, in the order of the files."""
        return [known.found for known in self._known.values() if known.found is not None]

    def is_named(self, path: Path) -> bool:
        """Whether a file is one of the paths itself."""
        return path in self.paths

    def look(self, *, at_all: bool = False) -> list[Look]:
        """Look at what is new or has changed, once it does not go on to change.

        Args:
            at_all: look at every file, whether it has changed or not.

        Raises:
            InvalidJobError: a folder has no job files any more, or cannot be read.
        """
        files = find_job_files(self.paths)
        before = self._known
        self._known = {path: before.get(path) or _Known({}) for path in files}
        looks = []
        for path, known in self._known.items():
            stamps = {file: _stamp(file) for file in known.stamps or (str(path),)}
            if not at_all and stamps == known.stamps:
                known.changing = None
            elif at_all or known.changing == stamps:
                looks.append(self._look(path, known))
            else:
                known.changing = stamps
        return looks

    def at(self, path: Path) -> ScheduledJob | None:
        """Return the job of a file as it last was valid; None where there is none."""
        known = self._known.get(path)
        return known.found if known is not None else None

    def proposed(self, looks: Sequence[Look]) -> list[ScheduledJob]:
        """Return what `jobs` would be with what was found."""
        found = {path: known.found for path, known in self._known.items()}
        found.update((look.path, look.found) for look in looks if look.is_valid)
        return [job for job in found.values() if job is not None]

    def take(self, looks: Sequence[Look]) -> None:
        """Let jobs be what was found; those that are invalid stay as they were."""
        for look in looks:
            if look.is_valid:
                self._known[look.path].found = look.found

    def _look(self, path: Path, known: _Known) -> Look:
        known.changing = None
        known.stamps = {str(path): _stamp(str(path))}
        if not self.is_named(path) and is_fragment(path):
            return Look(path, (), is_valid=True, found=None)
        reading = self._read(path, known.found)
        if reading is None:
            known.stamps = {}  # so that the next look is at it again
            what, advice = "it is written again and again while it is read", "wait until it stays as it is"
            return Look(path, (Problem(str(path), 0, 0, "", what, advice),), is_valid=False, found=None)
        known.stamps = reading.stamps
        job, problems = reading.job, reading.problems
        if self.strictly:
            problems = strict(problems)
        is_valid = job is not None and all(problem.severity is not Severity.ERROR for problem in problems)
        found = None
        if job is not None and is_valid and job.schedule is not None:
            files = {file: reading.contents[file] for file in (str(path), *job.included)}
            found = ScheduledJob(job, job.schedule, files)
        return Look(path, tuple(problems), is_valid=is_valid, found=found)

    def _read(self, path: Path, before: ScheduledJob | None) -> _Reading | None:
        """Load a job from files that are the same before and after: only what was found valid is handed over.

        Which files a job includes is known only once it is loaded, so the first time it is loaded twice.

        Args:
            path: the job file.
            before: what it last was.

        Returns:
            None where the files do not stay as they are.
        """
        # Where the job is invalid, what is wrong may stand in a file that it includes.
        included = before.job.included if before is not None else ()
        files = {str(path), *included}
        for _ in range(_TRIES):
            stamps, contents = {file: _stamp(file) for file in files}, _contents(files)
            job, problems = load_job(path, self.variables, check_rows=False, clock=self.clock or Clock.read())
            files = {str(path), *(job.included if job is not None else included)}
            files.update(problem.file for problem in problems)
            if job is not None and not contents.keys() >= {str(path), *job.included}:
                continue
            if files <= stamps.keys() and contents == _contents(stamps):
                return _Reading(job, problems, {file: stamps[file] for file in files}, contents)
        return None


def _stamp(file: str) -> _Stamp | None:
    try:
        status = Path(file).stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _contents(files: Iterable[str]) -> dict[str, bytes]:
    contents = {}
    for file in files:
        with suppress(OSError, ValueError):  # what cannot be read is a problem of the job
            contents[file] = _content(Path(file))
    return contents


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        return b""  # a pipe is read but once, when the job is loaded
    with path.open("rb") as stream:
        return stream.read(MAX_LENGTH + 1)
