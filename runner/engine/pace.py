"""How fast a peer is asked: evenly, and never faster than the job allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Gives turns to all workers of a peer, `1 / rate` seconds apart at least.

    What was not used is not made up for: after a pause the peer is not sent a burst. (A token bucket that
    holds one token.)

    Args:
        rate: turns a second.
        clock: gives the time in seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._next = clock()
        self._lock = threading.Lock()

    def turn(self) -> float:
        """Take the next turn; return in how many seconds it is, 0 for now."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval
            return turn - now
