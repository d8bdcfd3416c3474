"""What tells which record of one side is which of the other: the unique key of its level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.comparison.record import attribute_name
from runner.query_keys import UNIQUE_KEYS

#: The unique keys, the deepest first (PS3.4 C.6.1.1).
UNIQUE: tuple[str, ...] = tuple(attribute_name(tag) for tag in reversed(tuple(UNIQUE_KEYS.values())))
LEVEL = "QueryRetrieveLevel"
_OF_LEVEL = {level.value: attribute_name(tag) for level, tag in UNIQUE_KEYS.items()}

#: Columns of our own tables that say where a row comes from.
ORIGIN = ("query", "peer")


def key_names(get: Callable[[str], str], given: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the attributes that tell a record from others; none where it has none of them.

    Args:
        get: gives the value of an attribute, "" where the record has none.
        given: in place of the unique keys.
    """
    if given:
        return tuple(given) if any(map(get, given)) else ()
    of_level = _OF_LEVEL.get(get(LEVEL).strip(" \0"))
    if of_level is not None and get(of_level):
        return (of_level,)
    return next(((name,) for name in UNIQUE if get(name)), ())
