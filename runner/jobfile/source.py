"""The characters of a job file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from runner.jobfile.problem import Problem

#: The longest job file that is read, in bytes.
MAX_LENGTH = 64 << 20

#: What may not stand in a YAML stream (YAML 1.2, 5.1), and byte order marks, which only its beginning has.
_UNPRINTABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")

#: Byte order marks; UTF-32's come first since UTF-16's are their beginnings.
_ENCODINGS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)


#: What files were when a scheduler found them valid, by the names under which they are read.
_HELD: dict[str, bytes] = {}


def hold(files: Mapping[str, bytes]) -> None:
    """Take files for what they were: from now on this process reads of them what is given here."""
    _HELD.update(files)


def read_text(path: Path, called: str = "the job file") -> str | Problem:
    """Read a file in UTF-8, or in what its byte order mark says.

    Args:
        path: the file.
        called: what messages call it.

    Returns:
        The text, or why there is none.
    """
    file = str(path)
    try:
        data = _HELD.get(file)
        if data is None:
            with path.open("rb") as stream:
                data = stream.read(MAX_LENGTH + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = (
            f"name {called} itself"
            if isinstance(error, IsADirectoryError)
            else "check the path and the permissions"
        )
        return Problem(file, 0, 0, "", f"{called} cannot be read: {reason}", advice)
    if len(data) > MAX_LENGTH:
        return Problem(file, 0, 0, "", f"{called} is longer than {MAX_LENGTH >> 20} MiB", "put less into it")
    encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return _undecodable(file, data, encoding, error)
    unprintable = _UNPRINTABLE.search(text)
    if unprintable is None:
        return text
    line, column = _position(text[: unprintable.start()])
    code = ord(unprintable.group())
    if not code and encoding == "utf-8":
        advice = "save the file as UTF-8: this may be UTF-16 without a byte order mark, or no text at all"
    else:
        advice = 'remove it, or write it as an escape such as "\\x1b" between double quotes'
    return Problem(file, line, column, "", f"the character U+{code:04X} may not stand in a YAML file", advice)


def _undecodable(file: str, data: bytes, encoding: str, error: UnicodeDecodeError) -> Problem:
    if encoding.startswith("utf-8"):
        line, column = _position(data[: error.start].decode(encoding, "replace"))
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        return Problem(file, line, column, "", what, "save the file as UTF-8")
    what = f"the byte order mark says {encoding.upper()}, but the file is something else"
    return Problem(file, 0, 0, "", what, "save the file as UTF-8")


def _position(before: str) -> tuple[int, int]:
    """Return line and column, from 1, of what follows the text."""
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return len(lines), len(lines[-1]) + 1
