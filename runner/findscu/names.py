"""The names of attributes that findscu 3.5.4 had and today's standard has no more, such as PatientsName."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from runner.dicom.dictionary import Dictionary, Entry
from runner.dicom.tags import parse_tag

_TABLE = Path(__file__).with_name("names_of_3_5_4.csv")


@cache
def old_names() -> dict[str, int]:
    """Return the tags of the names that 3.5.4 had in place of today's keywords."""
    names: dict[str, int] = {}
    for line in _TABLE.read_text("utf-8").splitlines()[1:]:
        tag = parse_tag(line[1:12])
        name = line[14:].split(",")[0]
        if tag is not None and name:
            names[name] = tag
    return names


def entry_of(name: str, dictionary: Dictionary) -> Entry | None:
    """Look up an attribute by today's keyword, else by the name that 3.5.4 had."""
    entry = dictionary.by_keyword(name)
    if entry is None:
        tag = old_names().get(name)
        entry = None if tag is None else dictionary.by_tag(tag)
    return entry
