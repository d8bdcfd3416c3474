"""Secrets, from where the job says that they are; read when they are used and no earlier."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.errors import InterruptedRunError, InvalidJobError
from runner.model import Secret, SecretSource
from runner.transport.sockets import StoppedError, wait_for
from runner.transport.stop_signal import StopSignal


@dataclass(frozen=True, slots=True)
class Need:
    """What a secret is needed for, as messages say it.

    Attributes:
        name: what it is called, such as password.
        where: the file or the peer that it is for.
        owner: whose it is, for the question, such as "the private key client.key".
        longest: more bytes than that are refused.
        limit: who takes no more, and what to do, in words.
        because: why it is needed, with "and " behind it; "" where that is plain.
        whole_file: whether all of a file is the secret, byte for byte, in place of its first line.
    """

    name: str
    where: str
    owner: str
    longest: int
    limit: tuple[str, str]
    because: str = ""
    whole_file: bool = False


def secret_of(secret: Secret, need: Need, stop: StopSignal) -> bytes:
    """Return a secret.

    Args:
        secret: where it is to be found.
        need: what it is for.
        stop: ends the waiting for someone to type it.

    Raises:
        InvalidJobError: if it is not there, or too long.
        InterruptedRunError: if the stop signal is set.
    """
    match secret.source:
        case SecretSource.PROMPT:
            found = _asked(need, stop)
        case SecretSource.ENVIRONMENT:
            found = _from_environment(secret.value, need)
        case SecretSource.FILE:
            found = _from_file(Path(secret.value), need)
        case SecretSource.EMPTY | SecretSource.LITERAL:
            found = os.fsencode(secret.value)
    if len(found) > need.longest:
        who, advice = need.limit
        length = f"more than {need.longest}" if need.whole_file else f"{len(found)}"
        raise InvalidJobError(
            f"the {need.name} has {length} bytes, and {who} takes at most {need.longest}", advice, need.where
        )
    return found


def _from_environment(name: str, need: Need) -> bytes:
    value = os.environ.get(name)
    if value is None:
        raise InvalidJobError(
            f"{need.because}the environment variable {name} is not set",
            f"set it to the {need.name}",
            need.where,
        )
    return os.fsencode(value)


def _from_file(path: Path, need: Need) -> bytes:
    """Return the first line of a file, or all of it."""
    try:
        with path.open("rb") as file:
            if need.whole_file:
                return file.read(need.longest + 1)
            return file.readline(need.longest + 3).rstrip(b"\r\n")
    except OSError as error:
        raise InvalidJobError(
            f"{need.because}the file with the {need.name} cannot be read: {error.strerror}",
            "check the path, which is relative to the job file, and the permissions",
            str(path),
        ) from None


def _asked(need: Need, stop: StopSignal) -> bytes:
    """Ask on stderr and read a line of stdin, which is not shown where it is a terminal."""
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, ValueError, OSError):
        raise _unanswered(need) from None
    owner = "".join(character if character.isprintable() else "?" for character in need.owner)
    question = f"{need.name[:1].upper()}{need.name[1:]} of {owner}: "
    with contextlib.suppress(OSError, ValueError, AttributeError), _without_echo(descriptor):
        print(question, end="", file=sys.stderr, flush=True)
        line = bytearray()
        try:
            # Byte by byte, so that what follows the line stays where it is.
            while not line.endswith(b"\n") and len(line) <= need.longest + 2:
                wait_for(descriptor, select.POLLIN, None, stop)
                byte = os.read(descriptor, 1)
                if not byte:
                    break
                line += byte
        except StoppedError:
            raise InterruptedRunError(f"interrupted while the {need.name} was asked for") from None
        finally:
            print(file=sys.stderr, flush=True)
        if line:
            return bytes(line).rstrip(b"\r\n")
    raise _unanswered(need)


def _unanswered(need: Need) -> InvalidJobError:
    return InvalidJobError(
        f"{need.because}there is nobody to ask for the {need.name}",
        f"let the {need.name} come from ${{env:NAME}} or ${{file:PATH}} in the job,"
        " or type it on standard input",
        need.where,
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
