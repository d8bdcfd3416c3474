"""The password of a private key, from where the job says that it is."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

from runner.errors import InterruptedRunError, InvalidJobError
from runner.model import Password, PasswordSource
from runner.transport.sockets import StoppedError, wait_for
from runner.transport.stop_signal import StopSignal

#: As long as OpenSSL takes a password, in bytes.
LONGEST = 1023


def password_of(password: Password, key: Path, stop: StopSignal) -> bytes:
    """Return a password.

    Args:
        password: where it is to be found.
        key: the private key that it is for, for messages.
        stop: ends the waiting for someone to type it.

    Raises:
        InvalidJobError: if it is not there, or too long.
        InterruptedRunError: if the stop signal is set.
    """
    match password.source:
        case PasswordSource.PROMPT:
            found = _asked(key, stop)
        case PasswordSource.ENVIRONMENT:
            found = _from_environment(password.value, key)
        case PasswordSource.FILE:
            found = _from_file(Path(password.value))
        case PasswordSource.EMPTY | PasswordSource.LITERAL:
            found = os.fsencode(password.value)
    if len(found) > LONGEST:
        raise InvalidJobError(
            f"the password has {len(found)} bytes, and OpenSSL takes at most {LONGEST}",
            "encrypt the key with a shorter one",
            str(key),
        )
    return found


def _from_environment(name: str, key: Path) -> bytes:
    value = os.environ.get(name)
    if value is None:
        raise InvalidJobError(
            f"the key is encrypted, and the environment variable {name} is not set",
            "set it to the password",
            str(key),
        )
    return os.fsencode(value)


def _from_file(path: Path) -> bytes:
    """Return the first line of a file."""
    try:
        with path.open("rb") as file:
            return file.readline(LONGEST + 3).rstrip(b"\r\n")
    except OSError as error:
        raise InvalidJobError(
            f"the key is encrypted, and the file with its password cannot be read: {error.strerror}",
            "check the path, which is relative to the job file, and the permissions",
            str(path),
        ) from None


def _asked(key: Path, stop: StopSignal) -> bytes:
    """Ask on stderr and read a line of stdin, which is not shown where it is a terminal."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        raise _unanswered(key) from None
    shown = "".join(character if character.isprintable() else "?" for character in str(key))
    with contextlib.suppress(OSError, ValueError, AttributeError), _without_echo(descriptor):
        print(f"Password of the private key {shown}: ", end="", file=sys.stderr, flush=True)
        line = bytearray()
        try:
            # Byte by byte, so that what follows the line stays where it is.
            while not line.endswith(b"\n") and len(line) <= LONGEST + 2:
                wait_for(descriptor, select.POLLIN, None, stop)
                byte = os.read(descriptor, 1)
                if not byte:
                    break
                line += byte
        except StoppedError:
            raise InterruptedRunError("interrupted while the password of the key was asked for") from None
        finally:
            print(file=sys.stderr, flush=True)
        if line:
            return bytes(line).rstrip(b"\r\n")
    raise _unanswered(key)


def _unanswered(key: Path) -> InvalidJobError:
    return InvalidJobError(
        "the key is encrypted, and there is nobody to ask for its password",
        "let the password come from ${env:NAME} or ${file:PATH} in the job, or type it on standard input",
        str(key),
    )


@contextlib.contextmanager
def _without_echo(descriptor: int) -> Iterator[None]:
    if not os.isatty(descriptor):
        yield
        return
    import termios

    before = termios.tcgetattr(descriptor)
    silent = list(before)
    silent[3] = before[3] & ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSAFLUSH, silent)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
