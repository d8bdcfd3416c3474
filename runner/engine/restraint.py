"""What a job asks for a peer's sake: how fast and when it is sent operations, and what is tried again."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

from runner.engine.circuit import Circuit, Outage, pause
from runner.engine.opening_hours import OpeningHours
from runner.engine.operation_queue import LeftToOthersError
from runner.engine.pace import Pace
from runner.errors import (
    AssociationRejectedError,
    CfindError,
    InterruptedRunError,
    NoAssociationError,
    OutsideWindowError,
)
from runner.model import Peer
from runner.transport.sockets import StoppedError, wait_for
from runner.transport.stop_signal import StopSignal

#: An association is not kept through a longer wait, in seconds.
_LONG = 5.0
#: The clock is looked at again after so many seconds: it may be set, or the machine may have slept.
_LOOK = 60.0

_Connection = TypeVar("_Connection")


class Restraint:
    """Holds the workers of one peer back; for any thread.

    Args:
        peer: has a rate, retries or a window.
        stop: ends all waiting.
        warn: is told of attempts that failed.
        tell: is told what is waited for.
        clock: gives the time, in seconds since the epoch.
        waits: whether a closed window is waited for; otherwise operations fail.
    """

    def __init__(
        self,
        peer: Peer,
        stop: StopSignal,
        warn: Callable[[str], None],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.time,
        *,
        waits: bool = True,
    ) -> None:
        self._stop = stop
        self._warn = warn
        self._tell = tell
        self._clock = clock
        self._waits = waits
        self._retries = peer.retries
        self._pace = Pace(peer.rate) if peer.rate is not None else None
        self._circuit = Circuit(peer.retries) if peer.retries is not None else None
        self._hours = OpeningHours(peer.window) if peer.window is not None else None
        # Of the window: from when until when it is known to be open, and to be closed, and what that means.
        # From the moment that was looked at on: a clock that is put back shows times nobody has looked at.
        self._known_open = self._known_closed = (0.0, 0.0)
        self._closed: OutsideWindowError | None = None
        self._outages = 0
        self._lock = threading.Lock()

    @property
    def attempts(self) -> int:
        """How many times more an operation is tried."""
        return self._retries.attempts if self._retries is not None else 0

    @property
    def given_up(self) -> CfindError | None:
        """Why the peer is not asked any more; None where it is."""
        return self._circuit.given_up if self._circuit is not None else None

    def hold(self, rest: Callable[[], None]) -> None:
        """Wait until another operation may be sent.

        Args:
            rest: is called before a wait that is too long to keep an association.

        Raises:
            OutsideWindowError: the window is closed, and nobody waits for it.
            InterruptedRunError: if the stop signal is set.
        """
        self._wait_for_window(rest)
        if self._pace is not None:
            seconds = self._pace.turn()
            if seconds > 0:
                self._wait(seconds, rest)
                self._wait_for_window(rest)

    def wait_after(self, failures: int, rest: Callable[[], None]) -> None:
        """Wait before an operation is tried again that has failed so many times."""
        assert self._retries is not None
        self._wait(pause(self._retries, failures), rest)

    def reach(
        self, worker: object, connect: Callable[[], _Connection], give_back: Callable[[CfindError], bool]
    ) -> _Connection:
        """Get an association for a worker, as often as that is to be tried.

        Args:
            worker: who wants one.
            connect: asks for it once.
            give_back: leaves the operation to the other workers; False where there are none.

        Raises:
            NoAssociationError: there is none; it is `given_up` where there will be none.
            LeftToOthersError: if the operation was left to others.
            InterruptedRunError: if the stop signal is set.
        """
        circuit = self._circuit
        if circuit is None:
            return connect()
        while True:
            self._wait_for_turn(circuit, worker)
            try:
                connection = connect()
            except NoAssociationError as error:
                if not error.transient:
                    raise
                crowded = circuit.stands and isinstance(error, AssociationRejectedError)
                outage = None if crowded else circuit.failed(worker, error)
                if circuit.given_up is not None:
                    raise circuit.given_up from None
                if crowded or (outage is not None and outage.pause is None):
                    if give_back(error):
                        raise LeftToOthersError from None
                    outage = outage or circuit.failed(worker, error)
                if outage is not None:
                    self._tell_outage(outage, error)
            else:
                self._tell_end(*circuit.gave())
                return connection
            finally:
                circuit.done(worker)

    def ended(self) -> None:
        """Note that an association has ended which `reach` gave."""
        if self._circuit is not None:
            self._circuit.ended()

    def failures(self) -> int:
        """Return how many times the peer gave no association, where that was not all told."""
        return self._circuit.failures if self._circuit is not None and self._outages > 1 else 0

    def _wait_for_turn(self, circuit: Circuit, worker: object) -> None:
        """Wait until a worker may ask the peer for an association."""
        while True:
            self._wait_for_window(_nothing)
            turn = circuit.ask(worker)
            if isinstance(turn, StopSignal):
                try:
                    wait_for(turn.fileno(), select.POLLIN, None, self._stop)
                except StoppedError:
                    raise _interrupted() from None
            elif turn > 0:
                self._wait(turn, _nothing)
            else:
                return

    def _wait_for_window(self, rest: Callable[[], None]) -> None:
        if self._hours is None:
            return
        while True:
            now = self._clock()
            since, until = self._known_open
            if since <= now < until:
                return
            since, until = self._known_closed
            if self._closed is None or not since <= now < until:
                self._look_at(self._hours, now)
                continue
            if not self._waits:
                raise self._closed
            self._wait(min(until - now, _LOOK), rest)

    def _look_at(self, hours: OpeningHours, now: float) -> None:
        """Find out whether the window is open, and until when it is or is not."""
        moment = datetime.fromtimestamp(now, timezone.utc)
        with self._lock:
            closes = hours.closes(moment)
            if closes is not None:
                self._known_open = (now, closes.timestamp())
                return
            opens = hours.opens(moment)
            _, told = self._known_closed
            if opens.timestamp() != told:  # else another worker has looked, and told
                shown = hours.shown(opens)
                what = f"it is left alone until its window opens: {shown}"
                advice = "run the job then, or let it wait: leave out --no-wait"
                self._closed = OutsideWindowError(what, advice)
                if self._waits:
                    self._tell(f"its window is closed: waiting until {shown}")
            self._known_closed = (now, opens.timestamp())

    def _wait(self, seconds: float, rest: Callable[[], None]) -> None:
        if seconds > _LONG:
            rest()
        if self._stop.wait(seconds):
            raise _interrupted()

    def _tell_outage(self, outage: Outage, error: CfindError) -> None:
        if outage.failures == 1:
            self._outages += 1
        if outage.failures == 1 and self._outages == 1 and outage.pause is not None:
            times = f"up to {outage.allowed} times" if outage.allowed > 1 else "once"
            self._warn(f"{error.what}; it is asked again {times}, at first in {outage.pause:.1f} s")

    def _tell_end(self, failures: int, seconds: float) -> None:
        if failures and self._outages == 1:
            times = f"{failures} times" if failures > 1 else "once"
            self._warn(f"it gave an association again after {seconds:.1f} s, having failed to {times}")


def _nothing() -> None:
    """Where there is no association, there is none to end."""


def _interrupted() -> InterruptedRunError:
    return InterruptedRunError("interrupted before it was sent")
