"""What `cfind retry` leaves where it gets no further than the run before."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.command import Cfind, job, query
from peers.process import HOST
from peers.scripted_scp import ScriptedSCP

ANSWERS = [
    {"identifier": [["0008,0052", "CS", "STUDY"], ["0020,000d", "UI", f"1.{number}"]]} for number in range(3)
]
SINKS = [{"type": "csv", "path": "out.csv"}, {"type": "rsp", "directory": "rsp"}]


@pytest.fixture
def cfind(tmp_path: Path) -> Cfind:
    return Cfind(tmp_path)


def test_answers_are_kept_until_there_are_others(cfind: Cfind) -> None:
    finds = [
        {"responses": ANSWERS, "final": {"status": "a700"}},
        {"responses": ANSWERS[:2], "final": {"status": "a700"}},
        {"responses": ANSWERS},
    ]
    with ScriptedSCP({"finds": finds}) as scp:
        peers = {"main": {"host": HOST, "port": scp.port, "timeouts": {"acse": 30}}}
        keys = {"StudyInstanceUID": None}
        studies = query("study-root", "STUDY", keys, match="off")
        first = cfind.run(job(peers, {"studies": studies}, SINKS))
        assert first.status == 6, first.stderr
        partial, folder = first.output / "out.csv.partial", first.output / "rsp"
        kept = {path: path.read_bytes() for path in (partial, *folder.rglob("*.dcm"))}
        assert len(kept) == 4
        file = cfind.folder / "job.yaml"
        there = file.read_text("utf-8")
        there_at_once = there.replace('"acse": 30', '"acse": 0.000001')
        file.write_text(there_at_once, "utf-8")  # which no peer is
        assert cfind("retry", file, "--output-dir", first.output)[0] == 4
        assert {path: path.read_bytes() for path in kept} == kept
        file.write_text(there, "utf-8")
        assert cfind("retry", file, "--output-dir", first.output)[0] == 6
        assert len(partial.read_text("utf-8").splitlines()) == 3
        assert len(list(folder.rglob("*.dcm"))) == 2
        status, _, stderr = cfind("retry", file, "--output-dir", first.output)
    assert status == 0, stderr
    names = [str(path.relative_to(first.output)) for path in sorted(first.output.rglob("*.*"))]
    shown = [name for name in names if not name.startswith(".cfind")]
    assert shown == ["out.csv", "rsp/rsp0001.dcm", "rsp/rsp0002.dcm", "rsp/rsp0003.dcm"]
