"""From the `sinks` of a job file to the model."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import normpath

from runner.dicom.dictionary import Dictionary
from runner.dicom.path import PathError, parse_path
from runner.jobfile.section import Section
from runner.model import (
    AncestorColumn,
    Column,
    CsvSink,
    Query,
    RspSink,
    SinkDeclaration,
    StdoutFormat,
    StdoutSink,
    XmlSink,
)

#: What stands before a column that is an attribute of the record that an answer was asked for.
_OF_PARENT = "parent."


def read_sinks(
    sinks: Section, dictionary: Dictionary, queries: Sequence[Query]
) -> tuple[SinkDeclaration, ...]:
    """Make sink declarations; complain where two of them have the same output.

    Args:
        sinks: the list of sinks.
        dictionary: names and VRs.
        queries: of the job.
    """
    names = [member.name for query in queries for member in query.family]
    declarations: list[SinkDeclaration] = []
    outputs: dict[str, Section] = {}
    for sink in sinks.items():
        kind = sink["type"].text()
        taken = _queries(sink["queries"], names)
        if kind == "stdout":
            _note_output(outputs, "", sink)
            declarations.append(_stdout(sink, dictionary, taken))
        elif kind == "rsp" and (directory := sink["directory"].text()):
            _note_output(outputs, normpath(directory), sink["directory"])
            declarations.append(
                RspSink(
                    directory,
                    disable_new_vr=sink["disable_new_vr"].data is True,
                    limit=sink["limit"].integer(None),
                    keep_after_failure=sink["keep_after_failure"].data is True,
                    queries=taken,
                )
            )
        elif kind == "xml":
            declarations.append(_xml(sink, outputs, taken))
        elif kind == "csv" and (path := sink["path"].text()):
            _note_output(outputs, normpath(path), sink["path"])
            if path.endswith("/") or normpath(path) == ".":
                sink["path"].problem("this is a folder, not a file", "add the name of the CSV file")
            declarations.append(CsvSink(path, _columns(sink["columns"], dictionary), taken))
    return tuple(declarations)


def _note_output(outputs: dict[str, Section], output: str, section: Section) -> None:
    first = outputs.setdefault(output, section)
    if first is section:
        return
    other = f"sinks[{first.path[1]}] {first.other(section)}"
    if output:
        section.problem(f"{other} writes to the same place", "give each sink an output of its own")
    else:
        section.problem(f"{other} writes to standard output too", "keep one of them")


def _xml(sink: Section, outputs: dict[str, Section], taken: tuple[str, ...]) -> XmlSink:
    directory, path = sink["directory"].text(), sink["path"].text()
    if directory:
        _note_output(outputs, f"xml in {normpath(directory)}", sink["directory"])
    elif path:
        _note_output(outputs, normpath(path), sink["path"])
        if path.endswith("/") or normpath(path) == ".":
            sink["path"].problem("this is a folder, not a file", "add the name of the XML file")
    return XmlSink(
        directory,
        "" if directory else path,
        sink["limit"].integer(None),
        keep_after_failure=sink["keep_after_failure"].data is True,
        queries=taken,
    )


def _stdout(sink: Section, dictionary: Dictionary, taken: tuple[str, ...]) -> StdoutSink:
    text = sink["format"].text("dump")
    format_ = StdoutFormat(text) if text in {known.value for known in StdoutFormat} else StdoutFormat.DUMP
    columns = _columns(sink["columns"], dictionary)
    if "columns" in sink and format_ is not StdoutFormat.CSV:
        advice = "add 'format: csv', or take the columns out"
        sink["columns"].problem(f"the format {text} has no columns", advice, of_key=True)
    return StdoutSink(format_, columns, taken)


def _queries(section: Section, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the queries that a sink takes; complain about those that there are not."""
    taken = []
    for item in section.items():
        name = item.text()
        if name and names and name not in names:
            from runner.jobfile.schema_problems import meant

            likely = meant(name, names)
            advice = f"did you mean {likely!r}?" if likely else f"the job has {', '.join(names)}"
            item.problem(f"there is no query {name!r}", advice)
        taken.append(name)
    return tuple(taken)


def _columns(section: Section, dictionary: Dictionary) -> tuple[Column, ...]:
    columns: dict[Column, str] = {}
    for item in section.items():
        text = item.text()
        if not text:
            continue
        own = text.removeprefix(_OF_PARENT)
        try:
            path = parse_path(own, dictionary)
        except PathError as error:
            item.problem(error.what, error.advice)
            continue
        column = path if own is text else AncestorColumn(path)
        first = columns.setdefault(column, text)
        if first != text:
            item.problem(f"this is the same column as {first!r}", "keep one of them")
    return tuple(columns)
