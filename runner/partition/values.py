"""Splitting on the first letters of a key, or into the values of a list.

No alphabet and no list is known to have all values that a peer may hold, so what is cut so leaves a gap,
unless the question itself lists the values. Letters are taken as the author wrote them: a peer may match `a*`
like `A*` or not, and for one that does not the alphabet needs both.
"""

from __future__ import annotations

from collections.abc import Iterator

from runner.dicom.identifier import Element, Identifier, text_at, with_value
from runner.model import LetterSplit, ListSplit
from runner.partition.part import Cut, Gap, ListScope, NoScope, Part, PrefixScope

#: How many letters are looked at: each one more costs a query for every letter of the alphabet.
_DEPTH = 16
#: What may follow a letter in a person name that is none of the alphabet: the next component.
_NEXT_COMPONENT = "^"
#: VRs whose values are codes, which may be shown.
_CODES = ("CS",)
#: Wildcards, and what stands for bytes whose character set is not looked at.
_NO_VALUE = "*?\N{REPLACEMENT CHARACTER}"


def list_values(text: str) -> tuple[str, ...]:
    """Return the values that a key lists, each once; none where it has a wildcard or lists nothing."""
    values = tuple(dict.fromkeys(value.strip(" ") for value in text.split("\\")))
    return () if "" in values or any(mark in text for mark in _NO_VALUE) else values


def prefix_of(text: str) -> str | None:
    """Return what the values begin with that a key asks for; None where it asks for something else."""
    prefix = text.rstrip("*")
    return None if (text and prefix == text) or any(mark in prefix for mark in f"{_NO_VALUE}\\") else prefix


def first_letter_parts(split: LetterSplit, identifier: Identifier) -> Iterator[Part]:
    """Yield the whole question; see runner.partition.cutting."""
    prefix = prefix_of(text_at(identifier, split.key))
    if prefix is None:
        yield Part(identifier, "whole", NoScope(f"{split.name} is not asked for by its first letters alone"))
    else:
        yield Part(identifier, "whole", PrefixScope(prefix))


def cut_letters(split: LetterSplit, part: Part) -> Cut:
    """Cut on the next letter; see runner.partition.cutting."""
    scope = part.scope
    assert isinstance(scope, PrefixScope)
    prefix = scope.prefix
    if len(prefix) >= _DEPTH:
        return Cut((), f"no more than {_DEPTH} letters of {split.name} are looked at")
    letters = dict.fromkeys(split.letters)
    # not behind another caret: those at the end mean nothing, so that `A^^*` may find what `A^*` finds
    if split.vr == "PN" and prefix and not prefix.endswith(_NEXT_COMPONENT):
        letters[_NEXT_COMPONENT] = None
    if prefix:
        begin = veiled(prefix, 2)
        records = f"records whose {split.name} begins with {begin!r} and goes on with another character"
    else:
        records = f"records whose {split.name} begins with another character, or which have none"
    gap = Gap(f"{records} than those of the alphabet" if prefix else records, _reason("alphabet"))
    leaves = (*part.leaves, gap)
    parts = [
        _value(
            split,
            part,
            f"{prefix}{letter}*",
            f"{veiled(prefix + letter, 2)}*",
            PrefixScope(prefix + letter),
            leaves,
        )
        for letter in letters
    ]
    if prefix:
        exact = NoScope("a single value cannot be cut")
        parts.insert(0, _value(split, part, prefix, veiled(prefix, 1), exact, leaves))
    return Cut(tuple(parts))


def first_list_parts(split: ListSplit, identifier: Identifier) -> Iterator[Part]:
    """Yield the whole question; see runner.partition.cutting."""
    text = text_at(identifier, split.key)
    own = list_values(text)
    if not text or not text.strip("*"):
        yield Part(identifier, "whole", ListScope(split.values, with_others=True))
    elif not own:
        yield Part(identifier, "whole", NoScope(f"{split.name} has wildcards"))
    else:
        yield Part(identifier, "whole", ListScope(own, with_others=False))


def cut_list(split: ListSplit, part: Part) -> Cut:
    """Cut into the values; see runner.partition.cutting."""
    scope = part.scope
    assert isinstance(scope, ListScope)
    if not scope.values:
        return Cut((), f"no values of {split.name} are listed")
    if len(scope.values) < 2 and not scope.with_others:
        return Cut((), f"{split.name} is asked for by a single value")
    leaves = part.leaves
    if scope.with_others:
        shown = ", ".join(scope.values) if split.vr in _CODES else f"the {len(scope.values)} that are listed"
        leaves = (*leaves, Gap(f"records with no {split.name} of {shown}", _reason("list")))
    single = NoScope("a single value cannot be cut")
    return Cut(
        tuple(
            _value(
                split,
                part,
                value,
                value if split.vr in _CODES else f"value {number} of {len(scope.values)}",
                single,
                leaves,
            )
            for number, value in enumerate(scope.values, 1)
        )
    )


def veiled(text: str, most: int) -> str:
    """Return the beginning of a text and its length: it may be a patient's name, and labels are reported."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _reason(what: str) -> str:
    return f"the {what} is not known to have all values, and the answer for all of them hit a cap"


def _value(
    split: LetterSplit | ListSplit,
    part: Part,
    text: str,
    shown: str,
    scope: PrefixScope | NoScope,
    leaves: tuple[Gap, ...],
) -> Part:
    element = Element(split.key[-1], split.vr, text)
    identifier = with_value(part.identifier, split.key, split.vr, text)
    return Part(identifier, f"{split.name} {shown}", scope, {split.key: element}, leaves)
