"""SIGINT and SIGTERM: the first ends the run in order, the second at once."""

from __future__ import annotations

import os
import signal
from types import FrameType

from runner.errors import ExitStatus
from runner.transport.stop_signal import StopSignal

_STATUSES = {signal.SIGINT: ExitStatus.INTERRUPTED, signal.SIGTERM: ExitStatus.TERMINATED}


class SignalledStop:
    """While it is entered, SIGINT and SIGTERM set `stop`.

    Called, it says which of them came first, None while none has.
    """

    def __init__(self, stop: StopSignal) -> None:
        self._stop = stop
        self._came: ExitStatus | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> SignalledStop:  # noqa: PYI034 - Self is not in Python 3.10
        for number in _STATUSES:
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
            os._exit(_STATUSES[signal.Signals(number)])
        self._came = _STATUSES[signal.Signals(number)]
        self._stop.set()
