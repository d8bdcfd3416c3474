"""`cfind echo`: C-ECHO to every peer of a job."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.interruption import SignalledStop
from runner.cli.job_files import valid_jobs
from runner.cli.messages import complain, printable, say
from runner.cli.peer_address import address
from runner.engine.echo import echo
from runner.engine.run_result import foremost
from runner.errors import CertificateError, CfindError, ExitStatus
from runner.transport.stop_signal import StopSignal

if TYPE_CHECKING:
    from runner.association.events import Accepted
    from runner.model import Peer
    from runner.transport.tls_session import TlsSession


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("echo", "Send a C-ECHO to every peer of a job.")
    made.add_argument("job", type=Path, metavar="JOB", help="a job file")
    add_variable_option(made)
    add_clock_option(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    variables, clock = given_variables(options.variables), given_clock(options.now)
    statuses: set[ExitStatus] = set()
    stop = StopSignal()
    with SignalledStop(stop) as signalled:
        job = valid_jobs([options.job], variables, clock=clock)[0]
        for peer in job.peers:
            models = dict.fromkeys(query.model for query in job.queries if peer.name in query.peers)
            begun = time.monotonic()
            try:
                warnings = echo(peer, models, stop, partial(_secured, peer.name), partial(_accepted, peer))
            except CfindError as error:
                statuses.add(signalled() or error.status)
                complain(f"peer {peer.name}: {error}")
                if signalled() is not None:
                    break
                if isinstance(error, CertificateError):
                    _show_certificate(peer, stop)
                continue
            milliseconds = (time.monotonic() - begun) * 1000
            say(printable(f"{peer.name}: {address(peer)} answered in {milliseconds:.0f} ms") + "\n")
            for warning in warnings:
                complain(f"peer {peer.name}: warning: {warning}")
    return foremost(statuses)


def _accepted(peer: Peer, accepted: Accepted) -> None:
    if peer.user_identity is not None or peer.extended_negotiation.proposed:
        from runner.cli.negotiation_text import answer_lines

        for line in answer_lines(peer, accepted):
            say(printable(f"{peer.name}: {line}") + "\n")


def _show_certificate(peer: Peer, stop: StopSignal) -> None:
    """Tell what the certificate says that was not acceptable, which OpenSSL does not tell of."""
    from runner.cli.tls_text import certificate_text
    from runner.transport.tls import certificate_shown

    with contextlib.suppress(CfindError):
        certificate = certificate_shown(peer, stop)
        if certificate is not None:
            complain(f"peer {peer.name}: its certificate is {certificate_text(certificate)}")


def _secured(name: str, session: TlsSession) -> None:
    from runner.cli.tls_text import session_text

    say(printable(f"{name}: {session_text(session)}") + "\n")
    if session.warning is not None:
        complain(f"peer {name}: warning: {session.warning}")
