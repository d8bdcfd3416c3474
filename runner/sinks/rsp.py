"""Responses as DICOM files rsp0001.dcm, rsp0002.dcm, … (PS3.10 7), the identifier's bytes as they came.

The files are written into a hidden folder beside the final ones, or beside the final folder where that
does not exist yet. When all are there, they are brought to the disk at once and then get their names:
by renaming the folder as a whole, else one by one, and never over a file that is there.
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import Visit, visit, walk
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import Job, RspSink
from runner.sinks.atomic_file import check_folder, sync_folder, write_all
from runner.sinks.base import Batch, Find, SinkState
from runner.sinks.failure import sink_error
from runner.sinks.undecodable import MAX_NAMED
from runner.status import StatusDetail

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_NAME = re.compile(r"rsp([0-9]+)\.(?:dcm|bin)")
#: The root of UIDs that anyone may make (PS3.5 B.2).
_UUID_ROOT = "2.25."
_IMPLEMENTATION_CLASS_UID = "2.25.208117365906405214306826193541270361209"
_IMPLEMENTATION_VERSION = "CFIND"
#: Instance numbers have ten digits, so that every file's meta information is equally long.
_FIRST_INSTANCE = 1_000_000_000
#: Up to so many files are brought to the disk one by one, more of them with the whole file system.
_FEW = 16


class RspFilesSink:
    """Writes the files. See `runner.sinks.base.Sink`."""

    type = "rsp"

    def __init__(self, declaration: RspSink, job: Job, output_dir: Path) -> None:
        self._folder = output_dir / declaration.directory
        self.path = str(self._folder)
        self.responses = 0
        self.kept_in = ""
        self.undecodable_files: Sequence[str] = ()
        self._dictionary = job.dictionary
        self._disable_new_vr = declaration.disable_new_vr
        self._limit = declaration.limit
        self._keep_after_failure = declaration.keep_after_failure
        self._existed = False
        self._staging: Path | None = None
        self._descriptor = -1
        self._first = 1
        self._number = 1
        self._bad: list[int] = []
        self._uid = _UUID_ROOT + str(int.from_bytes(os.urandom(16), "big"))
        self._find: Find | None = None
        self._before = self._behind = b""

    def open(self) -> None:
        """Make the hidden folder."""
        folder = self._folder
        self._existed = os.path.lexists(folder)
        try:
            if self._existed:
                check_folder(folder)
                self._first = self._number = _next_number(folder)
                staging = folder / f".partial-{os.urandom(4).hex()}"
            else:
                check_folder(folder.parent)
                staging = folder.with_name(f".{folder.name[:100]}.partial-{os.urandom(4).hex()}")
            staging.mkdir()
            self._staging = staging
            self._descriptor = os.open(staging, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        except OSError as error:
            raise sink_error("cannot write into the folder", folder, error) from None

    def write(self, batch: Batch) -> None:
        """Write a file for each response."""
        if batch.find is not self._find:
            self._begin(batch.find)
        identifiers = batch.identifiers
        if self._limit is not None:
            identifiers = identifiers[: self._limit - self.responses]
        syntax = batch.find.transfer_syntax
        if batch.undecodable:
            for index, identifier in enumerate(identifiers):
                if index in batch.undecodable:
                    self._write_undecodable(identifier)
                else:
                    self._write_files((identifier,), syntax)
        else:
            self._write_files(identifiers, syntax)

    def _write_files(self, identifiers: Sequence[bytes], syntax: TransferSyntax) -> None:
        if self._disable_new_vr and syntax.explicit:
            identifiers = [without_new_vr(data, syntax, self._dictionary) for data in identifiers]
        if syntax.deflated:
            identifiers = [_deflated(data) for data in identifiers]
        number, before, behind, folder = self._number, self._before, self._behind, self._descriptor
        opened, write, close = os.open, os.write, os.close
        try:
            for identifier in identifiers:
                file = opened(f"rsp{number:04d}.dcm", _FLAGS, 0o666, dir_fd=folder)
                data = b"%b%d%b%b" % (before, _FIRST_INSTANCE + number, behind, identifier)
                try:
                    if write(file, data) != len(data):
                        os.lseek(file, 0, os.SEEK_SET)
                        write_all(file, data)
                finally:
                    close(file)
                number += 1
        except OSError as error:
            with suppress(OSError):
                os.unlink(f"rsp{number:04d}.dcm", dir_fd=folder)
            raise sink_error("cannot write into the folder", self._folder, error) from None
        finally:
            self.responses += number - self._number
            self._number = number

    def _write_undecodable(self, identifier: bytes) -> None:
        name = f"rsp{self._number:04d}.bin"
        try:
            file = os.open(name, _FLAGS, 0o666, dir_fd=self._descriptor)
            try:
                write_all(file, identifier)
            finally:
                os.close(file)
        except OSError as error:
            raise sink_error("cannot write into the folder", self._folder, error) from None
        if len(self._bad) < MAX_NAMED:
            self._bad.append(self._number)
        self._number += 1
        self.responses += 1

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Nothing: a final status makes no file."""

    def close(self, *, whole: bool) -> SinkState:
        """Give the files their names, or keep them in the folder partial-1, -2, … of the directory.

        Each file is whole in itself, so they get their names after a failure too where the job wants it.
        """
        staging = self._staging
        if staging is None:
            return SinkState.NONE
        try:
            os.close(self._descriptor)
            if whole or (self._keep_after_failure and self.responses):
                try:
                    self._commit(staging)
                except OSError:
                    self._keep(staging)
                    raise
                return SinkState.COMMITTED if whole else SinkState.PARTIAL
            if self.responses:
                self._keep(staging)
                return SinkState.PARTIAL
            staging.rmdir()
        except OSError as error:
            raise sink_error("cannot write into the folder", self._folder, error) from None
        return SinkState.NONE

    def _commit(self, staging: Path) -> None:
        _sync(staging, self.responses)
        if not self._existed:
            try:
                staging.rename(self._folder)
            except OSError:
                # something has this name by now
                if not self._folder.is_dir():
                    raise
            else:
                sync_folder(self._folder.parent)
                self.undecodable_files = self._bad_files(self._folder)
                return
        self.undecodable_files = self._name_files(staging)
        sync_folder(self._folder)
        staging.rmdir()

    def _name_files(self, staging: Path) -> tuple[str, ...]:
        """Give the files their names one by one; return those of the identifiers that cannot be decoded."""
        shift = max(0, _next_number(self._folder) - self._first)
        bad: list[str] = []
        flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
        source = os.open(staging, flags)
        try:
            target = os.open(self._folder, flags)
            try:
                for number in range(self._first, self._number):
                    final = number + shift
                    ending = _ending(number, source)
                    while not _move(number, final, ending, source, target):
                        final += 1
                    shift = final - number
                    if ending == "bin":
                        bad.append(str(self._folder / f"rsp{final:04d}.bin"))
            finally:
                os.close(target)
        finally:
            os.close(source)
        return tuple(bad[:MAX_NAMED])

    def _keep(self, staging: Path) -> None:
        """Move the hidden folder to where it can be seen."""
        self.kept_in = str(staging)
        self._folder.mkdir(exist_ok=True)
        number = 1
        while os.path.lexists(kept := self._folder / f"partial-{number}"):
            number += 1
        staging.rename(kept)
        self.kept_in = str(kept)
        self.undecodable_files = self._bad_files(kept)

    def _bad_files(self, folder: Path) -> tuple[str, ...]:
        return tuple(str(folder / f"rsp{number:04d}.bin") for number in self._bad)

    def _begin(self, find: Find) -> None:
        """Make what is the same in all files of a C-FIND."""
        uid = f"{self._uid}.{find.operation.number}."
        self._find = find
        self._before, self._behind = _file_meta_information(
            find.operation.model.sop_class_uid, uid, find.transfer_syntax
        )


def without_new_vr(data: bytes, syntax: TransferSyntax, dictionary: Dictionary) -> bytes:
    """Return an identifier of explicit VR with UN and UT as OB, as findscu -u writes it.

    A sequence that came as UN stays one.
    """
    if b"UN" not in data and b"UT" not in data:
        return data
    changed = bytearray(data)
    for what, element, _ in visit(walk(data, syntax, dictionary)):
        if what is Visit.ELEMENT and element.vr in {"UN", "UT"}:
            changed[element.at + 4 : element.at + 6] = b"OB"
    return bytes(changed)


def _file_meta_information(sop_class: str, instance: str, syntax: TransferSyntax) -> tuple[bytes, bytes]:
    """Return preamble and file meta information (PS3.10 7.1), cut where the instance's number goes.

    Args:
        sop_class: the SOP class whose C-FIND answered.
        instance: the UID of the file but for its last ten digits.
        syntax: of the data set.
    """
    digits = len(str(_FIRST_INSTANCE))
    pad = b"\0" if (len(instance) + digits) % 2 else b""
    before = (
        _meta_element(1, b"OB", b"\0\1")
        + _meta_element(2, b"UI", _uid(sop_class))
        + struct.pack("<HH2sH", 2, 3, b"UI", len(instance) + digits + len(pad))
        + instance.encode("ascii")
    )
    version = _IMPLEMENTATION_VERSION.encode("ascii")
    behind = (
        pad
        + _meta_element(0x10, b"UI", _uid(syntax.uid))
        + _meta_element(0x12, b"UI", _uid(_IMPLEMENTATION_CLASS_UID))
        + _meta_element(0x13, b"SH", version + b" " * (len(version) % 2))
    )
    length = struct.pack("<L", len(before) + digits + len(behind))
    return bytes(128) + b"DICM" + _meta_element(0, b"UL", length) + before, behind


def _meta_element(number: int, vr: bytes, value: bytes) -> bytes:
    if vr == b"OB":
        return struct.pack("<HH2s2xL", 2, number, vr, len(value)) + value
    return struct.pack("<HH2sH", 2, number, vr, len(value)) + value


def _uid(uid: str) -> bytes:
    return uid.encode("ascii") + b"\0" * (len(uid) % 2)


def _deflated(data: bytes) -> bytes:
    """Return a data set as raw deflate, padded to even length (PS3.5 A.5)."""
    import zlib

    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = compressor.compress(data) + compressor.flush()
    return deflated + b"\0" * (len(deflated) % 2)


def _next_number(folder: Path) -> int:
    """Return the number behind those of the files that are in a folder."""
    highest = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is not None:
                highest = max(highest, int(match.group(1)))
    return highest + 1


def _ending(number: int, folder: int) -> str:
    """Return `dcm`, or `bin` where the file of that number is of an identifier that cannot be decoded."""
    try:
        os.stat(f"rsp{number:04d}.dcm", dir_fd=folder)
    except FileNotFoundError:
        return "bin"
    return "dcm"


def _move(number: int, final_number: int, ending: str, source: int, target: int) -> bool:
    """Rename a file from one open folder into another, never over a file that is there.

    Returns:
        False where a file has the final name.
    """
    name, final = f"rsp{number:04d}.{ending}", f"rsp{final_number:04d}.{ending}"
    try:
        os.link(name, final, src_dir_fd=source, dst_dir_fd=target)
    except FileExistsError:
        return False
    except OSError:
        # a file system without hard links: reserve the name, then take it
        os.stat(name, dir_fd=source)
        try:
            os.close(os.open(final, _FLAGS, 0o666, dir_fd=target))
        except FileExistsError:
            return False
        os.rename(name, final, src_dir_fd=source, dst_dir_fd=target)
    else:
        os.unlink(name, dir_fd=source)
    return True


def _sync(folder: Path, count: int) -> None:
    """Bring all files of a folder to the disk."""
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


def _sync_file_system(folder: Path) -> bool:
    """Call syncfs(2), which Python does not have; whether there is one."""
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(descriptor)
    return True
