"""A file that appears under its name only when it is whole."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runner.errors import SinkError
from runner.sinks.base import Earlier
from runner.sinks.failure import sink_error
from runner.synced_folder import sync_folder

_PIECE = 1 << 20
#: At the end of the name of a place into which another one was packed.
_OTHER = "~"
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class AtomicFile:
    """Writes to a temporary file in the same folder, which is renamed when all is on the disk.

    What has the name and is no regular file (a device, a FIFO) is written to directly. A symbolic link
    is followed. As a context it commits the file in the end, or discards it where an error ends it.

    Args:
        path: where the file is to be.

    Attributes:
        kept_in: after `keep`, where what was written lies; "" before.
        position: how many bytes were written.
    """

    def __init__(self, path: Path) -> None:
        self._shown = path
        self._path = Path(os.path.realpath(path))
        name = hidden_name(self._path.name, f"{os.urandom(4).hex()}.tmp")
        self._temporary: Path | None = self._path.with_name(name)
        self._file = -1
        self._ended = False
        self.kept_in = ""
        self.position = 0

    def __enter__(self) -> AtomicFile:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self.commit()
            return
        with suppress(SinkError):  # the error says more
            self.discard()

    @property
    def place(self) -> str:
        """The path of the temporary file, also before it is begun; after `keep` that of what was kept."""
        return str(self._temporary) if self._temporary is not None else ""

    def open(self) -> None:
        """Begin the temporary file.

        Raises:
            SinkError: the folder is missing or cannot be written, or a folder has the file's name.
        """
        try:
            if self._temporary is None or self._is_special():
                self._temporary = None
                self._file = os.open(self._shown, os.O_WRONLY)
                return
            self._file = self._begun(self._temporary)
        except OSError as error:
            raise sink_error("cannot create", self._shown, error) from None

    def _begun(self, temporary: Path) -> int:
        """Make the temporary file, with the permissions of the file that it is to replace."""
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode) & 0o777 | stat.S_IRUSR | stat.S_IWUSR
        except FileNotFoundError:
            return os.open(temporary, _FLAGS, 0o666)
        return _opened(temporary, _FLAGS, mode)

    def resume(self, earlier: Earlier) -> bool:
        """Go on with an earlier temporary file; see `runner.sinks.base.Sink.resume`.

        Raises:
            SinkError: it cannot be written.
        """
        place = Path(earlier.place)
        try:
            if self._is_special():
                return False
        except OSError as error:
            raise sink_error("cannot write", self._shown, error) from None
        try:
            file = os.open(place, os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise sink_error("cannot write", place, error) from None
        try:
            if os.fstat(file).st_size < earlier.spans[-1][1]:
                os.close(file)
                return False
            if earlier.is_packed:
                os.ftruncate(file, earlier.end)
            else:
                place = other_place(place)
                file = _packed(file, earlier, place)
            os.lseek(file, earlier.end, os.SEEK_SET)
        except OSError as error:
            os.close(file)
            raise sink_error("cannot write", place, error) from None
        self._temporary, self._file, self.position = place, file, earlier.end
        return True

    def sync(self) -> None:
        """Bring what was written to the disk.

        Raises:
            SinkError: that cannot be done.
        """
        file = self._file
        try:
            if file >= 0 and self._temporary is not None:
                os.fsync(file)
        except OSError as error:
            raise sink_error("cannot write", self._shown, error) from None

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
            if self._temporary is not None:
                with suppress(OSError):  # what is kept ends where what was taken does
                    os.ftruncate(self._file, self.position)
                    os.lseek(self._file, self.position, os.SEEK_SET)
            raise sink_error("cannot write", self._shown, error) from None
        self.position += len(data)

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
        """Give the file its name, in place of what had it, and of what an earlier run kept as NAME.partial.

        Raises:
            SinkError: it cannot be brought to the disk or renamed; it is then kept as partial.
        """
        written = self._temporary
        try:
            self._end(sync=True)
            if written is not None:
                written.replace(self._path)
                written = self._path
                sync_folder(self._path.parent)
                with suppress(OSError):  # it says of itself that it is not whole
                    self._partial.unlink()
            self._ended = True
        except OSError as error:
            self._keep(written)
            raise sink_error("cannot write", self._shown, error) from None

    def keep(self) -> None:
        """Keep what was written as NAME.partial, in place of an older one."""
        self._keep(self._temporary)

    def take_back(self) -> None:
        """Keep as NAME.partial what was committed, since other files that belong to it could not be."""
        self._keep(self._path if self._temporary is not None else None)

    def _keep(self, written: Path | None) -> None:
        with suppress(OSError):  # the file is partial already
            self._end(sync=False)
        self._ended = True
        if written is None:
            self.kept_in = str(self._shown)
            return
        partial = self._partial
        try:
            written.replace(partial)
            self._temporary = partial
            self.kept_in = str(partial)
        except OSError:
            self.kept_in = str(written)

    @property
    def _partial(self) -> Path:
        return self._path.with_name(self._path.name + ".partial")

    def leave(self) -> None:
        """Leave the temporary file as it is, for another run to go on with."""
        with suppress(OSError):
            self._end(sync=False)

    def discard(self) -> None:
        """Remove what was written, unless that has its name, is kept or is removed already.

        Raises:
            SinkError: it cannot be removed.
        """
        if self._ended:
            return
        try:
            self._end(sync=False)
            if self._temporary is not None:
                self._temporary.unlink()
            self._ended = True
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


def hidden_name(name: str, ending: str) -> str:
    """Return a hidden name for what is to get another one, of which the beginning will do.

    Args:
        name: may be as long as names can be.
        ending: at most 50 characters of ASCII, different each time.
    """
    # names are limited in bytes, and half a character is no name everywhere
    start = os.fsencode(name)[:200].decode(sys.getfilesystemencoding(), "ignore")
    return f".{start}.{ending}"


def other_place(place: Path) -> Path:
    """Return where what is kept of a place goes, if it cannot be packed there; and back again."""
    name = place.name
    return place.with_name(name.removesuffix(_OTHER) if name.endswith(_OTHER) else name + _OTHER)


def _opened(path: Path, flags: int, mode: int) -> int:
    """Make a file of just this mode, and open it."""
    file = os.open(path, flags, mode)
    with suppress(OSError):  # some file systems have no modes
        os.fchmod(file, mode)  # the umask took something of it, perhaps
    return file


def _packed(source: int, earlier: Earlier, place: Path) -> int:
    """Copy what is kept of an open file into another one, and close the first."""
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    target = _opened(place, flags, stat.S_IMODE(os.fstat(source).st_mode))
    try:
        for begin, end in earlier.spans:
            at = begin
            while at < end:
                piece = os.pread(source, min(end - at, _PIECE), at)
                if not piece:
                    raise OSError(errno.EIO, "the file has become shorter")
                write_all(target, piece)
                at += len(piece)
    except BaseException:
        os.close(target)
        place.unlink()
        raise
    os.close(source)
    return target


def write_all(file: int, data: bytes) -> None:
    """Write all of the bytes; OSError where that is not possible."""
    written = os.write(file, data)
    if written < len(data):
        view = memoryview(data)
        while written < len(data):
            written += os.write(file, view[written:])


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
