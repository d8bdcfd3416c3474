"""What was learned of a peer, with the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fact:
    """Something learned.

    Attributes:
        value: as it stands in a profile; None where it is not known.
        evidence: what shows it, or why it is not known, in words without any value of a record.
    """

    value: bool | int | tuple[str, ...] | None
    evidence: str


#: What can be learned, by its name in a profile, in its order there; those of worklists have no relational.
NAMES = (
    "result_limit",
    "operations_per_association",
    "max_associations",
    "wildcards.names",
    "wildcards.texts",
    "ranges.dates",
    "ranges.times",
    "ranges.open_ended",
    "relational",
    "cancel",
    "character_set.echoed",
    "character_set.answers",
)


@dataclass(slots=True)
class Findings:
    """What was learned of a peer.

    Attributes:
        facts: by their names.
        keys: for attributes, by keyword or path, whether the peer ignores them as matching keys.
        questions: how many C-FINDs were sent.
        refusals: why those that failed did, in words.
        answers: how many of them were answered.
    """

    facts: dict[str, Fact] = field(default_factory=dict)
    keys: dict[str, Fact] = field(default_factory=dict)
    questions: int = 0
    refusals: list[str] = field(default_factory=list)
    answers: int = 0

    def unknown(self) -> list[str]:
        """Return the names of what is not known, but for limits that were only not met with."""
        limits = ("result_limit", "operations_per_association")
        names = [name for name, fact in self.facts.items() if fact.value is None and name not in limits]
        return names + [name for name, fact in self.keys.items() if fact.value is None]
