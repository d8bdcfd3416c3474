"""SIGINT, SIGTERM and SIGHUP: the first ends the run in order, the second at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from runner.cli.messages import complain_from_handler
from runner.errors import ExitStatus
from runner.transport.stop_signal import StopSignal

_STATUSES = {
    signal.SIGINT: ExitStatus.INTERRUPTED,
    signal.SIGTERM: ExitStatus.TERMINATED,
    signal.SIGHUP: ExitStatus.TERMINATED,
}

#: What sends a signal to a process and to its group, as timeout(1) does, sends it twice; so many seconds
#: later it is someone who does not want to wait.
_AGAIN = 0.3


class SignalledStop:
    """While it is entered, these signals set `stop`; a SIGHUP that is ignored (nohup) stays so.

    SIGINT is taken even where it is ignored: a shell script starts what it sends to the background so.

    Called, it says which of them came first, None while none has.

    Attributes:
        stop: may be exchanged; what takes the place of one that a signal has set is not set.
    """

    def __init__(self, stop: StopSignal | None = None) -> None:
        self.stop = stop
        self._came: ExitStatus | None = None
        self._when = 0.0
        self._before: dict[int, object] = {}

    def __enter__(self) -> SignalledStop:  # noqa: PYI034 - Self is not in Python 3.10
        for number in _STATUSES:
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us

    def __call__(self) -> ExitStatus | None:
        """Return the exit status that the first signal asks for."""
        return self._came

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._came is not None:
            # Whoever asks twice does not want to wait; no output has a final name before its commit.
            if time.monotonic() - self._when >= _AGAIN:
                complain_from_handler(
                    "ended at once: nothing that was not whole has got its final name", at_the_end=True
                )
                os._exit(_STATUSES[signal.Signals(number)])
            return
        self._came = _STATUSES[signal.Signals(number)]
        self._when = time.monotonic()
        complain_from_handler("interrupted: ending in order; once more ends at once")
        if self.stop is not None:
            self.stop.set()
