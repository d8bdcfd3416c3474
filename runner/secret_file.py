"""Files that hold secrets, and whether more people than their owner can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: As much as is looked at of a private key, in bytes: what says that it is encrypted stands at its beginning.
_BEGINNING = 4096
_SEQUENCE = 0x30


def exposure(path: Path) -> str | None:
    """Return who else can read a file, in words; None where nobody can, or where there is no such file."""
    if os.name != "posix":
        return None
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None  # a pipe or a device is no place where a secret lies
    if found.st_mode & stat.S_IROTH:
        return "every user of this machine"
    return "its group" if found.st_mode & stat.S_IRGRP else None


def key_exposure(path: Path) -> str | None:
    """Return what `exposure` does for a file with a private key; None also where the key is encrypted."""
    readers = exposure(path)
    if readers is None:
        return None
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError:
        return None
    return None if b"ENCRYPTED" in beginning or _is_encrypted_der(beginning) else readers


def _is_encrypted_der(data: bytes) -> bool:
    """Whether a key is an EncryptedPrivateKeyInfo in DER: a sequence that begins with one (RFC 5958 3)."""
    if len(data) < 6 or data[0] != _SEQUENCE:
        return False
    first = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    return data[first : first + 1] == bytes((_SEQUENCE,))


def advice(path: Path) -> str:
    """Return what to do about a file that others can read."""
    return f"chmod 600 {path}"
