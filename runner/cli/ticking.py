"""Something that is done every so often while a run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from runner.cli.messages import complain_of_defect
from runner.errors import DefectError


class Ticking:
    """While it is entered, calls a function every so often from a thread of its own.

    Args:
        tick: what is called. A defect of it is told and ends the calls; the run goes on.
        interval: seconds between two calls.
        first: seconds until the first one; None for `interval`.
    """

    def __init__(self, tick: Callable[[], None], interval: float, first: float | None = None) -> None:
        self._tick = tick
        self._interval = interval
        self._first = interval if first is None else first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticking", daemon=True)

    def __enter__(self) -> Ticking:  # noqa: PYI034 - Self is not in Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        waiting = self._first
        while not self._over.wait(waiting):
            try:
                self._tick()
            except Exception as defect:  # noqa: BLE001 - who only looks on harms nothing
                complain_of_defect(DefectError(defect), debug=False)
                return
            waiting = self._interval
