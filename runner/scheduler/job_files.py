"""The jobs with a schedule among files and folders, and how they change."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from runner.errors import CfindError, InvalidJobError
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

#: A file that is invalid is read again each so many looks, though it is as it was: what it lacks may stand
#: elsewhere by now (an included file, the rows of a foreach, the folder of an archive).
_AGAIN = 10


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """A valid file that cannot be scheduled together with others, as long as these are what they are.

    Attributes:
        path: the file.
        error: why.
    """

    path: Path
    error: CfindError


#: Raises a CfindError where jobs cannot be scheduled together.
Check = Callable[[Sequence[ScheduledJob]], None]


@dataclass(slots=True)
class _Known:
    """A file.

    Attributes:
        stamps: when it, and what it includes, was written.
        changing: the same at the last look, where it is another now.
        problems: what was wrong with it when it was last looked at.
        is_valid: whether it was valid then.
        found: the job that is scheduled.
        proposed: what has been found valid since, and may or may not go with the other jobs.
    """

    stamps: dict[str, _Stamp | None]
    changing: dict[str, _Stamp | None] | None = None
    problems: tuple[Problem, ...] = ()
    is_valid: bool = True
    found: ScheduledJob | None = None
    proposed: Look | None = None


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
        troubles: what kept the last look from seeing into folders.
    """

    paths: Sequence[Path]
    variables: Mapping[str, str] = field(default_factory=dict)
    strictly: bool = False
    clock: Clock | None = None
    troubles: list[CfindError] = field(default_factory=list)
    _known: dict[Path, _Known] = field(default_factory=dict)
    _refused: list[Refusal] = field(default_factory=list)
    _came_or_went: bool = False
    _of_path: dict[Path, list[Path]] = field(default_factory=dict)
    _folders: set[Path] = field(default_factory=set)
    _looks: int = 0

    @property
    def jobs(self) -> list[ScheduledJob]:
        """The jobs with a schedule, each as it last was valid, in the order of the files."""
        return [known.found for known in self._known.values() if known.found is not None]

    def is_named(self, path: Path) -> bool:
        """Whether a file is one of the paths itself."""
        return _place(path) in map(_place, self.paths)

    def look(self, *, at_all: bool = False) -> list[Look]:
        """Look at what is new or has changed, once it does not go on to change.

        A folder that cannot be looked into now counts as it was, and `troubles` says why.

        Args:
            at_all: look at every file, whether it has changed or not.

        Raises:
            InvalidJobError: a folder has no job files, or cannot be read, the first time.
        """
        before = self._known
        files, unseen = self._files()
        self._known = {path: before.get(path) or _Known({}) for path in files}
        self._came_or_went = self._known.keys() != before.keys()
        self._looks += 1
        looks = []
        for path, known in self._known.items():
            if path in unseen:
                continue
            stamps = {file: _stamp(file) for file in known.stamps or (str(path),)}
            if not at_all and stamps == known.stamps:
                known.changing = None
                if not known.is_valid and self._looks % _AGAIN == 0 and path.is_file():
                    looks += self._look_again(path, known)
            elif at_all or known.changing == stamps:
                looks.append(self._look(path, known))
            else:
                known.changing = stamps
        return looks

    def _files(self) -> tuple[list[Path], set[Path]]:
        """Return the files, each once, and those of them that cannot be seen now."""
        found: dict[Path, Path] = {}
        unseen: set[Path] = set()
        self.troubles = []
        for path in self.paths:
            known = self._of_path.get(path)
            try:
                if os.path.isdir(path):  # noqa: PTH112 - which is false for a name that is too long
                    self._folders.add(path)
                elif path in self._folders and not path.exists():
                    raise InvalidJobError("the folder is not there any more", where=str(path))
                files = find_job_files([path])
            except CfindError as error:
                if known is None:
                    raise
                self.troubles.append(error)
                unseen.update(known)
                files = known
            self._of_path[path] = files
            for file in files:
                found.setdefault(_place(file), file)
        return list(found.values()), unseen

    def at(self, path: Path) -> ScheduledJob | None:
        """Return the job of a file as it is scheduled; None where there is none."""
        known = self._known.get(path)
        return known.found if known is not None else None

    def take(self, looks: Sequence[Look], check: Check = lambda _: None) -> list[Refusal]:
        """Let jobs be what was found; those that are invalid, or do not go with others, stay as they were.

        Jobs that are scheduled come before those that are new or have changed, and among these the first
        file. What is refused is proposed again whenever any file comes, goes or changes.

        Returns:
            All that is refused, of earlier looks too.
        """
        for look in looks:
            self._known[look.path].proposed = look if look.is_valid else None
        if looks or self._came_or_went:
            refused = self._colliding(check)
            for path, known in self._known.items():
                if known.proposed is not None and path not in refused:
                    known.found, known.proposed = known.proposed.found, None
            self._refused = [Refusal(path, refused[path]) for path in self._known if path in refused]
            self._came_or_went = False
        return self._refused

    def _colliding(self, check: Check) -> dict[Path, CfindError]:
        """Return which proposals do not go with the jobs that are, or would be, scheduled."""
        refused: dict[Path, CfindError] = {}
        while True:
            # One that is refused may stay as it was, and so be in the way of another that seemed to go.
            found = dict(_misfits(self._staying(refused), list(self._proposals(refused)), check))
            refused |= found
            if all(self._known[path].found is None for path in found):
                return refused

    def _staying(self, refused: Container[Path]) -> list[ScheduledJob]:
        return [
            known.found
            for path, known in self._known.items()
            if known.found is not None and (known.proposed is None or path in refused)
        ]

    def _proposals(self, refused: Container[Path]) -> Iterator[tuple[Path, ScheduledJob]]:
        for path, known in self._known.items():
            if known.proposed is not None and known.proposed.found is not None and path not in refused:
                yield path, known.proposed.found

    def _look_again(self, path: Path, known: _Known) -> list[Look]:
        """Look at a file that is as it was, and was invalid; nothing where nothing is new."""
        before = known.problems
        look = self._look(path, known)
        return [look] if look.is_valid or look.problems != before else []

    def _look(self, path: Path, known: _Known) -> Look:
        look = self._looked_at(path, known)
        known.problems, known.is_valid = look.problems, look.is_valid
        return look

    def _looked_at(self, path: Path, known: _Known) -> Look:
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


def _misfits(
    stay: list[ScheduledJob], proposals: Sequence[tuple[Path, ScheduledJob]], check: Check
) -> Iterator[tuple[Path, CfindError]]:
    """Yield the proposals that do not go with jobs that stay, or with those before them; put the others in.

    Halves are looked at where the whole does not go: few of many collide.
    """
    if not proposals:
        return
    try:
        check([*stay, *(job for _, job in proposals)])
    except CfindError as error:
        if len(proposals) == 1:
            yield proposals[0][0], error
            return
        half = len(proposals) // 2
        yield from _misfits(stay, proposals[:half], check)
        yield from _misfits(stay, proposals[half:], check)
    else:
        stay += (job for _, job in proposals)


def _place(path: Path) -> Path:
    """Return one path for all spellings; a link counts as a file of its own."""
    try:
        return Path(os.path.realpath(path.parent), path.name)
    except (OSError, ValueError):  # it is no path, as reading it will say
        return path


def _stamp(file: str) -> _Stamp | None:
    try:
        status = Path(file).stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return 0, 0, status.st_ino  # a pipe is another each time that it is written to, and read but once
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
