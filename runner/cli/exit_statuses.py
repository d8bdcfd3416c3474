"""What the exit statuses mean, and what to do."""

from __future__ import annotations

from runner.errors import ExitStatus

#: What each means, as the README says it, and what to do.
MEANINGS: dict[ExitStatus, tuple[str, str]] = {
    ExitStatus.SUCCESS: (
        "every operation ended in success, every answer is complete, every sink committed",
        "Nothing is to be done.",
    ),
    ExitStatus.DEFECT: (
        "a defect in cfind itself",
        "Please report it, with the command line and with what --debug prints if others may see that.",
    ),
    ExitStatus.USAGE: ("wrong command line", "cfind COMMAND --help shows what a command takes."),
    ExitStatus.INVALID_JOB: (
        "the job is invalid, or an input that it names cannot be read",
        "Nothing was sent. cfind validate names every problem, its place and what to do; cfind explain ID "
        "says more of an id in brackets behind a message. With --strict, warnings count too.",
    ),
    ExitStatus.NO_ASSOCIATION: (
        "no association: name look-up, connect, TLS, rejected, no presentation context accepted",
        "Nothing was asked of that peer. cfind echo JOB tries each peer by itself. Check host, port and "
        "firewall; then both AE titles, since many archives answer only those that they know; then the "
        "information model.",
    ),
    ExitStatus.FIND_FAILED: (
        "the C-FIND failed: failure status, abort, connection lost, time-out, undecodable message",
        "The message names peer, query and status: cfind explain STATUS (such as 0xA900) says more. What "
        "arrived is kept beside the outputs' names. How long is waited is timeouts.dimse of the peer.",
    ),
    ExitStatus.INCOMPLETE: (
        "answers arrived, but they are not all: a result cap, truncation, a cancel that nobody asked for",
        "Narrow the query, or split it by dates or with foreach, until the peer's cap is not reached.",
    ),
    ExitStatus.EXPECTATION: (
        "an expectation of the job was not met",
        "The answers are complete, but not what the job says they should be. Look at them, or at the job. "
        "For cfind plan --diff: what the two jobs send differs. For cfind diff: the two results do.",
    ),
    ExitStatus.SINK_FAILED: (
        "an output, a report or temporary files could not be written",
        "Check room and permissions where the message says; what was written lies beside the outputs' names.",
    ),
    ExitStatus.ALREADY_RUNNING: (
        "another run of the same job is going on",
        "Wait for it, or end it.",
    ),
    ExitStatus.INTERRUPTED: (
        "interrupted (SIGINT)",
        "What arrived until then is kept, and no output bears its final name. cfind run --resume goes on.",
    ),
    ExitStatus.TERMINATED: (
        "terminated (SIGTERM, SIGHUP)",
        "What arrived until then is kept, and no output bears its final name. cfind run --resume goes on.",
    ),
}
