"""Responses as XML in DCMTK's form: a file for each, or one for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.dicom.dictionary import Dictionary
from runner.dicom.response_xml import response_xml
from runner.errors import SinkError
from runner.model import Job, XmlSink
from runner.sinks.base import Batch, Find, SinkState
from runner.sinks.numbered_files import NumberedFiles, NumberedFilesSink
from runner.sinks.one_file import OneFileSink
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


class XmlFileSink(OneFileSink):
    """Writes PATH whole, or PATH.partial. See `runner.sinks.base.Sink`."""

    type = "xml"

    def __init__(self, declaration: XmlSink, job: Job, output_dir: Path) -> None:
        super().__init__(output_dir / declaration.path)
        self._declaration = declaration
        self._dictionary: Dictionary = job.dictionary

    def open(self) -> None:
        """Begin a temporary file beside the path."""
        self._begin((_HEAD + '<responses type="C-FIND">\n').encode())

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
        return self._keep()


def _limited(batch: Batch, limit: int | None, taken: int) -> Sequence[bytes]:
    return batch.identifiers if limit is None else batch.identifiers[: limit - taken]
