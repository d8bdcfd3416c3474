"""The signals that a scheduler heeds."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from types import FrameType

from runner.errors import ExitStatus

#: Those that end it, and the exit status then.
ENDINGS = {signal.SIGINT: ExitStatus.INTERRUPTED, signal.SIGTERM: ExitStatus.TERMINATED}


class Signals:
    """While it is entered, SIGINT, SIGTERM and SIGHUP are kept until somebody asks for them."""

    def __init__(self) -> None:
        self._came: list[signal.Signals] = []
        self._before: dict[signal.Signals, object] = {}
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)

    def __enter__(self) -> Signals:  # noqa: PYI034 - Self is not in Python 3.10
        for number in (*ENDINGS, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us
        os.close(self._reading)
        os.close(self._writing)

    def wait(self, seconds: float) -> list[signal.Signals]:
        """Wait for signals, but no longer than that; return those that came."""
        select.select([self._reading], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._reading, 4096)
        came = []
        while self._came:
            came.append(self._came.pop(0))
        return came

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._came.append(signal.Signals(number))
        with suppress(OSError):  # it is full: `wait` returns anyway
            os.write(self._writing, b"!")
