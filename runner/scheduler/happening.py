"""What a scheduler tells: a line for people, an event with its members for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that has happened.

    Attributes:
        event: what it is called in logs that programs read.
        text: for people, without the job's name.
        job: the job's name, "" where it concerns several.
        is_trouble: whether it is a failure or a warning, which is told however little is wanted.
        members: what programs want to know of it, as JSON has it.
    """

    event: str
    text: str
    job: str = ""
    is_trouble: bool = False
    members: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.job}: {self.text}" if self.job else self.text


#: Prints what has happened.
Tell = Callable[[Happening], None]
