"""Paths to attributes as people write them.

Such as `ScheduledProcedureStepSequence[0].Modality` or `(0040,0100)[0].(0008,0060)`.
"""

from __future__ import annotations

import re

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Path
from runner.dicom.tags import format_tag, is_private, parse_tag

_STEP = re.compile(
    r"(?P<name>\([0-9a-fA-F]{4},[0-9a-fA-F]{4}\)|[^.\[\]()]+)(?:\[(?P<item>[0-9]{1,9})\])?(?:\.|\Z)"
)


class PathError(ValueError):
    """A text is no path to an attribute.

    Attributes:
        what: what is wrong.
        advice: what to do.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what}; {advice}")
        self.what = what
        self.advice = advice


def parse_path(text: str, dictionary: Dictionary) -> Path:
    """Return the path that a text stands for.

    Items are counted from 0. The attributes are named by keyword or by tag.

    Raises:
        PathError: the text is malformed, has an unknown keyword, or goes through what is no sequence.
    """
    path: list[int] = []
    position = 0
    ended = False
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None or ended:
            raise PathError(
                f"{text!r} is no path to an attribute",
                "write it like ScheduledProcedureStepSequence[0].Modality",
            )
        tag = _tag(match["name"], dictionary)
        path.append(tag)
        position = match.end()
        if match["item"] is not None:
            _check_sequence(tag, match["name"], dictionary)
            path.append(int(match["item"]))
        ended = not match[0].endswith(".")
        if match["item"] is None and not ended:
            raise PathError(f"an item number is missing after {match['name']!r}", f"write {match['name']}[0]")
    if not path or not ended or len(path) % 2 == 0:
        raise PathError(
            f"{text!r} does not end with an attribute", "write an attribute after the last full stop"
        )
    return tuple(path)


def path_text(path: Path, dictionary: Dictionary) -> str:
    """Return a path as people write it: keywords, or tags where there is none; items count from 0."""
    steps = []
    for position in range(0, len(path), 2):
        entry = dictionary.by_tag(path[position])
        step = entry.keyword if entry is not None and entry.keyword else format_tag(path[position])
        steps.append(f"{step}[{path[position + 1]}]" if position + 1 < len(path) else step)
    return ".".join(steps)


def _tag(name: str, dictionary: Dictionary) -> int:
    tag = parse_tag(name)
    if tag is not None:
        return tag
    entry = dictionary.by_keyword(name)
    if entry is not None:
        return entry.tag
    likely = dictionary.suggest(name)
    advice = (
        f"did you mean {likely[0]}?" if likely else "write a keyword of PS3.6, or a tag such as (0010,0010)"
    )
    raise PathError(f"the dictionary has no attribute {name!r}", advice)


def _check_sequence(tag: int, name: str, dictionary: Dictionary) -> None:
    entry = dictionary.by_tag(tag)
    if entry is not None and entry.vr != "SQ" and not is_private(tag):
        raise PathError(f"{name!r} is no sequence, its VR is {entry.vr}", "take the item number out")
