"""TCP connections whose every wait has a deadline and can be stopped.

Deadlines are points of `time.monotonic`, in seconds; None is never.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from runner.errors import ConnectError, InterruptedRunError, NameLookupError
from runner.model import IPVersion, Peer
from runner.transport.stop_signal import StopSignal

#: As much as one receive takes, in bytes.
RECEIVE_SIZE = 1024 * 1024

#: After so many receives in a row that brought little, the peer is taken to be sending steadily, and a pause
#: of so many seconds is made before each receive: one for many responses costs a fraction of one for each.
_STEADY = 16
_LITTLE = 65536
_PAUSE = 0.0003

_FAMILIES = {
    IPVersion.ANY: socket.AF_UNSPEC,
    IPVersion.IPV4: socket.AF_INET,
    IPVersion.IPV6: socket.AF_INET6,
}
#: What poll takes at most, in milliseconds: 24 days.
_LONGEST_POLL = 0x7FFFFFFF
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)

_Address = tuple[int, int, int, str, Any]


def deadline_after(seconds: float | None) -> float | None:
    """Return the deadline so many seconds from now."""
    return None if seconds is None else time.monotonic() + seconds


class StoppedError(Exception):
    """The stop signal was set while something was waited for."""


class DeadlineError(Exception):
    """The deadline passed while something was waited for; a TimeoutError is the system's own."""


class Channel:
    """A connected socket. Only one thread may use it.

    Args:
        connected: it is closed with the channel.
        stop: wakes the waits that heed it.
    """

    def __init__(self, connected: socket.socket, stop: StopSignal) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._stop = stop
        self._buffer = memoryview(bytearray(RECEIVE_SIZE))
        self._short_receives = 0

    def receive(self, deadline: float | None, *, heed_stop: bool = True) -> memoryview:
        """Wait for bytes and return them; empty at the end of the stream.

        They are valid until the next call.

        Raises:
            DeadlineError: if the deadline passes first.
            StoppedError: if the stop signal is set and `heed_stop`.
            OSError: if the connection breaks.
        """
        if self._short_receives >= _STEADY:
            self._acknowledge()
            time.sleep(_PAUSE)
        while True:
            # A peer that drips, or one that never pauses, must not keep us from looking at the clock.
            if deadline is not None and time.monotonic() >= deadline:
                raise DeadlineError
            if heed_stop and self._stop.is_set():
                raise StoppedError
            with contextlib.suppress(BlockingIOError, InterruptedError):
                size = self._read()
                self._short_receives = self._short_receives + 1 if size < _LITTLE else 0
                return self._buffer[:size]
            if self._short_receives >= _STEADY:
                self._short_receives = 0
            self._wait(select.POLLIN, deadline, heed_stop=heed_stop)

    def receive_now(self) -> memoryview | None:
        """Return what has come, None for nothing, empty at the end of the stream; never wait.

        Raises:
            OSError: if the connection is broken.
        """
        try:
            return self._buffer[: self._read()]
        except (BlockingIOError, InterruptedError):
            return None

    def _read(self) -> int:
        """Put what has come into the buffer and return its length, 0 at the end of the stream.

        Raises:
            BlockingIOError: if nothing has come.
            OSError: if the connection is broken.
        """
        return self._socket.recv_into(self._buffer)

    def send(self, data: bytes, deadline: float | None, *, heed_stop: bool = True) -> None:
        """Send all of `data`; raises what `receive` does."""
        self._short_receives = 0
        view = memoryview(data)
        while view:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                view = view[self._socket.send(view) :]
                continue
            self._wait(select.POLLOUT, deadline, heed_stop=heed_stop)

    def _wait(self, event: int, deadline: float | None, *, heed_stop: bool) -> None:
        self._acknowledge()
        wait_for(self._socket, event, deadline, self._stop if heed_stop else None)

    def _acknowledge(self) -> None:
        """Have what came acknowledged at once; otherwise DCMTK-based peers wait 40 ms for it in every query.

        The kernel forgets it soon, so it is said before every wait; while data streams these are few.
        """
        if _QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def end_sending(self) -> None:
        """Tell the peer that nothing more comes, so that it can read all before the connection closes."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def wait_for(
    waited: socket.socket | int, event: int, deadline: float | None, stop: StopSignal | None
) -> None:
    """Wait until a socket or file descriptor is ready.

    Args:
        waited: the socket.
        event: POLLIN or POLLOUT.
        deadline: the end of waiting.
        stop: ends it too; None for nothing.

    Raises:
        DeadlineError: if the deadline passes first.
        StoppedError: if the stop signal is set.
    """
    poll = select.poll()
    poll.register(waited, event)
    if stop is not None:
        poll.register(stop, select.POLLIN)
    timeout = None
    if deadline is not None:
        timeout = min(max(0.0, deadline - time.monotonic()) * 1000 + 1, _LONGEST_POLL)
    ready = poll.poll(timeout)
    if stop is not None and stop.is_set():
        raise StoppedError
    if not ready:
        raise DeadlineError


def connect(
    peer: Peer,
    stop: StopSignal,
    secure: Callable[[socket.socket, float | None], Channel] | None = None,
) -> Channel:
    """Connect to one of a host's addresses, tried in the resolver's order.

    Args:
        peer: its `host` is a name, an IPv4 or an IPv6 address (with or without brackets), `ip_version` says
            which of its addresses are tried, and `timeouts.connect` bounds the look-up and all attempts
            together.
        stop: ends the waiting.
        secure: makes the channel of the connected socket before the deadline, as TLS does; None for plain
            TCP. It closes the socket where it fails.

    Raises:
        NameLookupError: if the host has no such address, or the look-up takes too long.
        ConnectError: if no address accepts the connection in time.
        TlsError: if `secure` fails.
        InterruptedRunError: if the stop signal is set.
    """
    timeout = peer.timeouts.connect
    deadline = deadline_after(timeout)
    try:
        addresses = _look_up(peer, deadline, stop)
        connected = _connect_to_any(addresses, timeout, deadline, stop)
        return Channel(connected, stop) if secure is None else secure(connected, deadline)
    except StoppedError:
        raise InterruptedRunError("interrupted while connecting") from None


def _look_up(peer: Peer, deadline: float | None, stop: StopSignal) -> Sequence[_Address]:
    """Return the host's addresses; the system's resolver cannot be stopped, so a thread waits for it."""
    host, port, family = peer.host, peer.port, _FAMILIES[peer.ip_version]
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    with contextlib.suppress(OSError, UnicodeError):
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    answers: list[Sequence[_Address] | OSError | UnicodeError] = []
    reader, writer = os.pipe()

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.append(error)
        finally:
            os.close(writer)

    threading.Thread(target=ask, name=f"look-up of {host}", daemon=True).start()
    try:
        wait_for(reader, select.POLLIN, deadline, stop)
    except DeadlineError:
        raise _not_found(
            f"the look-up of the host name {host!r} took too long",
            "check the name, and the name server",
            transient=True,
        ) from None
    finally:
        os.close(reader)
    answer = answers[0]
    if not isinstance(answer, (OSError, UnicodeError)):
        return answer
    kind = {IPVersion.ANY: "", IPVersion.IPV4: "IPv4 ", IPVersion.IPV6: "IPv6 "}[peer.ip_version]
    why = f" ({answer.strerror})" if isinstance(answer, OSError) and answer.strerror else ""
    raise _not_found(
        f"the host {host!r} has no {kind}address{why}",
        "check the host name",
        transient=isinstance(answer, OSError) and answer.errno == socket.EAI_AGAIN,
    )


def _not_found(what: str, advice: str, *, transient: bool) -> NameLookupError:
    error = NameLookupError(what, advice)
    error.transient = transient
    return error


def _connect_to_any(
    addresses: Sequence[_Address], timeout: float | None, deadline: float | None, stop: StopSignal
) -> socket.socket:
    failures = []
    for index, candidate in enumerate(addresses):
        # An address that does not answer must not use up the time of those behind it.
        until = deadline
        if deadline is not None:
            now = time.monotonic()
            until = now + max(0.0, deadline - now) / (len(addresses) - index)
        try:
            return _connect_to(candidate, until, stop)
        except DeadlineError:
            failures.append((candidate[4], f"no answer within {timeout:g} s"))
        except OSError as error:
            failures.append((candidate[4], error.strerror or type(error).__name__))
    tried = ", ".join(f"{_shown(address)}: {why}" for address, why in failures)
    raise ConnectError(
        f"cannot connect ({tried})",
        "check that host and port are right, and that the peer runs and is reachable",
    )


def _connect_to(candidate: _Address, deadline: float | None, stop: StopSignal) -> socket.socket:
    family, kind, protocol, _, address = candidate
    connected = socket.socket(family, kind, protocol)
    try:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connected.setblocking(False)
        with contextlib.suppress(BlockingIOError, InterruptedError):
            connected.connect(address)
        wait_for(connected, select.POLLOUT, deadline, stop)
        error = connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
    except BaseException:
        connected.close()
        raise
    return connected


def _shown(address: object) -> str:
    host, port = address[:2] if isinstance(address, tuple) else (address, "")
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
