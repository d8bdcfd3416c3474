"""Rules about what a job declares: peers, variables and sinks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.dicom.identifier import Path
from runner.dicom.matching import NOT_MATCHED
from runner.dicom.tags import is_private
from runner.jobfile.lint.subject import Finding, Subject
from runner.jobfile.nodes import Listing, Mapping, Node, Scalar
from runner.jobfile.section import Section
from runner.model import CohortSink, CsvSink, StdoutSink, XmlSink

_DATE = re.compile(r"\$\{(?:now|today|yesterday)\b")
_VARIABLE = re.compile(r"\$\{var:([A-Za-z_][A-Za-z0-9_-]*)\}")


def unused_peers(subject: Subject) -> Iterator[Finding]:
    """A peer that no query asks may be one that was forgotten."""
    asked = {peer.name for peer in subject.job.used_peers}
    for name, section in subject.top["peers"].members():
        if name not in asked and subject.is_own(section):
            yield Finding(section, "no query asks this peer", "name it in a query, or take it out")


def unused_variables(subject: Subject) -> Iterator[Finding]:
    """A variable that nothing refers to may be a reference that was forgotten, or written wrong."""
    variables = subject.top["vars"]
    if not variables.data:
        return
    used = set(_VARIABLE.findall("\n".join(_texts(subject.typed))))
    for name, section in variables.members():
        if name not in used and subject.is_own(section):
            what, advice = "nothing refers to this variable", f"write ${{var:{name}}} where it belongs"
            yield Finding(section, what, f"{advice}, or take it out")


def unknown_options(subject: Subject) -> Iterator[Finding]:
    """What is negotiated for a model that does not know it is never proposed (PS3.4 K.5.1)."""
    for peer in subject.job.peers:
        models = {asked.query.model for asked in subject.queries if peer in asked.peers}
        section = subject.top["peers"][peer.name]["extended_negotiation"]
        for option in peer.extended_negotiation.proposed:
            if models and not any(option in model.query_options for model in models):
                what = f"no query asks this peer for a model that knows {option.value}: it is never proposed"
                yield Finding(
                    section[option.value], what, "take it out; the worklist knows fuzzy and timezone"
                )


def unused_key_sets(subject: Subject) -> Iterator[Finding]:
    """A key set that no query uses may be one that was forgotten."""
    used = {name for _, query in subject.top["queries"].members() for name in _used_by(query)}
    for name, section in subject.top["key_sets"].members():
        if name not in used and subject.is_own(section):
            yield Finding(section, "no query uses this key set", "name it under 'use', or take it out")


def _used_by(query: Section) -> Iterator[str]:
    """Yield the names of the key sets that a query and those below it use."""
    yield from (item.text() for item in query["use"].texts())
    for _, child in query["then"].members():
        yield from _used_by(child)


def repeats_into_files(subject: Subject) -> Iterator[Finding]:
    """Each repetition is answered with the same again, and written again."""
    files = [sink for sink in subject.job.sinks if not isinstance(sink, (CohortSink, StdoutSink))]
    for asked in subject.queries:
        name = asked.query.name
        if asked.query.repeat > 1 and any(not sink.queries or name in sink.queries for sink in files):
            what = "the query is sent several times, and a file gets every answer as often"
            yield Finding(asked.section["repeat"], what, "repeat for measuring only, with 'sinks: []'")


def replaced_increments(subject: Subject) -> Iterator[Finding]:
    """A file of a name that never changes loses with each run what only an earlier one has delivered."""
    new = {asked.query.name for asked in subject.queries if asked.query.only_new}
    if not new:
        return
    sections = subject.top["sinks"].items()
    for sink, section, node in zip(subject.job.sinks, sections, _sinks(subject.typed), strict=False):
        taken = not sink.queries or new.intersection(sink.queries)
        if isinstance(sink, (CsvSink, XmlSink)) and sink.path and taken:
            path = node.entries["path"].node
            if isinstance(path, Scalar) and "${" not in (path.text or ""):
                what = "each run replaces this file by what is new, and delivers nothing a second time"
                advice = "put the time into its name, as in 'studies-${now:%Y%m%d-%H%M%S}.csv'"
                yield Finding(section["path"], what, advice, of_key=False)


def _sinks(typed: Mapping) -> Iterator[Mapping]:
    """Yield the sinks of a job as they were typed."""
    sinks = typed.entries["sinks"].node if "sinks" in typed.entries else None
    if isinstance(sinks, Listing):
        yield from (node for node in sinks.items if isinstance(node, Mapping))


def changing_names(subject: Subject) -> Iterator[Finding]:
    """What earlier runs have done is known by the name of the job."""
    if subject.job.schedule is None and not any(asked.query.only_new for asked in subject.queries):
        return
    name = subject.typed.entries["name"].node if "name" in subject.typed.entries else None
    if isinstance(name, Scalar) and _DATE.search(name.text or ""):
        what = "the name changes with the date, and by it is known what earlier runs of the job have done"
        advice = "put the date into the paths of the sinks in its place"
        yield Finding(subject.top["name"], what, advice, of_key=False)


def columns_not_asked(subject: Subject) -> Iterator[Finding]:
    """A peer returns what it is asked for (PS3.4 C.2.2.1)."""
    sections = subject.top["sinks"].items()
    for sink, section in zip(subject.job.sinks, sections, strict=False):  # of the default there is no section
        if not isinstance(sink, (CohortSink, CsvSink, StdoutSink)):
            continue
        asked_for = {
            path
            for query in subject.job.queries
            for one in query.family
            if not sink.queries or one.name in sink.queries
            for path in (*one.columns, *((tag,) for tag in one.inherits))
        }
        for item, column in zip(section["columns"].items(), sink.columns, strict=True):
            if not isinstance(column, tuple) or column[-1] in NOT_MATCHED or any(map(is_private, column)):
                continue
            if not any(_covers(path, column) for path in asked_for):
                what = "no query asks for this column, so it will be empty"
                yield Finding(item, what, "add it to the keys, without a value", of_key=False)


def _covers(path: Path, column: Path) -> bool:
    """Whether a key brings a column: it is the same, or one lies within the other."""
    length = min(len(path), len(column))
    return path[:length] == column[:length]


def _texts(node: Node) -> Iterator[str]:
    waiting = [node]
    seen = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, Scalar):
            yield node.text or ""
        elif id(node) not in seen:  # what aliases stand for, once
            seen.add(id(node))
            if isinstance(node, Listing):
                waiting += node.items
            else:
                waiting += (entry.node for entry in node.entries.values())
