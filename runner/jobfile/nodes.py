"""A YAML document as nodes that know where they stand; every scalar is a text or null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from runner.jobfile.moments import Moment

from runner.jobfile.problem import printable


class Place(NamedTuple):
    """A place in a job file, or in one that it includes.

    Attributes:
        file: as messages name it, and as it can be opened.
        line: from 1; 0 where the file as a whole is meant.
        column: from 1; 0 where the file as a whole is meant.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{printable(self.file)}:{self.line}:{self.column}"


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value.

    Attributes:
        text: as typed, without quotes and escapes; None for null.
        place: of its first character.
        plain: whether it was typed without quotes.
    """

    text: str | None
    place: Place
    plain: bool = True


class LateText(str):
    """A text that is made later: for each row of a `foreach`, or when its VR is known. It reads as typed.

    Attributes:
        pieces: texts, columns of the row, and dates in the form of the VR, in turn.
    """

    __slots__ = ("pieces",)
    pieces: tuple[str | Column | Moment, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A reference to a column of a row, by its name."""

    name: str


@dataclass(slots=True, eq=False)
class Listing:
    """A list: `items` in order."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Entry:
    """A value of a mapping, and where its key stands."""

    place: Place
    node: Node


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping: `entries` in the author's order."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict)


Node: TypeAlias = Scalar | Listing | Mapping


def find_place(root: Node, path: Sequence[str | int], *, of_key: bool = False) -> Place:
    """Return where that is which stands at a path, or the deepest part of the path that there is.

    Args:
        root: the document.
        path: keys and indexes.
        of_key: give the place of the last key, even where a value has one of its own.
    """
    node = root
    spot = root.place
    for number, step in enumerate(path, 1):
        if isinstance(node, Mapping) and step in node.entries:
            entry = node.entries[str(step)]
            node = entry.node
            typed = isinstance(node, Scalar) and not (node.plain and not node.text)
            at_key = (of_key and number == len(path)) or not typed
            spot = entry.place if at_key else node.place
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            spot = node.place
        else:
            break
    return spot
