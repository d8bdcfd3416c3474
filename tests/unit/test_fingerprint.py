"""What tells one job from another: named as the author of the job names it, without any value of a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.jobfile.clock import Clock
from runner.jobfile.load import load_job
from runner.state.fingerprint import difference, fingerprint

JOB = """\
version: 1
peers:
  main: {host: pacs.example.org, port: 104}
  other: {host: other.example.org, port: 104}
queries:
  rows:
    peers: [main, other]
    model: study-root
    level: STUDY
    foreach: {csv: rows.csv}
    keys: {PatientID: "${row.id}", PatientName: SECRET*, StudyDate: {last: "${row.days}d"}}
  values:
    peer: main
    model: study-root
    level: STUDY
    foreach: {values: {modality: [CT, MR]}}
    keys: {ModalitiesInStudy: "${row.modality}", StudyDate: 20240131}
  plain:
    peer: main
    model: study-root
    level: STUDY
    keys: {StudyDate: 20240131, StudyDescription: SECRET, AccessionNumber: }
    then:
      series: {level: SERIES, keys: {Modality: CT}}
sinks:
  - {type: csv, path: studies.csv, queries: [plain]}
"""
NOW = Clock(1_700_000_000_000_000)


def compiled(
    folder: Path, text: str = JOB, rows: str = "id,days\n1,3\n", clock: Clock = NOW
) -> dict[str, str]:
    (folder / "rows.csv").write_text(rows)
    (folder / "job.yaml").write_text(text)
    job, problems = load_job(folder / "job.yaml", clock=clock)
    assert job is not None, problems
    return fingerprint(job)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("peers:", "description: for people\npeers:", []),
        ("104}\n  other", "104, timeouts: {connect: 3}, max_associations: 4}\n  other", []),
        ("host: pacs.", "host: ris.", ["peers.main.host was pacs.example.org, is ris.example.org"]),
        ("SECRET*", "SECRET?", ["queries.rows.keys.PatientName has changed"]),
        ('{last: "${row.days}d"}', "{last: 3d}", ["queries.rows.keys.StudyDate has changed"]),
        ("id}", "id}X", ["queries.rows.keys.PatientID has changed"]),
        ("rows.csv}", "rows.csv, encoding: ascii}", [
            "queries.rows.foreach.encoding was utf-8, is ascii",
        ]),
        ("[CT, MR]", "[CT, PT]", ["queries.values.foreach.values.modality has changed"]),
        ("StudyDescription: SECRET", "StudyID: 1", [
            "queries.plain.keys.StudyDescription is gone", "queries.plain.keys.StudyID is new",
        ]),
        ("StudyDescription: SECRET, AccessionNumber: ", "AccessionNumber: , StudyDescription: SECRET", [
            "queries.plain.keys, their order has changed",
        ]),
        ("Modality: CT}", "Modality: MR}", ["queries.plain.then.series.keys.Modality has changed"]),
        ("    then:\n", "    only: new\n    then:\n", ["queries.plain.only was False, is True"]),
        ("sinks:\n", "sinks:\n  - {type: stdout}\n", [
            "sinks[1].type was csv, is stdout", "sinks[1].path is gone", "sinks[1].queries has changed",
            "sinks[1].format is new", "sinks[2] is new",
        ]),
        ("  values:", "  more: {model: worklist, peer: main, keys: {PatientID: 1}}\n  values:", [
            "queries.more is new",
        ]),
    ],
)  # fmt: skip
def test_what_has_changed(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    assert old in JOB
    before = compiled(tmp_path)
    assert not any("SECRET" in text for name, text in before.items() if ".foreach.csv" not in name)
    assert difference(before, compiled(tmp_path, JOB.replace(old, new, 1))) == said


def test_other_rows_and_another_time(tmp_path: Path) -> None:
    before = compiled(tmp_path)
    said = difference(before, compiled(tmp_path, rows="id,days\n2,3\n"))
    assert said == ["queries.rows.foreach.csv (what the file holds) has changed"]
    later = Clock(NOW.instant + 1)
    assert difference(before, compiled(tmp_path, clock=later)) == ["queries.rows.keys.StudyDate has changed"]
