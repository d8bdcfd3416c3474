"""What a folder of DICOM files holds: instances and worklist items."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.archive.files import FileReader, UnreadableFileError
from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import Attributes, attributes, text_of
from runner.errors import ArchiveError

STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
SOP_INSTANCE_UID = 0x00080018
SCHEDULED_PROCEDURE_STEP_SEQUENCE = 0x00400100

_INSTANCE_UIDS = {
    SOP_INSTANCE_UID: "SOPInstanceUID",
    STUDY_INSTANCE_UID: "StudyInstanceUID",
    SERIES_INSTANCE_UID: "SeriesInstanceUID",
}
#: Files that belong to an archive and are no part of what it holds, by their names in lower case.
_IGNORED = frozenset({"dicomdir", "lockfile"})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The data sets of an archive.

    Attributes:
        instances: each a SOP instance, in the order of the files' names.
        worklist: each with one scheduled procedure step.
        skipped: files that were left out, and why.
    """

    instances: tuple[Attributes, ...]
    worklist: tuple[Attributes, ...]
    skipped: tuple[tuple[Path, str], ...]


def read_catalogue(folder: Path) -> Catalogue:
    """Read all files in a folder and the folders below it.

    Hidden files, DICOMDIR and `lockfile` are ignored.

    Raises:
        ArchiveError: the folder cannot be read.
    """
    reader = FileReader()
    instances: dict[str, Attributes] = {}
    worklist: list[Attributes] = []
    skipped: list[tuple[Path, str]] = []
    for path in _files(folder):
        try:
            data_sets = reader.read(path)
        except UnreadableFileError as problem:
            skipped.append((path, str(problem)))
            continue
        except OSError as problem:
            skipped.append((path, problem.strerror or "it cannot be read"))
            continue
        for data_set in data_sets:
            why = _put(data_set, instances, worklist)
            if why:
                skipped.append((path, why))
    return Catalogue(tuple(instances.values()), tuple(worklist), tuple(skipped))


def _files(folder: Path) -> Iterator[Path]:
    def refuse(problem: OSError) -> None:
        if problem.filename is None or Path(problem.filename) == folder:
            raise ArchiveError(
                f"the archive folder cannot be read: {problem.strerror}",
                "name a folder with DICOM files",
                str(folder),
            ) from None

    if folder.exists() and not folder.is_dir():
        raise ArchiveError("the archive is not a folder", "name a folder with DICOM files", str(folder))
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and name.lower() not in _IGNORED and path.is_file():
                yield path


def _put(data_set: Identifier, instances: dict[str, Attributes], worklist: list[Attributes]) -> str:
    """Put a data set where it belongs, or say why it belongs nowhere."""
    record = attributes(data_set)
    steps = record.get(SCHEDULED_PROCEDURE_STEP_SEQUENCE)
    uids = {tag: text_of(record[tag]) if tag in record else "" for tag in _INSTANCE_UIDS}
    if all(uids.values()):
        if uids[SOP_INSTANCE_UID] in instances:
            return "another file has the same SOPInstanceUID"
        instances[uids[SOP_INSTANCE_UID]] = record
        return ""
    if steps is not None and isinstance(steps.value, tuple) and steps.value:
        # each step is an answer of its own (PS3.4 K.6.1.2.2)
        worklist += ({**record, steps.tag: Element(steps.tag, "SQ", (step,))} for step in steps.value)
        return ""
    missing = ", ".join(name for tag, name in _INSTANCE_UIDS.items() if not uids[tag])
    return f"neither an instance (no {missing}) nor a worklist item (no ScheduledProcedureStepSequence)"
