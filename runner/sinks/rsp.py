"""Responses as DICOM files rsp0001.dcm, rsp0002.dcm, … (PS3.10 7), the identifier's bytes as they came."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from runner.dicom.dictionary import Dictionary
from runner.dicom.elements import Visit, visit, walk
from runner.dicom.encoding import deflated
from runner.dicom.part10 import file_meta
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import Job, RspSink
from runner.sinks.base import Batch, Find, SinkState
from runner.sinks.numbered_files import NumberedFiles, NumberedFilesSink
from runner.status import StatusDetail

#: The root of UIDs that anyone may make (PS3.5 B.2).
_UUID_ROOT = "2.25."
#: Instance numbers have ten digits, so that every file's meta information is equally long.
_FIRST_INSTANCE = 1_000_000_000


class RspFilesSink(NumberedFilesSink):
    """Writes the files. See `runner.sinks.base.Sink`."""

    type = "rsp"

    def __init__(self, declaration: RspSink, job: Job, output_dir: Path) -> None:
        folder = output_dir / declaration.directory
        self.path = str(folder)
        super().__init__(NumberedFiles(folder, "dcm"))
        self._declaration = declaration
        self._dictionary = job.dictionary
        self._uid = _UUID_ROOT + str(int.from_bytes(os.urandom(16), "big"))
        self._find: Find | None = None
        self._before = self._behind = b""

    def write(self, batch: Batch) -> None:
        """Write a file for each response."""
        if batch.find is not self._find:
            self._begin(batch.find)
        identifiers = batch.identifiers
        if self._declaration.limit is not None:
            identifiers = identifiers[: self._declaration.limit - self.responses]
        syntax = batch.find.transfer_syntax
        if not batch.undecodable:
            self._write_files(identifiers, syntax)
            return
        for index, identifier in enumerate(identifiers):
            if index in batch.undecodable:
                self._files.put_undecodable(identifier)
            else:
                self._write_files((identifier,), syntax)

    def _write_files(self, identifiers: Sequence[bytes], syntax: TransferSyntax) -> None:
        if self._declaration.disable_new_vr and syntax.explicit:
            identifiers = [without_new_vr(data, syntax, self._dictionary) for data in identifiers]
        if syntax.deflated:
            identifiers = [deflated(data) for data in identifiers]
        before, behind = self._before, self._behind
        self._files.put(
            b"%b%d%b%b" % (before, instance, behind, identifier)
            for instance, identifier in enumerate(identifiers, _FIRST_INSTANCE + self._files.number)
        )

    def finish(self, find: Find, detail: StatusDetail) -> None:
        """Nothing: a final status makes no file."""

    def close(self, *, whole: bool) -> SinkState:
        """Give the files their names, or keep them in the folder partial-1, -2, … of the directory.

        Each file is whole in itself, so they get their names after a failure too where the job wants it.
        """
        return self._files.close(whole=whole, keep_names=self._declaration.keep_after_failure)

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
    """Return preamble and file meta information, cut where the instance's number goes.

    Args:
        sop_class: the SOP class whose C-FIND answered.
        instance: the UID of the file but for its last ten digits.
        syntax: of the data set.
    """
    first = f"{instance}{_FIRST_INSTANCE}"
    whole = file_meta(sop_class, first, syntax)
    cut = whole.index(first.encode("ascii")) + len(instance)
    return whole[:cut], whole[cut + len(str(_FIRST_INSTANCE)) :]
