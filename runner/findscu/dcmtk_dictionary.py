"""Data dictionaries in DCMTK's format, as named by DCMDICTPATH.

A line is an attribute: tag, VR, name, VM and a remark, with one tab between each. The tag is
`(gggg,eeee)`, a range in either part (`6000-60FF`, even numbers; `-o-` odd, `-u-` all), or private,
`(gggg,"CREATOR",ee)`. `#` starts a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.dicom.dictionary import STANDARD, Dictionary, Entry, Parity, settled_vr
from runner.errors import InvalidJobError

_NUMBER = "[0-9A-Fa-f]{1,4}"
_RANGE = f"({_NUMBER})(?:-(?:([ouOU])-)?({_NUMBER}))?"
_TAG = re.compile(rf'\(\s*{_RANGE}\s*,\s*(?:"([^"]*)"\s*,\s*)?{_RANGE}\s*\)')
_MULTIPLICITY = re.compile(r"[0-9]+(?:-(?:[0-9]+n?|n))?")

#: What a dictionary may name in place of a VR, and what is sent for it.
_UNKNOWN = {"na": "UN", "??": "UN", "UNKNOWN": "UN"}
_VRS = frozenset(
    (
        *(
            "AE",
            "AS",
            "AT",
            "CS",
            "DA",
            "DS",
            "DT",
            "FD",
            "FL",
            "IS",
            "LO",
            "LT",
            "OB",
            "OD",
            "OF",
            "OL",
            "OV",
        ),
        *(
            "OW",
            "PN",
            "SH",
            "SL",
            "SQ",
            "SS",
            "ST",
            "SV",
            "TM",
            "UC",
            "UI",
            "UL",
            "UN",
            "UR",
            "US",
            "UT",
            "UV",
        ),
    )
)


def dictionary_of(path_list: str, warn: Callable[[str], None]) -> Dictionary:
    """Load the dictionaries of a colon-separated list on top of the standard's.

    Args:
        path_list: the value of DCMDICTPATH; "" for the standard's dictionary alone.
        warn: is told of a file that cannot be loaded, and of lines that were left out.

    Raises:
        InvalidJobError: if none of the files can be loaded.
    """
    paths = [path for path in path_list.split(":") if path]
    if not paths:
        return STANDARD
    entries: list[Entry] = []
    loaded = 0
    for path in paths:
        try:
            text = Path(path).read_bytes().decode("utf-8", "replace")
        except OSError as error:
            warn(f"DCMDICTPATH: {path} cannot be read: {error.strerror or type(error).__name__}")
            continue
        before = len(entries)
        wrong = list(_read(text, entries))
        for number in wrong[:3]:
            warn(f"DCMDICTPATH: {path}, line {number}: not an attribute of a DCMTK dictionary, left out")
        if len(wrong) > 3:
            warn(f"DCMDICTPATH: {path}: {len(wrong) - 3} more lines left out")
        if wrong and len(entries) == before:
            warn(f"DCMDICTPATH: {path} is not a DCMTK dictionary")
            continue
        loaded += 1
    if not loaded:
        raise InvalidJobError(
            f"no data dictionary can be loaded from {path_list}",
            "name files in DCMTK's format, or unset it for the standard's dictionary",
            "DCMDICTPATH",
        )
    return STANDARD.extended(entries)


def _read(text: str, entries: list[Entry]) -> Iterator[int]:
    """Append the entries of a dictionary's text; yield the numbers of lines that are none."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _entry(line)
        if entry is None:
            yield number
        else:
            entries.append(entry)


def _entry(line: str) -> Entry | None:
    fields = [field.strip() for field in line.split("\t")]
    fields = [field for field in fields if field]
    if len(fields) < 3:
        return None
    match = _TAG.fullmatch(fields[0])
    if match is None:
        return None
    multiplicity = fields[3] if len(fields) > 3 and _MULTIPLICITY.fullmatch(fields[3]) else "1-n"
    low_group, group_kind, high_group, creator, low, kind, high = match.groups()
    tag = int(low_group, 16) << 16 | int(low, 16)
    vr, choice = settled_vr(tag, _UNKNOWN.get(fields[1], fields[1]))
    if vr not in _VRS:
        return None
    last = None
    if high_group or high:
        last = int(high_group or low_group, 16) << 16 | int(high or low, 16)
    name = fields[2]
    return Entry(
        tag,
        vr,
        multiplicity,
        name,
        name,
        creator or "",
        last,
        _parity(group_kind) if high_group else Parity.ANY,
        _parity(kind) if high else Parity.ANY,
        choice,
    )


def _parity(kind: str | None) -> Parity:
    if kind is None:
        return Parity.EVEN
    return Parity.ODD if kind in "oO" else Parity.ANY
