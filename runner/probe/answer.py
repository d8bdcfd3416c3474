"""What is asked to learn something of a peer, and what came back."""

from __future__ import annotations

from dataclasses import dataclass

from runner.dicom.identifier import Identifier
from runner.status import CANCEL, SUCCESS, Category, meaning


@dataclass(frozen=True, slots=True)
class Question:
    """A C-FIND.

    Attributes:
        identifier: what is sent.
        cancel_after: a C-CANCEL is sent after so many responses.
    """

    identifier: Identifier
    cancel_after: int


@dataclass(frozen=True, slots=True)
class Record:
    """A response: its attributes, and the value of SpecificCharacterSet that it had, "" for none."""

    identifier: Identifier
    character_set: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a C-FIND.

    Attributes:
        status: of the final response; None where none came.
        responses: pending responses.
        records: the responses, as far as they could be decoded and are kept.
        cancelled: whether a C-CANCEL was sent.
        overrun: whether the association was broken off, since responses went on after the C-CANCEL.
        failure: why there is no final response, in words; "" where there is one.
        attempts: how often it was sent.
        over: whether nothing more can be asked.
    """

    status: int | None = SUCCESS
    responses: int = 0
    records: tuple[Record, ...] = ()
    cancelled: bool = False
    overrun: bool = False
    failure: str = ""
    attempts: int = 1
    over: bool = False

    @property
    def refusal(self) -> str:
        """Why it is no answer, in words that hold nothing of what the peer sent; "" where it is one."""
        if self.overrun or (self.cancelled and self.status is not None):
            return ""
        if self.status is None:
            return self.failure or "it was not answered"
        means = meaning(self.status)
        if self.status in (SUCCESS, CANCEL) or means.category is Category.WARNING or self.cap:
            return ""
        return f"0x{self.status:04X} ({means.text})"

    @property
    def is_unsupported(self) -> bool:
        """Whether it was refused for what was asked, not for how much that is, or since something broke."""
        return bool(self.refusal) and self.status is not None and not 0xA700 <= self.status <= 0xA7FF

    @property
    def cap(self) -> str:
        """The status by which the peer says that there is more than it gave, in words; "" for none."""
        if self.status is None or self.cancelled or not self.responses:
            return ""
        is_capped = (
            self.status == CANCEL or 0xA700 <= self.status <= 0xA7FF or 0xB000 <= self.status <= 0xBFFF
        )
        return f"0x{self.status:04X} ({meaning(self.status).text})" if is_capped else ""
