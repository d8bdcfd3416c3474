"""Knows when all that follows from an operation of the plan has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from runner.plan import Operation


class Roots:
    """Counts what is open of each operation of the plan: operations, and those that are yet to be made.

    Args:
        done: is told the number of an operation of the plan once nothing of it is open any more.
    """

    def __init__(self, done: Callable[[int], None]) -> None:
        self._done = done
        self._open: dict[int, int] = {}
        self._lock = threading.Lock()

    def following(self, root: int, operations: Iterator[Operation]) -> Iterator[Operation]:
        """Return operations that follow from a root, as they are asked for; or the root itself."""
        with self._lock:
            self._open[root] = self._open.get(root, 0) + 1
        return self._counted(root, operations)

    def _counted(self, root: int, operations: Iterator[Operation]) -> Iterator[Operation]:
        for operation in operations:
            with self._lock:
                self._open[root] += 1
            yield operation
        self.ended(root)

    def ended(self, root: int) -> None:
        """Note that an operation has ended, after what follows from it was noted."""
        with self._lock:
            self._open[root] -= 1
            if self._open[root]:
                return
            del self._open[root]
        self._done(root)
