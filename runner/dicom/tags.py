"""Tags as numbers, 0xGGGGEEEE, and as people write them (PS3.5 7.1)."""

from __future__ import annotations

import re

_TAG = re.compile(r"\(([0-9a-fA-F]{4}),([0-9a-fA-F]{4})\)|([0-9a-fA-F]{4}),?([0-9a-fA-F]{4})")

#: Specific Character Set.
SPECIFIC_CHARACTER_SET = 0x00080005

ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD


def parse_tag(text: str) -> int | None:
    """Return the tag that `(gggg,eeee)`, `gggg,eeee` or `ggggeeee` stands for; None for any other text."""
    match = _TAG.fullmatch(text)
    if match is None:
        return None
    group, element, bare_group, bare_element = match.groups()
    return int(group or bare_group, 16) << 16 | int(element or bare_element, 16)


def format_tag(tag: int) -> str:
    """Return `(gggg,eeee)` in lower-case hexadecimal."""
    return f"({tag >> 16:04x},{tag & 0xFFFF:04x})"


def is_private(tag: int) -> bool:
    """Whether the tag has an odd group number (PS3.5 7.8)."""
    return bool(tag >> 16 & 1)


def is_group_length(tag: int) -> bool:
    """Whether the tag is (gggg,0000), which a data set no longer needs (PS3.5 7.2)."""
    return not tag & 0xFFFF


def is_private_creator(tag: int) -> bool:
    """Whether the tag reserves a block of private elements, (gggg,0010) to (gggg,00ff) (PS3.5 7.8.1)."""
    return bool(tag >> 16 & 1) and 0x10 <= tag & 0xFFFF <= 0xFF


def private_creator_of(tag: int) -> int | None:
    """Return the tag of the private creator whose block a private tag is in; None where it is in no block."""
    block = tag >> 8 & 0xFF
    return tag & 0xFFFF0000 | block if is_private(tag) and block >= 0x10 else None
