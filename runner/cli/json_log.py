"""What happens while a job runs as JSON, one object a line on stderr: `cfind run --log json`.

The objects hold counts, statuses and messages, never a value of a response; the values that are asked for
only with --debug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.cli.messages import tell_event
from runner.cli.told import Told
from runner.engine.observer import RunProgress
from runner.engine.record import error_record, record
from runner.engine.result import OperationResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import DefectError
from runner.model import Job, Peer
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.cli.hooks import HookResult
    from runner.cli.tally import PeerSnapshot, Snapshot
    from runner.transport.tls_session import TlsSession

Members = dict[str, Any]


class JsonLog:
    """Tells every event of runs, with the members that the run report has for it.

    Args:
        told: how much; below SUMMARY only failures and warnings, and the values that are asked for
            only with IDENTIFIERS.
    """

    def __init__(self, told: Told = Told.SUMMARY) -> None:
        self._told = told
        self._job = ""

    def run_begun(self, job: Job, progress: RunProgress) -> None:
        """Tell which job is run."""
        self._job = job.name
        peers = [peer.name for peer in job.used_peers]
        planned = [progress.planned(peer) for peer in peers]
        known = [number for number in planned if number is not None]
        self._tell(
            "run_begun",
            {
                "source": job.source,
                "peers": peers,
                "planned": sum(known) if len(known) == len(planned) else None,
            },
        )

    def connection_secured(self, peer: Peer, session: TlsSession) -> None:
        """Tell what TLS was negotiated."""
        from runner.cli.tls_text import session_text

        self._tell("connection_secured", {"peer": peer.name, "text": session_text(session)})

    def association_opened(self, peer: Peer) -> None:
        """Tell that a peer accepted an association."""
        members = {"peer": peer.name, "called": peer.ae_title, "calling": peer.calling_ae_title}
        self._tell("association_opened", members)

    def operation_started(self, operation: Operation) -> None:
        """Tell that a request is sent."""
        members: Members = {
            "number": operation.number,
            "query": operation.query.name,
            "peer": operation.peer.name,
            "source": operation.source,
            "parent": operation.parent or None,
        }
        if self._told >= Told.IDENTIFIERS:
            from runner.cli.plan_text import identifier_lines

            members["identifier"] = [line.strip() for line in identifier_lines(operation)]
        self._tell("operation_started", members)

    def operation_finished(self, result: OperationResult) -> None:
        """Tell what came of a request, as the run report does."""
        members = record(result)
        if self._told < Told.IDENTIFIERS:
            del members["part"]  # it says what is asked for
        noteworthy = result.verdict is not Verdict.COMPLETE or result.warnings or result.unsupported_keys
        if result.screened is not None:
            noteworthy = noteworthy or members["match"] or result.screened.doubled
        self._tell("operation_finished", members, noteworthy=bool(noteworthy))

    def warning(self, where: str, text: str) -> None:
        """Tell a warning that is not of one operation."""
        self._tell("warning", {"where": where, "text": text}, noteworthy=True)

    def waiting(self, peer: Peer, text: str) -> None:
        """Tell that a peer is left alone, and until when."""
        self._tell("waiting", {"peer": peer.name, "text": text})

    def note(self, text: str) -> None:
        """Tell what is said before or after a run."""
        self._tell("note", {"text": text}, noteworthy=False)

    def progress(self, snapshot: Snapshot) -> None:
        """Tell how far the run is."""
        left = snapshot.seconds_left
        self._tell(
            "progress",
            {
                "planned": snapshot.planned,
                "done": snapshot.done,
                "failed": snapshot.failed,
                "incomplete": snapshot.doubtful,
                "responses": snapshot.responses,
                "responses_per_second": round(snapshot.responses_per_second, 1),
                "seconds": round(snapshot.seconds, 1),
                "seconds_left": None if left is None else round(left, 1),
                "peers": [_peer(peer) for peer in snapshot.peers],
            },
        )

    def summarize(self, result: RunResult) -> None:
        """Tell what came of the run."""
        from runner.report import expectation_document, sink_document

        for expectation in result.expectations:
            unmet = expectation.met is False
            self._tell("expectation", expectation_document(expectation), noteworthy=unmet)
        for sink in result.sinks:
            self._tell("sink_closed", sink_document(sink), noteworthy=sink.error is not None)
        ledger = result.ledger
        self._tell(
            "run_ended",
            {
                "verdict": result.verdict.value,
                "exit_status": int(result.exit_status),
                "responses": result.responses,
                "delivered": ledger.delivered,
                "planned": result.planned,
                "operations": {verdict.value: ledger.verdicts[verdict] for verdict in Verdict},
                "seconds": round(result.seconds, 6),
                "interrupted": result.interrupted is not None,
                "error": error_record(result.error),
            },
            noteworthy=result.verdict is not Verdict.COMPLETE,
        )
        for error in (result.error, *(sink.error for sink in result.sinks)):
            if isinstance(error, DefectError):
                from runner.cli.messages import complain_of_defect

                complain_of_defect(error, debug=self._told >= Told.IDENTIFIERS)

    def hook_ended(self, result: HookResult) -> None:
        """Tell what came of a command after the run."""
        members = {
            "hook": result.name,
            "exit_status": result.exit_status,
            "seconds": round(result.seconds, 6),
            "problem": result.problem or None,
            "output": result.output,
        }
        self._tell("hook_ended", members, noteworthy=bool(result.problem))

    def _tell(self, event: str, members: Members, *, noteworthy: bool = False) -> None:
        """Tell an event; where only failures and warnings are wanted, only what is noteworthy."""
        if noteworthy or self._told >= Told.SUMMARY:
            tell_event(event, {"job": self._job, **members})


def _peer(peer: PeerSnapshot) -> Members:
    return {
        "name": peer.name,
        "planned": peer.planned,
        "done": peer.done,
        "failed": peer.failed,
        "incomplete": peer.doubtful,
        "responses": peer.responses,
        "responses_per_second": round(peer.responses_per_second, 1),
    }
