"""The plan: the job's operations as pure data, exactly as they will be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Identifier, Path
from runner.model import InformationModel, Job, Level, Peer, Query

QUERY_RETRIEVE_LEVEL = 0x00080052


@dataclass(frozen=True, slots=True)
class Operation:
    """One C-FIND request to one peer.

    Attributes:
        number: counts the operations of the plan from 1.
        query: the query that it comes from.
        peer: the peer that it goes to.
        identifier: what is sent.
        dictionary: names and VRs of the attributes that come back.
        source: the query file, or the row, or both; "" for keys alone.
        repetition: counts from 1.
        parent: the number of the operation that this one follows from; 0 for one of the plan.
        part: what it asks for of what its parent asks for, in words; "" where it is no part of another.
        row: the number of the row of a `foreach` that it is for, counting from 1; 0 for none.
        root: the number of the operation of the plan that it follows from; 0 for one of the plan.
        ancestry: values of the records that it was asked for, those of nearer ones in place of farther ones'.
    """

    number: int
    query: Query
    peer: Peer
    identifier: Identifier
    dictionary: Dictionary
    source: str = ""
    repetition: int = 1
    parent: int = 0
    part: str = ""
    row: int = 0
    ancestry: Mapping[Path, str] = field(default_factory=dict)
    root: int = 0

    @property
    def origin(self) -> int:
        """The number of the operation of the plan that it follows from, its own for one of these."""
        return self.root or self.number

    @property
    def model(self) -> InformationModel:
        """The information model that is asked."""
        return self.query.model

    @property
    def columns(self) -> tuple[Path, ...]:
        """The attributes that the query names, in the author's order."""
        return self.query.columns

    @property
    def level(self) -> Level | None:
        """The query/retrieve level that the identifier states, None where it has none that is known."""
        for element in self.identifier:
            if element.tag == QUERY_RETRIEVE_LEVEL and isinstance(element.value, (str, bytes)):
                value = element.value
                text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
                try:
                    return Level(text.strip(" \0"))
                except ValueError:
                    return None
        return None


def operations(job: Job, of: str | None = None) -> Iterator[Operation]:
    """Compile the job: for each query, peer, request and repetition one operation, lazily, in this order.

    Args:
        job: what is compiled.
        of: the peer whose operations alone are made; they are numbered as among all.
    """
    number = 0
    peers = {peer.name: peer for peer in job.peers}
    for query in job.queries:
        for name in query.peers:
            if of not in (None, name):
                number += query.operations_per_peer
                continue
            for request in query.requests:
                for repetition in range(1, query.repeat + 1):
                    number += 1
                    yield Operation(
                        number,
                        query,
                        peers[name],
                        request.identifier,
                        job.dictionary,
                        request.source,
                        repetition,
                        row=request.row,
                    )


def as_sent(operation: Operation) -> Operation:
    """Return an operation with the identifier that is sent for it at first, which a split may narrow."""
    split = operation.query.split
    if split is None:
        return operation
    from runner.partition.cutting import first_parts

    return replace(operation, identifier=next(first_parts(split, operation.identifier)).identifier)


def planned(job: Job) -> int:
    """Return how many operations the job compiles to."""
    return sum(len(query.peers) * query.operations_per_peer for query in job.queries)
