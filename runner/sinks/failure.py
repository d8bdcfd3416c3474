"""What the operating system says of a file, as a SinkError."""

from __future__ import annotations

import errno
import os

from runner.errors import SinkError

_ADVICE = {
    errno.ENOSPC: "free some space, or give --output-dir a folder on another disk",
    errno.EDQUOT: "free some space of your quota, or give --output-dir a folder on another disk",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or write less",
    errno.EACCES: "check the permissions of the folder and of what is in it",
    errno.EPERM: "check the permissions of the folder and of what is in it",
    errno.EROFS: "give --output-dir a folder that can be written",
    errno.ENOENT: "create the folder first, or correct the path",
    errno.ENOTDIR: "correct the path: a part of it is a file",
    errno.EISDIR: "correct the path: a folder has this name",
    errno.EEXIST: "correct the path, or remove what has this name",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.EIO: "check the disk",
}
_OTHERWISE = "check the path and the disk"


def sink_error(doing: str, path: str | os.PathLike[str], error: OSError) -> SinkError:
    """Return the error for a file or folder that cannot be written.

    Args:
        doing: what failed, such as `cannot write`.
        path: what it failed on.
        error: the system's answer.
    """
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    advice = _ADVICE.get(error.errno or 0, _OTHERWISE)
    return SinkError(f"{doing} {os.fspath(path)}: {reason}", advice)
