"""From the `sinks` of a job file to the model."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import normpath

from runner.dicom.dictionary import Dictionary
from runner.dicom.path import PathError, parse_path
from runner.jobfile.section import Section
from runner.model import (
    AncestorColumn,
    CohortSink,
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
    sinks: Section, dictionary: Dictionary, queries: Sequence[Query], sections: Section
) -> tuple[SinkDeclaration, ...]:
    """Make sink declarations; complain where two of them have the same output.

    Args:
        sinks: the list of sinks.
        dictionary: names and VRs.
        queries: of the job.
        sections: the mapping of names to queries.
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
        elif kind == "cohort" and sink["path"].text():
            cohort = _cohort(sink, dictionary, sections)
            declarations.append(cohort)
            for output in (cohort.path, *cohort.list_paths.values()):
                _note_output(outputs, normpath(output), sink["path"])
        elif kind == "csv" and (path := sink["path"].text()):
            _note_output(outputs, normpath(path), sink["path"])
            _check_file(sink["path"], "CSV")
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


def _check_file(path: Section, kind: str) -> None:
    if path.text().endswith("/") or normpath(path.text()) == ".":
        path.problem("this is a folder, not a file", f"add the name of the {kind} file")


def reconciled(sinks: Section, queries: Section) -> frozenset[str]:
    """Return the names of the queries whose rows are written by `cohort` sinks.

    Args:
        sinks: the list of sinks.
        queries: the mapping of names to queries.
    """
    return frozenset(
        _query_of_rows(sink, queries) for sink in sinks.items() if sink["type"].text() == "cohort"
    )


def _query_of_rows(sink: Section, queries: Section) -> str:
    """Return the name of the query that a cohort is of; "" where it does not say so and it is not plain."""
    with_rows = [name for name, query in queries.members() if "foreach" in query]
    return sink["query"].text() or (with_rows[0] if len(with_rows) == 1 else "")


def _cohort(sink: Section, dictionary: Dictionary, queries: Section) -> CohortSink:
    _check_file(sink["path"], "CSV")
    name = _query_of_rows(sink, queries)
    query = queries[name]
    if not name:
        with_rows = [name for name, query in queries.members() if "foreach" in query]
        what = "the job has no query with 'foreach', so there are no rows to write"
        if with_rows:
            what = f"the job has {len(with_rows)} queries with 'foreach', and the sink names none of them"
        advice = f"add 'query', one of {', '.join(with_rows)}" if with_rows else "add 'foreach' to the query"
        sink.problem(what, advice)
    elif name not in queries:
        _complain_of_name(sink["query"], [known for known, _ in queries.members()])
    elif "foreach" not in query:
        sink["query"].problem(f"the query {name!r} has no rows", "add 'foreach' to it, or name another one")
    elif query["deduplicate"].data not in (None, False):
        what = f"the query {name!r} has 'deduplicate', which keeps a record from all rows but the first"
        sink.problem(what, "take 'deduplicate' out: a cohort counts each record of a row once")
    elif query["only"].data is not None:
        what = f"the query {name!r} has 'only: new', so that rows found by earlier runs would be 'not found'"
        sink.problem(what, "take 'only' out, or ask for the cohort in a query of its own")
    columns = []
    for section, column in zip(sink["columns"].items(), _columns(sink["columns"], dictionary), strict=False):
        if isinstance(column, AncestorColumn):
            section.problem("the query of a cohort is below no other", "take 'parent.' away")
        else:
            columns.append(column)
    return CohortSink(sink["path"].text(), name, tuple(columns), lists=sink["lists"].data is True)


def _xml(sink: Section, outputs: dict[str, Section], taken: tuple[str, ...]) -> XmlSink:
    directory, path = sink["directory"].text(), sink["path"].text()
    if directory:
        _note_output(outputs, f"xml in {normpath(directory)}", sink["directory"])
    elif path:
        _note_output(outputs, normpath(path), sink["path"])
        _check_file(sink["path"], "XML")
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
            _complain_of_name(item, names)
        taken.append(name)
    return tuple(taken)


def _complain_of_name(section: Section, names: Sequence[str]) -> None:
    from runner.jobfile.schema_problems import meant

    name = section.text()
    likely = meant(name, names)
    advice = f"did you mean {likely!r}?" if likely else f"the job has {', '.join(names)}"
    section.problem(f"there is no query {name!r}", advice)


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
