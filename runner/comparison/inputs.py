"""What two words of a command line name: run reports, output folders, files; and which of it is compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.comparison.data_sets import DicomFiles, JsonObjects, looks_like_dicom_json
from runner.comparison.source import Source
from runner.comparison.tables import Table
from runner.errors import InvalidJobError
from runner.report_file import read_report

#: What a file is told by.
_START = 4096
#: Which kinds are compared with each other; the first that both sides have.
_COMPARABLE = (("rsp", "rsp"), ("json", "json"), ("rsp", "json"), ("json", "rsp"), ("csv", "csv"))
_NAMES = {"rsp": "DICOM files", "json": "DICOM JSON", "csv": "CSV"}


@dataclass(frozen=True, slots=True)
class Output:
    """Something that can be compared.

    Attributes:
        kind: `rsp`, `json` or `csv`.
        name: what it is called within what was named.
        path: of the file or folder.
        expected: how many records a report says that it has; None where none does.
    """

    kind: str
    name: str
    path: Path
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """What one word of the command line names.

    Attributes:
        word: as it was given.
        outputs: what can be compared, in order.
        doubts: why its results may not be all, each fit to stand behind the word.
        reported: whether it is a run report.
    """

    word: str
    outputs: tuple[Output, ...]
    doubts: tuple[str, ...] = ()
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is compared with each other.

    Attributes:
        pairs: the outputs of both sides.
        left_out: what can be compared and is not, for people.
    """

    pairs: tuple[tuple[Output, Output], ...]
    left_out: tuple[str, ...]


def side(word: str) -> Side:
    """Look at what a path names.

    Raises:
        InvalidJobError: it cannot be read, or has nothing that can be compared.
    """
    path = Path(word)
    try:
        if path.is_dir():
            return _folder(word, path)
        if not path.exists():
            raise InvalidJobError("there is no such file or folder", "check the path", word)
        if not path.is_file():
            raise InvalidJobError("it is no file that can be read twice", "save it first", word)
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise InvalidJobError(f"it cannot be read: {error.strerror}", "", word) from None
    if looks_like_dicom_json(start) or (not start and path.suffix in (".jsonl", ".ndjson", ".json")):
        return Side(word, (Output("json", word, path),))
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _report(word, path)
    if start[128:132] == b"DICM" or b"\0" in start:
        return Side(word, (Output("rsp", word, path),))
    return Side(word, (Output("csv", word, path),))


def chosen(a: Side, b: Side) -> Chosen:
    """Choose what is compared: of the kinds that both sides have, DICOM before CSV.

    Raises:
        InvalidJobError: nothing of a goes with anything of b.
    """
    for kind_a, kind_b in _COMPARABLE:
        of_a = [output for output in a.outputs if output.kind == kind_a]
        of_b = [output for output in b.outputs if output.kind == kind_b]
        if of_a and of_b:
            pairs = _pairs(a, b, of_a, of_b)
            break
    else:
        raise InvalidJobError(
            f"{a.word} has {_kinds(a)}, and {b.word} has {_kinds(b)}, which cannot be compared",
            "compare DICOM files or DICOM JSON with their like, and CSV with CSV",
        )
    compared = {id(output) for pair in pairs for output in pair}
    left_out = [str(output.path) for one in (a, b) for output in one.outputs if id(output) not in compared]
    for one, other in pairs:
        if (
            a.reported
            and b.reported
            and a.word != b.word
            and os.path.realpath(one.path) == os.path.realpath(other.path)
        ):
            raise InvalidJobError(
                f"{a.word} and {b.word} both mean {one.path}, which only the later run's results can be in",
                "let each run have an --output-dir of its own",
            )
    return Chosen(tuple(pairs), tuple(dict.fromkeys(left_out)))


def open_source(output: Output) -> Source:
    """Open something to be compared.

    Raises:
        InvalidJobError: it cannot be read.
    """
    return _OPENERS[output.kind](output)


_OPENERS: Mapping[str, Callable[[Output], Source]] = {
    "rsp": lambda output: DicomFiles(output.path, output.expected),
    "json": lambda output: JsonObjects(output.path),
    "csv": lambda output: Table(output.path, output.expected),
}


def _pairs(a: Side, b: Side, of_a: Sequence[Output], of_b: Sequence[Output]) -> list[tuple[Output, Output]]:
    if len(of_a) == len(of_b) == 1:
        return [(of_a[0], of_b[0])]
    by_name = {output.name: output for output in of_b}
    for word, one, other in ((a.word, of_a, of_b), (b.word, of_b, of_a)):
        lonely = [output for output in one if output.name not in {them.name for them in other}]
        if lonely:
            raise InvalidJobError(
                f"of several outputs in it, {lonely[0].name} has none of that name on the other side",
                "name the files or folders that are to be compared",
                word,
            )
    return [(output, by_name[output.name]) for output in of_a]


def _kinds(one: Side) -> str:
    return " and ".join(dict.fromkeys(_NAMES[output.kind] for output in one.outputs))


# --- folders ----------------------------------------------------------------------------------------------


def _folder(word: str, path: Path) -> Side:
    outputs: list[Output] = []
    doubts: list[str] = []
    anything = False
    for folder, folders, files in os.walk(path, onerror=_raise):
        shown = [name for name in sorted(folders) if not name.startswith(".")]
        # what a run kept that was not all
        doubts += [f"{Path(folder, name)} has part of an answer" for name in shown if _is_part(name)]
        folders[:] = [name for name in shown if not _is_part(name)]
        names = [name for name in files if not name.startswith(".")]
        anything = anything or bool(names or shown)
        outputs += _outputs(path, Path(folder), names)
        doubts += [
            f"{Path(folder, name)} has part of an answer"
            for name in sorted(names)
            if name.endswith(".partial")
        ]
        if any(name.endswith(".bin") for name in names):
            doubts.append(f"{folder} has responses that cannot be decoded")
    if not anything:
        outputs.append(Output("rsp", ".", path))  # a run that found nothing
    if not outputs:
        raise InvalidJobError(
            "the folder has neither DICOM files (*.dcm) nor DICOM JSON nor CSV", "check the path", word
        )
    return Side(word, tuple(outputs), tuple(doubts))


def _outputs(root: Path, folder: Path, names: Sequence[str]) -> Iterator[Output]:
    if any(name.endswith(".dcm") for name in names):
        yield Output("rsp", str(folder.relative_to(root)), folder)
    for name in sorted(names):
        path = folder / name
        if name.endswith(".csv"):
            yield Output("csv", str(path.relative_to(root)), path)
        elif name.endswith((".json", ".jsonl", ".ndjson")) and path.is_file():
            with path.open("rb") as file:
                if looks_like_dicom_json(file.read(_START)):
                    yield Output("json", str(path.relative_to(root)), path)


def _is_part(name: str) -> bool:
    return name.startswith("partial-")


def _raise(error: OSError) -> None:
    raise error


# --- reports ----------------------------------------------------------------------------------------------


def _report(word: str, path: Path) -> Side:
    outputs: list[Output] = []
    doubts: list[str] = []
    jobs = read_report(path)
    for number, job in enumerate(jobs):
        if job["verdict"] != "complete":
            doubts.append(f"the job {job['job']} is {job['verdict']}")
        of_kind: dict[str, int] = {}
        for sink in job["sinks"]:
            kind = str(sink.get("type"))
            if kind not in ("rsp", "csv"):
                continue
            of_kind[kind] = of_kind.get(kind, 0) + 1
            output = _output_of_sink(path, sink, kind, f"{kind} sink {number + 1}.{of_kind[kind]}")
            if output is not None:
                outputs.append(output)
    if not outputs:
        raise InvalidJobError(
            "the report tells of no output that can be compared",
            "give the job a sink of the type rsp or csv",
            word,
        )
    return Side(word, tuple(outputs), tuple(doubts), reported=True)


def _output_of_sink(report: Path, sink: Mapping[str, Any], kind: str, name: str) -> Output | None:
    written = sink.get("path") if sink.get("state") == "committed" else sink.get("kept_in")
    if not isinstance(written, str) or not written:
        return None
    # one that could not be decoded is a response, and no record
    bad = sink.get("undecodable_files")
    count = sink.get("responses")
    return Output(kind, name, _found(report, written), count if isinstance(count, int) and not bad else None)


def _found(report: Path, written: str) -> Path:
    """Return where an output is now: as it was written, from here or from the folder of the report.

    Raises:
        InvalidJobError: it is in none of these places.
    """
    path = Path(written)
    candidates = [path, *(report.parent.joinpath(*path.parts[cut:]) for cut in range(len(path.parts)))]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise InvalidJobError(
        f"the report tells of {written}, which is not there", "name the file or folder itself", str(report)
    )
