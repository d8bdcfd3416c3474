"""The same few attributes of many identifiers, as columns of bytes, found in one pass that also checks them.

What is looked at are whole elements as they came: equal bytes mean the same under the same character set, so
that whoever looks can decide about bytes once and remember what was decided.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from runner.dicom.charset import CharacterSet
from runner.dicom.decoding import Decoder
from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import LONG_FORM_VRS, RawElement, walk
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.layout import Captured, Layout
from runner.dicom.received import STRING_VRS, declared_character_set, find_path
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError

_CHARACTER_SET_PATH = (SPECIFIC_CHARACTER_SET,)
_LONG_FORMS = frozenset(vr.encode() for vr in LONG_FORM_VRS)
_ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_MAX_CHARACTER_SETS = 64

#: Elements as they came, with tag, VR and length; None where there is none.
Column = Sequence["bytes | None"]


class Form:
    """How the elements of one transfer syntax are read: where their values are and what they say.

    Args:
        syntax: the negotiated transfer syntax.
        dictionary: for implicit VRs.
    """

    __slots__ = ("_character_sets", "_dictionary", "syntax")

    def __init__(self, syntax: TransferSyntax, dictionary: Dictionary) -> None:
        self.syntax = syntax
        self._dictionary = dictionary
        self._character_sets: dict[bytes | None, CharacterSet] = {}

    def value(self, element: bytes) -> bytes:
        """Return an element's value."""
        return element[12 if self.syntax.explicit and element[4:6] in _LONG_FORMS else 8 :]

    def is_filled(self, element: bytes | None) -> bool:
        """Whether an element is there and has a value: text that is no padding, a number, or an item."""
        if element is None:
            return False
        value, vr = self.value(element), self._vr(element)
        if vr == "SQ":
            return value[:4] in _ITEM_TAGS
        return bool(value.strip(b" \0")) if vr in STRING_VRS else bool(value)

    def element(self, element: bytes, declared: bytes | None) -> Element:
        """Return an element decoded.

        Args:
            element: as it came.
            declared: the element (0008,0005) that counts for it, None where there is none.
        """
        vr = self._vr(element)
        if vr in STRING_VRS:
            text = self.character_set(declared).decode(self.value(element), vr)
            return Element(self._tag(element), vr, text.rstrip(" \0"))
        made = self.decoded(element)
        return made[0] if made else Element(self._tag(element), vr, b"\0")

    def decoded(self, identifier: bytes) -> Identifier:
        """Return an identifier that can be decoded with its texts decoded."""
        elements = walk(identifier, self.syntax, self._dictionary)
        return Decoder(self.syntax).identifier(identifier, elements)

    def canonical(self, element: bytes, declared: bytes | None) -> bytes:
        """Return what an element says, the same for each character set that it may be in.

        Padding and spaces around it are left out; texts are in UTF-8.
        """
        value = self.value(element)
        vr = self._vr(element)
        if vr not in STRING_VRS:
            return value
        if not value.isascii() or b"\x1b" in value:
            value = self.character_set(declared).decode(value, vr).encode("utf-8", "surrogatepass")
        return value.strip(b" \0")

    def character_set(self, declared: bytes | None) -> CharacterSet:
        """Return the character set for an element (0008,0005), None where there is none."""
        known = self._character_sets.get(declared)
        if known is None:
            known = declared_character_set(declared[8:] if declared is not None else b"")
            if len(self._character_sets) < _MAX_CHARACTER_SETS:
                self._character_sets[declared] = known
        return known

    def _tag(self, element: bytes) -> int:
        order: Literal["little", "big"] = "little" if self.syntax.little else "big"
        return int.from_bytes(element[:2], order) << 16 | int.from_bytes(element[2:4], order)

    def _vr(self, element: bytes) -> str:
        if self.syntax.explicit:
            return element[4:6].decode("latin_1")
        entry = self._dictionary.by_tag(self._tag(element))
        return entry.vr if entry is not None else "UN"


class AttributeColumns:
    """Chosen attributes of identifiers that came together, in their order.

    Attributes:
        form: how the elements are read.
        identifiers: those that can be decoded.
        declared: the column of (0008,0005).
        unproved: indexes of identifiers whose sequences may have several items; those of all others have one.
    """

    __slots__ = ("_columns", "declared", "form", "identifiers", "unproved")

    def __init__(
        self,
        form: Form,
        identifiers: Sequence[bytes],
        columns: dict[Path, Column],
        unproved: Collection[int] = (),
    ) -> None:
        self.form = form
        self.identifiers = identifiers
        self.unproved = unproved
        self._columns = columns
        self.declared = columns[_CHARACTER_SET_PATH]

    def __len__(self) -> int:
        return len(self.identifiers)

    def __getitem__(self, path: Path) -> Column:
        """Return the elements at a path that the reader was made for."""
        return self._columns[path]

    def only(self, indexes: Sequence[int]) -> AttributeColumns:
        """Return those of some identifiers."""
        columns: dict[Path, Column] = {
            path: [column[index] for index in indexes] for path, column in self._columns.items()
        }
        unproved = {new for new, index in enumerate(indexes) if index in self.unproved}
        return AttributeColumns(self.form, [self.identifiers[index] for index in indexes], columns, unproved)


class ColumnReader:
    """Checks identifiers of one transfer syntax, and finds chosen attributes in them.

    It learns, so that it must not be used in two threads at the same time.

    Args:
        syntax: the negotiated transfer syntax; identifiers of a deflated one are given inflated.
        dictionary: names and VRs.
        paths: what is looked for; in a sequence of several items only the first one can be.
    """

    def __init__(self, syntax: TransferSyntax, dictionary: Dictionary, paths: Sequence[Path]) -> None:
        self._form = Form(syntax, dictionary)
        self._syntax = syntax
        self._dictionary = dictionary
        self._paths = tuple(dict.fromkeys((_CHARACTER_SET_PATH, *paths)))
        self._layout = Layout(syntax, dictionary, self._paths)
        self._version = 0
        # for each path where it is in what the layout captures, None while it was never seen
        self._places: list[int | None] = [None] * len(self._paths)

    def read(
        self, identifiers: Sequence[bytes]
    ) -> tuple[AttributeColumns, dict[int, UndecodableIdentifierError]]:
        """Return the columns of the identifiers that can be decoded, and why the others cannot, by index."""
        captured = self._layout.values(identifiers)
        if self._layout.version != self._version:
            self._version = self._layout.version
            where = {field.path: place for place, field in enumerate(self._layout.fields)}
            self._places = [where.get(path) for path in self._paths]
        if None in captured:
            return self._read_some(identifiers, captured)
        by_place: list[Column] = list(zip(*captured, strict=True))
        missing: Column = (None,) * len(identifiers)
        columns = {
            path: missing if place is None else by_place[place]
            for path, place in zip(self._paths, self._places, strict=True)
        }
        return AttributeColumns(self._form, identifiers, columns), {}

    def _read_some(
        self, identifiers: Sequence[bytes], captured: Sequence[Captured | None]
    ) -> tuple[AttributeColumns, dict[int, UndecodableIdentifierError]]:
        bad: dict[int, UndecodableIdentifierError] = {}
        good: list[bytes] = []
        rows: list[list[bytes | None]] = []
        unproved: set[int] = set()
        for index, (identifier, row) in enumerate(zip(identifiers, captured, strict=True)):
            if row is not None:
                rows.append([None if place is None else row[place] for place in self._places])
            else:
                try:
                    elements = walk(identifier, self._syntax, self._dictionary)
                except UndecodableIdentifierError as error:
                    bad[index] = error
                    continue
                self._layout.learn(elements)
                unproved.add(len(rows))
                rows.append([self._found(identifier, elements, path) for path in self._paths])
            good.append(identifier)
        columns: dict[Path, Column] = {
            path: [row[number] for row in rows] for number, path in enumerate(self._paths)
        }
        return AttributeColumns(self._form, good if bad else identifiers, columns, unproved), bad

    def _found(self, identifier: bytes, elements: Sequence[RawElement], path: Path) -> bytes | None:
        found = find_path(elements, path)
        # an implicit element within UN, in an explicit identifier, cannot be read by itself
        if found is None or (not found[-1].vr) == self._syntax.explicit:
            return None
        return identifier[found[-1].at : found[-1].end]
