"""A signal that ends all waiting for peers at once, from any thread or signal handler."""

from __future__ import annotations

import os
import select
import time

#: What one poll waits at most, in seconds; it takes no more milliseconds than an int holds.
_LONGEST_POLL = 86400.0


class StopSignal:
    """Once set, it stays set, and every connection that waits for its peer wakes.

    It holds a pipe, whose reading end turns readable and is never read, so that any number of pollers
    see it.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def set(self) -> None:
        """Set it; safe in signal handlers, and to call twice."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writer, b"\0")

    def is_set(self) -> bool:
        """Return whether it has been set."""
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, but no longer than that; return whether it has been."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        deadline = time.monotonic() + seconds
        while not self._is_set and (left := deadline - time.monotonic()) > 0:
            poll.poll(min(left, _LONGEST_POLL) * 1000 + 1)
        return self._is_set

    def fileno(self) -> int:
        """Return a file descriptor that is readable once it has been set."""
        return self._reader

    def __del__(self) -> None:
        for descriptor in (self._reader, self._writer):
            os.close(descriptor)
