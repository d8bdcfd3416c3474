"""From a job file and the files that it includes to one document."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from runner.jobfile.coerce import coerced
from runner.jobfile.compose import compose
from runner.jobfile.conform import conforms
from runner.jobfile.nodes import Entry, Listing, Mapping, Scalar, find_place
from runner.jobfile.problem import Problem, dotted, printable
from runner.jobfile.schema import fragment_schema
from runner.jobfile.source import read_text

#: What files that are included add to a job, and what one of each is called.
SECTIONS = {"vars": "variable", "peers": "peer", "key_sets": "key set", "profiles": "profile"}

#: How many files a job may include, and how deep they may include each other.
MAX_FILES = 256
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Included:
    """A job together with what it includes.

    Attributes:
        document: the job, with the peers, variables, key sets and profiles of the files before its own;
            nodes keep the places that they have in their own files. None where a file cannot be read: what
            it lacks would be missed all over.
        problems: what is wrong with the includes, and with the files as files.
        files: those that were included, each once, in order, as messages name them.
        text: of all of them.
    """

    document: Mapping | None
    problems: list[Problem]
    files: tuple[str, ...]
    text: str


def with_included(document: Mapping) -> Included:
    """Put what a document includes into it.

    A file that is included in several ways counts once (the same by its real path). Complains about files
    that cannot be read or hold something else, circles, and names that stand in two files.

    Args:
        document: a job, or a file that jobs include.
    """
    own = document.place.file
    work = _Inclusion(chain=[own], seen={os.path.realpath(own)})
    work.follow(document)
    work.take(document)
    files, text = tuple(work.files), "".join(work.texts)
    if work.is_broken:
        return Included(None, work.problems, files, text)
    entries = dict(document.entries)
    for section, merged in work.sections.items():
        if section not in entries or isinstance(entries[section].node, Mapping):
            entries[section] = merged
    if "queries" in entries and "peers" not in entries and files and not work.problems:
        what = "neither the job nor a file that it includes has 'peers'"
        advice = "add them: the archives that are asked, each under a name of your choice"
        work.problems.append(Problem(*entries["include"].place, "include", what, advice))
    return Included(Mapping(document.place, entries), work.problems, files, text)


@dataclass(slots=True)
class _Inclusion:
    """What has been found so far; `chain` are the files that are being read, each named by the one before."""

    chain: list[str]
    seen: set[str]
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    sections: dict[str, Entry] = field(default_factory=dict)
    is_broken: bool = False

    def follow(self, document: Mapping) -> None:
        """Read the files that a document includes."""
        entry = document.entries.get("include")
        if entry is None:
            return
        if isinstance(entry.node, Listing):
            for number, item in enumerate(entry.node.items):
                if isinstance(item, Scalar) and item.text:
                    self.include(document, item.text, ("include", number))
        elif isinstance(entry.node, Scalar) and entry.node.text:
            self.include(document, entry.node.text, ("include",))

    def include(self, document: Mapping, text: str, path: tuple[str | int, ...]) -> None:
        """Read one file, and what it includes before it."""
        place = find_place(document, path)

        def refuse(what: str, advice: str) -> None:
            self.problems.append(Problem(*place, dotted(path), what, advice))
            self.is_broken = True

        if "${" in text:
            what = "a reference stands in the path of a file to include, where none is resolved"
            refuse(what, "write the path out")
            return
        file = _beside(place.file, text)
        real = os.path.realpath(file)
        circle = next((at for at, open_ in enumerate(self.chain) if os.path.realpath(open_) == real), None)
        if circle is not None:
            names = " -> ".join(printable(name) for name in [*self.chain[circle:], file])
            refuse(f"the files include each other in a circle: {names}", "take this one out")
        elif real in self.seen:
            return
        elif not os.path.isfile(file):  # noqa: PTH113 - which is false for a name that is too long
            what = "this is no file" if os.path.lexists(file) else "there is no such file"
            refuse(f"{what}: {printable(file)}", "name a file, relative to this one")
        elif len(self.chain) > MAX_DEPTH:
            refuse(f"files include each other more than {MAX_DEPTH} deep", "include the file further up")
        elif len(self.files) == MAX_FILES:
            refuse(f"more than {MAX_FILES} files are included", "put several into one")
        else:
            self.seen.add(real)
            self.files.append(file)
            self.read(file)

    def read(self, file: str) -> None:
        """Take in a file."""
        text = read_text(Path(file), "the included file")
        if isinstance(text, Problem):
            self.problems.append(text)
            self.is_broken = True
            return
        self.texts.append(text)
        document, problems = compose(text, file, "it may hold vars, peers, key_sets and profiles")
        self.problems += problems
        if document is None:
            self.is_broken = True
            return
        if not isinstance(document, Mapping):
            what = "a file that is included is a mapping, and this is "
            what += "a list" if isinstance(document, Listing) else "a single value"
            advice = "begin it with 'peers:', 'vars:', 'key_sets:' or 'profiles:'"
            self.problems.append(Problem(*document.place, "", what, advice))
            self.is_broken = True
            return
        self.problems += _problems_with_outline(document)
        self.chain.append(file)
        self.follow(document)
        self.chain.pop()
        self.take(document)

    def take(self, document: Mapping) -> None:
        """Add a document's own peers, variables, key sets and profiles."""
        for section, noun in SECTIONS.items():
            entry = document.entries.get(section)
            if entry is None or not isinstance(entry.node, Mapping):
                continue
            merged = self.sections.setdefault(section, Entry(entry.place, Mapping(entry.node.place)))
            assert isinstance(merged.node, Mapping)
            for name, member in entry.node.entries.items():
                first = merged.node.entries.setdefault(name, member)
                if first is not member:
                    what = f"the {noun} {name!r} stands at {first.place} too"
                    path = dotted((section, name))
                    self.problems.append(
                        Problem(*member.place, path, what, "keep one of them, or rename one")
                    )


def _problems_with_outline(document: Mapping) -> list[Problem]:
    """Check all of a file that is included but for what becomes a part of the job, and is checked there."""
    outline = Mapping(
        document.place,
        {
            name: entry
            for name, entry in document.entries.items()
            if name not in SECTIONS or not isinstance(entry.node, Mapping)
        },
    )
    schema = fragment_schema()
    data = coerced(outline, schema, schema)
    if conforms(data, schema):
        return []
    from runner.jobfile.schema_problems import schema_problems

    return schema_problems(data, schema, outline)


def _beside(file: str, text: str) -> str:
    """Return where a path leads that stands in a file, without detours if it leads there all the same."""
    path = str(Path(file).parent / text)
    short = os.path.normpath(path)
    return short if os.path.realpath(short) == os.path.realpath(path) else path
