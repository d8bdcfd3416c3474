"""What the sinks that write all responses to one file have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.sinks.atomic_file import AtomicFile, check_folder
from runner.sinks.base import Earlier, SinkState
from runner.sinks.undecodable import UndecodableFiles


class OneFileSink:
    """Writes PATH whole, or PATH.partial. See `runner.sinks.base.Sink`."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.responses = 0
        self._folder = path.parent
        self._file = AtomicFile(path)
        self._undecodable = UndecodableFiles(path.parent, f"{path.name}.")
        self._opened = False

    @property
    def kept_in(self) -> str:
        """Where a partial output lies."""
        return self._file.kept_in

    @property
    def undecodable_files(self) -> Sequence[str]:
        """Where identifiers lie that cannot be decoded."""
        return self._undecodable.names

    def _begin(self, head: bytes) -> None:
        """Begin a temporary file beside the path."""
        check_folder(self._folder)
        self._file.open()
        self._opened = True
        self._file.write(head)

    def resume(self, earlier: Earlier) -> bool:
        """Go on with the temporary file of an earlier run."""
        if not self._file.resume(earlier):
            return False
        self._opened = True
        self.responses = earlier.responses
        return True

    def sync(self) -> None:
        """Bring the file to the disk."""
        self._file.sync()

    @property
    def place(self) -> str:
        """The temporary file."""
        return self._file.place

    @property
    def besides(self) -> Sequence[str]:
        """Nothing."""
        return ()

    @property
    def position(self) -> int:
        """How many bytes the file has."""
        return self._file.position

    def _keep(self) -> SinkState:
        """Keep what there is as PATH.partial; without any response it goes."""
        if not self.responses:
            self._file.discard()
            return SinkState.NONE
        self._file.keep()
        return SinkState.PARTIAL
