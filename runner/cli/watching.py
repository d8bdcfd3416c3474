"""What `run` tells on stderr while it runs: failures and warnings, and a summary at the end."""

from __future__ import annotations

from runner.cli.messages import complain
from runner.engine.result import OperationResult, RunResult, Verdict
from runner.errors import ExitStatus
from runner.model import Peer
from runner.plan import Operation


class Watcher:
    """Prints failures as they come, each different one of a peer once.

    Args:
        debug: also prints every association and operation, with the identifiers that are sent.
        quiet: prints no line that only sums up.
    """

    def __init__(self, *, debug: bool = False, quiet: bool = False) -> None:
        self._debug = debug
        self._quiet = quiet
        self._seen: dict[tuple[str, str], int] = {}

    def association_opened(self, peer: Peer) -> None:
        """Say so, for debugging."""
        if self._debug:
            complain(f"peer {peer.name}: association with {peer.host}:{peer.port} as {peer.calling_ae_title}")

    def operation_started(self, operation: Operation) -> None:
        """Print what is sent, for debugging: with patient data, if the query has some."""
        if self._debug:
            from runner.cli.plan_text import identifier_lines

            complain(f"peer {operation.peer.name}, query {operation.query.name}: C-FIND-RQ")
            for line in identifier_lines(operation):
                complain(line)

    def operation_finished(self, result: OperationResult) -> None:
        """Print why an operation failed, and its warnings."""
        operation = result.operation
        where = f"peer {operation.peer.name}, query {operation.query.name}"
        for text in result.warnings:
            self._once(operation.peer.name, where, f"warning: {text}")
        if result.unsupported_keys:
            self._once(
                operation.peer.name,
                where,
                "warning: the peer says that it does not support every key (status 0xFF01)",
            )
        if result.error is not None:
            self._once(operation.peer.name, where, str(result.error))
        elif self._debug:
            complain(f"{where}: {result.responses} responses, {result.verdict.value}")

    def warning(self, where: str, text: str) -> None:
        """Print a warning of an association."""
        complain(f"{where}: warning: {text}")

    def _once(self, peer: str, where: str, text: str) -> None:
        key = (peer, text)
        self._seen[key] = self._seen.get(key, 0) + 1
        if self._seen[key] == 1:
            complain(f"{where}: {text}")

    def summarize(self, result: RunResult) -> None:
        """Print what came of the run: what failed more than once, the sinks that failed, and one line of all."""
        for (peer, text), times in self._seen.items():
            if times > 1:
                complain(f"peer {peer}: {times} operations in all: {text}")
        self._seen.clear()
        if result.error is not None:
            complain(str(result.error))
        for sink in result.sinks:
            if sink.error is not None:
                complain(f"sink {sink.type}: {sink.error}")
            elif sink.kept_in and result.verdict is not Verdict.COMPLETE:
                complain(f"sink {sink.type}: the {sink.responses} responses that arrived are in {sink.kept_in}")
            if sink.undecodable_files:
                complain(
                    f"sink {sink.type}: {len(sink.undecodable_files)} identifiers that cannot be decoded"
                    f" are kept as bytes, the first in {sink.undecodable_files[0]}"
                )
        if self._quiet and result.exit_status is ExitStatus.SUCCESS:
            return
        done = sum(operation.verdict is Verdict.COMPLETE for operation in result.operations)
        interrupted = ", interrupted" if result.interrupted is not None else ""
        complain(
            f"{result.job.name}: {result.verdict.value}{interrupted}: {result.responses} responses,"
            f" {done} of {len(result.operations)} operations complete"
        )
