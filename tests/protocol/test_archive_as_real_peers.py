"""The embedded archive answers as DCMTK's archives do, from the same files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from peers.findscu import extract
from peers.process import Server
from runner.archive.files import request_identifier
from runner.archive.server import ArchiveServer
from runner.dicom.matching import attributes
from runner.dicom.transfer_syntax import TransferSyntax

#: What an archive adds on its own: SpecificCharacterSet, RetrieveAETitle.
OWN = (0x00080005, 0x00080054)


@pytest.fixture(scope="module")
def images(archive_files: list[Path]) -> Iterator[ArchiveServer]:
    with ArchiveServer.start(archive_files[0].parent) as server:
        assert server.skipped == ()
        yield server


@pytest.fixture(scope="module")
def worklist(worklist_folder: Path) -> Iterator[ArchiveServer]:
    with ArchiveServer.start(worklist_folder) as server:
        assert server.skipped == ()
        yield server


def _found(folder: Path, port: int, ae_title: str, model: str, keys: list[str]) -> list[str]:
    """Return the answers, decoded, in an order that does not depend on the archive's."""
    folder.mkdir()
    found = []
    for response in extract(folder, port, ae_title, model, keys):
        identifier, _ = request_identifier(response.data_set, TransferSyntax(response.transfer_syntax))
        record = attributes(identifier)
        found.append(repr([element for tag, element in sorted(record.items()) if tag not in OWN]))
    return sorted(found)


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (
            "study-root",
            ["QueryRetrieveLevel=STUDY", "PatientID", "StudyInstanceUID", "StudyDate", "PatientName"],
        ),
        ("study-root", ["QueryRetrieveLevel=STUDY", "PatientID=B*", "AccessionNumber", "StudyTime"]),
        ("study-root", ["QueryRetrieveLevel=STUDY", "StudyDate=20200101-20240201", "StudyInstanceUID"]),
        ("study-root", ["QueryRetrieveLevel=STUDY", "StudyDate=-20240201", "StudyInstanceUID"]),
        ("patient-root", ["QueryRetrieveLevel=PATIENT", "PatientID", "PatientName", "PatientBirthDate"]),
        ("patient-root", ["QueryRetrieveLevel=STUDY", "PatientID=BULK", "StudyInstanceUID", "StudyID"]),
        ("patient-study-only", ["QueryRetrieveLevel=PATIENT", "PatientID=*", "PatientSex"]),
    ],
)
def test_as_dcmqrscp(
    images: ArchiveServer, dcmqrscp_peer: Server, tmp_path: Path, model: str, keys: list[str]
) -> None:
    theirs = _found(tmp_path / "theirs", dcmqrscp_peer.port, "QR", model, keys)
    ours = _found(tmp_path / "ours", images.address[1], "ANY", model, keys)
    assert theirs
    assert ours == theirs


@pytest.mark.parametrize(
    "keys",
    [
        ["PatientName", "PatientID", "StudyInstanceUID"],
        ["PatientID", "(0040,0100)[0].Modality=CT", "(0040,0100)[0].ScheduledProcedureStepStartDate"],
        ["PatientID=*", "(0040,0100)[0].ScheduledProcedureStepStartDate=19990101-"],
    ],
)
def test_as_wlmscpfs(worklist: ArchiveServer, wlmscpfs_peer: Server, tmp_path: Path, keys: list[str]) -> None:
    theirs = _found(tmp_path / "theirs", wlmscpfs_peer.port, "WLA", "worklist", keys)
    ours = _found(tmp_path / "ours", worklist.address[1], "ANY", "worklist", keys)
    assert theirs
    assert ours == theirs
