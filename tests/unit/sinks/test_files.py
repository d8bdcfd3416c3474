"""Files appear under their names when they are whole, or are kept as partial and said to be."""

from __future__ import annotations

import errno
import io
import os
import resource
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from peers.dataset_notation import EXPLICIT, split_part10, write
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import ExitStatus, SinkError
from runner.model import CsvSink, RspSink
from runner.sinks import atomic_file, numbered_files
from runner.sinks.atomic_file import AtomicFile
from runner.sinks.base import Sink, SinkState
from runner.sinks.registry import make_sinks

ONE = [["0010,0010", "PN", "DOE^JOHN"], ["0010,0020", "LO", "1"]]
TWO = [["0010,0010", "PN", "ROE"], ["0010,0020", "LO", "2"]]
CSV = CsvSink("studies.csv")
RSP = RspSink("rsp")


def sink_of(job: Any, folder: Path) -> Sink:
    ((_, sink),) = make_sinks(job, folder, io.BytesIO())
    return sink


def names(folder: Path) -> list[str]:
    """All names below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def written(make_job: Any, make_batch: Any, tmp_path: Path) -> Any:
    """Write batches through a sink; it is not closed."""

    def write_batches(declaration: Any, *data_sets: Any, **kwargs: Any) -> Sink:
        job = make_job(declaration)
        sink = sink_of(job, tmp_path)
        sink.open()
        if data_sets:
            sink.write(make_batch(job, *data_sets, **kwargs))
        return sink

    return write_batches


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """No file may be longer than 64 bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


# --- CSV --------------------------------------------------------------------------------------------


def test_csv_appears_when_it_is_whole(written: Any, tmp_path: Path) -> None:
    sink = written(CSV, ONE, TWO)
    assert "studies.csv" not in names(tmp_path)
    assert sink.close(whole=True) is SinkState.COMMITTED
    assert names(tmp_path) == ["studies.csv"]
    assert (tmp_path / "studies.csv").read_text() == "PatientName,PatientID\nDOE^JOHN,1\nROE,2\n"
    assert (sink.responses, sink.kept_in, sink.type) == (2, "", "csv")
    assert sink.path == str(tmp_path / "studies.csv")


def test_csv_of_no_response_has_a_header(written: Any, tmp_path: Path) -> None:
    assert written(CSV).close(whole=True) is SinkState.COMMITTED
    assert (tmp_path / "studies.csv").read_text() == "PatientName,PatientID\n"


def test_csv_takes_the_place_of_an_older_one_only_when_whole(written: Any, tmp_path: Path) -> None:
    (tmp_path / "studies.csv").write_text("old")
    sink = written(CSV, ONE)
    assert (tmp_path / "studies.csv").read_text() == "old"
    assert sink.close(whole=False) is SinkState.PARTIAL
    assert (tmp_path / "studies.csv").read_text() == "old"
    assert sink.kept_in == str(tmp_path / "studies.csv.partial")
    assert Path(sink.kept_in).read_text() == "PatientName,PatientID\nDOE^JOHN,1\n"
    assert written(CSV, TWO).close(whole=True) is SinkState.COMMITTED
    assert (tmp_path / "studies.csv").read_text() == "PatientName,PatientID\nROE,2\n"
    assert names(tmp_path) == ["studies.csv"]


def test_failed_csv_without_a_response_leaves_nothing(written: Any, tmp_path: Path) -> None:
    assert written(CSV).close(whole=False) is SinkState.NONE
    assert names(tmp_path) == []


def test_csv_that_was_never_opened(make_job: Any, tmp_path: Path) -> None:
    assert sink_of(make_job(CSV), tmp_path).close(whole=False) is SinkState.NONE


def test_csv_honours_the_umask(written: Any, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        written(CSV, ONE).close(whole=True)
    finally:
        os.umask(before)
    assert (tmp_path / "studies.csv").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
@pytest.mark.parametrize("link", [True, False])
def test_csv_may_be_read_by_those_who_could_read_the_one_before(
    written: Any, tmp_path: Path, mode: int, link: bool
) -> None:
    real = tmp_path / ("real.csv" if link else "studies.csv")
    real.write_text("old")
    real.chmod(mode)
    if link:
        (tmp_path / "studies.csv").symlink_to(real)
    sink = written(CSV, ONE)
    assert stat.S_IMODE(Path(sink.place).stat().st_mode) == mode
    sink.close(whole=True)
    assert (real.read_text()[-11:], stat.S_IMODE(real.stat().st_mode)) == ("DOE^JOHN,1\n", mode)


def test_csv_behind_a_symbolic_link(written: Any, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "studies.csv").symlink_to("real/data.csv")
    written(CSV, ONE).close(whole=True)
    assert (tmp_path / "studies.csv").is_symlink()
    assert (tmp_path / "real" / "data.csv").read_text().endswith("DOE^JOHN,1\n")


def test_longest_possible_name(written: Any, tmp_path: Path) -> None:
    for name in ("n" * 251 + ".csv", "n" + "\u80f8" * 83 + ".csv"):
        assert written(CsvSink(name), ONE).close(whole=True) is SinkState.COMMITTED
        assert names(tmp_path) == [name]
        (tmp_path / name).unlink()


def test_longest_possible_name_of_a_folder(written: Any, tmp_path: Path) -> None:
    for name in ("n" * 255, "\u80f8" * 85):
        assert written(RspSink(name), ONE).close(whole=True) is SinkState.COMMITTED
        assert sorted(names(tmp_path)) == [name, f"{name}/rsp0001.dcm"]
        shutil.rmtree(tmp_path / name)


def test_undecodable_identifiers_beside_the_csv_overwrite_nothing(written: Any, tmp_path: Path) -> None:
    (tmp_path / "studies.csv.undecodable0001.bin").write_bytes(b"old")
    sink = written(CSV, ONE, b"xx", TWO, b"yy")
    assert sink.close(whole=False) is SinkState.PARTIAL
    assert names(tmp_path) == [
        "studies.csv.partial",
        "studies.csv.undecodable0001.bin",
        "studies.csv.undecodable0002.bin",
        "studies.csv.undecodable0003.bin",
    ]
    assert [Path(path).read_bytes() for path in sink.undecodable_files] == [b"xx", b"yy"]
    assert sink.responses == 4


def test_two_sinks_of_one_path_are_refused(make_job: Any, tmp_path: Path) -> None:
    job = make_job(CSV, CsvSink("./studies.csv"))
    for _, sink in make_sinks(job, tmp_path, io.BytesIO()):
        with pytest.raises(SinkError, match=r"several sinks of the job write to .*a path of its own"):
            sink.open()


def test_device_is_written_to_and_stays(written: Any, make_job: Any, tmp_path: Path) -> None:
    sink = written(CsvSink("/dev/null"), ONE)
    assert sink.close(whole=True) is SinkState.COMMITTED
    assert Path("/dev/null").is_char_device()
    with pytest.raises(SinkError, match="No space left on device; free some space") as caught:
        written(CsvSink("/dev/full"), ONE)
    assert "/dev/full" in str(caught.value)
    assert caught.value.status is ExitStatus.SINK_FAILED


def test_disk_full_keeps_what_arrived(
    make_job: Any, make_batch: Any, tmp_path: Path, small_files_only: None
) -> None:
    job = make_job(CSV)
    sink = sink_of(job, tmp_path)
    sink.open()
    sink.write(make_batch(job, ONE))
    with pytest.raises(SinkError, match=r"cannot write .*studies\.csv: File too large"):
        sink.write(make_batch(job, *[TWO] * 20))
    assert sink.close(whole=False) is SinkState.PARTIAL
    assert names(tmp_path) == ["studies.csv.partial"]
    # no part of a row, and as many rows as are said to be there
    assert Path(sink.kept_in).read_text() == "PatientName,PatientID\nDOE^JOHN,1\n"
    assert sink.responses == 1


def test_what_is_written_after_a_full_disk_has_no_gap_before_it(
    tmp_path: Path, small_files_only: None
) -> None:
    file = AtomicFile(tmp_path / "x")
    file.open()
    file.write(b"12345678")
    with pytest.raises(SinkError, match="File too large"):
        file.write(b"x" * 100)
    file.write(b"9")
    file.commit()
    assert (tmp_path / "x").read_bytes() == b"123456789"


def test_disk_that_fails_at_the_end(written: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = written(CSV, ONE)

    def fail(_file: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(atomic_file.os, "fsync", fail)
    with pytest.raises(SinkError, match="Input/output error; check the disk"):
        sink.close(whole=True)
    assert names(tmp_path) == ["studies.csv.partial"]
    assert sink.kept_in == str(tmp_path / "studies.csv.partial")


@pytest.fixture
def no_folder_can_be_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fails where the names of files are brought to it, which have been given."""

    def fail(_folder: Path) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(atomic_file, "sync_folder", fail)
    monkeypatch.setattr(numbered_files, "sync_folder", fail)
    monkeypatch.setattr(numbered_files, "_sync", lambda *_: None)


def test_csv_whose_name_cannot_be_brought_to_the_disk(
    written: Any, tmp_path: Path, no_folder_can_be_synced: None
) -> None:
    sink = written(CSV, ONE)
    with pytest.raises(SinkError, match=r"cannot write .*/studies\.csv: Input/output error; check the disk"):
        sink.close(whole=True)
    assert names(tmp_path) == ["studies.csv.partial"]
    assert sink.kept_in == str(tmp_path / "studies.csv.partial")


@pytest.mark.parametrize("existed", [True, False])
def test_rsp_whose_names_cannot_be_brought_to_the_disk(
    written: Any, tmp_path: Path, no_folder_can_be_synced: None, existed: bool
) -> None:
    if existed:
        (tmp_path / "rsp").mkdir()
    sink = written(RSP, ONE, b"bad", TWO)
    with pytest.raises(SinkError, match=r"cannot write into .*/rsp: Input/output error; check the disk"):
        sink.close(whole=True)
    kept = tmp_path / "rsp" / "partial-1"
    assert names(tmp_path / "rsp") == [
        "partial-1", *(f"partial-1/rsp000{name}" for name in ("1.dcm", "2.bin", "3.dcm"))]  # fmt: skip
    assert (sink.kept_in, *sink.undecodable_files) == (str(kept), str(kept / "rsp0002.bin"))


@pytest.mark.parametrize("declaration", [CSV, RSP])
def test_what_must_keep_its_name_though_it_failed_is_said_to_lie_there(
    written: Any,
    tmp_path: Path,
    declaration: Any,
    no_folder_can_be_synced: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = written(declaration, ONE)
    moves = iter([True, False])
    for method in ("rename", "replace"):
        really = getattr(Path, method)

        def once(path: Path, target: Path, really: Any = really) -> Path:
            if not next(moves):
                raise OSError(errno.EROFS, "read-only by now")
            moved: Path = really(path, target)
            return moved

        monkeypatch.setattr(Path, method, once)
    with pytest.raises(SinkError, match="Input/output error"):
        sink.close(whole=True)
    assert sink.kept_in == sink.path
    assert Path(sink.kept_in).exists()


@pytest.mark.parametrize("declaration", [CsvSink("missing/x.csv"), RspSink("missing/rsp")])
def test_missing_folder(make_job: Any, tmp_path: Path, declaration: Any) -> None:
    with pytest.raises(SinkError, match=r"/missing: No such file or directory; create the folder first"):
        sink_of(make_job(declaration), tmp_path).open()
    assert names(tmp_path) == []


@pytest.mark.parametrize("declaration", [CsvSink("file/x.csv"), RspSink("file/rsp"), RspSink("file")])
def test_folder_that_is_a_file(make_job: Any, tmp_path: Path, declaration: Any) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=r"/file: Not a directory; correct the path"):
        sink_of(make_job(declaration), tmp_path).open()
    assert names(tmp_path) == ["file"]


def test_csv_whose_path_is_a_folder(make_job: Any, tmp_path: Path) -> None:
    (tmp_path / "studies.csv").mkdir()
    with pytest.raises(SinkError, match="a folder has this name"):
        sink_of(make_job(CSV), tmp_path).open()


@pytest.mark.parametrize("declaration", [CSV, RSP])
def test_no_permission(
    make_job: Any, tmp_path: Path, declaration: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "refused")

    sink = sink_of(make_job(declaration), tmp_path)
    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(SinkError, match="Permission denied; check the permissions"):
        sink.open()


# --- rsp files --------------------------------------------------------------------------------------


def test_rsp_files_are_dicom_files_of_the_bytes_that_came(written: Any, tmp_path: Path) -> None:
    sink = written(RSP, ONE, TWO, ONE)
    assert not (tmp_path / "rsp").exists()
    assert sink.close(whole=True) is SinkState.COMMITTED
    assert names(tmp_path) == ["rsp", "rsp/rsp0001.dcm", "rsp/rsp0002.dcm", "rsp/rsp0003.dcm"]
    data = (tmp_path / "rsp" / "rsp0002.dcm").read_bytes()
    assert split_part10(data) == (EXPLICIT, write(TWO, EXPLICIT))
    read = [pydicom.dcmread(path) for path in sorted((tmp_path / "rsp").iterdir())]
    assert [str(dataset.PatientName) for dataset in read] == ["DOE^JOHN", "ROE", "DOE^JOHN"]
    assert len({dataset.file_meta.MediaStorageSOPInstanceUID for dataset in read}) == 3
    assert all(dataset.file_meta.MediaStorageSOPInstanceUID.is_valid for dataset in read)
    assert read[0].file_meta.MediaStorageSOPClassUID == "1.2.840.10008.5.1.4.1.2.2.1"
    assert (sink.type, sink.path, sink.responses, sink.kept_in) == ("rsp", str(tmp_path / "rsp"), 3, "")


@pytest.mark.parametrize("syntax", list(TransferSyntax))
def test_rsp_files_are_in_the_negotiated_transfer_syntax(
    written: Any, tmp_path: Path, syntax: TransferSyntax
) -> None:
    written(RSP, ONE, syntax=syntax).close(whole=True)
    path = tmp_path / "rsp" / "rsp0001.dcm"
    dataset = pydicom.dcmread(path)
    assert dataset.file_meta.TransferSyntaxUID == syntax.uid
    assert (str(dataset.PatientName), dataset.PatientID) == ("DOE^JOHN", "1")
    assert len(path.read_bytes()) % 2 == 0


@pytest.mark.parametrize("there", [[], ["rsp0007.dcm", "rsp0003.bin", "other"]])
def test_numbering_goes_on_in_a_folder_that_is_there(written: Any, tmp_path: Path, there: list[str]) -> None:
    folder = tmp_path / "rsp"
    folder.mkdir()
    for name in there:
        (folder / name).write_text("old")
    first = 8 if there else 1
    assert written(RSP, ONE, b"xx", TWO).close(whole=True) is SinkState.COMMITTED
    new = [f"rsp{first:04d}.dcm", f"rsp{first + 1:04d}.bin", f"rsp{first + 2:04d}.dcm"]
    assert names(folder) == sorted([*there, *new])
    assert all((folder / name).read_text() == "old" for name in there)
    assert pydicom.dcmread(folder / new[2]).PatientID == "2"


def test_numbers_over_9999_have_another_digit(written: Any, tmp_path: Path) -> None:
    (tmp_path / "rsp").mkdir()
    (tmp_path / "rsp" / "rsp9998.dcm").write_text("old")
    written(RSP, ONE, TWO).close(whole=True)
    assert names(tmp_path / "rsp") == ["rsp10000.dcm", "rsp9998.dcm", "rsp9999.dcm"]


def test_files_that_come_meanwhile_are_not_overwritten(written: Any, tmp_path: Path) -> None:
    folder = tmp_path / "rsp"
    for existed in (False, True):
        sink = written(RSP, ONE, b"bad", TWO)
        if not existed:
            folder.mkdir()
        before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        taken = len(before) + 1
        before[f"rsp{taken:04d}.dcm"] = b"another program's"
        (folder / f"rsp{taken:04d}.dcm").write_bytes(b"another program's")
        assert sink.close(whole=True) is SinkState.COMMITTED
        assert {name: (folder / name).read_bytes() for name in before} == before
        assert len(names(folder)) == len(before) + 3
        (bad,) = sink.undecodable_files
        assert Path(bad).read_bytes() == b"bad"
    assert names(tmp_path) == ["rsp", *[f"rsp/{name}" for name in names(folder)]]


@pytest.mark.parametrize("exclusive", [True, False] if sys.platform == "linux" else [False])
def test_file_system_without_hard_links(
    written: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exclusive: bool
) -> None:
    """Where a file can be renamed so that it replaces none, no name is ever reserved by an empty file."""

    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(numbered_files.os, "link", no_links)
    if exclusive:
        monkeypatch.setattr(numbered_files.os, "rename", no_links)
    else:
        monkeypatch.setattr(numbered_files, "_c_function", lambda _: None)
    (tmp_path / "rsp").mkdir()
    sink = written(RSP, ONE, b"bad", TWO)
    (tmp_path / "rsp" / "rsp0002.bin").write_text("old")
    sink.close(whole=True)
    assert names(tmp_path / "rsp") == ["rsp0002.bin", "rsp0003.dcm", "rsp0004.bin", "rsp0005.dcm"]


@pytest.mark.parametrize("existed", [True, False])
def test_partial_files_do_not_bear_final_names(written: Any, tmp_path: Path, existed: bool) -> None:
    if existed:
        (tmp_path / "rsp").mkdir()
    for number in (1, 2):
        sink = written(RSP, ONE, b"bad")
        assert sink.close(whole=False) is SinkState.PARTIAL
        assert sink.kept_in == str(tmp_path / "rsp" / f"partial-{number}")
        assert names(Path(sink.kept_in)) == ["rsp0001.dcm", "rsp0002.bin"]
        assert list(sink.undecodable_files) == [f"{sink.kept_in}/rsp0002.bin"]
    assert sorted(path.name for path in (tmp_path / "rsp").iterdir()) == ["partial-1", "partial-2"]


@pytest.mark.parametrize("existed", [True, False])
def test_failed_rsp_sink_without_a_response_leaves_nothing(
    written: Any, tmp_path: Path, existed: bool
) -> None:
    if existed:
        (tmp_path / "rsp").mkdir()
    assert written(RSP).close(whole=False) is SinkState.NONE
    assert names(tmp_path) == ["rsp"] * existed


def test_rsp_sink_in_the_current_folder(written: Any, tmp_path: Path) -> None:
    assert written(RspSink("."), ONE).close(whole=True) is SinkState.COMMITTED
    assert names(tmp_path) == ["rsp0001.dcm"]


def test_many_files_are_brought_to_the_disk_at_once(
    written: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    sink = written(RSP, *[ONE] * 3)
    hidden = Path(sink.place).stat().st_ino
    assert sink.close(whole=True) is SinkState.COMMITTED
    assert hidden in synced, "the names in the folder, too"
    few = len(synced)
    assert written(RspSink("many"), *[ONE] * 100).close(whole=True) is SinkState.COMMITTED
    assert len(names(tmp_path / "many")) == 100
    assert len(synced) - few < few


def test_rsp_on_a_full_disk(make_job: Any, make_batch: Any, tmp_path: Path, small_files_only: None) -> None:
    job = make_job(RSP)
    sink = sink_of(job, tmp_path)
    sink.open()
    with pytest.raises(SinkError, match=r"cannot write into the folder .*/rsp: File too large"):
        sink.write(make_batch(job, ONE))
    assert sink.close(whole=False) is SinkState.NONE
    assert names(tmp_path) == []


def test_rsp_disk_that_fills_after_some_files(
    written: Any, make_job: Any, make_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = written(RSP, ONE)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(numbered_files.os, "write", full)
    with pytest.raises(SinkError, match="No space left on device; free some space"):
        sink.write(make_batch(make_job(RSP), TWO))
    monkeypatch.undo()
    assert sink.close(whole=False) is SinkState.PARTIAL
    assert names(tmp_path) == ["rsp", "rsp/partial-1", "rsp/partial-1/rsp0001.dcm"]


def test_writes_that_are_cut_short_are_finished(
    written: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_really = os.write

    def write_some(file: int, data: Any) -> int:
        return write_really(file, bytes(data[:7]))

    monkeypatch.setattr(os, "write", write_some)
    written(RSP, ONE).close(whole=True)
    written(CSV, ONE).close(whole=True)
    monkeypatch.undo()
    assert split_part10((tmp_path / "rsp" / "rsp0001.dcm").read_bytes()) == (EXPLICIT, write(ONE, EXPLICIT))
    assert (tmp_path / "studies.csv").read_text() == "PatientName,PatientID\nDOE^JOHN,1\n"
