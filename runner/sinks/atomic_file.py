"""A file that appears under its name only when it is whole."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runner.sinks.failure import sink_error

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


class AtomicFile:
    """Writes to a temporary file in the same folder, which is renamed when all is on the disk.

    What has the name and is no regular file (a device, a FIFO) is written to directly. A symbolic link
    is followed.

    Args:
        path: where the file is to be.

    Attributes:
        kept_in: after `keep`, where what was written lies; "" before.
    """

    def __init__(self, path: Path) -> None:
        self._shown = path
        self._path = Path(os.path.realpath(path))
        self._temporary: Path | None = None
        self._file = -1
        self.kept_in = ""

    def open(self) -> None:
        """Begin the temporary file.

        Raises:
            SinkError: the folder is missing or cannot be written, or a folder has the file's name.
        """
        try:
            if self._is_special():
                self._file = os.open(self._shown, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
                return
            # the name may be as long as names can be: its beginning will do
            start = os.fsdecode(os.fsencode(self._path.name)[:200])
            temporary = self._path.with_name(f".{start}.{os.urandom(4).hex()}.tmp")
            self._file = os.open(temporary, _FLAGS, 0o666)
            self._temporary = temporary
        except OSError as error:
            raise sink_error("cannot create", self._shown, error) from None

    def _is_special(self) -> bool:
        try:
            # not of the real path: /dev/stdout may lead to a pipe, which has none
            mode = self._shown.stat().st_mode
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "a folder")
        return not stat.S_ISREG(mode)

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            SinkError: the disk is full, or the like.
        """
        try:
            write_all(self._file, data)
        except OSError as error:
            raise sink_error("cannot write", self._shown, error) from None

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that have been written so far.

        Raises:
            SinkError: they cannot be read.
        """
        try:
            with (self._temporary or self._path).open("rb") as stream:
                yield from stream
        except OSError as error:
            raise sink_error("cannot read", self._temporary or self._path, error) from None

    def commit(self) -> None:
        """Give the file its name, in place of what had it.

        Raises:
            SinkError: it cannot be brought to the disk or renamed; it is then kept as partial.
        """
        try:
            self._end(sync=True)
            if self._temporary is not None:
                self._temporary.replace(self._path)
                sync_folder(self._path.parent)
        except OSError as error:
            self.keep()
            raise sink_error("cannot write", self._shown, error) from None

    def keep(self) -> None:
        """Keep what was written as NAME.partial, in place of an older one."""
        with suppress(OSError):  # the file is partial already
            self._end(sync=False)
        if self._temporary is None:
            self.kept_in = str(self._shown)
            return
        partial = self._path.with_name(self._path.name + ".partial")
        try:
            self._temporary.replace(partial)
            self.kept_in = str(partial)
        except OSError:
            self.kept_in = str(self._temporary)

    def discard(self) -> None:
        """Remove what was written."""
        try:
            self._end(sync=False)
            if self._temporary is not None:
                self._temporary.unlink()
        except OSError as error:
            raise sink_error("cannot remove", self._temporary or self._path, error) from None

    def _end(self, *, sync: bool) -> None:
        file, self._file = self._file, -1
        if file < 0:
            return
        try:
            if sync and self._temporary is not None:
                os.fsync(file)
        finally:
            os.close(file)


def write_all(file: int, data: bytes) -> None:
    """Write all of the bytes; OSError where that is not possible."""
    written = os.write(file, data)
    if written < len(data):
        view = memoryview(data)
        while written < len(data):
            written += os.write(file, view[written:])


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the file system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # a folder may be writable and not readable
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EBADF, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def check_folder(folder: Path) -> None:
    """Check that a folder is there.

    Raises:
        SinkError: it is missing, or no folder.
    """
    try:
        mode = folder.stat().st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, "a file")
    except OSError as error:
        raise sink_error("cannot write into the folder", folder, error) from None
