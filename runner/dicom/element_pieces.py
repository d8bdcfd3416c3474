"""Pieces of text for the elements of many identifiers, remembered by the elements' bytes.

Of a list of studies, most attributes have few different values: what is printed for them is made once.
Attributes whose values hardly repeat are found out and not remembered, which would cost more than it
saves. What is remembered holds for the same character set and private creators only, and is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import RawElement, walk
from runner.dicom.layout import Captured, Field, Layout
from runner.dicom.received import Surroundings
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, is_private, is_private_creator
from runner.dicom.transfer_syntax import TransferSyntax

#: Makes the piece for an element of the top level, and all within it.
MakePiece = Callable[[bytes, RawElement, Surroundings], str]
#: Gives a faster way for the values of one attribute, from its element's bytes; None where there is none.
MakeMaker = Callable[[Field, Surroundings], "Callable[[bytes], str] | None"]

#: After so many different values of an attribute it is seen whether remembering them is worth it.
_TRIAL = 256
_MAX_REMEMBERED = 20_000
_MAX_LENGTH = 256
_MAX_SURROUNDINGS = 16


class ElementPieces:
    """Makes pieces for identifiers of one transfer syntax. Not for two threads at the same time.

    Args:
        syntax: the negotiated transfer syntax; identifiers of a deflated one are given inflated.
        dictionary: for implicit elements.
        make: makes one piece.
        faster: makes a maker of the same pieces for one attribute that is no sequence.
    """

    def __init__(
        self,
        syntax: TransferSyntax,
        dictionary: Dictionary,
        make: MakePiece,
        faster: MakeMaker = lambda _field, _surroundings: None,
    ) -> None:
        self._syntax = syntax
        self._dictionary = dictionary
        self._make = make
        self._faster = faster
        self._layout = Layout(syntax, dictionary, capture_all=True)
        self._version = 0
        self._usable = False
        # which fields the pieces of the others depend on
        self._surrounding: list[int] = []
        self._memories: dict[Captured, _Memory] = {}

    def pieces(self, identifiers: Sequence[bytes]) -> list[list[str]]:
        """Return for each identifier the pieces of its elements in tag order; absent ones may be "".

        Raises:
            UndecodableIdentifierError: the bytes of one are no identifier in this transfer syntax.
        """
        captured = self._layout.values(identifiers)
        if self._layout.version != self._version:
            self._version = self._layout.version
            self._fit(self._layout.fields)
        if not self._usable:
            return [self._walked(identifier) for identifier in identifiers]
        result = []
        surrounding = self._surrounding
        memories = self._memories
        for identifier, raw in zip(identifiers, captured, strict=True):
            if raw is None:
                result.append(self._walked(identifier))
                continue
            key = tuple([raw[index] for index in surrounding])
            memory = memories.get(key) or self._remember(key)
            memory.responses += 1
            pieces = []
            for get, make, value in zip(memory.gets, memory.makes, raw, strict=False):
                piece = get(value)
                pieces.append(make(value) if piece is None else piece)
            result.append(pieces)
        return result

    def _walked(self, identifier: bytes) -> list[str]:
        elements = walk(identifier, self._syntax, self._dictionary)
        self._layout.learn(elements)
        surroundings = Surroundings(identifier, elements, self._dictionary)
        make = self._make
        ordered = sorted(elements, key=_by_tag)
        return [make(identifier, element, surroundings) for element in ordered]

    def _fit(self, fields: Sequence[Field]) -> None:
        self._memories.clear()
        self._surrounding = [
            index
            for index, field in enumerate(fields)
            if field.path[0] == SPECIFIC_CHARACTER_SET or is_private_creator(field.path[0])
        ]
        # that such an element is a sequence can be seen among the others only
        self._usable = not any(
            field.sequence and not field.vr and is_private(field.path[0]) for field in fields
        )

    def _remember(self, key: Captured) -> _Memory:
        """Return a new memory for a character set and private creators."""
        if (
            len(self._memories) >= _MAX_SURROUNDINGS
            or sum(memory.remembered for memory in self._memories.values()) > _MAX_REMEMBERED
        ):
            self._memories.clear()
        fields = self._layout.fields
        data = b""
        elements = []
        for index, raw in zip(self._surrounding, key, strict=True):
            if raw is not None:
                field = fields[index]
                start, end = len(data) + field.value_at, len(data) + len(raw)
                elements.append(RawElement(field.path[0], field.vr, len(data), start, end))
                data += raw
        surroundings = Surroundings(data, elements, self._dictionary)
        memory = _Memory([self._maker(field, surroundings) for field in fields])
        self._memories[key] = memory
        return memory

    def _maker(self, field: Field, surroundings: Surroundings) -> Callable[[bytes], str]:
        """Return what makes the pieces of one attribute, each from the element's bytes alone."""
        make = self._make
        tag, vr, value_at = field.path[0], field.vr, field.value_at

        def of_value(raw: bytes) -> str:
            return make(raw, RawElement(tag, vr, 0, value_at, len(raw)), surroundings)

        def of_sequence(raw: bytes) -> str:
            (element,) = walk(raw, self._syntax, self._dictionary)
            return make(raw, element, surroundings)

        return of_sequence if field.sequence else self._faster(field, surroundings) or of_value


class _Memory:
    """What is remembered for one character set and set of private creators.

    Attributes:
        gets: for each field, how to look up the piece of a value.
        makes: for each field, how to make it.
        responses: how many identifiers came.
        remembered: how many pieces are held at most.
    """

    __slots__ = ("gets", "makes", "remembered", "responses")

    def __init__(self, makers: Sequence[Callable[[bytes], str]]) -> None:
        self.responses = 0
        self.remembered = 0
        attributes = [_Attribute(self, maker) for maker in makers]
        self.gets = [attribute.pieces.get for attribute in attributes]
        self.makes = [attribute.make for attribute in attributes]


class _Attribute:
    """What is remembered of one attribute."""

    __slots__ = ("_made", "_make", "_memory", "_worth", "pieces")

    def __init__(self, memory: _Memory, make: Callable[[bytes], str]) -> None:
        self._memory = memory
        self._make = make
        self._made = 0
        self._worth = True
        self.pieces: dict[bytes | None, str] = {None: ""}

    def make(self, raw: bytes | None) -> str:
        """Make the piece for a value that is not remembered."""
        if raw is None:
            return ""
        piece = self._make(raw)
        if self._worth and len(raw) <= _MAX_LENGTH:
            self.pieces[raw] = piece
            self._made += 1
            self._memory.remembered += 1
            if self._made % _TRIAL == 0:
                self._judge()
        return piece

    def _judge(self) -> None:
        self._memory.remembered -= len(self.pieces)
        self.pieces.clear()
        self.pieces[None] = ""
        self._worth = self._made < self._memory.responses // 2


def _by_tag(element: RawElement) -> int:
    return element.tag
