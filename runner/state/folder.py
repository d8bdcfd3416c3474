"""The state folder."""

from __future__ import annotations

from pathlib import Path

from runner.errors import StateError

#: Its name below the output folder.
DEFAULT_NAME = ".cfind"


def prepare(folder: Path) -> None:
    """Make the state folder where it is not there; what it is in must be.

    It is for its owner's eyes, since keys of queries are kept in it, and not for version control.

    Raises:
        StateError: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700)
        (folder / ".gitignore").write_text("*\n", "ascii")
    except FileExistsError:
        if folder.is_dir():
            return
        raise StateError(f"the state folder {folder} is no folder", "let --state name another one") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no path"
        raise StateError(
            f"the state folder {folder} cannot be made: {reason}", "let --state name another one"
        ) from None
