"""Identifiers that cannot be decoded: their bytes are kept beside the output, whatever they are."""

from __future__ import annotations

import os
from pathlib import Path

from runner.sinks.atomic_file import write_all
from runner.sinks.failure import sink_error

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL
#: So many files are named in the report; all are kept.
MAX_NAMED = 100


class UndecodableFiles:
    """Writes files PREFIXundecodable0001.bin, … into a folder, and never over one that is there.

    Args:
        folder: where.
        prefix: before `undecodable` in the names.

    Attributes:
        names: the paths of the first files.
        count: how many were written.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self._stem = str(folder / f"{prefix}undecodable")
        self._number = 0
        self.names: list[str] = []
        self.count = 0

    def keep(self, identifier: bytes) -> str:
        """Write a file and return its path.

        Raises:
            SinkError: it cannot be written; nothing is left of it then.
        """
        while True:
            self._number += 1
            path = f"{self._stem}{self._number:04d}.bin"
            try:
                file = os.open(path, _FLAGS, 0o666)
            except FileExistsError:
                continue
            except OSError as error:
                raise sink_error("cannot create", path, error) from None
            break
        try:
            try:
                write_all(file, identifier)
            finally:
                os.close(file)
        except OSError as error:
            Path(path).unlink()
            raise sink_error("cannot write", path, error) from None
        self.count += 1
        if self.count <= MAX_NAMED:
            self.names.append(path)
        return path
