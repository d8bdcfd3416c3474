"""Responses as XML in DCMTK's form: a file for each, or one for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.dicom.dictionary import Dictionary
from runner.dicom.response_xml import response_xml
from runner.errors import SinkError
from runner.model import Job, XmlSink
from runner.sinks.atomic_file import AtomicFile, check_folder
from runner.sinks.base import Batch, Earlier, Find, SinkState
from runner.sinks.numbered_files import NumberedFiles, NumberedFilesSink
from runner.sinks.undecodable import UndecodableFiles
from runner.status import StatusDetail

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class XmlFilesSink(NumberedFilesSink):
    """Writes rsp0001.xml, rsp0002.xml, … See `runner.sinks.base.Sink`."""

    type = "xml"

    def __init__(self, declaration: XmlSink, job: Job, output_dir: Path) -> None:
        folder = output_dir / declaration.directory
        self.path = str(folder)
        self._declaration = declaration
        self._dictionary = job.dictionary
        super().__init__(NumberedFiles(folder, "xml"))

    def write(self, batch: Batch) -> None:
        """Write a file for each response."""
        for index, identifier in enumerate(_limited(batch, self._declaration.limit, self.responses)):
            if index in batch.undecodable:
                self._files.put_undecodable(identifier)
            else:
                text = _HEAD + response_xml(identifier, batch.find.transfer_syntax, self._dictionary)
                self._files.put((text.encode("utf-8", "replace"),))

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Nothing: a final status makes no file."""

    def close(self, *, whole: bool) -> SinkState:
        """Give the files their names, or keep them in the folder partial-1, -2, … of the directory."""
        return self._files.close(whole=whole, keep_names=self._declaration.keep_after_failure)


class XmlFileSink:
    """Writes PATH whole, or PATH.partial. See `runner.sinks.base.Sink`."""

    type = "xml"

    def __init__(self, declaration: XmlSink, job: Job, output_dir: Path) -> None:
        path = output_dir / declaration.path
        self.path = str(path)
        self.responses = 0
        self._declaration = declaration
        self._dictionary: Dictionary = job.dictionary
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

    def open(self) -> None:
        """Begin a temporary file beside the path."""
        check_folder(self._folder)
        self._file.open()
        self._opened = True
        self._file.write((_HEAD + '<responses type="C-FIND">\n').encode())

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

    def write(self, batch: Batch) -> None:
        """Append an element for each response."""
        texts = []
        identifiers = _limited(batch, self._declaration.limit, self.responses)
        for index, identifier in enumerate(identifiers):
            if index in batch.undecodable:
                self._undecodable.keep(identifier)
            else:
                texts.append(response_xml(identifier, batch.find.transfer_syntax, self._dictionary))
        self._file.write("".join(texts).encode("utf-8", "replace"))
        self.responses += len(identifiers)

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Nothing: a final status makes no element."""

    def close(self, *, whole: bool) -> SinkState:
        """End the document and give the file its name, or keep it as PATH.partial."""
        if not self._opened:
            return SinkState.NONE
        if whole or (self._declaration.keep_after_failure and self.responses):
            try:
                self._file.write(b"</responses>\n")
            except SinkError:
                self._file.keep()
                raise
            self._file.commit()
            return SinkState.COMMITTED if whole else SinkState.PARTIAL
        if not self.responses:
            self._file.discard()
            return SinkState.NONE
        self._file.keep()
        return SinkState.PARTIAL


def _limited(batch: Batch, limit: int | None, taken: int) -> Sequence[bytes]:
    return batch.identifiers if limit is None else batch.identifiers[: limit - taken]
