"""The names and VRs of attributes (PS3.6, PS3.7 E), by tag and by keyword.

The standard's entries come from pydicom's tables. They are read when the first name is looked up, and
without importing the rest of pydicom, which would take longer than a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from runner.dicom.tags import is_private


class Parity(Enum):
    """Which group or element numbers of a range an entry means."""

    ANY = "any"
    EVEN = "even"
    ODD = "odd"

    def admits(self, number: int) -> bool:
        """Whether the number is one of them."""
        return self is Parity.ANY or (number & 1 == 1) == (self is Parity.ODD)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the dictionary knows of an attribute, or of a range of them.

    Attributes:
        tag: 0xGGGGEEEE; of a range the lowest group and the lowest element.
        vr: the value representation. Where the standard gives a choice, the one that DCMTK takes: it is sent
            where a key says nothing else, and read where the VR is implicit.
        vm: the value multiplicity, such as `1`, `2` or `1-n`.
        name: for people, such as `Patient's Name`.
        keyword: such as `PatientName`.
        creator: the private creator, whose blocks the element number is relative to: its low byte counts.
        last: of a range the highest group and the highest element, as one number; None for a single tag.
        groups: which group numbers of the range.
        elements: which element numbers of the range.
        choice: where values in implicit VR can be of one VR or another, DCMTK's word for that, as its dumps
            show it (`xs`); "" where the VR is certain.
    """

    tag: int
    vr: str
    vm: str
    name: str
    keyword: str
    creator: str = ""
    last: int | None = None
    groups: Parity = Parity.ANY
    elements: Parity = Parity.ANY
    choice: str = ""

    def covers(self, tag: int) -> bool:
        """Whether the tag is the entry's own or in its range."""
        if self.last is None:
            return tag == self.tag
        group, element = tag >> 16, tag & 0xFFFF
        return (
            self.tag >> 16 <= group <= self.last >> 16
            and self.tag & 0xFFFF <= element <= self.last & 0xFFFF
            and self.groups.admits(group)
            and self.elements.admits(element)
        )


class Dictionary:
    """Names and VRs of attributes; immutable, compared by identity.

    Args:
        entries: the dictionary's own, of which a later one wins over an earlier one.
        base: where to look for what is not among them.
    """

    __slots__ = ("_base", "_by_keyword", "_by_private", "_by_tag", "_ranges")

    def __init__(self, entries: Iterable[Entry] = (), base: Dictionary | None = None) -> None:
        self._base = base
        self._by_tag: dict[int, Entry] = {}
        self._by_keyword: dict[str, Entry] = {}
        self._by_private: dict[tuple[int, str], Entry] = {}
        self._ranges: list[Entry] = []
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        if entry.creator:
            self._by_private[entry.tag & 0xFFFF00FF, entry.creator] = entry
            return
        if entry.last is None:
            self._by_tag[entry.tag] = entry
        else:
            self._ranges.insert(0, entry)
        self._by_keyword[entry.keyword] = entry

    def by_tag(self, tag: int) -> Entry | None:
        """Return the entry of a tag, also of repeating groups; None for unknown and private ones.

        Group lengths are UL and private creators LO (PS3.5 7.2 and 7.8.1).
        """
        entry = self._by_tag.get(tag)
        if entry is None:
            for candidate in self._ranges:
                if candidate.covers(tag):
                    return candidate
            if self._base is not None:
                return self._base.by_tag(tag)
        return entry

    def by_keyword(self, name: str) -> Entry | None:
        """Return the entry of exactly that keyword."""
        entry = self._by_keyword.get(name)
        if entry is None and self._base is not None:
            return self._base.by_keyword(name)
        return entry

    def by_private(self, tag: int, creator: str) -> Entry | None:
        """Return the entry of a private tag in a block that `creator` reserves, with that very tag."""
        entry = self._by_private.get((tag & 0xFFFF00FF, creator))
        if entry is None:
            return self._base.by_private(tag, creator) if self._base is not None else None
        return Entry(tag, entry.vr, entry.vm, entry.name, entry.keyword, creator, choice=entry.choice)

    def suggest(self, name: str) -> tuple[str, ...]:
        """Return up to three keywords that may have been meant by an unknown one, the likeliest first."""
        from difflib import get_close_matches

        keywords = {keyword.lower(): keyword for keyword in self.keywords()}
        wanted = "".join(filter(str.isalnum, name)).lower()
        if wanted in keywords:
            return (keywords[wanted],)
        return tuple(keywords[match] for match in get_close_matches(wanted, keywords, 3, 0.75))

    def keywords(self) -> tuple[str, ...]:
        """Return all keywords, in no particular order."""
        base = self._base.keywords() if self._base is not None else ()
        return (*base, *self._by_keyword)

    def extended(self, entries: Iterable[Entry]) -> Dictionary:
        """Return a dictionary in which `entries` come before those of this one."""
        return Dictionary(entries, self)


class _StandardDictionary(Dictionary):
    """The standard's entries and the private ones that pydicom knows, each read when first asked for."""

    __slots__ = ("_keyword_tags", "_masks", "_private", "_tables")

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[int, _Row] = {}
        self._masks: dict[int, dict[int, _Row]] = {}
        self._keyword_tags: dict[str, int] = {}
        self._private: Mapping[str, Mapping[str, _Row]] | None = None

    def _load(self) -> None:
        """Read the tables. Doing it twice, in two threads, does no harm."""
        tables = pydicom_tables("_dicom_dict")
        masks: dict[int, dict[int, _Row]] = {}
        for pattern, row in tables["RepeatersDictionary"].items():
            mask = int("".join("0" if digit == "x" else "F" for digit in pattern), 16)
            masks.setdefault(mask, {})[int(pattern.replace("x", "0"), 16)] = row
        keyword_tags = {row[4]: tag for of_mask in masks.values() for tag, row in of_mask.items()}
        keyword_tags.update((row[4], tag) for tag, row in tables["DicomDictionary"].items())
        keyword_tags.pop("", None)
        self._masks, self._keyword_tags = masks, keyword_tags
        self._tables = tables["DicomDictionary"]  # last, since it says that all is there

    def by_tag(self, tag: int) -> Entry | None:
        entry = self._by_tag.get(tag)
        if entry is None:
            if not self._tables:
                self._load()
            row = self._tables.get(tag)
            if row is None:
                return self._unlisted(tag)
            entry = self._by_tag[tag] = _entry(tag, row)
        return entry

    def _unlisted(self, tag: int) -> Entry | None:
        if not tag & 0xFFFF:
            return Entry(tag, "UL", "1", "Generic Group Length", "GenericGroupLength")
        if is_private(tag):
            if 0x10 <= tag & 0xFFFF <= 0xFF:
                return Entry(tag, "LO", "1", "Private Creator", "PrivateCreator")
            return None
        for mask, rows in self._masks.items():
            row = rows.get(tag & mask)
            if row is not None:
                return _entry(tag, row)
        return None

    def by_keyword(self, name: str) -> Entry | None:
        if not self._tables:
            self._load()
        tag = self._keyword_tags.get(name)
        return None if tag is None else self.by_tag(tag)

    def by_private(self, tag: int, creator: str) -> Entry | None:
        if self._private is None:
            self._private = pydicom_tables("_private_dict")["private_dictionaries"]
        rows = self._private.get(creator)
        if rows is None:
            return None
        text = f"{tag:08X}"
        for pattern in (f"{text[:4]}xx{text[6:]}", text, f"{text[:6]}xx", f"{text[:2]}xxxx{text[6:]}"):
            row = rows.get(pattern)
            if row is not None:
                vr, choice = settled_vr(tag, _CHOICES.get(row[0], row[0]))
                return Entry(tag, vr, row[1], row[2], "", creator, choice=choice)
        return None

    def keywords(self) -> tuple[str, ...]:
        if not self._tables:
            self._load()
        return tuple(self._keyword_tags)


#: VR, VM, name, "Retired" or "", and keyword (private ones have none).
_Row = tuple[str, ...]


#: DCMTK's words for the standard's choices of VRs.
_CHOICES = {"US or SS": "xs", "US or OW": "lt", "US or SS or OW": "lt", "OB or OW": "ox", "NONE": "UN"}
#: The VRs that DCMTK takes for its words (DcmVR::getValidEVR).
_CHOSEN = {"xs": "US", "lt": "OW", "ox": "OB", "px": "OW", "up": "UL"}
#: Offsets within a DICOMDIR, which are UL.
_OFFSETS = frozenset((0x00041200, 0x00041202, 0x00041400, 0x00041420, 0x00041504))


def settled_vr(tag: int, vr: str) -> tuple[str, str]:
    """Return the VR that counts for a VR or a word of DCMTK's dictionary, and the word where it is a choice.

    In implicit VR pixel and overlay data are OW for certain (PS3.5 A.1); curves DCMTK takes for OB.
    """
    if vr in ("ox", "px"):
        data = tag & 0xFF00FFFF
        if tag == 0x7FE00010 or data == 0x60003000:
            return "OW", ""
        if data == 0x50003000:
            return "OB", ""
    if vr == "UL" and tag in _OFFSETS:
        vr = "up"
    chosen = _CHOSEN.get(vr)
    return (vr, "") if chosen is None else (chosen, vr)


def _entry(tag: int, row: _Row) -> Entry:
    vr, choice = settled_vr(tag, _CHOICES.get(row[0], row[0]))
    return Entry(tag, vr, row[1], row[2], row[4], choice=choice)


def pydicom_tables(module: str) -> dict[str, Any]:
    """Return the names in a module of tables of pydicom.

    The module holds literals only, so it is executed by itself; importing it by its name would import
    the whole package first. It is left where the package, when it is imported, finds it.
    """
    import sys
    from importlib.util import find_spec, module_from_spec, spec_from_file_location
    from pathlib import Path

    name = f"pydicom.{module}"
    loaded = sys.modules.get(name)
    if loaded is not None:
        return vars(loaded)
    package = find_spec("pydicom")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        spec = spec_from_file_location(name, Path(folder, f"{module}.py"))
        if spec is not None and spec.loader is not None and Path(folder, f"{module}.py").is_file():
            tables = module_from_spec(spec)
            spec.loader.exec_module(tables)
            sys.modules.setdefault(name, tables)
            return vars(tables)
    raise ImportError(f"pydicom has no tables {module}")


#: PS3.6 and PS3.7 E as pydicom has them.
STANDARD: Dictionary = _StandardDictionary()
