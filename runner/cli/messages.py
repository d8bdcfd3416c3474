"""Messages on stderr: one line each, nothing in them that a terminal would obey.

They are for people, or with `--log json` objects of JSON, for programs.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import unicodedata
from collections.abc import Iterator
from typing import Any, Protocol

from runner.errors import DefectError, SinkError


class Outlet(Protocol):
    """Prints lines in place of stderr, with which it shares the terminal."""

    def line(self, text: str) -> None:
        """Print a line now."""

    def soon(self, text: str) -> None:
        """Print a line before long; for signal handlers, which must not wait for anything."""


class _Voice:
    """How messages are told.

    Attributes:
        as_json: whether each is an object of JSON.
        outlet: takes lines in place of stderr; None for stderr itself.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.outlet: Outlet | None = None


_voice = _Voice()


def speak_json(*, as_json: bool = True) -> None:
    """From now on tell messages as JSON, or no more."""
    _voice.as_json = as_json


def speaks_json() -> bool:
    """Return whether messages are told as JSON."""
    return _voice.as_json


@contextlib.contextmanager
def spoken_through(outlet: Outlet) -> Iterator[None]:
    """While it is entered, let something else print the lines, which shares the terminal with them."""
    _voice.outlet = outlet
    try:
        yield
    finally:
        _voice.outlet = None


def say(text: str) -> None:
    """Print on standard output.

    Raises:
        SinkError: if it does not take it.
    """
    try:
        sys.stdout.write(text)
    except OSError as error:
        raise lost_output(error) from None


def flush_output() -> None:
    """See to it that standard output has all that was said.

    Raises:
        SinkError: if it does not take it.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise lost_output(error) from None


def lost_output(error: OSError) -> SinkError:
    """Return the error for a standard output that does not take what is printed."""
    if isinstance(error, BrokenPipeError):
        return SinkError("standard output was closed before all was printed")
    return SinkError(
        f"cannot print on standard output: {error.strerror}", "redirect it to where there is room"
    )


def complain(text: str) -> None:
    """Print one message on stderr; a stderr that is gone is no further failure."""
    note(message_line(text))


def message_line(text: str) -> str:
    """Return the line that tells a message, for whoever prints it."""
    return event_line("message", {"text": text}) if _voice.as_json else f"cfind: {text}"


def tell_event(event: str, members: dict[str, Any]) -> None:
    """Print one event as an object of JSON on stderr."""
    note(event_line(event, members))


def event_line(event: str, members: dict[str, Any]) -> str:
    """Return an event as JSON, with the time in UTC."""
    import json

    now = time.time()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    stamped = {"time": f"{seconds}.{int(now * 1000) % 1000:03d}Z", "event": event, **members}
    # what is not ASCII is escaped: neither a terminal nor an encoding makes anything else of it
    return json.dumps(stamped)


def note(line: str) -> None:
    """Print one line as it is, for a program that reads it there; a stderr that is gone is no failure."""
    if _voice.outlet is not None:
        _voice.outlet.line(printable(line))
        return
    if sys.stderr is None:  # it was closed when the process began
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{printable(line)}\n")
        sys.stderr.flush()


def complain_from_handler(text: str, *, at_the_end: bool = False) -> None:
    """Print a message from a signal handler, past the buffers that it may have broken into.

    Args:
        text: the message.
        at_the_end: whether the process ends right after it.
    """
    line, outlet = message_line(text), _voice.outlet
    if outlet is not None and not at_the_end:
        outlet.soon(line)
        return
    with contextlib.suppress(OSError):
        os.write(2, f"{chr(10) if outlet is not None else ''}{line}\n".encode())


def complain_of_defect(error: DefectError, *, debug: bool) -> None:
    """Print what is known of a defect; with `debug` its traceback, which may hold what a peer sent."""
    complain(str(error))
    if debug:
        import traceback

        for text in traceback.format_exception(error.cause):
            for line in text.rstrip("\n").splitlines():
                complain(line)


def printable(text: str) -> str:
    """Return a text with control and format characters and lone surrogates as visible escapes.

    Peers choose error comments, and authors of jobs names: neither may steer a terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else character
        for character in text
    )
