"""Messages for people, on stderr: one line each, nothing in them that a terminal would obey."""

from __future__ import annotations

import contextlib
import sys
import unicodedata


def complain(text: str) -> None:
    """Print one message on stderr; a stderr that is gone is no further failure."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"cfind: {printable(text)}\n")
        sys.stderr.flush()


def printable(text: str) -> str:
    """Return a text with control and format characters and lone surrogates as visible escapes.

    Peers choose error comments, and authors of jobs names: neither may steer a terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else character
        for character in text
    )
