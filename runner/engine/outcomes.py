"""What came of the plan's operations, for sinks that want to know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from runner.engine.ledger import Ledger
from runner.engine.record import Record
from runner.engine.result import Verdict
from runner.errors import InvalidJobError
from runner.model import Job
from runner.plan import operations
from runner.sinks.base import Outcome

#: Final statuses that say that the answer is all; an operation that was split may have none of its own.
_WHOLE = ("0x0000", None)


def outcomes(job: Job, ledger: Ledger, planned: int) -> Iterator[Outcome]:
    """Yield what came of each operation of the plan, in its order.

    Args:
        job: what ran.
        ledger: has those that were begun, with all that was found out about them later.
        planned: how many the plan has.

    Where what they are made of cannot be read any more, there is nothing of those that were not begun.
    """
    records = (record for record in ledger.records() if not record["parent"])
    if ledger.roots == planned:
        yield from map(_outcome, records)
        return
    record = next(records, None)
    with suppress(InvalidJobError):
        for operation in operations(job):
            if record is None or record["number"] != operation.number:
                yield Outcome(operation.query.name, operation.peer.name, operation.row, False, "not asked")
                continue
            yield _outcome(record)
            record = next(records, None)
    if record is not None:
        yield from map(_outcome, chain((record,), records))


def _outcome(record: Record) -> Outcome:
    reason, error = "", record["error"]
    if record["verdict"] != Verdict.COMPLETE.value:
        reason = error["message"] if error is not None else f"the answer is {record['verdict']}"
    elif record["cancelled"]:
        reason = "cancelled by the job after so many responses, so there may be more"
    elif record["status"] not in _WHOLE:  # the job expects it, which does not make the answer whole
        reason = f"the peer answered with status {record['status']}"
    return Outcome(record["query"], record["peer"], record["row"] or 0, not reason, reason)
