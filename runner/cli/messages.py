"""Messages for people, on stderr: one line each, nothing in them that a terminal would obey."""

from __future__ import annotations

import contextlib
import sys
import unicodedata

from runner.errors import DefectError, SinkError


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
    note(f"cfind: {text}")


def note(line: str) -> None:
    """Print one line on stderr as it is, for a program that reads it there."""
    if sys.stderr is None:  # it was closed when the process began
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{printable(line)}\n")
        sys.stderr.flush()


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
