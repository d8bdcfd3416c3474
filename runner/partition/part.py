"""A part of a query: what is sent for it, what it is called, and what it says about completeness.

The question that is split has an answer: all records that the peer would return if it had no cap. A part is a
C-FIND that answers some of it. It is whole where the peer did not hit its cap, and the question is answered
completely when every part that was not cut is whole and no gap is open:

    open gaps = all `leaves` of the parts - all `closes` of the parts that came back whole
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runner.dicom.identifier import Element, Identifier, Path


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that parts together do not find, or cannot be shown to find.

    Attributes:
        records: which, in words without values of patients.
        reason: why they are not found.
    """

    records: str
    reason: str

    def __str__(self) -> str:
        return f"{self.records}: {self.reason}"


@dataclass(frozen=True, slots=True)
class DayScope:
    """Days, both ends included, as proleptic Gregorian ordinals; None for an open end.

    `with_undated` says that nothing is asked of the date, so that records without one are found too.
    """

    first: int | None
    last: int | None
    with_undated: bool = False


@dataclass(frozen=True, slots=True)
class TimeScope:
    """Times of one day, both ends included, in seconds since midnight; None for an open end.

    `lower` and `upper` are the ends as they are sent, "" for an open one.
    """

    day: int
    first: int | None
    last: int | None
    lower: str
    upper: str


@dataclass(frozen=True, slots=True)
class MomentScope:
    """Moments of a DT, both ends included, in seconds since the ordinal day 0; None for an open end.

    `lower` and `upper` are the ends as they are sent, "" for an open one; `with_undated` is as for days.
    """

    first: int | None
    last: int | None
    lower: str
    upper: str
    with_undated: bool = False


@dataclass(frozen=True, slots=True)
class PrefixScope:
    """All values that begin so."""

    prefix: str


@dataclass(frozen=True, slots=True)
class ListScope:
    """All values that are asked for, before they are asked for one by one.

    `with_others` says that records with other values, or without any, are found too.
    """

    values: tuple[str, ...]
    with_others: bool


@dataclass(frozen=True, slots=True)
class NoScope:
    """What cannot be cut, and why."""

    reason: str


Scope = DayScope | TimeScope | MomentScope | PrefixScope | ListScope | NoScope


@dataclass(frozen=True, slots=True)
class Part:
    """One C-FIND of those that a query is split into.

    Attributes:
        identifier: what is sent.
        label: what it asks for, such as `StudyDate 20240103, StudyTime 080000-120000`.
        scope: what can be cut.
        keys: the elements that the split has put into the identifier, by their paths.
        leaves: gaps that are there because this part and its siblings are asked in place of a larger one.
        closes: gaps that are none if this part comes back whole.
        only_without: a path; of this part's answers only records without a value there belong to the
            question. None where all do.
    """

    identifier: Identifier
    label: str
    scope: Scope
    keys: Mapping[Path, Element] = field(default_factory=dict)
    leaves: tuple[Gap, ...] = ()
    closes: tuple[Gap, ...] = ()
    only_without: Path | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """What a part that hit a cap is cut into.

    Attributes:
        parts: smaller ones that are to be asked in its place; none at the floor.
        reason: why there are none, "" where there are.
    """

    parts: tuple[Part, ...]
    reason: str = ""
