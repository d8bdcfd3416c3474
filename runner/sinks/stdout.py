"""Responses on standard output: as a dump, as JSON, as CSV, or as findscu 3.5.4 or 3.6 prints them.

An identifier that cannot be decoded is printed by the dumps as far as it can be read, with the rest in
hexadecimal; JSON and CSV leave it out, and its bytes go into a file in the output folder.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from runner.dicom.dump import Dump, DumpStyle
from runner.dicom.shown_text import shown
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import SinkError
from runner.model import Job, StdoutFormat, StdoutSink
from runner.sinks.base import Batch, Find, Passing, Sink, SinkState
from runner.sinks.csv_rows import CsvRows
from runner.sinks.failure import sink_error
from runner.sinks.undecodable import UndecodableFiles
from runner.status import CANCEL, PENDING_WARNING, SUCCESS, StatusDetail

#: How findscu 3.5.4 names transfer syntaxes.
_SYNTAX_NAMES = {
    TransferSyntax.IMPLICIT_LITTLE: "LittleEndianImplicit",
    TransferSyntax.EXPLICIT_LITTLE: "LittleEndianExplicit",
    TransferSyntax.DEFLATED: "DeflatedLittleEndianExplicit",
    TransferSyntax.EXPLICIT_BIG: "BigEndianExplicit",
}
#: How 3.6 does.
_LOG_SYNTAX_NAMES = {
    TransferSyntax.IMPLICIT_LITTLE: "Little Endian Implicit",
    TransferSyntax.EXPLICIT_LITTLE: "Little Endian Explicit",
    TransferSyntax.DEFLATED: "Deflated Explicit VR Little Endian",
    TransferSyntax.EXPLICIT_BIG: "Big Endian Explicit",
}
_LOG_RULE = "---------------------------\n"
_STATUS_NAMES = {
    0xA700: "Refused: OutOfResources",
    0xA800: "Refused: SOPClassNotSupported",
    0xA900: "Failed: IdentifierDoesNotMatchSOPClass",
    CANCEL: "Cancel: MatchingTerminatedDueToCancelRequest",
}


class StandardOutput:
    """Writes to a binary stream, past its buffer where it has a file descriptor.

    Args:
        stream: standard output.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._descriptor: int | None = None
        self._flushed = False
        try:
            self._descriptor = stream.fileno()
        except (OSError, AttributeError, ValueError):
            self._descriptor = None

    @property
    def terminal(self) -> bool:
        """Whether a person may be looking."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, data: bytes) -> None:
        """Write all of the bytes.

        Raises:
            SinkError: the reader is gone, the disk is full, or the like.
        """
        try:
            if self._descriptor is None:
                self._stream.write(data)
                self._stream.flush()
                return
            if not self._flushed:
                self._stream.flush()
                self._flushed = True
            self._write_to(self._descriptor, data)
        except BrokenPipeError:
            raise SinkError(
                "standard output was closed by what reads it",
                "let the reading program take all of the output, or write to a file",
            ) from None
        except OSError as error:
            raise sink_error("cannot write to", "standard output", error) from None
        except ValueError:  # Python's word for a closed stream
            raise SinkError("standard output is closed", "redirect it to a file or a pipe") from None

    @staticmethod
    def _write_to(descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                written = os.write(descriptor, view)
            except BlockingIOError:
                # whoever shares the descriptor has made it non-blocking
                select.select((), (descriptor,), ())
                continue
            view = view[written:]


class _Printing(Passing):
    """What all ways of printing have in common. See `runner.sinks.base.Sink`."""

    type = "stdout"
    path = None
    kept_in = ""

    def __init__(self, stdout: StandardOutput, output_dir: Path) -> None:
        self.responses = 0
        self._stdout = stdout
        self._undecodable = UndecodableFiles(output_dir)

    @property
    def undecodable_files(self) -> Sequence[str]:
        """Where identifiers lie that could not be printed."""
        return self._undecodable.names

    def write(self, batch: Batch) -> None:
        """Print the responses of a batch."""
        self._stdout.write(self._printed(batch))
        self.responses += len(batch.identifiers)

    def _printed(self, batch: Batch) -> bytes:
        raise NotImplementedError

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Print nothing: what a final status means is said on standard error."""

    def close(self, *, whole: bool) -> SinkState:
        """Say whether all was printed; what is printed stays."""
        if whole:
            return SinkState.COMMITTED
        return SinkState.PARTIAL if self.responses else SinkState.NONE

    def _keep_undecodable(self, batch: Batch) -> Sequence[bytes]:
        """Keep what cannot be decoded in files; return the other identifiers."""
        bad = batch.undecodable
        if not bad:
            return batch.identifiers
        for index in sorted(bad):
            self._undecodable.keep(batch.identifiers[index])
        return [data for index, data in enumerate(batch.identifiers) if index not in bad]


class DumpPrinting(_Printing):
    """The lines of DCMTK's dumps, decoded to UTF-8, under a line that says where a response comes from."""

    style = DumpStyle.DECODED

    def __init__(self, stdout: StandardOutput, job: Job, output_dir: Path) -> None:
        super().__init__(stdout, output_dir)
        self._dictionary = job.dictionary
        self._escaped = stdout.terminal
        self._dumps: dict[TransferSyntax, Dump] = {}

    def _dump(self, syntax: TransferSyntax) -> Dump:
        dump = self._dumps.get(syntax)
        if dump is None:
            dump = Dump(syntax, self._dictionary, self.style, escaped=self._escaped)
            self._dumps[syntax] = dump
        return dump

    def _printed(self, batch: Batch) -> bytes:
        dump = self._dump(batch.find.transfer_syntax)
        head, foot = self._around(batch)
        identifiers = batch.identifiers
        if batch.undecodable:
            texts = [
                self._readable(dump, identifier)
                if index in batch.undecodable
                else dump.texts((identifier,))[0]
                for index, identifier in enumerate(identifiers)
            ]
        else:
            texts = dump.texts(identifiers)
        text = "".join([head % number + text + foot for number, text in enumerate(texts, batch.first)])
        return dump.encode(text, self.style)

    def _around(self, batch: Batch) -> tuple[str, str]:
        """Return what stands before and behind each response; %d is its number."""
        operation = batch.find.operation
        remark = " (optional keys are not supported)" if batch.status == PENDING_WARNING else ""
        origin = shown(f'query "{operation.query.name}", peer "{operation.peer.name}"').replace("%", "%%")
        return f"# Response %d: {origin}{remark}\n", "\n"

    @staticmethod
    def _readable(dump: Dump, identifier: bytes) -> str:
        text, rest, error = dump.readable_text(identifier)
        if error is None:
            return text
        return f"{text}# cannot be decoded: {error.what}\n# the rest, {len(rest)} bytes: {rest.hex()}\n"


class FindscuPrinting(DumpPrinting):
    """What findscu 3.5.4 prints, byte for byte; on a terminal with control characters as escapes."""

    style = DumpStyle.RAW

    def _around(self, batch: Batch) -> tuple[str, str]:
        pending = "Pending: WarningUnsupportedOptionalKeys" if batch.status == PENDING_WARNING else "Pending"
        return f"RESPONSE: %d ({pending})\n{_data_set_head(batch.find.transfer_syntax)}", "--------\n"

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Print a final status other than success, and what came with the status, whatever it is."""
        del find
        text = "" if detail.status == SUCCESS else f"Response: {_status_name(detail.status)}\n"
        if detail.elements:
            dump = self._dump(TransferSyntax.IMPLICIT_LITTLE)
            lines = self._readable(dump, detail.elements)
            text += f"  Status Detail:\n{_data_set_head(TransferSyntax.IMPLICIT_LITTLE)}{lines}"
        if not text:
            return
        self._stdout.write(Dump.encode(text, self.style))


class FindscuLogPrinting(FindscuPrinting):
    """What findscu 3.6 logs of responses; each line begins with the level of the logger."""

    style = DumpStyle.RAW_3_6

    def _around(self, batch: Batch) -> tuple[str, str]:
        pending = "Pending: WarningUnsupportedOptionalKeys" if batch.status == PENDING_WARNING else "Pending"
        name = _LOG_SYNTAX_NAMES[batch.find.transfer_syntax]
        head = (
            f"{_LOG_RULE}Find Response: %d ({pending})\n\n# Dicom-Data-Set\n# Used TransferSyntax: {name}\n"
        )
        return head, "\n"

    def _printed(self, batch: Batch) -> bytes:
        lines = super()._printed(batch)
        return b"I: %b\n" % lines[:-1].replace(b"\n", b"\nI: ") if lines else lines

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Print nothing: findscu 3.6 logs a final status only where it is asked for details."""
        del find, detail


class JsonPrinting(_Printing):
    """One DICOM JSON Model object a line."""

    def __init__(self, stdout: StandardOutput, job: Job, output_dir: Path) -> None:
        from runner.dicom.response_json import ResponseJson

        super().__init__(stdout, output_dir)
        self._dictionary = job.dictionary
        self._make = ResponseJson
        self._writers: dict[TransferSyntax, ResponseJson] = {}

    def _printed(self, batch: Batch) -> bytes:
        syntax = batch.find.transfer_syntax
        writer = self._writers.get(syntax)
        if writer is None:
            writer = self._writers[syntax] = self._make(syntax, self._dictionary)
        lines = writer.objects(self._keep_undecodable(batch))
        return "".join([line + "\n" for line in lines]).encode("utf-8", "replace")


class CsvPrinting(_Printing):
    """The rows of a CSV file, after one header; on a terminal with control characters as escapes."""

    def __init__(self, stdout: StandardOutput, job: Job, output_dir: Path, declaration: StdoutSink) -> None:
        super().__init__(stdout, output_dir)
        self._rows = CsvRows(job, declaration.columns, declaration.queries)
        self._terminal = stdout.terminal
        self._headed = False

    def _printed(self, batch: Batch) -> bytes:
        rows = self._rows.rows(batch)
        if batch.undecodable:
            self._keep_undecodable(batch)
        return self._header() + (_without_controls(rows) if self._terminal else rows)

    def _header(self) -> bytes:
        if self._headed:
            return b""
        self._headed = True
        return self._rows.header()

    def close(self, *, whole: bool) -> SinkState:
        """Print the header where no response came, and say whether all was printed."""
        if whole and not self._headed:
            self._stdout.write(self._header())
        return super().close(whole=whole)


def stdout_sink(declaration: StdoutSink, job: Job, output_dir: Path, stream: BinaryIO) -> Sink:
    """Return the sink that prints in the declared format."""
    stdout = StandardOutput(stream)
    makers: dict[StdoutFormat, Callable[[], Sink]] = {
        StdoutFormat.DUMP: lambda: DumpPrinting(stdout, job, output_dir),
        StdoutFormat.FINDSCU: lambda: FindscuPrinting(stdout, job, output_dir),
        StdoutFormat.FINDSCU_LOG: lambda: FindscuLogPrinting(stdout, job, output_dir),
        StdoutFormat.JSON: lambda: JsonPrinting(stdout, job, output_dir),
        StdoutFormat.CSV: lambda: CsvPrinting(stdout, job, output_dir, declaration),
    }
    return makers[declaration.format]()


def _data_set_head(syntax: TransferSyntax) -> str:
    return f"\n# Dicom-Data-Set\n# Used TransferSyntax: {_SYNTAX_NAMES[syntax]}\n"


def _status_name(status: int) -> str:
    if 0xC000 <= status <= 0xCFFF:
        return "Failed: UnableToProcess"
    return _STATUS_NAMES.get(status) or f"Unknown Status: 0x{status:x}"


def _without_controls(rows: bytes) -> bytes:
    lines = rows.decode("utf-8", "replace").split("\n")
    return "\n".join(map(shown, lines)).encode("utf-8", "replace")
