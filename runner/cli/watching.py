"""What people are told on stderr while a job runs: failures and warnings, and a summary at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.messages import complain, complain_of_defect, note
from runner.cli.told import Told
from runner.engine.observer import RunProgress
from runner.engine.result import OperationResult, SinkResult, Verdict
from runner.engine.run_result import RunResult
from runner.errors import CfindError, DefectError, InterruptedRunError
from runner.model import Job, MatchMode, Peer
from runner.plan import Operation

if TYPE_CHECKING:
    from runner.cli.hooks import HookResult
    from runner.cli.tally import Snapshot
    from runner.engine.expectations import ExpectationResult
    from runner.engine.screening import Screened
    from runner.transport.tls_session import TlsSession

#: So many queries are named where the same happened to several.
_MAX_NAMED = 5
#: So many different failures and warnings of a peer are told; peers can put something else into each.
_MAX_TOLD = 100


class _Seen:
    """How often something was told of a peer, and of which queries; of none where it is of associations."""

    def __init__(self) -> None:
        self.times = 0
        self._names: dict[str, None] = {}

    def note(self, query: str) -> None:
        self.times += 1
        if query:
            self._names[query] = None

    def queries(self) -> str:
        names = list(self._names)
        if not names:
            return ""
        named = ", ".join(names[:_MAX_NAMED])
        more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
        return f"{'query' if len(names) == 1 else 'queries'} {named}{more}"


@dataclass(slots=True)
class _Found:
    """What was found in the responses of a query's operations at one peer: in how many, of how many."""

    operations: int = 0
    count: int = 0
    of: int = 0

    def add(self, count: int, of: int) -> None:
        self.operations += 1
        self.count += count
        self.of += of


class Watcher:
    """Tells failures as they come, each different one of a peer once.

    Args:
        told: how much; only IDENTIFIERS lets patient data of the queries out.
        annotate: whether failures and unmet expectations are printed at the end as annotations, too.
    """

    def __init__(self, told: Told = Told.SUMMARY, *, annotate: bool = False) -> None:
        self._told = told
        self._annotate = annotate
        self._seen: dict[tuple[str, Told, str], _Seen] = {}
        # how many different ones there were of a peer, and how many were not told
        self._kinds: dict[tuple[str, Told], int] = {}
        self._untold: dict[tuple[str, Told], int] = {}
        # by where, and a text that awaits the numbers
        self._found: dict[tuple[str, str], _Found] = {}
        self._removed: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._dropped = 0

    def run_begun(self, job: Job, progress: RunProgress) -> None:
        """Do nothing: the summary names the job."""

    def progress(self, snapshot: Snapshot) -> None:
        """Tell how far the run is."""
        from runner.cli.progress_text import progress_text

        self._tell(Told.SUMMARY, progress_text(snapshot))

    def connection_secured(self, peer: Peer, session: TlsSession) -> None:
        """Tell what TLS was negotiated, and with whom."""
        from runner.cli.tls_text import session_text

        self._tell(Told.SUMMARY, f"peer {peer.name}: {session_text(session)}")

    def association_opened(self, peer: Peer) -> None:
        """Tell that a peer accepted an association."""
        self._tell(
            Told.PROGRESS,
            f"peer {peer.name}: association accepted by {peer.ae_title} for {peer.calling_ae_title}",
        )

    def operation_started(self, operation: Operation) -> None:
        """Tell that a request is sent, and which."""
        self._tell(Told.PROGRESS, f"{_where(operation)}: sending C-FIND-RQ {operation.number}")
        if self._told >= Told.IDENTIFIERS:
            from runner.cli.plan_text import identifier_lines

            for line in identifier_lines(operation):
                complain(line)

    def operation_finished(self, result: OperationResult) -> None:
        """Tell why an operation failed, and its warnings."""
        operation = result.operation
        for text in result.warnings:
            self._tell_once_of(Told.WARNINGS, operation, f"warning: {text}")
        if result.unsupported_keys:
            self._tell_once_of(
                Told.WARNINGS,
                operation,
                "warning: the peer says that it does not support every key (status 0xFF01)",
            )
        if result.screened is not None:
            self._tell_screened(result, result.screened)
        if result.error is not None:
            broken_off = isinstance(result.error, InterruptedRunError)
            told = Told.SUMMARY if broken_off else Told.FAILURES
            error = result.error
            text = f"{error.where}: {error.what}" if error.where else error.what
            self._tell_once_of(told, operation, text, error.advice)
        self._tell(
            Told.PROGRESS, f"{_where(operation)}: {result.responses} responses, {result.verdict.value}"
        )

    def _tell_screened(self, result: OperationResult, screened: Screened) -> None:
        """Tell which keys the peer ignored and what it sent twice, for each query at its first operation."""
        from runner.dicom.path import path_text

        operation = result.operation
        decodable = result.responses - result.undecodable
        dropped = ", and are dropped" if operation.query.match.mode is MatchMode.DROP else ""
        for key in screened.keys:
            name = path_text(key.key, operation.dictionary)
            if key.absent and key.absent == decodable:
                # the SCP does not return what it does not support, and it matches all by it (PS3.4 C.2.2.1.3)
                text = f"warning: {name} probably ignored: {{}} of {{}} do not have it"
                self._tell_found(operation, text, key.absent, decodable)
            elif key.mismatched:
                text = f"warning: {name} ignored: {{}} of {{}} do not match{dropped}"
                self._tell_found(operation, text, key.mismatched, decodable - key.absent)
        if screened.doubled:
            text = "warning: the peer sent {} of {} records more than once in an answer"
            self._tell_found(operation, text, screened.doubled, decodable)
        self._dropped += screened.dropped
        if screened.removed:
            query = operation.query.name
            self._removed[query] = self._removed.get(query, 0) + screened.removed
        if screened.known:
            query = operation.query.name
            self._known[query] = self._known.get(query, 0) + screened.known

    def _tell_found(self, operation: Operation, text: str, count: int, of: int) -> None:
        found = self._found.setdefault((_where(operation), text), _Found())
        found.add(count, of)
        if found.operations == 1:
            self._tell(Told.WARNINGS, f"{_where(operation)}: {text.format(count, of)}")

    def warning(self, where: str, text: str) -> None:
        """Tell a warning of an association."""
        self._tell_once(Told.WARNINGS, where, f"warning: {text}")

    def waiting(self, peer: Peer, text: str) -> None:
        """Tell that a peer is left alone, and until when."""
        self._tell(Told.SUMMARY, f"peer {peer.name}: {text}")

    def note(self, text: str) -> None:
        """Tell what is said before or after a run."""
        self._tell(Told.SUMMARY, text)

    def summarize(self, result: RunResult) -> None:
        """Tell what failed more than once, what became of the sinks, and all in one line."""
        self._tell_seen_in_all()
        if self._annotate:
            self._print_annotations(result)
        for noted in (self._seen, self._kinds, self._untold):
            noted.clear()
        kept_back = self._tell_found_in_all()
        self._tell_expectations(result.expectations)
        if result.error is not None:
            self._tell_error("", result.error)
        for sink in result.sinks:
            if sink.error is not None:
                self._tell_error(f"sink {sink.type}: ", sink.error)
            if sink.kept_in:
                self._tell(
                    Told.FAILURES,
                    f"sink {sink.type}: the {sink.responses} responses that came are kept in {sink.kept_in}",
                )
                self._warn_of_older(sink)
            if sink.undecodable_files:
                self._tell(
                    Told.FAILURES,
                    f"sink {sink.type}: {len(sink.undecodable_files)} identifiers that cannot be decoded"
                    f" are kept as bytes, the first in {sink.undecodable_files[0]}",
                )
        done = result.ledger.verdicts[Verdict.COMPLETE]
        interrupted = ", interrupted" if result.interrupted is not None else ""
        self._tell(
            Told.SUMMARY,
            f"{result.job.name}: {result.verdict.value}{interrupted}:"
            f" {result.responses} {'response' if result.responses == 1 else 'responses'}{kept_back},"
            f" {done} of {result.planned} operations complete",
        )

    def hook_ended(self, result: HookResult) -> None:
        """Tell of a command after the run that did not end well."""
        if result.problem:
            self._tell(Told.WARNINGS, f"job {result.job}: warning: {result.name}: {result.problem}")

    def _tell_seen_in_all(self) -> None:
        """Tell how often what was told once came in all, and what was not told."""
        for (where, told, text), seen in self._seen.items():
            # how many were broken off says nothing: the last line says how many are left
            if seen.times > 1 and told is not Told.SUMMARY:
                unit = "operations" if seen.queries() else "times"
                self._tell(told, f"{_places(where, seen)}: {seen.times} {unit} in all: {text}")
        for (where, told), times in self._untold.items():
            what = "warnings" if told is Told.WARNINGS else "failures"
            self._tell(told, f"{where}: {times} more {what}, of other kinds; --report has all of them")

    def _tell_found_in_all(self) -> str:
        """Tell what was found in several operations, and what was removed; return what the last line says."""
        for (where, text), found in self._found.items():
            if found.operations > 1:
                said = text.format(found.count, found.of)
                self._tell(Told.WARNINGS, f"{where}: {found.operations} operations in all: {said}")
        for query, removed in self._removed.items():
            self._tell(Told.SUMMARY, f"query {query}: {removed} records that had come before were removed")
        for query, known in self._known.items():
            self._tell(
                Told.SUMMARY, f"query {query}: {known} records are of earlier runs, and were kept back"
            )
        kept_back = self._dropped + sum(self._removed.values()) + sum(self._known.values())
        self._found.clear()
        self._removed.clear()
        self._known.clear()
        self._dropped = 0
        return f" ({kept_back} kept back)" if kept_back else ""

    def _tell_expectations(self, results: Sequence[ExpectationResult]) -> None:
        """Tell which expectations were not met."""
        for result in results:
            if result.met is False:
                text = f"query {result.query}: expected {result.expectation}: {result.message}"
                self._tell(Told.FAILURES, text)

    def _print_annotations(self, result: RunResult) -> None:
        """Print what GitHub shows beside the job file."""
        from runner.jobfile.reporters import workflow_command

        failed = [
            (_places(where, seen), text)
            for (where, told, text), seen in self._seen.items()
            if told is Told.FAILURES
        ]
        failed += [(f"sink {sink.type}", str(sink.error)) for sink in result.sinks if sink.error is not None]
        failed += [
            (f"query {one.query}", f"expected {one.expectation}: {one.message}")
            for one in result.expectations
            if one.met is False
        ]
        if result.error is not None:
            failed.append((result.job.name, str(result.error)))
        for title, text in failed:
            note(workflow_command("error", {"file": result.job.source, "title": title}, text))

    def _warn_of_older(self, sink: SinkResult) -> None:
        """Say that a file of the final name is not of this run, lest it be taken for it."""
        if sink.path is not None and Path(sink.path).is_file():
            self._tell(Told.WARNINGS, f"sink {sink.type}: warning: {sink.path} is of an earlier run")

    def _tell(self, told: Told, text: str) -> None:
        if self._told >= told:
            complain(text)

    def _tell_error(self, where: str, error: CfindError) -> None:
        """Tell why a run or a sink failed; a defect is told whatever is wanted."""
        if isinstance(error, DefectError):
            complain_of_defect(error, debug=self._told >= Told.IDENTIFIERS)
        else:
            self._tell(Told.FAILURES, f"{where}{error}")

    def _tell_once_of(self, told: Told, operation: Operation, text: str, advice: str = "") -> None:
        self._tell_once(told, f"peer {operation.peer.name}", text, operation.query.name, advice)

    def _tell_once(self, told: Told, where: str, text: str, query: str = "", advice: str = "") -> None:
        seen = self._seen.get((where, told, text))
        if seen is None:
            kinds = self._kinds[where, told] = self._kinds.get((where, told), 0) + 1
            if kinds > _MAX_TOLD:
                self._untold[where, told] = self._untold.get((where, told), 0) + 1
                return
            seen = self._seen[where, told, text] = _Seen()
        seen.note(query)
        if seen.times == 1:
            self._tell(told, f"{_places(where, seen)}: {text}{f'; {advice}' if advice else ''}")


def _places(where: str, seen: _Seen) -> str:
    queries = seen.queries()
    return f"{where}, {queries}" if queries else where


def _where(operation: Operation) -> str:
    return f"peer {operation.peer.name}, query {operation.query.name}"
