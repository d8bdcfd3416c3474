"""What is known of a C-FIND while its responses arrive."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from runner.association.inflation import inflate
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import RemoteProtocolError, UndecodableIdentifierError
from runner.status import PENDING_WARNING, FindOutcome, StatusDetail, UnfinishedFind

Deliver = Callable[[Sequence[bytes], int], None]
KeepUndecodable = Callable[[bytes, int, UndecodableIdentifierError], None]

#: Inflated identifiers are handed on when they are so many bytes, so that batches do not grow with them.
_INFLATED_BATCH = 8 * 1024 * 1024
_MOST_ODDITIES = 16


class Finding:
    """One C-FIND.

    Attributes:
        responses: pending responses that brought an identifier.
        cancelled: whether a C-CANCEL was sent.
        detail: of the final response, once it came.
        without_identifier: pending responses that brought none.
    """

    def __init__(
        self, syntax: TransferSyntax, deliver: Deliver, keep: KeepUndecodable | None, oddities: Sequence[str]
    ) -> None:
        self.responses = 0
        self.cancelled = False
        self.detail: StatusDetail | None = None
        self.without_identifier = 0
        self._deflated = syntax.deflated
        self._deliver = deliver
        self._keep = keep
        self._pending_warnings = 0
        self._oddities = dict.fromkeys(oddities, 1)
        self._undecodable: UndecodableIdentifierError | None = None

    def take(self, identifiers: Sequence[bytes], status: int) -> None:
        """Hand on identifiers that arrived whole."""
        self._count(len(identifiers), status)
        if self._deflated:
            self._inflate(identifiers, status)
        else:
            self._deliver(identifiers, status)

    def keep(self, identifier: bytes, status: int, why: UndecodableIdentifierError) -> None:
        """Hand on an identifier that broke off."""
        self._count(1, status)
        self._keep_undecodable(identifier, status, why)

    def note(self, oddity: str) -> None:
        """Note a deviation that did no harm."""
        if oddity in self._oddities or len(self._oddities) < _MOST_ODDITIES:
            self._oddities[oddity] = self._oddities.get(oddity, 0) + 1

    def outcome(self) -> FindOutcome | UnfinishedFind:
        """Return what is known."""
        oddities = tuple(f"{text} ({n} times)" if n > 1 else text for text, n in self._oddities.items())
        if self.detail is None:
            return UnfinishedFind(self.responses, self.cancelled, self._pending_warnings, oddities)
        return FindOutcome(self.detail, self.responses, self.cancelled, self._pending_warnings, oddities)

    def raise_for_responses(self) -> None:
        """Raise if there was a response that nobody got as it should be.

        Raises:
            RemoteProtocolError: if a pending response brought no identifier.
            UndecodableIdentifierError: if an identifier broke off or could not be inflated, and nobody was
                told of it.
        """
        if self.without_identifier:
            total = self.responses + self.without_identifier
            raise RemoteProtocolError(
                f"{self.without_identifier} of {total} pending responses brought no identifier",
                "the peer is broken: what it found there is not known",
            )
        if self._undecodable is not None:
            raise self._undecodable

    def _count(self, count: int, status: int) -> None:
        self.responses += count
        if status == PENDING_WARNING:
            self._pending_warnings += count

    def _inflate(self, identifiers: Sequence[bytes], status: int) -> None:
        batch: list[bytes] = []
        size = 0
        for identifier in identifiers:
            try:
                inflated = inflate(identifier)
            except UndecodableIdentifierError as error:
                if batch:
                    self._deliver(batch, status)
                    batch, size = [], 0
                self._keep_undecodable(identifier, status, error)
                continue
            batch.append(inflated)
            size += len(inflated)
            if size >= _INFLATED_BATCH:
                self._deliver(batch, status)
                batch, size = [], 0
        if batch:
            self._deliver(batch, status)

    def _keep_undecodable(self, identifier: bytes, status: int, why: UndecodableIdentifierError) -> None:
        if self._keep is not None:
            self._keep(identifier, status, why)
            return
        if self._undecodable is None:
            self._undecodable = why
        self._deliver([identifier], status)
