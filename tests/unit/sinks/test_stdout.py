"""What is printed, and what happens when printing fails."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import threading
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from peers.dataset_notation import SYNTAXES, write
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import SinkError
from runner.model import StdoutFormat, StdoutSink
from runner.sinks.base import Sink, SinkState
from runner.sinks.registry import make_sinks
from runner.status import StatusDetail

ONE = [["0010,0010", "PN", "DOE^JOHN"], ["0010,0020", "LO", "1"]]
DUMP, JSON, CSV, FINDSCU = (StdoutSink(StdoutFormat(name)) for name in ("dump", "json", "csv", "findscu"))
ESCAPES = "A\x1b[31mB\x07C"


def sink_of(job: Any, stream: BinaryIO, folder: Path) -> Sink:
    ((_, sink),) = make_sinks(job, folder, stream)
    return sink


@pytest.fixture
def printed(make_job: Any, make_batch: Any, tmp_path: Path) -> Any:
    def print_batch(declaration: StdoutSink, *data_sets: Any, **kwargs: Any) -> str:
        job = make_job(declaration)
        stream = io.BytesIO()
        sink = sink_of(job, stream, tmp_path)
        sink.open()
        if data_sets:
            sink.write(make_batch(job, *data_sets, **kwargs))
        assert sink.close(whole=True) is SinkState.COMMITTED
        return stream.getvalue().decode("utf-8")

    return print_batch


def test_dump_names_number_query_and_peer(printed: Any) -> None:
    assert printed(DUMP, ONE, ONE[:1], first=9) == (
        '# Response 9: query "studies", peer "main"\n'
        "(0010,0010) PN [DOE^JOHN]                               #   8, 1 PatientName\n"
        "(0010,0020) LO [1 ]                                     #   2, 1 PatientID\n"
        "\n"
        '# Response 10: query "studies", peer "main"\n'
        "(0010,0010) PN [DOE^JOHN]                               #   8, 1 PatientName\n"
        "\n"
    )


def test_dump_says_that_optional_keys_are_not_supported(printed: Any) -> None:
    assert printed(DUMP, ONE, status=0xFF01).startswith(
        '# Response 1: query "studies", peer "main" (optional keys are not supported)\n'
    )


def test_dump_of_names_that_look_like_formats(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    job = make_job(DUMP, queries=("100%d of %s\x1b",))
    stream = io.BytesIO()
    sink_of(job, stream, tmp_path).write(make_batch(job, []))
    assert stream.getvalue() == b'# Response 1: query "100%d of %s\\x1b", peer "main"\n\n'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"hex": "c384c3a4"}, "[Ää]"),
        (ESCAPES, "[A\\x1b[31mB\\x07C ]"),
        ("\u202eabc", "[\\u202eabc]"),
        ("a\u2028b ", "[a\\u2028b ]"),
        ({"hex": "c29b41"}, "[\\x9bA]"),
        ({"hex": "41004200"}, "[A\\x00B]"),
        ({"hex": "ff20"}, "[� ]"),
        ("\U000e0041", "[\\U000e0041]"),
    ],
)
def test_dump_decodes_and_shows_what_would_control_a_terminal(printed: Any, value: Any, shown: str) -> None:
    lines = printed(DUMP, [["0008,0005", "CS", "ISO_IR 192"], ["0010,0010", "PN", value]]).split("\n")
    assert lines[2].startswith(f"(0010,0010) PN {shown:<40} #")


def test_dump_of_private_elements_names_them_by_creator(printed: Any) -> None:
    creator = ["0019,0010", "LO", "SIEMENS MR HEADER"]
    explicit = printed(DUMP, [creator, ["0019,100c", "IS", "1000"]])
    assert "(0019,100c) IS [1000]" in explicit
    assert explicit.split("\n")[2].rsplit("1 ", 1)[1] not in {"", "Unknown Tag & Data"}
    implicit = printed(
        DUMP,
        [creator, ["0019,100c", "IS", "1000"], ["0019,11ff", "LO", "x"]],
        syntax=TransferSyntax.IMPLICIT_LITTLE,
    )
    assert "(0019,100c) IS [1000]" in implicit
    assert "(0019,11ff) ?? 78\\20" in implicit


def test_dump_shows_floats_in_full_and_findscu_six_digits(printed: Any) -> None:
    data_set = [["0018,9087", "FD", [0.1234567891]], ["0070,0022", "FL", [0.1]]]
    assert "FD 0.1234567891 " in printed(DUMP, data_set)
    assert "FL 0.1 " in printed(DUMP, data_set)
    assert "FD 0.123457 " in printed(FINDSCU, data_set)


@pytest.mark.parametrize("declaration", [DUMP, FINDSCU])
def test_what_can_be_read_of_a_broken_identifier_is_printed(
    printed: Any, tmp_path: Path, declaration: StdoutSink
) -> None:
    broken = b"\x10\0\x10\0PN\x04\0DOE \x10\0\x20\0LO\x7f\x00ABC"
    text = printed(declaration, ONE, broken, ONE)
    assert "(0010,0010) PN [DOE ]                                   #   4, 1 PatientName\n# cannot" in text
    assert "# the rest, 11 bytes: 100020004c4f7f00414243\n" in text
    assert text.count("PID") == 0
    assert text.count("PatientID") == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("declaration", [JSON, CSV])
def test_broken_identifiers_beside_json_and_csv_are_kept(
    make_job: Any, make_batch: Any, tmp_path: Path, declaration: StdoutSink
) -> None:
    (tmp_path / "undecodable0001.bin").write_bytes(b"old")
    job = make_job(declaration)
    stream = io.BytesIO()
    sink = sink_of(job, stream, tmp_path)
    sink.write(make_batch(job, b"xx", ONE, b"yy"))
    assert sink.close(whole=False) is SinkState.PARTIAL
    assert len(stream.getvalue().splitlines()) == (2 if declaration is CSV else 1)
    assert [Path(path).read_bytes() for path in sink.undecodable_files] == [b"xx", b"yy"]
    assert (tmp_path / "undecodable0001.bin").read_bytes() == b"old"
    assert sink.responses == 3


def test_json_is_one_object_a_line(printed: Any) -> None:
    lines = printed(JSON, ONE, [["0010,0010", "PN", f"x\n{ESCAPES}\x7f"]]).split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [
        {
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "DOE^JOHN"}]},
            "00100020": {"vr": "LO", "Value": ["1"]},
        },
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": f"x\n{ESCAPES}\x7f"}]}},
    ]
    assert all(line.isprintable() for line in lines)


def test_csv_has_one_header(printed: Any) -> None:
    assert printed(CSV, ONE, ONE) == "PatientName,PatientID\nDOE^JOHN,1\nDOE^JOHN,1\n"
    assert printed(CSV) == "PatientName,PatientID\n"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (0xA700, "Refused: OutOfResources"),
        (0xA900, "Failed: IdentifierDoesNotMatchSOPClass"),
        (0xC123, "Failed: UnableToProcess"),
        (0xFE00, "Cancel: MatchingTerminatedDueToCancelRequest"),
        (0x0110, "Unknown Status: 0x110"),
    ],
)
def test_findscu_prints_final_statuses(
    make_job: Any, make_batch: Any, tmp_path: Path, status: int, line: str
) -> None:
    job = make_job(FINDSCU)
    stream = io.BytesIO()
    sink = sink_of(job, stream, tmp_path)
    find = make_batch(job).find
    sink.finish(find, StatusDetail(0))
    assert stream.getvalue() == b""
    sink.finish(find, StatusDetail(status))
    assert stream.getvalue().decode() == f"Response: {line}\n"


@pytest.mark.parametrize(
    ("status", "head"), [(0, ""), (0xA900, "Response: Failed: IdentifierDoesNotMatchSOPClass\n")]
)
def test_findscu_prints_the_detail_of_any_status(
    status: int, head: str, make_job: Any, make_batch: Any, tmp_path: Path
) -> None:
    job = make_job(FINDSCU)
    stream = io.BytesIO()
    elements = write([["0000,0902", "LO", "careful"], ["0000,0904", "US", [1]]], SYNTAXES["implicit"])
    sink_of(job, stream, tmp_path).finish(make_batch(job).find, StatusDetail(status, elements=elements))
    assert stream.getvalue().decode() == (
        f"{head}  Status Detail:\n\n# Dicom-Data-Set\n# Used TransferSyntax: LittleEndianImplicit\n"
        "(0000,0902) LO [careful ]                               #   8, 1 ErrorComment\n"
        "(0000,0904) ?? 01\\00                                    #   2, 1 Unknown Tag & Data\n"
    )


def test_findscu_prints_bytes_as_they_came(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    job = make_job(FINDSCU)
    stream = io.BytesIO()
    data_set = [["0010,0010", "PN", {"hex": "ff1b9b5c0041"}], ["0010,0020", "LO", {"hex": "0000"}]]
    sink_of(job, stream, tmp_path).write(make_batch(job, data_set))
    lines = stream.getvalue().split(b"\n")
    assert lines[4] == b"(0010,0010) PN [\xff\x1b\x9b\\]" + b" " * 35 + b"#   6, 2 PatientName"
    assert lines[5] == b"(0010,0020) LO []" + b" " * 39 + b"#   2, 1 PatientID"


@pytest.mark.parametrize("declaration", [DUMP, JSON, CSV, FINDSCU])
def test_terminal_never_gets_control_characters(
    make_job: Any, make_batch: Any, tmp_path: Path, declaration: StdoutSink
) -> None:
    job = make_job(declaration)
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen, os.fdopen(follower, "wb", buffering=0) as terminal:
        sink = sink_of(job, terminal, tmp_path)
        sink.write(make_batch(job, [["0010,0010", "PN", ESCAPES], ["0010,0020", "LO", "\u202e\x9bÄ"]]))
        shown = screen.read(4096).replace(b"\r\n", b"\n")
    text = shown.decode("utf-8")
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "[31m" in text


def test_pipe_without_a_reader(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    job = make_job(DUMP)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb", buffering=0) as stream:
        sink = sink_of(job, stream, tmp_path)
        with pytest.raises(SinkError, match="standard output was closed by what reads it"):
            sink.write(make_batch(job, ONE))
        assert sink.close(whole=False) is SinkState.NONE


def test_full_disk_behind_standard_output(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    job = make_job(DUMP)
    with Path("/dev/full").open("wb", buffering=0) as stream:
        sink = sink_of(job, stream, tmp_path)
        with pytest.raises(SinkError, match="standard output: No space left on device"):
            sink.write(make_batch(job, ONE))


def test_closed_standard_output(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    job = make_job(DUMP)
    stream = io.BytesIO()
    sink = sink_of(job, stream, tmp_path)
    stream.close()
    with pytest.raises(SinkError, match="standard output is closed"):
        sink.write(make_batch(job, ONE))


def test_what_was_buffered_comes_first(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as stream:
        stream.write(b"before\n")
        job = make_job(CSV)
        sink_of(job, stream, tmp_path).write(make_batch(job, ONE))
    assert (tmp_path / "out").read_bytes() == b"before\nPatientName,PatientID\nDOE^JOHN,1\n"


def test_non_blocking_pipe_with_a_slow_reader(make_job: Any, make_batch: Any, tmp_path: Path) -> None:
    job = make_job(CSV)
    read, write = os.pipe()
    os.set_blocking(write, False)
    chunks: list[bytes] = []

    def drain() -> None:
        with os.fdopen(read, "rb", buffering=0) as stream:
            while chunk := stream.read(1000):
                chunks.append(chunk)

    reader = threading.Thread(target=drain)
    with os.fdopen(write, "wb", buffering=0) as stream:
        sink = sink_of(job, stream, tmp_path)
        batch = make_batch(job, *[ONE] * 20_000)
        reader.start()
        sink.write(batch)
    reader.join()
    assert b"".join(chunks).count(b"\n") == 20_001


def test_other_errors_are_named(
    make_job: Any, make_batch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(DUMP)
    with (tmp_path / "out").open("wb") as stream:
        sink = sink_of(job, stream, tmp_path)

        def fail(*_: Any) -> int:
            raise OSError(errno.EIO, "")

        monkeypatch.setattr(os, "write", fail)
        with pytest.raises(SinkError, match="cannot write to standard output: Input/output error"):
            sink.write(make_batch(job, ONE))
        monkeypatch.undo()
