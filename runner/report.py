"""The run report: what came of a run as JSON, by schemas/report.schema.json.

It holds counts, statuses and messages, never a value of a response.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from runner import __version__
from runner.engine.record import error_record
from runner.engine.result import PeerResult, SinkResult, Verdict
from runner.engine.run_result import RunResult, foremost
from runner.model import InformationModel, Peer

if TYPE_CHECKING:
    from runner.association.events import Accepted
    from runner.engine.expectations import ExpectationResult
    from runner.transport.tls_session import TlsSession

Document = dict[str, Any]


def report(results: Sequence[RunResult]) -> Document:
    """Return the report of one job, or of several with the jobs' reports under `jobs`."""
    document: Document = json.loads("".join(report_text(results)))
    return document


def report_text(results: Sequence[RunResult]) -> Iterator[str]:
    """Make the report's text piece by piece: a run may have more operations than the memory holds."""
    if len(results) == 1:
        yield from _job(results[0], "")
    else:
        verdicts = [result.verdict for result in results]
        order = (Verdict.FAILED, Verdict.INCOMPLETE, Verdict.UNKNOWN)
        head = {
            "cfind": __version__,
            "verdict": next((verdict for verdict in order if verdict in verdicts), Verdict.COMPLETE).value,
            "exit_status": int(foremost({result.exit_status for result in results})),
            "responses": sum(result.responses for result in results),
        }
        yield from _object(head, "jobs", (_job(result, "    ") for result in results), "")
    yield "\n"


def _job(result: RunResult, indent: str) -> Iterator[str]:
    head = {
        "cfind": __version__,
        "job": result.job.name,
        "source": result.job.source,
        "verdict": result.verdict.value,
        "exit_status": int(result.exit_status),
        "responses": result.responses,
        "delivered": result.ledger.delivered,
        "started": dt.datetime.fromtimestamp(result.started, dt.timezone.utc).isoformat(
            timespec="milliseconds"
        ),
        "seconds": round(result.seconds, 6),
        "interrupted": result.interrupted is not None,
        "resumed": result.resumed,
        "error": error_record(result.error),
        "warnings": list(result.warnings),
        "peers": [_peer(result.job.peer(peer.name), peer) for peer in result.peers],
        "sinks": [sink_document(sink) for sink in result.sinks],
        "expectations": [expectation_document(one) for one in result.expectations],
    }
    records = ([_dumped(one, f"{indent}    ")] for one in result.ledger.records())
    yield from _object(head, "operations", records, indent)


def _peer(peer: Peer, result: PeerResult) -> Document:
    return {
        "name": result.name,
        "tls": _tls(result.tls) if result.tls is not None else None,
        "negotiated": _negotiated(peer, result.accepted) if result.accepted is not None else None,
    }


def _negotiated(peer: Peer, accepted: Accepted) -> Document:
    answers, identity = accepted.answers, peer.user_identity
    return {
        "max_pdu": accepted.max_pdu,
        "user_identity": {"type": identity.type.value, "response_bytes": answers.identity_response}
        if identity is not None
        else None,
        "models": {
            model.value: {
                "transfer_syntax": context.transfer_syntax.uid
                if context.transfer_syntax is not None
                else None,
                "extended": {
                    option.value: taken
                    for option, taken in answers.extended.get(model.sop_class_uid, {}).items()
                },
            }
            for model in InformationModel
            if (context := accepted.contexts.get(model.sop_class_uid)) is not None
        },
    }


def _tls(session: TlsSession) -> Document:
    certificate = session.certificate
    return {
        "protocol": session.protocol,
        "cipher": session.cipher,
        "verified": session.verified,
        "certificate": {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "names": list(certificate.names),
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


def _object(
    head: Document, name: str, items: Iterator[Iterator[str] | list[str]], indent: str
) -> Iterator[str]:
    """Write an object whose last member is a list that may be long."""
    yield _dumped(head, indent).removesuffix(f"\n{indent}}}")
    yield f',\n{indent}  "{name}": ['
    before = f"\n{indent}    "
    for item in items:
        yield before
        yield from item
        before = f",\n{indent}    "
    yield f"\n{indent}  ]\n{indent}}}"


def _dumped(value: Any, indent: str) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent}")


def expectation_document(result: ExpectationResult) -> Document:
    """Return what the report says of an expectation."""
    return {
        "query": result.query,
        "expectation": result.expectation,
        "met": result.met,
        "message": result.message,
    }


def sink_document(result: SinkResult) -> Document:
    """Return what the report says of a sink."""
    return {
        "type": result.type,
        "path": result.path,
        "state": result.state.value,
        "responses": result.responses,
        "kept_in": result.kept_in or None,
        "undecodable_files": list(result.undecodable_files),
        "error": error_record(result.error),
    }
