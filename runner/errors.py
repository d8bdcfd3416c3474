"""Every way in which cfind can fail, and the exit status that it has.

An error is three things: where (peer, query, file), what happened, and what to do. Its text must be
fit for a log: no patient data, no secret. It never shows a traceback to the user.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

from runner import __version__


class ExitStatus(IntEnum):
    """Exit statuses of `run`, `findscu` and `echo`."""

    SUCCESS = 0
    DEFECT = 1
    USAGE = 2
    INVALID_JOB = 3
    NO_ASSOCIATION = 4
    FIND_FAILED = 5
    INCOMPLETE = 6
    EXPECTATION = 7
    SINK_FAILED = 8
    ALREADY_RUNNING = 9
    INTERRUPTED = 130
    TERMINATED = 143


class CfindError(Exception):
    """The base of all failures that are not a defect of cfind.

    Args:
        what: what happened, one sentence without a full stop.
        advice: what to try, or "" where nothing sensible can be said.
        where: what it concerns (a file, a peer, a query), or "" where the caller adds it.

    Attributes:
        transient: whether the same may well work a little later.
    """

    status: ClassVar[ExitStatus] = ExitStatus.DEFECT
    transient: bool = False

    def __init__(self, what: str, advice: str = "", where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.advice}" if self.advice else text


class UsageError(CfindError):
    """The command line is wrong."""

    status = ExitStatus.USAGE


class InvalidJobError(CfindError):
    """The job, or an input that it names, is invalid or cannot be read."""

    status = ExitStatus.INVALID_JOB


class QueryFileError(InvalidJobError):
    """A query file cannot be read as DICOM, DICOM JSON or dump2dcm's text."""


# --- no association (4) -----------------------------------------------------------------------------


class NoAssociationError(CfindError):
    """No association came about, so no C-FIND was sent."""

    status = ExitStatus.NO_ASSOCIATION


class NameLookupError(NoAssociationError):
    """The host name has no address."""


class ConnectError(NoAssociationError):
    """The TCP connection was refused, unreachable or timed out."""

    transient = True


class TlsError(NoAssociationError):
    """The TLS handshake failed, or what was negotiated is not what the job asks for."""


class CertificateError(TlsError):
    """The peer's certificate was not acceptable: it cannot be verified, or is not one that the job names."""


class AssociationRejectedError(NoAssociationError):
    """The peer sent an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""


class AssociationAbortedError(NoAssociationError):
    """The peer aborted, closed or garbled the connection before it accepted the association."""


class AssociationTimeoutError(NoAssociationError):
    """The peer did not answer the A-ASSOCIATE-RQ in time."""

    transient = True


class NoPresentationContextError(NoAssociationError):
    """The peer accepted the association, but not the information model or no transfer syntax of it."""


class UserIdentityError(NoAssociationError):
    """The peer accepted the association, but did not confirm our user identity, as the job requires."""


class ExtendedNegotiationError(NoAssociationError):
    """The peer accepted the association, but not what the job requires of it beyond the baseline."""


class OutsideWindowError(NoAssociationError):
    """The peer is left alone at this time, and nobody wants to wait."""


class ArchiveError(NoAssociationError):
    """The embedded archive could not be served."""


# --- the C-FIND failed (5) --------------------------------------------------------------------------


class FindError(CfindError):
    """A C-FIND (or C-ECHO) did not come to a good end on an established association.

    Attributes:
        outcome: what was known of the C-FIND by then, a `FindOutcome` or `UnfinishedFind` of
            runner.status; None where it is not about one.
    """

    status = ExitStatus.FIND_FAILED
    outcome: Any = None


class FailureStatusError(FindError):
    """The peer's final response has a failure status (PS3.4 C.4.1.1.4, PS3.7 C)."""


class PeerAbortedError(FindError):
    """The peer sent an A-ABORT or asked for a release in the middle of an operation."""

    transient = True


class ConnectionLostError(FindError):
    """The connection broke."""

    transient = True


class DimseTimeoutError(FindError):
    """No whole message came within the DIMSE time-out."""

    transient = True


class RemoteProtocolError(FindError):
    """The peer sent what PS3.7 or PS3.8 does not allow and cannot be understood."""


class UndecodableIdentifierError(FindError):
    """A response's identifier is truncated or cannot be decoded; its bytes were kept.

    Attributes:
        offset: where in the identifier reading stopped, in bytes.
    """

    def __init__(self, what: str, advice: str = "", where: str = "", offset: int = 0) -> None:
        super().__init__(what, advice, where)
        self.offset = offset


class LocalProtocolError(CfindError):
    """Our own side did what the state of the association does not allow: a defect of cfind."""


class DefectError(CfindError):
    """cfind itself failed, where nothing should fail.

    Its text names the place alone: the exception's own text may hold what a peer sent.

    Attributes:
        cause: the exception.
    """

    def __init__(self, cause: BaseException) -> None:
        trace = cause.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "an unknown place"
        if trace is not None:
            code = trace.tb_frame.f_code
            place = f"{code.co_name}, line {trace.tb_lineno} of {'/'.join(code.co_filename.split('/')[-3:])}"
        super().__init__(
            f"this is a defect of cfind {__version__}: {type(cause).__name__} in {place}",
            "please report it with the command line, and with what --debug prints if others may see it",
        )
        self.cause = cause


# --- the rest ---------------------------------------------------------------------------------------


class IncompleteError(CfindError):
    """Answers arrived, but they are not all, or it cannot be known whether they are."""

    status = ExitStatus.INCOMPLETE


class SinkError(CfindError):
    """An output, a report or a temporary file could not be written."""

    status = ExitStatus.SINK_FAILED


class AlreadyRunningError(CfindError):
    """Another run of the same job is going on."""

    status = ExitStatus.ALREADY_RUNNING


class StateError(CfindError):
    """What is kept of runs cannot be read or written, or does not fit."""

    status = ExitStatus.INVALID_JOB


class UnwritableStateError(StateError):
    """What has to be kept, since nothing is right without it, cannot be written."""

    status = ExitStatus.SINK_FAILED


class InterruptedRunError(CfindError):
    """The run was ended by SIGINT or SIGTERM; `outcome` is that of a FindError."""

    status = ExitStatus.INTERRUPTED
    outcome: Any = None
