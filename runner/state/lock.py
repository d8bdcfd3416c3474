"""One run of a job at a time: a lock in the state folder, which ends with the process that holds it."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from runner.errors import AlreadyRunningError, StateError

#: Names of jobs are cut here where they make file names.
_LONGEST = 120
#: So many seconds a lock is tried again that another process has: `is_held` has it for a moment, too.
_PATIENCE = 0.05
_PAUSE = 0.002
_ADVICE = {
    errno.ENOLCK: "let --state name a folder on a local disk",
    errno.ENOSPC: "free some space there, or let --state name a folder elsewhere",
    errno.EACCES: "let --state name a folder that you can write into",
    errno.EROFS: "let --state name a folder that you can write into",
}
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


class JobLock:
    """Is held by one process at a time; see `take`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path, job: str) -> JobLock:
        """Take the lock of a job.

        Args:
            folder: the state folder, which is there.
            job: the job's name.

        Raises:
            AlreadyRunningError: another run of the job has it.
            StateError: the folder has no locks.
        """
        path = folder / f"{file_name(job)}.lock"
        patient_until = time.monotonic() + _PATIENCE
        try:
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
                if not _lock(descriptor):
                    if time.monotonic() >= patient_until:
                        raise _held(job, descriptor)
                    time.sleep(_PAUSE)
                elif _is_at(path, descriptor):
                    break
                os.close(descriptor)  # its last holder may have removed it meanwhile
            _write(descriptor)
        except OSError as error:
            what = f"the state folder {folder} has no lock for the job: {error.strerror}"
            raise StateError(what, _ADVICE.get(error.errno or 0, "let --state name another folder")) from None
        return cls(path, descriptor)

    def release(self) -> None:
        """Let others have it."""
        with suppress(OSError):
            if _is_at(self._path, self._descriptor):  # else somebody has removed it, and others have theirs
                self._path.unlink()
        with suppress(OSError):
            os.close(self._descriptor)


def is_held(folder: Path, job: str) -> bool:
    """Whether a run of the job goes on."""
    try:
        descriptor = os.open(folder / f"{file_name(job)}.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        return not _lock(descriptor, shared=True)  # who else looks does not hold it
    except OSError:
        return False
    finally:
        os.close(descriptor)


def file_name(job: str) -> str:
    """Return a file name for a job: no two jobs share one, and it is no path."""
    data = job.encode("utf-8", "surrogatepass")
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)
    if len(name) <= _LONGEST:
        return name
    from hashlib import blake2b

    return f"{name[:_LONGEST]}%{blake2b(data, digest_size=8).hexdigest()}"


def _lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock a file; False where another process has it."""
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write(descriptor: int) -> None:
    """Say who holds it, and since when; for people, so that a full disk does not matter."""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {now}\n".encode())


def _held(job: str, descriptor: int) -> AlreadyRunningError:
    who = ""
    try:
        with suppress(OSError):
            pid, _, since = os.pread(descriptor, 100, 0).decode("ascii", "replace").strip().partition(" ")
            if pid.isdigit():
                who = f": process {pid}, since {since}"
    finally:
        os.close(descriptor)
    return AlreadyRunningError(f"another run of the job {job} is going on{who}", "wait for it, or end it")
