"""Rules that look at what is negotiated with peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.jobfile.load import load_job

KEYS = "{PatientName: null, Modality: CT, SeriesInstanceUID: null}"


def ids(folder: Path, peers: str, query: str) -> list[str]:
    path = folder / "job.yaml"
    path.write_text(f"version: 1\npeers: {peers}\nqueries: {{q: {query}}}\n")
    job, problems = load_job(path)
    assert job is not None
    return [problem.id for problem in problems]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("false", "false", ["missing-unique-key", "key-above-level"]),
        ("true", "require", []),
        ("require", "false", ["missing-unique-key", "key-above-level"]),
    ],
)
def test_relational_queries_need_no_unique_keys(
    tmp_path: Path, one: str, other: str, found: list[str]
) -> None:
    peers = ", ".join(
        f"{name}: {{host: pacs, port: 104, extended_negotiation: {{relational: {wish}}}}}"
        for name, wish in (("one", one), ("other", other))
    )
    query = f"{{peers: [one, other], model: study-root, level: SERIES, keys: {KEYS}}}"
    assert sorted(ids(tmp_path, f"{{{peers}}}", query)) == sorted(found)


def test_what_another_model_knows_is_no_mistake(tmp_path: Path) -> None:
    peers = "{main: {host: pacs, port: 104, extended_negotiation: {date_time: true, timezone: require}}}"
    worklist = "{model: worklist, keys: {PatientName: A*}}"
    assert ids(tmp_path, peers, worklist) == ["unknown-option"]
    both = f"{worklist}, s: {{model: study-root, level: STUDY, keys: {{PatientID: A*}}}}"
    assert ids(tmp_path, peers, both) == []
