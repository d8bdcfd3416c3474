"""What the run report says of one operation, by schemas/report.schema.json: counts, statuses and messages.

A record is plain JSON data, so that a run of many operations can keep it outside of the memory. It never
holds a value of a response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.dicom.dictionary import Dictionary
from runner.engine.result import OperationResult
from runner.errors import CfindError

if TYPE_CHECKING:
    from runner.engine.screening import Screened

Record = dict[str, Any]


def record(result: OperationResult) -> Record:
    """Return the record of an operation."""
    operation = result.operation
    return {
        "number": operation.number,
        "query": operation.query.name,
        "peer": operation.peer.name,
        "model": operation.model.value,
        "level": operation.level.value if operation.level is not None else None,
        "source": operation.source,
        "row": operation.row or None,
        "repetition": operation.repetition,
        "parent": operation.parent or None,
        "part": operation.part or None,
        "verdict": result.verdict.value,
        "status": None if result.status is None else f"0x{result.status:04X}",
        "attempts": result.attempts,
        "responses": result.responses,
        "cap": result.cap.value if result.cap is not None else None,
        "parts": result.parts,
        "cancelled": result.cancelled,
        "undecodable": result.undecodable,
        "unsupported_keys": result.unsupported_keys,
        "delivered": result.delivered,
        **(_screened(result.screened, operation.dictionary) if result.screened is not None else {}),
        "transfer_syntax": result.transfer_syntax.uid if result.transfer_syntax is not None else None,
        "seconds": round(result.seconds, 6),
        "error": error_record(result.error),
        "warnings": list(result.warnings),
    }


def _screened(screened: Screened, dictionary: Dictionary) -> Record:
    """Return what was found in the responses; keys that all match are left out."""
    from runner.dicom.path import path_text

    keys = {
        path_text(key.key, dictionary): {
            "mismatched": key.mismatched,
            "empty": key.empty,
            "not_returned": key.absent,
        }
        for key in screened.keys
        if key.mismatched or key.absent
    }
    return {
        "match": keys,
        "dropped": screened.dropped,
        "removed": screened.removed,
        "doubled": screened.doubled,
        "unidentified": screened.unidentified,
        "known": screened.known,
    }


def error_record(error: CfindError | None) -> Record | None:
    """Return what a report says of a failure; None for none."""
    if error is None:
        return None
    return {
        "kind": type(error).__name__.removesuffix("Error"),
        "exit_status": int(error.status),
        "message": error.what,
        "advice": error.advice,
    }
