"""Numbered files in a folder, which get their names when all of them are there.

The files are written into a hidden folder beside the final ones, or beside the final folder where that
does not exist yet. In the end they are brought to the disk at once and then get their names: by renaming
the folder as a whole, else one by one, and never over a file that is there.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from runner.sinks.atomic_file import check_folder, hidden_name, other_place, write_all
from runner.sinks.base import Earlier, SinkState
from runner.sinks.failure import sink_error
from runner.sinks.undecodable import MAX_NAMED
from runner.synced_folder import sync_folder

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL
#: Responses in any form: no two have the same number.
_NAME = re.compile(r"rsp([0-9]+)\.(?:dcm|xml|bin)")
#: Where files are kept that did not get their names.
_KEPT = re.compile(r"partial-[1-9][0-9]*")
#: renameat2(2): fail where the new name is taken.
_NO_REPLACE = 1
#: Up to so many files are brought to the disk one by one, more of them with the whole file system.
_FEW = 16


class NumberedFiles:
    """Writes rsp0001.ENDING, rsp0002.ENDING, …, beginning behind those that are in the folder.

    Args:
        folder: where; it is made where it does not exist, but not the folder that it is in.
        ending: of the names.

    Attributes:
        number: of the next file.
        count: how many files were written.
        kept_in: after `close`, where the files are kept that did not get their names; "" for nowhere.
        undecodable_files: after `close`, the paths of the first files of `put_undecodable`.
    """

    def __init__(self, folder: Path, ending: str) -> None:
        self.number = 1
        self.count = 0
        self.kept_in = ""
        self.undecodable_files: Sequence[str] = ()
        self._folder = folder
        self._ending = ending
        self._existed = False
        self._opened = False
        if os.path.lexists(folder):
            self._staging = folder / f".partial-{os.urandom(4).hex()}"
        else:
            self._staging = folder.with_name(hidden_name(folder.name, f"partial-{os.urandom(4).hex()}"))
        self._descriptor = -1
        self._bad: list[int] = []

    def open(self) -> None:
        """Make the hidden folder.

        Raises:
            SinkError: it cannot be made.
        """
        folder = self._folder
        self._existed = os.path.lexists(folder)
        try:
            if self._existed:
                check_folder(folder)
                self.number = _next_number(folder)
            else:
                check_folder(folder.parent)
            self._staging.mkdir()
            self._opened = True
            self._descriptor = os.open(self._staging, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        except OSError as error:
            raise sink_error("cannot write into the folder", folder, error) from None

    def resume(self, earlier: Earlier) -> bool:
        """Go on with an earlier hidden folder; see `runner.sinks.base.Sink.resume`.

        Raises:
            SinkError: it cannot be written.
        """
        place = Path(earlier.place)
        try:
            files = dict(_files(place))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise sink_error("cannot write into the folder", place, error) from None
        kept = [number for begin, end in earlier.spans for number in range(begin, end)]
        try:
            if earlier.committing:
                kept = self._unnamed(place, files, kept)
            elif not all(number in files for number in kept):
                return False
            if earlier.is_packed:
                for number in files.keys() - kept:
                    (place / files[number]).unlink()
            else:
                place = _packed(place, [files[number] for number in kept], earlier.begin)
            self._descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        except OSError as error:
            raise sink_error("cannot write into the folder", self._folder, error) from None
        self._staging, self._opened = place, True
        self._existed = os.path.lexists(self._folder)
        self.number = earlier.end
        self.count = earlier.responses
        self._bad = sorted(number for number, name in _files(place) if name.endswith(".bin"))[:MAX_NAMED]
        return True

    def _unnamed(self, place: Path, files: Mapping[int, str], kept: Iterable[int]) -> list[int]:
        """Return which of the files have no final name yet."""
        named: set[int] = set()
        if self._folder.is_dir():
            with os.scandir(self._folder) as entries:
                named = {entry.inode() for entry in entries if _NAME.fullmatch(entry.name)}
        return [
            number
            for number in kept
            if number in files and (place / files[number]).stat().st_ino not in named
        ]

    @property
    def place(self) -> str:
        """The path of the hidden folder, also before it is made."""
        return str(self._staging)

    def sync(self) -> None:
        """Bring the files to the disk.

        Raises:
            SinkError: that cannot be done.
        """
        try:
            if self.count:
                _sync(self._staging, self.count)
                sync_folder(self._staging.parent)
        except OSError as error:
            raise sink_error("cannot write into the folder", self._folder, error) from None

    def put(self, contents: Iterable[bytes]) -> None:
        """Write a file for each of the contents.

        Raises:
            SinkError: one cannot be written; those before it are there.
        """
        number, ending, folder = self.number, self._ending, self._descriptor
        opened, write, close = os.open, os.write, os.close
        try:
            for content in contents:
                file = opened(f"rsp{number:04d}.{ending}", _FLAGS, 0o666, dir_fd=folder)
                try:
                    written = write(file, content)
                    if written < len(content):
                        write_all(file, content[written:])
                finally:
                    close(file)
                number += 1
        except OSError as error:
            with suppress(OSError):
                os.unlink(f"rsp{number:04d}.{ending}", dir_fd=folder)
            raise sink_error("cannot write into the folder", self._folder, error) from None
        finally:
            self.count += number - self.number
            self.number = number

    def put_undecodable(self, identifier: bytes) -> None:
        """Write the bytes of an identifier that cannot be decoded, as rspNNNN.bin.

        Raises:
            SinkError: they cannot be written.
        """
        ending, self._ending = self._ending, "bin"
        try:
            self.put((identifier,))
        finally:
            self._ending = ending
        if len(self._bad) < MAX_NAMED:
            self._bad.append(self.number - 1)

    def close(self, *, whole: bool, keep_names: bool = False) -> SinkState:
        """Give the files their names if `whole`, else keep them in partial-1, -2, … of the folder.

        Args:
            whole: whether all files are there.
            keep_names: give the files that are there their names in any case.

        Raises:
            SinkError: they cannot be brought to the disk or renamed.
        """
        staging = self._staging
        if not self._opened:
            return SinkState.NONE
        try:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            if whole or (keep_names and self.count):
                try:
                    self._commit(staging)
                except OSError:
                    with suppress(OSError):  # why it could not be committed says more
                        self._keep(self._staging)
                    raise
                return SinkState.COMMITTED if whole else SinkState.PARTIAL
            if self.count:
                self._keep(staging)
                return SinkState.PARTIAL
            staging.rmdir()
        except OSError as error:
            raise sink_error("cannot write into the folder", self._folder, error) from None
        return SinkState.NONE

    def _commit(self, staging: Path) -> None:
        _sync(staging, self.count)
        if not self._existed:
            try:
                staging.rename(self._folder)
            except OSError:
                # something has this name by now
                if not self._folder.is_dir():
                    raise
            else:
                self._staging = self._folder
                try:
                    sync_folder(self._folder.parent)
                except OSError:
                    with suppress(OSError):  # then it keeps its name, and is said to be partial
                        self._folder.rename(staging)
                        self._staging = staging
                    raise
                self.undecodable_files = self._bad_files(self._folder)
                return
        self.undecodable_files = self._name_files(staging)
        with suppress(OSError):  # all that was in it has its name
            staging.rmdir()

    def _name_files(self, staging: Path) -> tuple[str, ...]:
        """Give the files their names one by one, or none of them; return those that cannot be decoded."""
        files = sorted(_files(staging))
        shift = max(0, _next_number(self._folder) - files[0][0]) if files else 0
        moved: list[tuple[str, str]] = []
        flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
        with ExitStack() as stack:
            source = os.open(staging, flags)
            stack.callback(os.close, source)
            target = os.open(self._folder, flags)
            stack.callback(os.close, target)
            try:
                for number, name in files:
                    final_number, ending = number + shift, name.rpartition(".")[2]
                    while not _move(name, final := f"rsp{final_number:04d}.{ending}", source, target):
                        final_number += 1
                    shift = final_number - number
                    moved.append((name, final))
                sync_folder(self._folder)
            except OSError:
                for name, final in moved:
                    with suppress(OSError):  # what stays is whole in itself
                        os.rename(final, name, src_dir_fd=target, dst_dir_fd=source)
                raise
        bad = [str(self._folder / final) for _, final in moved if final.endswith(".bin")]
        return tuple(bad[:MAX_NAMED])

    def _keep(self, staging: Path) -> None:
        """Move the hidden folder to where it can be seen."""
        self.kept_in = str(staging)
        self.undecodable_files = self._bad_files(staging)
        if staging == self._folder or (staging.parent == self._folder and _KEPT.fullmatch(staging.name)):
            return  # it is the one that an earlier run kept, or has its name for good
        self._folder.mkdir(exist_ok=True)
        number = 1
        while os.path.lexists(kept := self._folder / f"partial-{number}"):
            number += 1
        staging.rename(kept)
        self._staging = kept
        self.kept_in = str(kept)
        self.undecodable_files = self._bad_files(kept)

    def _bad_files(self, folder: Path) -> tuple[str, ...]:
        return tuple(str(folder / f"rsp{number:04d}.bin") for number in self._bad)


class NumberedFilesSink:
    """What the sinks that write a file for each response have in common."""

    def __init__(self, files: NumberedFiles) -> None:
        self._files = files

    @property
    def responses(self) -> int:
        """How many files were written."""
        return self._files.count

    @property
    def kept_in(self) -> str:
        """Where a partial output lies."""
        return self._files.kept_in

    @property
    def undecodable_files(self) -> Sequence[str]:
        """Where identifiers lie that cannot be decoded."""
        return self._files.undecodable_files

    def open(self) -> None:
        """Make a hidden folder for the files."""
        self._files.open()

    def resume(self, earlier: Earlier) -> bool:
        """Go on with the hidden folder of an earlier run."""
        return self._files.resume(earlier)

    def sync(self) -> None:
        """Bring the files to the disk."""
        self._files.sync()

    @property
    def place(self) -> str:
        """The hidden folder."""
        return self._files.place

    @property
    def besides(self) -> Sequence[str]:
        """Nothing."""
        return ()

    @property
    def position(self) -> int:
        """The number of the next file."""
        return self._files.number


def _next_number(folder: Path) -> int:
    """Return the number behind those of the files that are in a folder."""
    return max((number for number, _ in _files(folder)), default=0) + 1


def _files(folder: Path) -> Iterator[tuple[int, str]]:
    """Yield the files with numbers that are in a folder, with their numbers."""
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is not None:
                yield int(match.group(1)), entry.name


def _packed(place: Path, names: Iterable[str], first: int) -> Path:
    """Put files into another folder too, numbered without gaps; return that."""
    import shutil

    other = other_place(place)
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    for number, name in enumerate(names, first):
        target = other / f"rsp{number:04d}.{name.rpartition('.')[2]}"
        try:
            os.link(place / name, target)
        except OSError:  # a file system without hard links
            shutil.copyfile(place / name, target)
    return other


def _move(name: str, final: str, source: int, target: int) -> bool:
    """Rename a file from one open folder into another, never over a file that is there.

    Returns:
        False where a file has the final name.
    """
    try:
        os.link(name, final, src_dir_fd=source, dst_dir_fd=target)
    except FileExistsError:
        return False
    except OSError:
        return _move_without_links(name, final, source, target)
    os.unlink(name, dir_fd=source)
    return True


def _move_without_links(name: str, final: str, source: int, target: int) -> bool:
    """Do what `_move` does, on a file system without hard links."""
    try:
        if _rename_exclusively(name, final, source, target):
            return True
    except FileExistsError:
        return False
    # reserve the name, then take it: who is killed in between leaves an empty file, but never takes another's
    os.stat(name, dir_fd=source)
    try:
        os.close(os.open(final, _FLAGS, 0o666, dir_fd=target))
    except FileExistsError:
        return False
    try:
        os.rename(name, final, src_dir_fd=source, dst_dir_fd=target)
    except OSError:
        os.unlink(final, dir_fd=target)
        raise
    return True


def _rename_exclusively(name: str, final: str, source: int, target: int) -> bool:
    """Call renameat2(2) with RENAME_NOREPLACE, which Python does not have.

    Returns:
        False where the system or the file system has none.

    Raises:
        OSError: a file has the final name, or the like.
    """
    function = _c_function("renameat2")
    if function is None:
        return False
    import ctypes

    if function(source, name.encode(), target, final.encode(), _NO_REPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number))


def _sync(folder: Path, count: int) -> None:
    """Bring all files of a folder to the disk, and their names in it."""
    if count > _FEW and _sync_file_system(folder):
        return
    if count > _FEW:
        os.sync()
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            file = os.open(entry.path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)
    sync_folder(folder)


def _sync_file_system(folder: Path) -> bool:
    """Call syncfs(2), which Python does not have; whether there is one."""
    syncfs = _c_function("syncfs")
    if syncfs is None:
        return False
    import ctypes

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(descriptor)
    return True


def _c_function(name: str) -> Callable[..., int] | None:
    """Return a function of Linux's C library that sets errno; None where there is none."""
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    return function
