"""What is looked at in the responses to a part of a question."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from runner.dicom.attribute_columns import AttributeColumns
from runner.dicom.identifier import Path
from runner.engine.screening import Consumer, Records
from runner.model import UniqueKey
from runner.partition.cutting import ignores
from runner.partition.part import Part

#: So many responses to each part are looked at for whether the peer matches what splits the question.
_LOOKED_AT = 20
#: So many records of an answer are held against what it is cut into, if it is cut.
_HELD = 1000


def part_screens(part: Part, ignored: Callable[[], None], coverage: Coverage) -> Sequence[Consumer]:
    """Return what looks at the responses to a part.

    Args:
        part: what was asked.
        ignored: is told where a response shows that the peer does not match what splits the question.
        coverage: looks for what was found before.
    """
    screens: list[Consumer] = [coverage]
    if part.keys:
        screens.append(IgnoredKeyCheck(part, ignored))
    if part.only_without is not None:
        screens.append(OnlyWithout(part.only_without))
    return screens


class IgnoredKeyCheck:
    """Looks whether a peer matches what splits the question; see `runner.engine.screening.Consumer`."""

    paths: Sequence[Path] = ()

    def __init__(self, part: Part, ignored: Callable[[], None]) -> None:
        self._part = part
        self._ignored = ignored
        self._left = _LOOKED_AT

    def take(self, columns: AttributeColumns) -> None:
        """Look at the first responses."""
        for identifier in columns.identifiers[: self._left]:
            if ignores(self._part, columns.form.decoded(identifier)):
                self._ignored()
                self._left = 0
                return
        self._left -= min(self._left, len(columns))

    def report(self, screened: dict[str, object]) -> None:
        """Nothing: the question knows."""


class Coverage:
    """Looks whether the parts find what came in the answers that were cut off; see `Consumer`.

    A peer may find less by a range than there is in it, such as one that takes the last day for its first
    moment. What it found before tells, as far as that goes.

    Args:
        key: what tells records apart.
        missed: digests of the records that no part has found yet.

    Attributes:
        came: digests of the first records.
        found: those of `missed` that came.
    """

    def __init__(self, key: UniqueKey, missed: Collection[bytes]) -> None:
        self._records = Records(key)
        self._missed = missed
        self.paths: Sequence[Path] = self._records.paths
        self.came: set[bytes] = set()
        self.found: set[bytes] = set()

    def take(self, columns: AttributeColumns) -> None:
        """Note which records came."""
        if not self._missed and len(self.came) >= _HELD:
            return
        for digest in self._records.digests(columns):
            if digest is None:
                continue
            if len(self.came) < _HELD:
                self.came.add(digest)
            if digest in self._missed:
                self.found.add(digest)

    def report(self, screened: dict[str, object]) -> None:
        """Nothing: the question knows."""


class OnlyWithout:
    """Lets responses through that have no value at a path; see `runner.engine.screening.Consumer`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.paths: Sequence[Path] = (path,)

    def take(self, columns: AttributeColumns) -> Sequence[int] | None:
        """Return the indexes of those without a value."""
        is_filled = columns.form.is_filled
        return [index for index, element in enumerate(columns[self._path]) if not is_filled(element)]

    def report(self, screened: dict[str, object]) -> None:
        """Nothing: what is held back here comes in other parts."""
