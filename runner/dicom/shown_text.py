r"""Text from a peer as it may be shown: no character of it controls the terminal or the order of reading."""

from __future__ import annotations

import re

#: C0 and C1 controls, bidirectional controls, line and paragraph separators, the byte order mark,
#: annotations and tags, and surrogates, which no encoding has.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def shown(text: str) -> str:
    r"""Return a text with unsafe characters as visible escapes: `\x1b`, `\u202e`, `\U000e0041`."""
    return text if text.isprintable() else UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
