"""Hands out the operations of one peer to its workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from runner.errors import CfindError
from runner.plan import Operation


class OperationQueue:
    """Gives each operation of one peer to one of its workers.

    A worker that gets no association hands its operation back and leaves while there are others: a peer
    that allows fewer associations than the job asks for still gets every operation. Workers are told
    apart by identity, and each must `join` before the first of them takes anything.

    Args:
        operations: in the plan's order.

    Attributes:
        reached: whether any worker had an association.
        refusal: why a worker left, None where none did.
    """

    def __init__(self, operations: Iterator[Operation]) -> None:
        self.reached = False
        self.refusal: CfindError | None = None
        self._operations = operations
        self._returned: list[Operation] = []
        self._workers: set[object] = set()
        # Those that have an operation and may yet hand it back.
        self._undecided: set[object] = set()
        self._changed = threading.Condition()

    def join(self, worker: object) -> None:
        """Count a worker in."""
        self._workers.add(worker)

    def take(self, worker: object) -> Operation | None:
        """Return the next operation, None where none is left; wait while one may yet be handed back."""
        with self._changed:
            self._decide(worker)
            while True:
                operation = self._returned.pop(0) if self._returned else next(self._operations, None)
                if operation is not None:
                    self._undecided.add(worker)
                    return operation
                if not self._undecided:
                    return None
                self._changed.wait()

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
        self._decide(worker)

    def _decide(self, worker: object) -> None:
        if worker in self._undecided:
            self._undecided.remove(worker)
            self._changed.notify_all()
