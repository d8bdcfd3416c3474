"""A fast structural check of many identifiers that look alike.

The responses of one C-FIND have mostly the same attributes, and values of few different lengths. What
has been seen is compiled into one regular expression over bytes: each element is its literal tag and
VR, then an alternation over the lengths seen so far, each followed by exactly so many bytes. Since
every length stands in the expression, a full match proves the structure as well as reading it does, in
about a tenth of the time. Whatever does not match is read element by element, and learned.

How much is learned is bounded: an identifier that is too odd (elements out of order, several items in
a sequence) never matches, and is right but slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import NamedTuple

from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import LONG_FORM_VRS, RawElement, walk
from runner.dicom.identifier import Path
from runner.dicom.tags import ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, SPECIFIC_CHARACTER_SET
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError

_MAX_ELEMENTS = 200
_MAX_LENGTHS = 64
_MAX_LENGTH = 20_000
_MAX_DEPTH = 3
#: Compiling takes as long as reading a thousand identifiers: after so many misses, doubled each time.
_FIRST_BUILD = 48
_MAX_BUILDS = 14
#: So many misses from which nothing can be learned end the learning.
_MAX_FRUITLESS = 2_000

_UNDEFINED = rb"\xff\xff\xff\xff"

Captured = tuple["bytes | None", ...]


class Field(NamedTuple):
    """What a captured element is.

    Attributes:
        path: from the identifier's top.
        vr: as stated; "" where the encoding is implicit.
        value_at: how many bytes of tag, VR and length stand before its value.
        sequence: whether it is a sequence.
    """

    path: Path
    vr: str
    value_at: int
    sequence: bool


class _Slot:
    """What has been seen of one attribute."""

    __slots__ = ("empty", "empty_undefined", "form", "inner", "lengths", "seen", "sequence", "vr")

    def __init__(self, vr: str, *, sequence: bool) -> None:
        self.vr = vr
        self.sequence = sequence
        self.seen = 0
        self.lengths: dict[int, int] = {}
        # of a sequence: whether it came without items, and how it and its one item state their lengths
        self.empty = False
        self.empty_undefined = False
        self.form: tuple[bool, bool] | None = None
        self.inner: _Shape | None = None


class _Shape:
    """What has been seen of identifiers, or of a sequence's items."""

    __slots__ = ("count", "slots")

    def __init__(self) -> None:
        self.count = 0
        self.slots: dict[int, _Slot] = {}


class _Compiled(NamedTuple):
    match: Callable[[bytes], re.Match[bytes] | None]
    fields: tuple[Field, ...]
    pick: Callable[[re.Match[bytes]], Captured]
    checks: tuple[tuple[int, int], ...]
    order: str

    def proves(self, match: re.Match[bytes]) -> bool:
        """Whether the lengths of sequences and items are those of their content."""
        for length_group, end_group in self.checks:
            stated = match.group(length_group)
            if stated is not None:
                order = "little" if self.order == "<" else "big"
                length = int.from_bytes(stated, order)  # type: ignore[arg-type]
                if length != match.start(end_group) - match.end(length_group):
                    return False
        return True


class Layout:
    """Checks identifiers of one transfer syntax, and finds chosen elements in them.

    It learns, so that it must not be used in two threads at the same time.

    Args:
        syntax: the negotiated transfer syntax; identifiers of a deflated one are given inflated.
        dictionary: says which elements of implicit VR are sequences.
        capture: the elements to find; in a sequence only those of the first item can be captured.
        capture_all: capture each element of the top level, in the order of tags, in place of `capture`.

    Attributes:
        fields: what is captured, in order; an element of `capture` that was never seen is not among them.
        version: grows whenever `fields` changes.
    """

    def __init__(
        self,
        syntax: TransferSyntax,
        dictionary: Dictionary,
        capture: Sequence[Path] = (),
        *,
        capture_all: bool = False,
    ) -> None:
        self.fields: tuple[Field, ...] = ()
        self.version = 0
        self._syntax = syntax
        self._dictionary = dictionary
        self._capture = frozenset(capture)
        self._capture_all = capture_all
        self._shape = _Shape()
        self._compiled: _Compiled | None = None
        self._changed = False
        self._misses = 0
        self._builds = 0
        self._fruitless = 0

    def check(self, identifiers: Sequence[bytes]) -> dict[int, UndecodableIdentifierError]:
        """Return the indexes of the identifiers that cannot be decoded, and why; nearly always nothing."""
        self._rebuild_if_due()
        compiled = self._compiled
        if compiled is not None and not compiled.checks and all(map(compiled.match, identifiers)):
            return {}
        bad = {}
        for index, identifier in enumerate(identifiers):
            if compiled is not None:
                match = compiled.match(identifier)
                if match is not None and compiled.proves(match):
                    continue
            try:
                elements = walk(identifier, self._syntax, self._dictionary)
            except UndecodableIdentifierError as error:
                bad[index] = error
            else:
                self.learn(elements)
        return bad

    def values(self, identifiers: Sequence[bytes]) -> list[Captured | None]:
        """Return for each identifier its captured elements in the order of `fields`.

        An element is given whole, with tag, VR and length; None stands for an element that is missing,
        and for an identifier that does not match: it is to be read with `walk` and given to `learn`.
        `fields` may change at the start of a call, not later.
        """
        self._rebuild_if_due()
        compiled = self._compiled
        if compiled is None:
            return [None] * len(identifiers)
        pick = compiled.pick
        if not compiled.checks:
            return [match and pick(match) for match in map(compiled.match, identifiers)]
        proves = compiled.proves
        return [
            pick(match) if match is not None and proves(match) else None
            for match in map(compiled.match, identifiers)
        ]

    def learn(self, elements: Sequence[RawElement]) -> None:
        """Take note of the elements of an identifier that did not match."""
        if self._builds == _MAX_BUILDS or self._fruitless > _MAX_FRUITLESS:
            return
        self._misses += 1
        if _can_learn(self._shape, elements, 1, implicit=not self._syntax.explicit):
            self._changed |= _learn(self._shape, elements)
        else:
            self._fruitless += 1

    def _rebuild_if_due(self) -> None:
        if self._changed and self._misses >= _FIRST_BUILD << self._builds:
            self._builds += 1
            self._misses = 0
            self._changed = False
            writer = _Writer(self._syntax, self._capture, capture_all=self._capture_all)
            self._compiled = writer.compiled(self._shape)
            self.fields = self._compiled.fields
            self.version += 1


def _can_learn(shape: _Shape, elements: Sequence[RawElement], depth: int, *, implicit: bool) -> bool:
    last = -1
    for element in elements:
        slot = shape.slots.get(element.tag)
        if (
            element.tag <= last
            or (not element.vr) != implicit
            or (slot is None and len(shape.slots) >= _MAX_ELEMENTS)
            or (slot is not None and (slot.vr, slot.sequence) != (element.vr, element.items is not None))
            or (depth > 1 and element.tag == SPECIFIC_CHARACTER_SET)
        ):
            return False
        last = element.tag
        if element.items is not None:
            if not _can_learn_sequence(slot, element, depth, implicit=implicit):
                return False
        elif not _can_learn_length(slot, element.end - element.start):
            return False
    return True


def _can_learn_length(slot: _Slot | None, length: int) -> bool:
    if length > _MAX_LENGTH:
        return False
    return slot is None or length in slot.lengths or len(slot.lengths) < _MAX_LENGTHS


def _can_learn_sequence(slot: _Slot | None, element: RawElement, depth: int, *, implicit: bool) -> bool:
    items = element.items or ()
    if element.vr == "UN" or len(items) > 1 or depth == _MAX_DEPTH:
        return False
    if not items:
        return element.undefined or element.start == element.end
    form = (element.undefined, items[0].undefined)
    if slot is not None and slot.form not in {None, form}:
        return False
    inner = slot.inner if slot is not None and slot.inner is not None else _Shape()
    return _can_learn(inner, items[0].elements, depth + 1, implicit=implicit)


def _learn(shape: _Shape, elements: Sequence[RawElement]) -> bool:
    """Add to the shape what is new; whether anything was."""
    shape.count += 1
    changed = shape.count == 1
    for element in elements:
        slot = shape.slots.get(element.tag)
        if slot is None:
            slot = shape.slots[element.tag] = _Slot(element.vr, sequence=element.items is not None)
            changed = True
        slot.seen += 1
        if element.items is None:
            length = element.end - element.start
            changed |= length not in slot.lengths
            slot.lengths[length] = slot.lengths.get(length, 0) + 1
        else:
            changed |= _learn_sequence(slot, element)
    if changed or len(elements) == len(shape.slots):
        return changed
    # an attribute that was always there, and now is not, becomes optional
    present = {element.tag for element in elements}
    return any(slot.seen == shape.count - 1 for tag, slot in shape.slots.items() if tag not in present)


def _learn_sequence(slot: _Slot, element: RawElement) -> bool:
    if not element.items:
        changed = not (slot.empty_undefined if element.undefined else slot.empty)
        slot.empty |= not element.undefined
        slot.empty_undefined |= element.undefined
        return changed
    item = element.items[0]
    slot.form = (element.undefined, item.undefined)
    if slot.inner is None:
        slot.inner = _Shape()
    return _learn(slot.inner, item.elements)


class _Writer:
    """Writes the regular expression."""

    def __init__(self, syntax: TransferSyntax, capture: frozenset[Path], *, capture_all: bool) -> None:
        self._little = syntax.little
        self._capture = capture
        self._capture_all = capture_all
        self._groups = 0
        self._checks: list[tuple[int, int]] = []
        self._fields: list[tuple[Field, int]] = []
        self._order = syntax.struct_order

    def compiled(self, shape: _Shape) -> _Compiled:
        """Return the expression for what has been seen."""
        expression = re.compile(self._shape(shape, ()), re.DOTALL)
        groups = [group for _, group in self._fields]
        pick: Callable[[re.Match[bytes]], Captured]
        if len(groups) > 1:
            pick = methodcaller("group", *groups)
        else:  # for one group a Match gives no tuple, for none the whole

            def pick(match: re.Match[bytes]) -> Captured:
                return tuple([match.group(group) for group in groups])

        fields = tuple(field for field, _ in self._fields)
        return _Compiled(expression.fullmatch, fields, pick, tuple(self._checks), self._order)

    def _shape(self, shape: _Shape, prefix: Path) -> bytes:
        return b"".join(
            self._slot(slot, (*prefix, tag), optional=slot.seen < shape.count)
            for tag, slot in sorted(shape.slots.items())
        )

    def _slot(self, slot: _Slot, path: Path, *, optional: bool) -> bytes:
        long_form = slot.vr in LONG_FORM_VRS
        head = self._tag(path[-1]) + re.escape(slot.vr.encode() + (b"\0\0" if long_form else b""))
        width = 2 if slot.vr and not long_form else 4
        captured = (self._capture_all and len(path) == 1) or path in self._capture
        if captured:
            self._groups += 1
            value_at = 8 if width == 2 or not slot.vr else 12
            self._fields.append((Field(path, slot.vr, value_at, slot.sequence), self._groups))
        body = head + (self._sequence(slot, path) if slot.sequence else self._lengths(slot, width))
        if not captured and not optional:
            return body
        return (b"(" if captured else b"(?:") + body + (b")?" if optional else b")")

    def _lengths(self, slot: _Slot, width: int) -> bytes:
        lengths = sorted(slot.lengths, key=lambda length: -slot.lengths[length])
        if len(lengths) > 2:
            # lengths between those seen are likely to come
            step = 1 if any(length % 2 for length in lengths) else 2
            between = range(min(lengths), max(lengths), step)
            if len(between) <= _MAX_LENGTHS:
                lengths += [length for length in between if length not in slot.lengths]
        return self._either([self._number(length, width) + _any(length) for length in lengths])

    def _sequence(self, slot: _Slot, path: Path) -> bytes:
        choices = []
        end = self._tag(SEQUENCE_DELIMITATION) + self._number(0, 4)
        if slot.empty:
            choices.append(self._number(0, 4))
        if slot.empty_undefined:
            choices.append(_UNDEFINED + end)
        if slot.form is not None and slot.inner is not None:
            sequence_undefined, item_undefined = slot.form
            begin, close_sequence = self._length(end, undefined=sequence_undefined)
            item_end = self._tag(ITEM_DELIMITATION) + self._number(0, 4)
            item, close_item = self._length(item_end, undefined=item_undefined)
            content = self._shape(slot.inner, (*path, 0))
            choices.append(begin + self._tag(ITEM) + item + content + close_item() + close_sequence())
        return self._either(choices)

    def _length(self, delimiter: bytes, *, undefined: bool) -> tuple[bytes, Callable[[], bytes]]:
        """Return the expression for a length, and what makes the one for the end of its content.

        A stated length becomes a group, and so does the place where the content ends: see `proves`.
        """
        if undefined:
            return _UNDEFINED, lambda: delimiter
        self._groups += 1
        length_group = self._groups

        def close() -> bytes:
            self._groups += 1
            self._checks.append((length_group, self._groups))
            return b"()"

        return b"(.{4})", close

    def _tag(self, tag: int) -> bytes:
        return self._number(tag >> 16, 2) + self._number(tag & 0xFFFF, 2)

    def _number(self, number: int, width: int) -> bytes:
        return re.escape(number.to_bytes(width, "little" if self._little else "big"))

    @staticmethod
    def _either(choices: list[bytes]) -> bytes:
        return choices[0] if len(choices) == 1 else b"(?:" + b"|".join(choices) + b")"


def _any(length: int) -> bytes:
    return b".{%d}" % length if length else b""
