"""XML files: one for each response, or one for all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from runner.model import RspSink, XmlSink
from runner.sinks.base import Sink, SinkState
from runner.sinks.registry import make_sinks

ONE = [["0010,0010", "PN", "DOE^JOHN"]]
TWO = [["0010,0010", "PN", "ROE"]]


@pytest.fixture
def written(make_job: Any, make_batch: Any, tmp_path: Path) -> Any:
    def write_batches(declaration: Any, *data_sets: Any) -> Sink:
        job = make_job(declaration)
        ((_, sink),) = make_sinks(job, tmp_path, io.BytesIO())
        sink.open()
        for number, data_set in enumerate(data_sets, 1):
            sink.write(make_batch(job, data_set, first=number))
        return sink

    return write_batches


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_for_each(written: Any, tmp_path: Path) -> None:
    assert written(XmlSink(directory="xml"), ONE, b"bad", TWO).close(whole=True) is SinkState.COMMITTED
    assert names(tmp_path / "xml") == ["rsp0001.xml", "rsp0002.bin", "rsp0003.xml"]
    assert ET.parse(tmp_path / "xml" / "rsp0003.xml").getroot()[0].text == "ROE"
    assert written(XmlSink(directory="xml"), ONE).close(whole=True) is SinkState.COMMITTED
    assert "rsp0004.xml" in names(tmp_path / "xml")


def test_one_file_for_all(written: Any, tmp_path: Path) -> None:
    sink = written(XmlSink(path="all.xml"), ONE, b"bad", TWO)
    assert "all.xml" not in names(tmp_path)
    assert sink.close(whole=True) is SinkState.COMMITTED
    root = ET.parse(tmp_path / "all.xml").getroot()
    assert (root.tag, root.attrib) == ("responses", {"type": "C-FIND"})
    assert [data_set[0].text for data_set in root] == ["DOE^JOHN", "ROE"]
    assert [Path(path).read_bytes() for path in sink.undecodable_files] == [b"bad"]
    assert sink.responses == 3


def test_failed_run_keeps_a_partial_file(written: Any, tmp_path: Path) -> None:
    sink = written(XmlSink(path="all.xml"), ONE)
    assert sink.close(whole=False) is SinkState.PARTIAL
    assert names(tmp_path) == ["all.xml.partial"]
    assert sink.kept_in == str(tmp_path / "all.xml.partial")
    assert written(XmlSink(path="none.xml")).close(whole=False) is SinkState.NONE


@pytest.mark.parametrize(
    ("declaration", "name"),
    [
        (XmlSink(path="all.xml", keep_after_failure=True), "all.xml"),
        (XmlSink(directory=".", keep_after_failure=True), "rsp0001.xml"),
        (RspSink(".", keep_after_failure=True), "rsp0001.dcm"),
    ],
)
def test_names_after_a_failure_where_the_job_wants_them(
    written: Any, tmp_path: Path, declaration: Any, name: str
) -> None:
    assert written(declaration, ONE).close(whole=False) is SinkState.PARTIAL
    assert names(tmp_path) == [name]
    if name.endswith("xml"):
        ET.parse(tmp_path / name)


@pytest.mark.parametrize(
    "declaration", [XmlSink(path="all.xml", limit=2), XmlSink(directory=".", limit=2), RspSink(".", limit=2)]
)
def test_limit(written: Any, tmp_path: Path, declaration: Any) -> None:
    sink = written(declaration, ONE, TWO, ONE, TWO)
    assert sink.close(whole=True) is SinkState.COMMITTED
    assert sink.responses == 2
    if getattr(declaration, "path", ""):
        assert len(ET.parse(tmp_path / "all.xml").getroot()) == 2
    else:
        assert len(names(tmp_path)) == 2
