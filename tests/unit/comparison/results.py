"""Results to be compared, as runs write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from runner.comparison.compare import Comparison, Difference
from runner.comparison.inputs import chosen, open_source, side
from runner.comparison.rules import Rules
from runner.dicom.dictionary import STANDARD
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier
from runner.dicom.part10 import file_meta
from runner.dicom.transfer_syntax import TransferSyntax

STRICT = Rules()
Values = Mapping[str, "str | list[Values]"]


def identifier(values: Values, character_set: str = "") -> Identifier:
    """Return the identifier with those values, by keyword."""
    elements = [Element(0x00080005, "CS", character_set)] if character_set else []
    for name, value in values.items():
        entry = STANDARD.by_keyword(name)
        assert entry is not None
        items = tuple(identifier(item) for item in value) if isinstance(value, list) else value
        elements.append(Element(entry.tag, entry.vr, items))
    return tuple(sorted(elements, key=lambda element: element.tag))


def write_rsp(
    folder: Path,
    records: Iterable[Values],
    character_set: str = "ISO_IR 192",
    syntax: TransferSyntax = TransferSyntax.IMPLICIT_LITTLE,
) -> Path:
    """Write records as rsp files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, values in enumerate(records, 1):
        data = encode(identifier(values, character_set), syntax)
        meta = file_meta("1.2.840.10008.5.1.4.1.2.2.1", f"2.25.{number}", syntax)
        (folder / f"rsp{number:04d}.dcm").write_bytes(meta + data)
    return folder


def write_report(path: Path, *sinks: Mapping[str, object], verdict: str = "complete") -> Path:
    """Write a run report of one job."""
    job = {
        "job": "test",
        "verdict": verdict,
        "exit_status": 0,
        "responses": 0,
        "operations": [],
        "sinks": list(sinks),
    }
    path.write_text(json.dumps(job), "utf-8")
    return path


def compared(
    a: Path, b: Path, rules: Rules = STRICT, keys: tuple[str, ...] = ()
) -> tuple[list[Difference], Comparison]:
    """Compare two results that are one output each."""
    [(one, other)] = chosen(side(str(a)), side(str(b))).pairs
    with closing(open_source(one)) as source_a, closing(open_source(other)) as source_b:
        comparison = Comparison(source_a, source_b, rules, keys)
        return list(comparison.differences()), comparison
