"""What a sink is: it sees responses, never an association."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError
from runner.plan import Operation
from runner.status import StatusDetail


@dataclass(frozen=True, slots=True)
class Find:
    """A C-FIND that is going on: the operation and what was negotiated for it."""

    operation: Operation
    transfer_syntax: TransferSyntax


@dataclass(frozen=True, slots=True)
class Batch:
    """Pending responses of one C-FIND that arrived together.

    Attributes:
        find: what they answer.
        first: the number of the first one, counting from 1 within this C-FIND.
        status: the status of all of them, 0xFF00 or 0xFF01.
        identifiers: the identifiers' bytes as they came (inflated, where the transfer syntax is deflated).
        undecodable: index into `identifiers` and why, for those that cannot be decoded.
    """

    find: Find
    first: int
    status: int
    identifiers: Sequence[bytes]
    undecodable: Mapping[int, UndecodableIdentifierError]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an operation of the plan, one that was not begun among them.

    Attributes:
        query: the query's name.
        peer: the peer's name.
        row: the number of the row of a `foreach` that it is for; 0 for none.
        whole: whether its answer is all that the peer has.
        reason: why it is not; "" where it is.
    """

    query: str
    peer: str
    row: int
    whole: bool
    reason: str = ""


class SinkState(str, Enum):
    """What became of a sink's output."""

    COMMITTED = "committed"
    PARTIAL = "partial"
    NONE = "none"


class Sink(Protocol):
    """Where responses go. The engine calls one method at a time, from any thread.

    Every method may raise SinkError; after that only `close` is called.
    """

    @property
    def type(self) -> str:
        """Its type, as in the job file."""

    @property
    def path(self) -> str | None:
        """The path of the file or folder, None for stdout."""

    @property
    def responses(self) -> int:
        """How many responses it has taken."""

    @property
    def kept_in(self) -> str:
        """After `close`, where a partial output lies; "" for nowhere."""

    @property
    def undecodable_files(self) -> Sequence[str]:
        """Where the bytes of identifiers that cannot be decoded lie, the first hundred."""

    def open(self) -> None:
        """Check that the output can be written, before any association. Creates nothing with a final name."""

    def write(self, batch: Batch) -> None:
        """Take the responses of a batch, in order. A batch is whole: nothing of it comes again."""

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Note the final response of a C-FIND. Not called where the C-FIND ended without one."""

    def close(self, *, whole: bool) -> SinkState:
        """End the output: commit it under its final names if `whole`, else keep it as partial.

        Called exactly once, after `open` or in place of it.
        """


@runtime_checkable
class TakesOutcomes(Protocol):
    """What a sink has besides that wants to know of operations, those without any response among them."""

    def judge(self, outcomes: Iterable[Outcome]) -> None:
        """Take what came of the plan's operations, each once; they are made as they are asked for.

        Called once, right before `close`; not where the run was broken off before its operations ended.
        """
