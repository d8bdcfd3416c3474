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


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run left of a sink's output, to be gone on with.

    Attributes:
        place: the file or folder that it wrote to.
        spans: what of it is kept, at least one: of a file bytes, of a folder numbers of files; each from and
            up to, in their order.
        responses: how many responses these hold.
        committing: whether all was there and was being given its final names, so that some of it may have
            them.
    """

    place: str
    spans: Sequence[tuple[int, int]]
    responses: int
    committing: bool = False

    @property
    def begin(self) -> int:
        """Where what is kept begins."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where what is kept ends, once it is packed."""
        return self.begin + sum(end - begin for begin, end in self.spans)

    @property
    def is_packed(self) -> bool:
        """Whether what is kept lies one behind the other."""
        return self.spans[-1][1] == self.end


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

    @property
    def place(self) -> str:
        """The file or folder that it writes to, also before `open`; "" for what cannot be gone on with.

        After `close`, of a partial output, what can be gone on with.
        """

    @property
    def besides(self) -> Sequence[str]:
        """Temporary files besides its place, which a run that goes on makes anew."""

    @property
    def position(self) -> int:
        """Where in its place the next response goes: in bytes, or the number of a file."""

    def open(self) -> None:
        """Check that the output can be written, before any association. Creates nothing with a final name."""

    def resume(self, earlier: Earlier) -> bool:
        """Go on with what an earlier run left, in place of `open`.

        What is not kept is dropped, and what is lies one behind the other then. Where that needs another
        place, the old one stays as it is, for whoever has noted the new one to remove.

        Returns:
            False where what is to be kept is not there any more; nothing is changed then.
        """

    def sync(self) -> None:
        """Bring what was written to the disk; also while another thread writes."""

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


class Passing:
    """What sinks have in common whose output passes and cannot be taken back: nothing to go on with."""

    place = ""
    besides: Sequence[str] = ()
    position = 0

    def open(self) -> None:
        """Nothing."""

    def resume(self, earlier: Earlier) -> bool:
        """Begin as always."""
        del earlier
        self.open()
        return True

    def sync(self) -> None:
        """Nothing."""
