"""Sinks go on with what an earlier run left, keep of it what is named, and number without gaps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.errors import SinkError
from runner.model import CsvSink, RspSink, XmlSink
from runner.sinks.base import Earlier, Sink, SinkState
from runner.sinks.registry import make_sinks

RECORDS = [[["0010,0010", "PN", name], ["0010,0020", "LO", name]] for name in "ABCDEFGH"]


def sink_of(job: Any, folder: Path) -> Sink:
    ((_, sink),) = make_sinks(job, folder, io.BytesIO())
    return sink


def left(sink: Sink, batches: Sequence[Any]) -> list[tuple[int, int]]:
    """Write batches through a sink that is never closed; return where the head and each of them lies."""
    sink.open()
    begin = 0 if Path(sink.place).is_file() else sink.position
    spans = [(begin, sink.position)]
    for batch in batches:
        before = sink.position
        sink.write(batch)
        spans.append((before, sink.position))
    return spans


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found = [spans[0]]
    for begin, end in spans[1:]:
        if begin == found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


@pytest.mark.parametrize("kept", ["", "AB", "A", "ACE", "BD", "F", "ABCDEF"])
@pytest.mark.parametrize(
    ("declaration", "name"), [(CsvSink("out.csv"), "out.csv"), (XmlSink(path="out.xml"), "out.xml")]
)
def test_a_file_holds_what_is_kept_and_what_comes(
    make_job: Any, make_batch: Any, tmp_path: Path, declaration: Any, name: str, kept: str
) -> None:
    job = make_job(declaration)
    first = sink_of(job, tmp_path)
    spans = left(first, [make_batch(job, record) for record in RECORDS[:6]])
    wanted = merged([spans[0], *(spans["ABCDEF".index(letter) + 1] for letter in kept)])
    second = sink_of(job, tmp_path)
    assert second.resume(Earlier(first.place, wanted, len(kept)))
    assert (second.responses, second.position) == (len(kept), sum(end - begin for begin, end in wanted))
    second.sync()
    second.write(make_batch(job, *RECORDS[6:]))
    assert second.close(whole=True) is SinkState.COMMITTED
    expected = sink_of(job, tmp_path / "..")
    expected.open()
    place = Path(expected.place)
    for record in [RECORDS["ABCDEFGH".index(letter)] for letter in kept] + RECORDS[6:]:
        expected.write(make_batch(job, record))
    tail = b"</responses>\n" if name.endswith("xml") else b""
    assert (tmp_path / name).read_bytes() == place.read_bytes() + tail
    place.unlink()
    assert {path.name for path in tmp_path.iterdir()} - {Path(first.place).name} == {name}


@pytest.mark.parametrize("kept", ["", "AB", "A", "ACE", "BD", "F", "ABCDEF"])
@pytest.mark.parametrize("exists", [False, True])
def test_files_are_numbered_without_gaps(
    make_job: Any, make_batch: Any, tmp_path: Path, kept: str, exists: bool
) -> None:
    job = make_job(RspSink("rsp"))
    if exists:
        (tmp_path / "rsp").mkdir()
        (tmp_path / "rsp" / "rsp0004.dcm").touch()
    first = sink_of(job, tmp_path)
    spans = left(first, [make_batch(job, record) for record in RECORDS[:6]])
    wanted = merged([spans[0], *(spans["ABCDEF".index(letter) + 1] for letter in kept)])
    wanted = [span for span in wanted if span[0] < span[1]] or wanted[:1]
    if wanted[0][0] != spans[0][0]:
        wanted.insert(0, spans[0])
    second = sink_of(job, tmp_path)
    assert second.resume(Earlier(first.place, wanted, len(kept)))
    second.write(make_batch(job, *RECORDS[6:]))
    assert second.close(whole=True) is SinkState.COMMITTED
    letters, begin = [*kept, "G", "H"], 5 if exists else 1
    files = sorted(path for path in (tmp_path / "rsp").iterdir() if path.is_file())[int(exists) :]
    assert [path.name for path in files] == [f"rsp{begin + at:04d}.dcm" for at in range(len(letters))]
    assert [path.read_bytes().rstrip(b"\0 ")[-1:].decode() for path in files] == letters


def test_a_folder_that_was_being_named_is_named_to_its_end(
    make_job: Any, make_batch: Any, tmp_path: Path
) -> None:
    job = make_job(RspSink("rsp"))
    folder = tmp_path / "rsp"
    folder.mkdir()
    first = sink_of(job, tmp_path)
    spans = merged(left(first, [make_batch(job, record) for record in RECORDS[:4]]))
    place = Path(first.place)
    (place / "rsp0001.dcm").rename(folder / "rsp0001.dcm")
    (folder / "rsp0002.dcm").hardlink_to(place / "rsp0002.dcm")  # named, and not yet gone from here
    second = sink_of(job, tmp_path)
    assert second.resume(Earlier(str(place), spans, 4, committing=True))
    assert second.close(whole=True) is SinkState.COMMITTED
    assert sorted(path.name for path in folder.iterdir()) == [f"rsp000{number}.dcm" for number in range(1, 5)]


@pytest.mark.parametrize("declaration", [CsvSink("out.csv"), RspSink("rsp"), XmlSink(path="out.xml")])
def test_what_is_gone_or_cut_off_is_not_gone_on_with(
    make_job: Any, make_batch: Any, tmp_path: Path, declaration: Any
) -> None:
    job = make_job(declaration)
    first = sink_of(job, tmp_path)
    spans = merged(left(first, [make_batch(job, record) for record in RECORDS[:3]]))
    longer = [(spans[0][0], spans[0][1] + 1)]
    assert not sink_of(job, tmp_path).resume(Earlier(first.place, longer, 4))
    assert not sink_of(job, tmp_path).resume(Earlier(f"{first.place}.gone", spans, 3))
    assert sink_of(job, tmp_path).resume(Earlier(first.place, spans, 3))


def test_a_folder_that_has_the_files_name_by_now_is_named(
    make_job: Any, make_batch: Any, tmp_path: Path
) -> None:
    job = make_job(CsvSink("out.csv"))
    first = sink_of(job, tmp_path)
    spans = left(first, [make_batch(job, RECORDS[0])])
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(SinkError, match=r"cannot write .*/out\.csv: Is a directory"):
        sink_of(job, tmp_path).resume(Earlier(first.place, merged(spans), 1))
