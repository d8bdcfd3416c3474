"""How much is told on stderr."""

from __future__ import annotations

from enum import IntEnum


class Told(IntEnum):
    """How much is told; each includes those before it."""

    NOTHING = 0
    FAILURES = 1
    WARNINGS = 2
    SUMMARY = 3
    PROGRESS = 4
    IDENTIFIERS = 5
