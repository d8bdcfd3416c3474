"""From the `sinks` of a job file to the model."""

from __future__ import annotations

from os.path import normpath

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Path
from runner.dicom.path import PathError, parse_path
from runner.jobfile.section import Section
from runner.model import CsvSink, RspSink, SinkDeclaration, StdoutFormat, StdoutSink, XmlSink


def read_sinks(sinks: Section, dictionary: Dictionary) -> tuple[SinkDeclaration, ...]:
    """Make sink declarations; complain where two of them have the same output."""
    declarations: list[SinkDeclaration] = []
    outputs: dict[str, Section] = {}
    for sink in sinks.items():
        kind = sink["type"].text()
        if kind == "stdout":
            _note_output(outputs, "", sink)
            declarations.append(_stdout(sink, dictionary))
        elif kind == "rsp" and (directory := sink["directory"].text()):
            _note_output(outputs, normpath(directory), sink["directory"])
            declarations.append(
                RspSink(
                    directory,
                    disable_new_vr=sink["disable_new_vr"].data is True,
                    limit=sink["limit"].integer(None),
                    keep_after_failure=sink["keep_after_failure"].data is True,
                )
            )
        elif kind == "xml":
            declarations.append(_xml(sink, outputs))
        elif kind == "csv" and (path := sink["path"].text()):
            _note_output(outputs, normpath(path), sink["path"])
            if path.endswith("/") or normpath(path) == ".":
                sink["path"].problem("this is a folder, not a file", "add the name of the CSV file")
            declarations.append(CsvSink(path, _columns(sink["columns"], dictionary)))
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


def _xml(sink: Section, outputs: dict[str, Section]) -> XmlSink:
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
    )


def _stdout(sink: Section, dictionary: Dictionary) -> StdoutSink:
    text = sink["format"].text("dump")
    format_ = StdoutFormat(text) if text in {known.value for known in StdoutFormat} else StdoutFormat.DUMP
    columns = _columns(sink["columns"], dictionary)
    if "columns" in sink and format_ is not StdoutFormat.CSV:
        advice = "add 'format: csv', or take the columns out"
        sink["columns"].problem(f"the format {text} has no columns", advice, of_key=True)
    return StdoutSink(format_, columns)


def _columns(section: Section, dictionary: Dictionary) -> tuple[Path, ...]:
    columns: dict[Path, str] = {}
    for item in section.items():
        text = item.text()
        if not text:
            continue
        try:
            path = parse_path(text, dictionary)
        except PathError as error:
            item.problem(error.what, error.advice)
            continue
        first = columns.setdefault(path, text)
        if first != text:
            item.problem(f"this is the same column as {first!r}", "keep one of them")
    return tuple(columns)
