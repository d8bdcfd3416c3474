"""The run report: what came of a run as JSON, by schemas/report.schema.json.

It holds counts, statuses and messages, never a value of a response.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner import __version__
from runner.engine.result import OperationResult, PeerResult, RunResult, SinkResult, Verdict, foremost
from runner.errors import CfindError

if TYPE_CHECKING:
    from runner.transport.tls_session import TlsSession

Document = dict[str, Any]


def report(results: Sequence[RunResult]) -> Document:
    """Return the report of one job, or of several with the jobs' reports under `jobs`."""
    if len(results) == 1:
        return _job(results[0])
    verdicts = [result.verdict for result in results]
    order = (Verdict.FAILED, Verdict.INCOMPLETE, Verdict.UNKNOWN)
    return {
        "cfind": __version__,
        "verdict": next((verdict for verdict in order if verdict in verdicts), Verdict.COMPLETE).value,
        "exit_status": int(foremost({result.exit_status for result in results})),
        "responses": sum(result.responses for result in results),
        "jobs": [_job(result) for result in results],
    }


def _job(result: RunResult) -> Document:
    return {
        "cfind": __version__,
        "job": result.job.name,
        "source": result.job.source,
        "verdict": result.verdict.value,
        "exit_status": int(result.exit_status),
        "responses": result.responses,
        "started": dt.datetime.fromtimestamp(result.started, dt.timezone.utc).isoformat(
            timespec="milliseconds"
        ),
        "seconds": round(result.seconds, 6),
        "interrupted": result.interrupted is not None,
        "error": _error(result.error),
        "warnings": list(result.warnings),
        "peers": [_peer(peer) for peer in result.peers],
        "operations": [_operation(operation) for operation in result.operations],
        "sinks": [_sink(sink) for sink in result.sinks],
    }


def _peer(result: PeerResult) -> Document:
    return {"name": result.name, "tls": _tls(result.tls) if result.tls is not None else None}


def _tls(session: TlsSession) -> Document:
    certificate = session.certificate
    return {
        "protocol": session.protocol,
        "cipher": session.cipher,
        "verified": session.verified,
        "certificate": {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "sha256": certificate.sha256,
            "not_before": _time(certificate.not_before),
            "not_after": _time(certificate.not_after),
            "days_left": session.days_left,
        }
        if certificate is not None
        else None,
    }


def _time(time: dt.datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _operation(result: OperationResult) -> Document:
    operation = result.operation
    return {
        "number": operation.number,
        "query": operation.query.name,
        "peer": operation.peer.name,
        "model": operation.model.value,
        "level": operation.level.value if operation.level is not None else None,
        "source": operation.source,
        "repetition": operation.repetition,
        "verdict": result.verdict.value,
        "status": None if result.status is None else f"0x{result.status:04X}",
        "responses": result.responses,
        "undecodable": result.undecodable,
        "unsupported_keys": result.unsupported_keys,
        "transfer_syntax": result.transfer_syntax.uid if result.transfer_syntax is not None else None,
        "seconds": round(result.seconds, 6),
        "error": _error(result.error),
        "warnings": list(result.warnings),
    }


def _sink(result: SinkResult) -> Document:
    return {
        "type": result.type,
        "path": result.path,
        "state": result.state.value,
        "responses": result.responses,
        "kept_in": result.kept_in or None,
        "undecodable_files": list(result.undecodable_files),
        "error": _error(result.error),
    }


def _error(error: CfindError | None) -> Document | None:
    if error is None:
        return None
    return {
        "kind": type(error).__name__.removesuffix("Error"),
        "exit_status": int(error.status),
        "message": error.what,
        "advice": error.advice,
    }
