"""Load job files."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.dicom.dictionary import STANDARD
from runner.errors import InvalidJobError
from runner.jobfile.clock import Clock
from runner.jobfile.coerce import coerced
from runner.jobfile.compose import compose
from runner.jobfile.conform import conforms
from runner.jobfile.nodes import Listing, Mapping, Node, Place, Scalar
from runner.jobfile.peers import is_name, read_peers
from runner.jobfile.problem import Problem, Severity, strict
from runner.jobfile.queries import check_key_sets, read_queries
from runner.jobfile.schema import fragment_schema, schema
from runner.jobfile.section import Complaints, Section
from runner.jobfile.sinks import read_sinks, reconciled
from runner.jobfile.source import read_text
from runner.model import Job, Schedule, StdoutSink

#: Says when the last complete run of the job of a name began, in microseconds since the epoch.
LastSuccess = Callable[[str], int | None]

_SUFFIXES = (".yaml", ".yml")


def load_job(
    path: Path,
    variables: MappingOf[str, str] | None = None,
    *,
    check_rows: bool = True,
    clock: Clock | None = None,
    last_success: LastSuccess | None = None,
) -> tuple[Job | None, list[Problem]]:
    """Read a job file and check all that can be checked without a peer.

    Files and archives that it names are looked for, relative to the file in which they are named.

    Args:
        path: the job file.
        variables: values that take the place of those under `vars`.
        check_rows: whether all rows of a `foreach` are looked at, which takes a while where there are many.
        clock: for dates; None to read the machine's.
        last_success: when the last complete run of the job of a name began, in microseconds since 1 January
            1970 in UTC, None where there is none; None where nothing is known of earlier runs.

    Returns:
        The job, None where a problem is an error; and all problems, in the order of the file and of
            those that it includes.
    """
    return _Reading(path, variables or {}, clock or Clock.read(), last_success).job(check_rows=check_rows)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of a file has found.

    Attributes:
        file: the file.
        problems: in the order of the file and of those that it includes.
        is_fragment: whether it is a file for jobs to include.
    """

    file: Path
    problems: tuple[Problem, ...]
    is_fragment: bool = False

    @property
    def is_valid(self) -> bool:
        """Whether none of the problems is an error."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    def strictly(self) -> Checked:
        """Return the same with errors for warnings."""
        return replace(self, problems=tuple(strict(self.problems)))


def check_file(
    path: Path,
    variables: MappingOf[str, str] | None = None,
    *,
    clock: Clock | None = None,
    last_success: LastSuccess | None = None,
) -> Checked:
    """Check a job file, or a file that jobs include.

    A file without queries that holds nothing but what jobs can include is taken for one of those: it may
    use variables that it does not declare.

    Args:
        path: the file.
        variables: values that take the place of those under `vars`.
        clock: for dates; None to read the machine's.
        last_success: as of `load_job`.
    """
    reading = _Reading(path, variables or {}, clock or Clock.read(), last_success)
    reading.read()
    if reading.is_fragment():
        return Checked(path, tuple(reading.fragment()), is_fragment=True)
    return Checked(path, tuple(reading.job()[1]))


def is_fragment(path: Path) -> bool:
    """Whether a file is none that is run, but one that jobs include: see check_file."""
    reading = _Reading(path, {}, Clock.read())
    reading.read()
    return reading.is_fragment()


@dataclass(slots=True)
class _Reading:
    """A file on its way to a job; `document` is None as long as there is none."""

    path: Path
    variables: MappingOf[str, str]
    clock: Clock
    last_success: LastSuccess | None = None
    document: Mapping | None = None
    text: str = ""
    problems: list[Problem] = field(default_factory=list)
    included: tuple[str, ...] = ()

    def read(self) -> None:
        """Read the file itself."""
        text = read_text(self.path)
        if isinstance(text, Problem):
            self.problems = [text]
            return
        document, self.problems = compose(text, str(self.path))
        if isinstance(document, Mapping):
            self.document, self.text = document, text
        elif document is not None:
            what = "a job file is a mapping, and this is "
            what += "a list" if isinstance(document, Listing) else "a single value"
            self.problems = [Problem(*document.place, "", what, "begin it with 'version: 1'")]

    def is_fragment(self) -> bool:
        """Whether this is a file for jobs to include."""
        if self.document is None:
            return False
        known = fragment_schema()["definitions"]["fragment"]["properties"]
        names = set(self.document.entries)
        return names <= set(known) and not names <= {"version", "description"}

    def job(self, *, check_rows: bool = True) -> tuple[Job | None, list[Problem]]:
        """Return the job, None where a problem is an error, and all problems."""
        if self.document is None and not self.problems:
            self.read()
        document = self.whole()
        if document is None:
            return None, self.ordered(self.problems)
        complaints, unresolved = self.resolved(document, is_fragment=False)
        known = set(complaints.problems)
        job = self.made(document, complaints, check_rows=check_rows)
        problems = self.ordered(_told(complaints.problems, known, unresolved))
        return None if complaints.errors else job, problems

    def fragment(self) -> list[Problem]:
        """Return what is wrong with a file that jobs include."""
        document = self.whole()
        if document is None:
            return self.ordered(self.problems)
        complaints, unresolved = self.resolved(document, is_fragment=True)
        known = set(complaints.problems)
        top = _checked(complaints, fragment_schema())
        read_peers(top["peers"], top["profiles"])
        _check_profiles(top)
        check_key_sets(top["key_sets"], STANDARD, used=())
        return self.ordered(_told(complaints.problems, known, unresolved))

    def whole(self) -> Mapping | None:
        """Return the document with all that it includes; None where some of it cannot be read."""
        if self.document is None or "include" not in self.document.entries:
            return self.document
        from runner.jobfile.include import with_included

        included = with_included(self.document)
        self.included = included.files
        self.problems += included.problems
        self.text += included.text
        return included.document

    def resolved(self, document: Mapping, *, is_fragment: bool) -> tuple[Complaints, frozenset[Place]]:
        """Resolve references.

        Returns:
            The document that this makes, with the problems so far; and the places of texts that could not
            be resolved.
        """
        text = self.text
        complaints = Complaints(document, silenced=_silenced(document))
        complaints.add(self.problems)
        if not (self.variables or "${" in text or "\\" in text):  # an escape may stand for either of the two
            return complaints, frozenset()
        from runner.jobfile.interpolation import History, interpolated

        history = History(self.last_success, self.path.stem) if self.last_success is not None else None
        made = interpolated(
            document, self.variables, os.environ, self.clock, history, is_fragment=is_fragment
        )
        complaints.document = made.document
        complaints.add(made.problems)
        return complaints, made.unresolved

    def made(self, typed: Mapping, complaints: Complaints, *, check_rows: bool) -> Job:
        """Make a job as far as the document allows, and complain about the rest.

        Args:
            typed: the document before its references were resolved.
            complaints: the document, and what is wrong with it so far.
            check_rows: whether all rows of a `foreach` are looked at.
        """
        top = _checked(complaints, schema())
        name = top["name"].text()
        if name:
            is_name(name, top["name"])
        dictionary = STANDARD
        complaints.clock = self.clock
        if top["timezone"].text():
            from runner.jobfile.time_zone import in_zone

            complaints.clock = in_zone(top["timezone"], self.clock)
        peers = read_peers(top["peers"], top["profiles"])
        _check_profiles(top)
        names = [peer.name for peer in peers]
        queries = read_queries(
            top["queries"],
            names,
            dictionary,
            top["key_sets"],
            reconciled=reconciled(top["sinks"], top["queries"]),
            check_rows=check_rows,
        )
        job = Job(
            name=name or self.path.stem,
            peers=peers,
            queries=queries,
            sinks=read_sinks(top["sinks"], dictionary, queries, top["queries"])
            if "sinks" in top
            else (StdoutSink(),),
            description=top["description"].text(),
            source=str(self.path),
            included=self.included,
            dictionary=dictionary,
            schedule=_schedule(top),
            on_success=_command(top["on_success"]),
            on_failure=_command(top["on_failure"]),
        )
        if not complaints.errors:
            from runner.jobfile.lint.checks import check

            check(job, top, typed)
        return job

    def ordered(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return problems in the order of the file, then of those that it includes."""
        files = {name: number for number, name in enumerate((str(self.path), *self.included))}
        return sorted(problems, key=lambda problem: (files[problem.file], problem.line, problem.column))


def _checked(complaints: Complaints, whole: dict[str, Any]) -> Section:
    """Return the document as data of the schema's types; complain where it is not as the schema says."""
    data = coerced(complaints.document, whole, whole)
    if not conforms(data, whole):
        from runner.jobfile.schema_problems import schema_problems

        complaints.add(schema_problems(data, whole, complaints.document))
    return Section(data, (), complaints)


def _command(section: Section) -> tuple[str, ...]:
    if section.data is None:
        return ()
    from runner.jobfile.commands import read_command

    return read_command(section)


def _check_profiles(top: Section) -> None:
    if "profiles" in top:
        from runner.jobfile.profiles import check_profiles

        check_profiles(top["profiles"])


def _told(
    problems: Iterable[Problem], known: Container[Problem], unresolved: Container[tuple[str, int, int]]
) -> Iterator[Problem]:
    """Leave out what else is wrong with what could not be resolved: it says nothing."""
    for problem in problems:
        if problem in known or (problem.file, problem.line, problem.column) not in unresolved:
            yield problem


def find_job_files(paths: Sequence[Path]) -> list[Path]:
    """Find the job files that paths mean.

    Args:
        paths: files, which are taken whatever their names, and folders, in which `*.yaml` and `*.yml`
            are looked for at any depth, but for hidden folders and files.

    Returns:
        Each file once, those of a folder in the order of their names.

    Raises:
        InvalidJobError: a folder has no job files or cannot be read.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - which is false for a name that is too long
            found[path] = None
            continue
        files = _files_in(path)
        if not files:
            raise InvalidJobError("the folder has no job files", "they end in .yaml or .yml", str(path))
        found.update(dict.fromkeys(files))
    return list(found)


def _files_in(folder: Path) -> list[Path]:
    files: list[Path] = []

    def refuse(error: OSError) -> None:
        reason = error.strerror or "unreadable"
        raise InvalidJobError(
            f"the folder cannot be read: {reason}", "check its permissions", str(error.filename)
        )

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += (
            Path(parent, name)
            for name in sorted(names)
            if name.endswith(_SUFFIXES) and not name.startswith(".") and Path(parent, name).is_file()
        )
    return files


def _silenced(document: Node) -> frozenset[str]:
    """Return the ids of rules that `lint.ignore` lists, so that all that is said from now on heeds them."""
    node: Node | None = document
    for name in ("lint", "ignore"):
        entry = node.entries.get(name) if isinstance(node, Mapping) else None
        node = entry.node if entry is not None else None
    items = node.items if isinstance(node, Listing) else []
    return frozenset(item.text for item in items if isinstance(item, Scalar) and item.text)


def _schedule(top: Section) -> Schedule | None:
    if "schedule" not in top:
        return None
    from runner.jobfile.schedule import read_schedule

    return read_schedule(top["schedule"], top["timezone"].text())
