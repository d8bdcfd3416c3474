"""A YAML document as nodes that know where they stand; every scalar is a text or null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value.

    Attributes:
        text: as typed, without quotes and escapes; None for null.
        line: from 1.
        column: from 1.
        plain: whether it was typed without quotes.
    """

    text: str | None
    line: int
    column: int
    plain: bool = True


class RowText(str):
    """A text that is made anew for each row of a `foreach`; as a text it is as typed.

    Attributes:
        pieces: texts, and columns of the row, in turn.
    """

    __slots__ = ("pieces",)
    pieces: tuple[str | Column, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A reference to a column of a row, by its name."""

    name: str


@dataclass(slots=True, eq=False)
class Listing:
    """A list: `items` in order."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Entry:
    """A value of a mapping, and where its key stands."""

    line: int
    column: int
    node: Node


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping: `entries` in the author's order."""

    line: int
    column: int
    entries: dict[str, Entry] = field(default_factory=dict)


Node: TypeAlias = Scalar | Listing | Mapping


def place(root: Node, path: Sequence[str | int], *, of_key: bool = False) -> tuple[int, int]:
    """Return line and column of what stands at a path, or of the deepest part of the path that there is.

    Args:
        root: the document.
        path: keys and indexes.
        of_key: give the place of the last key, even where a value has one of its own.
    """
    node = root
    spot = (root.line, root.column)
    for number, step in enumerate(path, 1):
        if isinstance(node, Mapping) and step in node.entries:
            entry = node.entries[str(step)]
            node = entry.node
            typed = isinstance(node, Scalar) and not (node.plain and not node.text)
            at_key = (of_key and number == len(path)) or not typed
            spot = (entry.line, entry.column) if at_key else (node.line, node.column)
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            spot = (node.line, node.column)
        else:
            break
    return spot
