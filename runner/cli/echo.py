"""`cfind echo`: C-ECHO to every peer of a job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from runner.cli.arguments import ArgumentParser, add_variable_option, given_variables
from runner.cli.interruption import SignalledStop
from runner.cli.job_files import valid_jobs
from runner.cli.messages import complain, printable, say
from runner.cli.peer_address import address
from runner.engine.echo import echo
from runner.engine.result import foremost
from runner.errors import CfindError, ExitStatus
from runner.transport.stop_signal import StopSignal


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("echo", "Send a C-ECHO to every peer of a job.")
    made.add_argument("job", type=Path, metavar="JOB", help="a job file")
    add_variable_option(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    variables = given_variables(options.variables)
    statuses: set[ExitStatus] = set()
    stop = StopSignal()
    with SignalledStop(stop) as signalled:
        for peer in valid_jobs([options.job], variables)[0].peers:
            begun = time.monotonic()
            try:
                warning = echo(peer, stop)
            except CfindError as error:
                statuses.add(signalled() or error.status)
                complain(f"peer {peer.name}: {error}")
                if signalled() is not None:
                    break
                continue
            milliseconds = (time.monotonic() - begun) * 1000
            say(printable(f"{peer.name}: {address(peer)} answered in {milliseconds:.0f} ms") + "\n")
            if warning:
                complain(f"peer {peer.name}: warning: {warning}")
    return foremost(statuses)
