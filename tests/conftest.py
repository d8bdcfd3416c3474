"""Real peers for the tests that ask for them; unit tests start none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from peers.archive import write_archive, write_worklists
from peers.certificates import Certificates
from peers.dcmqrscp import dcmqrscp
from peers.orthanc import orthanc
from peers.process import Server
from peers.wlmscpfs import wlmscpfs

# How long an example takes says nothing of what it shows: machines may be busy.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def archive_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of the synthetic archive."""
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def few_archive_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same without most studies of the patient BULK, of whom there are ten."""
    return write_archive(tmp_path_factory.mktemp("few"), bulk=10)


@pytest.fixture(scope="session")
def worklist_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the synthetic worklist items of the called AE title WLA."""
    return write_worklists(tmp_path_factory.mktemp("worklists"))


@pytest.fixture(scope="session")
def dcmqrscp_peer(tmp_path_factory: pytest.TempPathFactory, archive_files: list[Path]) -> Iterator[Server]:
    """A dcmqrscp with the archive, AE title QR."""
    with dcmqrscp(tmp_path_factory.mktemp("dcmqrscp"), archive_files) as server:
        yield server


@pytest.fixture(scope="session")
def dcmqrscp_prefers_big(
    tmp_path_factory: pytest.TempPathFactory, few_archive_files: list[Path]
) -> Iterator[Server]:
    """A dcmqrscp that takes explicit VR big endian where it is proposed, AE title QR."""
    with dcmqrscp(tmp_path_factory.mktemp("dcmqrscp-big"), few_archive_files, ["+xb"]) as server:
        yield server


@pytest.fixture(scope="session")
def dcmqrscp_study_root_only(
    tmp_path_factory: pytest.TempPathFactory, few_archive_files: list[Path]
) -> Iterator[Server]:
    """A dcmqrscp that supports the study root model alone, AE title QR."""
    folder = tmp_path_factory.mktemp("dcmqrscp-study-root")
    with dcmqrscp(folder, few_archive_files, ["-QP", "-QO"]) as server:
        yield server


@pytest.fixture(scope="session")
def wlmscpfs_peer(tmp_path_factory: pytest.TempPathFactory, worklist_folder: Path) -> Iterator[Server]:
    """A wlmscpfs with the worklist items in their own character sets, AE title WLA."""
    with wlmscpfs(tmp_path_factory.mktemp("wlmscpfs"), worklist_folder.parent) as server:
        yield server


@pytest.fixture(scope="session")
def orthanc_peer(
    tmp_path_factory: pytest.TempPathFactory, archive_files: list[Path], worklist_folder: Path
) -> Iterator[Server]:
    """An Orthanc with the archive and the worklist, in UTF-8 and without a limit, AE title ORTHANC."""
    with orthanc(tmp_path_factory.mktemp("orthanc"), archive_files, worklist_folder) as server:
        yield server


@pytest.fixture(scope="session")
def orthanc_limited(
    tmp_path_factory: pytest.TempPathFactory, few_archive_files: list[Path]
) -> Iterator[Server]:
    """An Orthanc that gives five answers at most."""
    folder = tmp_path_factory.mktemp("orthanc-limited")
    with orthanc(folder, few_archive_files, configuration={"LimitFindResults": 5}) as server:
        yield server


@pytest.fixture(scope="session")
def orthanc_closed(
    tmp_path_factory: pytest.TempPathFactory, few_archive_files: list[Path]
) -> Iterator[Server]:
    """An Orthanc that lets nobody query it whom it does not know."""
    configuration = {"DicomAlwaysAllowFind": None, "DicomAlwaysAllowFindWorklist": None}
    folder = tmp_path_factory.mktemp("orthanc-closed")
    with orthanc(folder, few_archive_files, configuration=configuration) as server:
        yield server


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Keys and certificates, good and bad ones; no test changes them."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
