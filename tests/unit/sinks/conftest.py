"""A job, its finds and batches, without any network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from peers.dataset_notation import write
from runner.dicom.identifier import Element, Path
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UndecodableIdentifierError
from runner.model import InformationModel, Job, Peer, Query, Request, SinkDeclaration
from runner.plan import operations
from runner.sinks.base import Batch, Find

MakeJob = Callable[..., Job]
MakeBatch = Callable[..., Batch]

COLUMNS = ((0x00100010,), (0x00100020,))


@pytest.fixture
def make_job() -> MakeJob:
    """Make a job of some queries, peers and sinks."""

    def make(
        *sinks: SinkDeclaration,
        columns: tuple[Path, ...] = COLUMNS,
        queries: Sequence[str] = ("studies",),
        peers: Sequence[str] = ("main",),
    ) -> Job:
        request = Request((Element(0x00080052, "CS", "STUDY"), Element(0x00100010, "PN")))
        model = InformationModel.STUDY_ROOT
        return Job(
            "job",
            tuple(Peer(name, "host", 104) for name in peers),
            tuple(Query(name, tuple(peers), model, (request,), columns) for name in queries),
            sinks,
        )

    return make


@pytest.fixture
def make_batch() -> MakeBatch:
    """Make a batch of data sets in the golden recordings' notation, or of bytes, which cannot be decoded."""

    def make(
        job: Job,
        *data_sets: Any,
        first: int = 1,
        status: int = 0xFF00,
        syntax: TransferSyntax = TransferSyntax.EXPLICIT_LITTLE,
        operation: int = 1,
    ) -> Batch:
        uid = TransferSyntax.EXPLICIT_LITTLE.uid if syntax.deflated else syntax.uid
        identifiers = [one if isinstance(one, bytes) else write(one, uid) for one in data_sets]
        bad = {
            index: UndecodableIdentifierError("2 bytes are left over, too few for an element, at byte 0", "")
            for index, one in enumerate(data_sets)
            if isinstance(one, bytes)
        }
        find = Find(list(operations(job))[operation - 1], syntax)
        return Batch(find, first, status, identifiers, bad)

    return make
