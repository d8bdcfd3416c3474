"""The process of a run that `cfind schedule` begins."""

from __future__ import annotations

from typing import NoReturn


def cfind() -> NoReturn:
    """Do what the command `cfind` does, with the job's files as the scheduler found them valid."""
    from runner.cli import entry
    from runner.jobfile.source import hold
    from runner.scheduler.processes import take_over

    hold(take_over())
    entry.cfind()
