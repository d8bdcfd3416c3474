"""Who tells people or programs of a run: an observer that also hears how far it is and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.engine.observer import Observer
from runner.engine.run_result import RunResult

if TYPE_CHECKING:
    from runner.cli.hooks import HookResult
    from runner.cli.tally import Snapshot


class Teller(Observer, Protocol):
    """Tells of runs, one after the other."""

    def note(self, text: str) -> None:
        """Tell what a user may want to know before or after a run."""

    def progress(self, snapshot: Snapshot) -> None:
        """Tell how far the run is; called from a thread of its own, now and then."""

    def summarize(self, result: RunResult) -> None:
        """Tell what came of a run."""

    def hook_ended(self, result: HookResult) -> None:
        """Tell what came of a command that the job asks for after its run."""
