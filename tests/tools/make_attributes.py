"""The attributes at the end of schemas/job.schema.json, from which editors complete and explain keys."""

from __future__ import annotations

import json
from pathlib import Path

from pydicom.datadict import dictionary_is_retired, dictionary_VR

from runner.dicom.dictionary import STANDARD, Entry
from runner.dicom.tags import format_tag

SCHEMA = Path(__file__).parents[2] / "schemas" / "job.schema.json"
_BEGIN = '      "properties": {\n'


def attributes() -> dict[str, Entry]:
    """Return what the dictionary has and an identifier may hold, by keyword.

    That is all but the command set, a file's meta information, a DICOMDIR's records, group lengths and what
    marks items.
    """
    entries = {keyword: STANDARD.by_keyword(keyword) for keyword in sorted(STANDARD.keywords())}
    return {
        keyword: entry
        for keyword, entry in entries.items()
        if entry is not None and 0x0008 <= entry.tag >> 16 < 0xFFFC and entry.tag & 0xFFFF
    }


def schema_with_attributes() -> str:
    """Return the schema's text as it stands, with a fresh list at its end."""
    text = SCHEMA.read_text("utf-8")
    head, begin, _ = text.rpartition(_BEGIN)
    lines = [f"        {json.dumps(keyword)}: {_member(entry)}" for keyword, entry in attributes().items()]
    return head + begin + ",\n".join(lines) + "\n      }\n    }\n  }\n}\n"


def _member(entry: Entry) -> str:
    definition = "sequence" if entry.vr == "SQ" else "attribute"
    retired = " Retired." if dictionary_is_retired(entry.tag) else ""
    vr = dictionary_VR(entry.tag)
    description = f"{entry.name} {format_tag(entry.tag)}, {vr}, VM {entry.vm}.{retired}"
    member = {"description": description, "$ref": f"#/definitions/{definition}"}
    return json.dumps(member, ensure_ascii=False)
