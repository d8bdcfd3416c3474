"""Load job files."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from pathlib import Path

from runner.dicom.dictionary import STANDARD
from runner.errors import InvalidJobError
from runner.jobfile.clock import Clock, UnknownZoneError
from runner.jobfile.coerce import coerced
from runner.jobfile.compose import compose
from runner.jobfile.conform import conforms
from runner.jobfile.nodes import Listing, Mapping, Node, Place, Scalar
from runner.jobfile.peers import is_name, read_peers
from runner.jobfile.problem import Problem
from runner.jobfile.queries import read_queries
from runner.jobfile.schema import schema
from runner.jobfile.section import Complaints, Section
from runner.jobfile.sinks import read_sinks
from runner.jobfile.source import read_text
from runner.model import Job, StdoutSink

_SUFFIXES = (".yaml", ".yml")


def load_job(
    path: Path,
    variables: MappingOf[str, str] | None = None,
    *,
    check_rows: bool = True,
    clock: Clock | None = None,
) -> tuple[Job | None, list[Problem]]:
    """Read a job file and check all that can be checked without a peer.

    Query files and archives that it names are looked for, relative to its folder.

    Args:
        path: the job file.
        variables: values that take the place of those under `vars`.
        check_rows: whether all rows of a `foreach` are looked at, which takes a while where there are many.
        clock: for dates; None to read the machine's.

    Returns:
        The job, None where a problem is an error; and all problems, in the file's order.
    """
    clock = clock or Clock.read()
    text = read_text(path)
    if isinstance(text, Problem):
        return None, [text]
    document, problems = compose(text, str(path))
    if document is None:
        return None, _ordered(problems)
    complaints = Complaints(document, silenced=_silenced(document))
    complaints.add(problems)
    if not isinstance(document, Mapping):
        what = "a job file is a mapping, and this is " + (
            "a list" if hasattr(document, "items") else "a single value"
        )
        return None, [Problem(*document.place, "", what, "begin it with 'version: 1'")]
    typed = document
    unresolved: frozenset[Place] = frozenset()
    if variables or "${" in text or "\\" in text:  # an escape may stand for either of the two
        from runner.jobfile.interpolation import interpolated

        made = interpolated(document, variables or {}, os.environ, clock)
        complaints.document = document = made.document
        complaints.add(made.problems)
        unresolved = made.unresolved
    known = set(complaints.problems)
    job = _job(path, document, typed, complaints, check_rows=check_rows)
    if unresolved:  # what else is wrong with what could not be resolved says nothing
        complaints.problems = {
            problem: None
            for problem in complaints.problems
            if problem in known or (problem.file, problem.line, problem.column) not in unresolved
        }
    return None if complaints.errors else job, _ordered(complaints.problems)


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
        if not path.is_dir():
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


def _job(path: Path, document: Node, typed: Mapping, complaints: Complaints, *, check_rows: bool) -> Job:
    """Make a job as far as the document allows, and complain about the rest."""
    whole = schema()
    data = coerced(document, whole, whole)
    if not conforms(data, whole):
        from runner.jobfile.schema_problems import schema_problems

        complaints.add(schema_problems(data, whole, document))
    top = Section(data, (), complaints)
    name = top["name"].text()
    if name:
        is_name(name, top["name"])
    dictionary = STANDARD
    _check_zone(top["timezone"])
    peers = read_peers(top["peers"])
    names = [peer.name for peer in peers]
    queries = read_queries(top["queries"], names, dictionary, check_rows=check_rows)
    job = Job(
        name=name or path.stem,
        peers=peers,
        queries=queries,
        sinks=read_sinks(top["sinks"], dictionary) if "sinks" in top else (StdoutSink(),),
        description=top["description"].text(),
        source=str(path),
        dictionary=dictionary,
    )
    if not complaints.errors:
        from runner.jobfile.lint.checks import check

        check(job, top, typed)
    return job


def _check_zone(section: Section) -> None:
    if name := section.text():
        try:
            Clock(0).in_zone(name)
        except UnknownZoneError as error:
            from runner.jobfile.schema_problems import meant

            (known,) = error.args
            likely = meant(name, known)
            advice = (
                f"did you mean {likely!r}?" if likely else "write an IANA name such as Europe/Berlin, or UTC"
            )
            if not known:
                advice = "install the system's tzdata, or the Python package tzdata"
            what = "there is no such time zone" if known else "this machine has no data of time zones"
            section.problem(what, advice)


def _ordered(problems: Sequence[Problem] | dict[Problem, None]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))
