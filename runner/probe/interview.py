"""Asks a peer what `learn` wants to know: sends C-FINDs and reads what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from runner.dicom.charset import UnknownCharacterSetError, character_set
from runner.dicom.decoding import Decoder, declared_terms
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk
from runner.dicom.encoding import EncodingError, encode
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import (
    CfindError,
    ConnectionLostError,
    DimseTimeoutError,
    FindError,
    NoAssociationError,
    PeerAbortedError,
    UndecodableIdentifierError,
)
from runner.model import Peer
from runner.probe.answer import Answer, Question, Record
from runner.probe.facts import Fact, Findings
from runner.probe.ground import Ground
from runner.probe.learn import learn
from runner.status import FindOutcome
from runner.transport.connection import PeerConnection
from runner.transport.stop_signal import StopSignal

#: So many associations are opened side by side at most.
MAX_ASSOCIATIONS = 4
#: A peer that wants no more associations may say nothing at all: it has so many seconds for an answer.
_PATIENCE = 5.0
#: A peer that does not answer so often is not asked any more.
_MAX_TIMEOUTS = 2
#: So many responses to one question are looked at; all of them are counted.
_MAX_RECORDS = 5000
_UNDEFINED = "a term that is not defined"

_FAILURES: tuple[tuple[type[FindError], str], ...] = (
    (DimseTimeoutError, "no answer in time"),
    (PeerAbortedError, "an abort"),
    (ConnectionLostError, "a lost connection"),
    (UndecodableIdentifierError, "a response that cannot be decoded"),
)


class _EnoughError(Exception):
    """More responses came than are let come."""


class Interview:
    """A dialogue with one peer, over one association at a time.

    Args:
        peer: with an address.
        ground: where to ask.
        limit: how many responses are let come to one question; a peer that goes on after a C-CANCEL is cut
            off when there are twice as many.
        stop: ends it.
        warn: is told what did no harm.

    Attributes:
        error: why it came to an early end; None where it did not.
    """

    def __init__(
        self, peer: Peer, ground: Ground, limit: int, stop: StopSignal, warn: Callable[[str], None]
    ) -> None:
        self.error: CfindError | None = None
        self._peer = peer
        self._ground = ground
        self._syntax_of = ground.model.sop_class_uid
        self._limit = limit
        self._stop = stop
        self._warn = warn
        self._connection: PeerConnection | None = None
        # How many C-FINDs went over this association, and over the longest-lived one.
        self._served = self._most = 0
        # After how many C-FINDs the peer ended associations, and how many it is therefore given.
        self._losses: list[int] = []
        self._allowed: int | None = None
        self._timeouts = 0

    def findings(self) -> Findings:
        """Ask, and return what was learned.

        Raises:
            NoAssociationError: there is no association to begin with.
            FindError: no question at all was answered.
            InterruptedRunError: the stop signal was set.
        """
        dialogue = learn(self._ground, self._limit)
        try:
            question = next(dialogue)
            while True:
                question = dialogue.send(self._ask(question))
        except StopIteration as end:
            findings: Findings = end.value
        finally:
            self._close()
        if not findings.answers and self.error is None:
            raise FindError(
                f"none of {findings.questions} questions was answered: the first ended with"
                f" {findings.refusals[0]}",
                "try another information model, or let a query of the job lead to where something is",
            )
        if findings.answers:
            findings.facts["operations_per_association"] = self._operations()
            if self.error is None:
                findings.facts["max_associations"] = self._associations()
        return findings

    # --- one question ---------------------------------------------------------------------------

    def _ask(self, question: Question) -> Answer:
        """Send a question; again over a fresh association, where the old one may be what was wrong."""
        try:
            answer, served = self._sent(question)
            suspicious = not answer.responses and (answer.status is None or self._most <= 1)
            if answer.refusal and served and suspicious and not answer.over:
                self._close()
                again, _ = self._sent(question)
                if not again.refusal:
                    self._note_loss(served)
                answer = replace(again, attempts=2)
        except NoAssociationError as error:
            if not self._most:
                raise
            self.error = error
            return Answer(status=None, attempts=0, over=True)
        return answer

    def _sent(self, question: Question) -> tuple[Answer, int]:
        """Send a question once; return also how many C-FINDs had gone over the association before."""
        connection = self._opened()
        served = self._served
        collected = _Collected(connection.transfer_syntax(self._syntax_of), 2 * self._limit)
        try:
            data = encode(question.identifier, collected.syntax, self._peer.deflate_level)
        except EncodingError:
            return Answer(status=None, failure="a value that cannot be sent", attempts=0), 0
        self._served += 1
        try:
            outcome = connection.find(
                self._syntax_of, data, collected.take, question.cancel_after, collected.keep
            )
        except _EnoughError:
            self._close()
            return collected.answer(cancelled=True, overrun=True), served
        except FindError as error:
            self._close()
            failure = next((words for kind, words in _FAILURES if isinstance(error, kind)), "a broken answer")
            if isinstance(error, DimseTimeoutError):
                self._timeouts += 1
                if self._timeouts >= _MAX_TIMEOUTS and self._most:
                    self.error = error
                    return collected.answer(failure=failure, over=True), served
            return collected.answer(failure=failure), served
        assert isinstance(outcome, FindOutcome)
        answer = collected.answer(outcome.detail.status, cancelled=outcome.cancelled)
        if not answer.refusal:
            self._most = max(self._most, self._served)
        return answer, served

    # --- associations ---------------------------------------------------------------------------

    def _opened(self) -> PeerConnection:
        connection = self._connection
        if connection is not None:
            if not connection.alive:
                self._note_loss(self._served)
            elif self._served != self._allowed:
                return connection
            self._close()
        connection = PeerConnection.open(self._peer, [self._syntax_of], self._stop)
        self._connection, self._served = connection, 0
        return connection

    def _note_loss(self, served: int) -> None:
        """Note after how many C-FINDs the peer ended an association, or took no more."""
        if served:
            self._losses.append(served)
            if self._losses.count(served) > 1:
                self._allowed = served

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and (warning := connection.close()):
            self._warn(warning)

    def _operations(self) -> Fact:
        if self._allowed is not None:
            times = self._losses.count(self._allowed)
            return Fact(self._allowed, f"it took no more over one association, {times} times")
        if self._losses:
            return Fact(None, f"it ended an association after {_finds(self._losses[0])}, but not always")
        return Fact(None, f"no limit was met with: {_finds(self._most)} went over one association")

    def _associations(self) -> Fact:
        """Open some associations side by side, and close them at once."""
        acse = self._peer.timeouts.acse
        patience = _PATIENCE if acse is None else min(acse, _PATIENCE)
        peer = replace(self._peer, timeouts=replace(self._peer.timeouts, acse=patience))
        opened: list[PeerConnection] = []
        try:
            with suppress(NoAssociationError):
                while len(opened) < MAX_ASSOCIATIONS:
                    opened.append(PeerConnection.open(peer, [self._syntax_of], self._stop))
        finally:
            for connection in opened:
                connection.close()
        count = len(opened)
        if count == MAX_ASSOCIATIONS:
            return Fact(count, f"{count} stood at the same time; more were not tried")
        return Fact(count or None, f"{count} stood at the same time, and it took no more")


class _Collected:
    """The responses to one question."""

    def __init__(self, syntax: TransferSyntax, most: int) -> None:
        self.syntax = syntax
        self._most = most
        self._decoder = Decoder(syntax)
        self._responses = 0
        self._records: list[Record] = []

    def take(self, identifiers: Sequence[bytes], _status: int) -> None:
        self._responses += len(identifiers)
        for identifier in identifiers[: _MAX_RECORDS - len(self._records)]:
            with suppress(UndecodableIdentifierError):
                self._records.append(self._record(identifier))
        if self._responses > self._most:
            raise _EnoughError

    def keep(self, _identifier: bytes, _status: int, _why: UndecodableIdentifierError) -> None:
        self._responses += 1

    def answer(
        self,
        status: int | None = None,
        *,
        cancelled: bool = False,
        overrun: bool = False,
        failure: str = "",
        over: bool = False,
    ) -> Answer:
        return Answer(
            status, self._responses, tuple(self._records), cancelled, overrun, failure, attempts=1, over=over
        )

    def _record(self, data: bytes) -> Record:
        elements = walk(data, self.syntax, STANDARD)
        return Record(self._decoder.identifier(data, elements), _known(declared_terms(data, elements)))


def _known(terms: str) -> str:
    """Return a value of SpecificCharacterSet, if it is none that the peer made up."""
    try:
        return character_set(terms).terms
    except UnknownCharacterSetError:
        return _UNDEFINED


def _finds(count: int) -> str:
    return f"{count} C-FIND{'s' if count != 1 else ''}"
