"""The one way into this package: the first parts of a question, and smaller ones of a part that hit a cap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from runner.dicom.date_time import RANGE_VRS, span
from runner.dicom.identifier import Identifier, Path, text_at
from runner.dicom.matching import MatchingRules, value_matches
from runner.model import DateSplit, LetterSplit, Split
from runner.partition.experience import Experience
from runner.partition.part import Cut, NoScope, Part

_LOOSE = MatchingRules(name_case=False, name_accents=False)


def first_parts(split: Split, identifier: Identifier) -> Iterator[Part]:
    """Yield the parts of a question that are asked at once, in order, lazily: there may be many.

    That is the question as a whole, in one part, unless the split says `every` how long a part is to be.

    Args:
        split: how it is split.
        identifier: of the query.
    """
    if isinstance(split, DateSplit):
        from runner.partition.dates import first_date_parts

        return first_date_parts(split, identifier)
    from runner.partition.values import first_letter_parts, first_list_parts

    if isinstance(split, LetterSplit):
        return first_letter_parts(split, identifier)
    return first_list_parts(split, identifier)


def first_labels(split: Split, identifier: Identifier, most: int) -> tuple[list[str], int]:
    """Return what the first parts of a question ask for, no more than `most`, and how many more there are."""
    parts = first_parts(split, identifier)
    labels = [part.label for part in islice(parts, most)]
    return labels, sum(1 for _ in parts)


def cut(
    split: Split,
    part: Part,
    experience: Experience,
    *,
    ignored: bool = False,
    answer: Sequence[Identifier] = (),
) -> Cut:
    """Cut a part that hit a cap into smaller ones, which find what it would have found but for their gaps.

    They are best asked one after the other before what was waiting (depth first): then `experience` knows
    more when the next is cut.

    Args:
        split: as for the first parts.
        part: that hit a cap.
        experience: of the parts that were asked before, this one too; see `note`.
        ignored: whether the peer is known not to match the keys that the split has put in; see `ignores`.
        answer: responses to the part, or some of them. They tell of such a peer too, and of crowded days, so
            that fewer queries are needed; without them, it is cut as well.
    """
    if isinstance(part.scope, NoScope):
        return Cut((), part.scope.reason)
    if (ignored and part.keys) or any(ignores(part, response) for response in answer):
        return Cut(
            (), f"the peer does not match what splits the query: it answers {part.label} with other values"
        )
    if experience.is_futile:
        return Cut((), f"part after part hit a cap: the peer seems not to match {split.name}, or its time")
    if isinstance(split, DateSplit):
        from runner.partition.dates import cut_dates

        values = [text for response in answer for text in _texts_at(response, split.key)]
        return cut_dates(split, part, experience, values)
    from runner.partition.values import cut_letters, cut_list

    return cut_letters(split, part) if isinstance(split, LetterSplit) else cut_list(split, part)


def note(experience: Experience, part: Part, responses: int, *, capped: bool) -> None:
    """Let a part that was asked add to the experience.

    Args:
        experience: of this question and peer.
        part: that was asked.
        responses: raw ones, before any filtering.
        capped: whether there may be more.
    """
    if capped:
        experience.note_cap(responses)
        return
    from runner.partition.dates import position

    experience.note_whole(position(part.scope), responses)


def ignores(part: Part, response: Identifier) -> bool:
    """Whether a response to a part shows that the peer does not match a key that the split has put in.

    A response without the attribute, or with a value that cannot be read, shows nothing.
    """
    return any(
        not _may_match(element.vr, text_at(part.identifier, path), _texts_at(response, path))
        for path, element in part.keys.items()
    )


def _may_match(vr: str, key: str, found: tuple[str, ...]) -> bool:
    values = [value for text in found for value in text.split("\\") if value.strip(" ")]
    if vr in RANGE_VRS:
        values = [value for value in values if span(vr, value) is not None]
    else:
        key, values = key.casefold(), [value.casefold() for value in values]
    return not values or any(value_matches(vr, key, value, _LOOSE) for value in values)


def _texts_at(identifier: Identifier, path: Path) -> tuple[str, ...]:
    """Return the texts at a path, in whichever items they stand."""
    for element in identifier:
        if element.tag != path[0]:
            continue
        if len(path) == 1:
            return (text_at((element,), path),)
        items = element.value if isinstance(element.value, tuple) else ()
        return tuple(text for item in items for text in _texts_at(item, path[2:]))
    return ()
