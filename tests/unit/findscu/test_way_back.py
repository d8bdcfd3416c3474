"""The way back: `cfind plan --as findscu` says what has no command line."""

from __future__ import annotations

from pathlib import Path

from runner.dicom.encoding import encode
from runner.dicom.identifier import Element
from runner.dicom.transfer_syntax import TransferSyntax
from runner.findscu.way_back import Equivalent, equivalents
from runner.jobfile.load import load_job

_JOB = """\
version: 1
name: back
peers: {{main: {{host: pacs, port: 104}}}}
queries:
  first:
    model: study-root
    level: STUDY
    keys: {{PatientID: P1}}
{more}
  second:
    model: study-root
    level: STUDY
    keys: {{PatientID: P2}}
sinks: {sinks}
"""


def _equivalents(
    tmp_path: Path, more: str = "", sinks: str = "[{type: stdout, format: findscu}]"
) -> list[Equivalent]:
    path = tmp_path / "job.yaml"
    path.write_text(_JOB.format(more=more, sinks=sinks), encoding="utf-8")
    job, problems = load_job(path)
    assert job is not None, problems
    return list(equivalents(job))


def _notes(tmp_path: Path, more: str) -> list[str]:
    first, second = _equivalents(tmp_path, more)
    assert [note for note in second.notes if note in first.notes] == list(second.notes)
    return [note.split(":")[0] for note in first.notes if note not in second.notes]


def test_what_is_done_with_answers_has_no_equivalent(tmp_path: Path) -> None:
    assert _notes(tmp_path, "") == []
    assert _notes(tmp_path, "    match: drop") == ["match"]
    assert _notes(tmp_path, "    deduplicate: true") == ["deduplicate"]
    assert _notes(tmp_path, "    expect: {min: 1}") == ["expect"]


def test_group_lengths_of_a_file_have_no_equivalent(tmp_path: Path) -> None:
    identifier = (Element(0x00100000, "UL"), Element(0x00100010, "PN", b"AB"))
    (tmp_path / "q.dcm").write_bytes(encode(identifier, TransferSyntax.EXPLICIT_LITTLE))
    first, _ = _equivalents(tmp_path, "    files: [q.dcm]")
    assert "the group lengths of the query file: keys have none" in first.notes
    keys = [word for word in first.argv or () if "," in word]
    assert keys == ["(0008,0052)=STUDY", "(0010,0010)=AB", "(0010,0020)=P1"]


def test_queries_below_others_have_no_equivalent(tmp_path: Path) -> None:
    below = "    then: {series: {level: SERIES, keys: {Modality: }}}"
    assert _notes(tmp_path, below) == ["then, with the query series"]


def test_a_sink_of_another_query_is_left_out(tmp_path: Path) -> None:
    sinks = "[{type: stdout, format: findscu}, {type: rsp, directory: ., queries: [second]}]"
    first, second = _equivalents(tmp_path, sinks=sinks)
    assert "-X" not in (first.argv or ())
    assert "-X" in (second.argv or ())
