"""Hands out the operations of one peer to its workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from runner.errors import CfindError
from runner.plan import Operation


class LeftToOthersError(Exception):
    """An operation was handed back, since the peer gives its associations to the other workers."""


class OperationQueue:
    """Gives each operation of one peer to one of its workers.

    A worker that gets no association hands its operation back and leaves while there are others: a peer
    that allows fewer associations than the job asks for still gets every operation. Workers are told
    apart by identity, and each must `join` before the first of them takes anything.

    What follows from an operation goes before all that was there already: the tree of operations is gone
    through in depth, so that what is open at any time is little.

    Args:
        operations: in the plan's order.
        growing: whether operations may follow from others; a worker then waits for the others' results
            before it leaves.

    Attributes:
        reached: whether any worker had an association.
        refusal: why a worker left, None where none did.
        deserted: whether the last worker had no association for an operation either.
    """

    def __init__(self, operations: Iterator[Operation], *, growing: bool = False) -> None:
        self.reached = False
        self.refusal: CfindError | None = None
        self.deserted = False
        self._growing = growing
        self._sources = [operations]
        self._returned: list[Operation] = []
        self._workers: set[object] = set()
        # Those that have an operation and may yet hand it back.
        self._undecided: set[object] = set()
        # Those that have an operation from which others may follow.
        self._busy: set[object] = set()
        self._changed = threading.Condition()

    def join(self, worker: object) -> None:
        """Count a worker in."""
        self._workers.add(worker)

    def follow(self, operations: Iterator[Operation]) -> None:
        """Put in operations that follow from one which has ended, before its worker takes another."""
        with self._changed:
            self._sources.append(operations)
            self._changed.notify_all()

    def take(self, worker: object) -> Operation | None:
        """Return the next operation, None where none is left; wait while there may yet be another."""
        with self._changed:
            self._settle(worker)
            while True:
                operation = self._next()
                if operation is not None:
                    self._undecided.add(worker)
                    if self._growing:
                        self._busy.add(worker)
                    return operation
                if not self._undecided and not self._busy:
                    return None
                self._changed.wait()

    def _next(self) -> Operation | None:
        if self._returned:
            return self._returned.pop(0)
        while self._sources:
            operation = next(self._sources[-1], None)
            if operation is not None:
                return operation
            self._sources.pop()
        return None

    def keep(self, worker: object) -> None:
        """Note that a worker has an association for the operation that it took."""
        with self._changed:
            self.reached = True
            self._decide(worker)

    def give_back(self, worker: object, operation: Operation, refusal: CfindError) -> bool:
        """Take an operation back from a worker that gets no association, and count the worker out.

        Returns:
            False where there is no other worker: then nothing is taken back.
        """
        with self._changed:
            if self._workers <= {worker}:
                self.deserted = True
                return False
            self.refusal = refusal
            self._returned.append(operation)
            self._leave(worker)
            return True

    def leave(self, worker: object) -> None:
        """Count a worker out, in whatever state it is."""
        with self._changed:
            self._leave(worker)

    def _leave(self, worker: object) -> None:
        self._workers.discard(worker)
        self._settle(worker)

    def _settle(self, worker: object) -> None:
        if worker in self._busy:
            self._busy.remove(worker)
            self._changed.notify_all()
        self._decide(worker)

    def _decide(self, worker: object) -> None:
        if worker in self._undecided:
            self._undecided.remove(worker)
            self._changed.notify_all()
