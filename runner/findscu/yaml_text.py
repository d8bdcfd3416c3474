"""YAML written by hand, so that it is as a person would write it: comments, order, no needless quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

_PLAIN = re.compile(r"[A-Za-z0-9_/.^](?:[A-Za-z0-9_/.^*?=()@%+ -]*[A-Za-z0-9_/.^*?=()@%+-])?")
_SPECIAL = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text that stands in YAML as it is given: already quoted, or a number, `null`, or a flow list."""

    text: str


YamlValue = Union[str, Scalar, "Block", "Items"]


@dataclass(slots=True)
class Block:
    """A mapping in block style. Each line is a key, its value, and a comment."""

    lines: list[tuple[str, YamlValue, str]] = field(default_factory=list)

    def put(self, key: str, value: YamlValue, comment: str = "") -> None:
        """Add a line."""
        self.lines.append((key, value, comment))


@dataclass(slots=True)
class Items:
    """A list in block style, of mappings or of scalars."""

    items: list[YamlValue] = field(default_factory=list)


def scalar(text: str) -> str:
    """Return a text as a YAML scalar, quoted where it needs to be; what looks like a reference is none."""
    text = text.replace("${", "$${")
    if _PLAIN.fullmatch(text) and text.lower() not in _SPECIAL:
        return text
    if any(map(_must_be_escaped, text)):
        return f'"{"".join(_escaped(character) for character in text)}"'
    if "'" in text and "\\" not in text and '"' not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def flow(texts: Sequence[str]) -> Scalar:
    """Return a list in flow style."""
    return Scalar(f"[{', '.join(_in_flow(text) for text in texts)}]")


def flow_list(texts: Sequence[str]) -> Scalar:
    """Return a list of values in flow style; numbers are quoted, so that all of them are texts to editors."""
    return Scalar(f"[{', '.join(repr(t) if t.isalnum() and t.isascii() else _in_flow(t) for t in texts)}]")


def flow_map(pairs: Sequence[tuple[str, str | Scalar]]) -> Scalar:
    """Return a mapping in flow style."""
    written = [f"{k}: {v.text if isinstance(v, Scalar) else _in_flow(v)}" for k, v in pairs]
    return Scalar(f"{{{', '.join(written)}}}")


def write(block: Block, indent: int = 0) -> list[str]:
    """Return the lines of a mapping."""
    lines: list[str] = []
    for key, value, comment in block.lines:
        head = " " * indent + (f"{key}:" if key else "")
        note = f"  # {comment}" if comment else ""
        if isinstance(value, Block):
            lines.append(head + note)
            lines += write(value, indent + 2)
        elif isinstance(value, Items):
            lines.append(head + note)
            lines += _items(value, indent + 2)
        else:
            text = value.text if isinstance(value, Scalar) else scalar(value)
            lines.append((f"{head} {text}" if text else head) + note)
    return lines


def _items(items: Items, indent: int) -> list[str]:
    lines: list[str] = []
    for item in items.items:
        if isinstance(item, Block):
            inner = write(item, indent + 2)
            if not inner:
                lines.append(" " * indent + "- {}")
                continue
            lines.append(" " * indent + "- " + inner[0].lstrip())
            lines += inner[1:]
        elif isinstance(item, Items):
            raise TypeError("a list of lists is not written")
        else:
            lines.append(" " * indent + "- " + (item.text if isinstance(item, Scalar) else scalar(item)))
    return lines


def _in_flow(text: str) -> str:
    written = scalar(text)
    return written if written[0] in "'\"" or not any(mark in written for mark in ",[]{}") else f"'{written}'"


def _must_be_escaped(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\xa0" or character in "\u2028\u2029\ufeff"


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if _must_be_escaped(character):
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return character
