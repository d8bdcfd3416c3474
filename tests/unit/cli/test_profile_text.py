"""A profile is YAML that a job includes, whatever its peer is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.profile_text import profile_text
from runner.jobfile.load import check_file, load_job
from runner.model import InformationModel
from runner.probe.facts import NAMES, Fact, Findings

INSTANT = 1_710_081_000_000_000


@pytest.mark.parametrize(
    "name", ["main", "true", "null", "7", "a: b", "# no", "it's", "Köln", "${x}", "- p", "\\"]
)
@pytest.mark.parametrize("value", [True, False, None])
def test_every_fact_has_its_place(tmp_path: Path, name: str, value: bool | None) -> None:
    facts = {one: Fact(value, "why: {it} # is so") for one in NAMES}
    facts["result_limit"] = Fact(500 if value else None, "counted")
    facts["max_associations"] = Fact(2 if value else None, "counted")
    facts["operations_per_association"] = Fact(1 if value else None, "counted")
    facts["character_set.answers"] = Fact(("\\ISO 2022 IR 87", "a term") if value else None, "seen")
    keys = {
        "PatientName": Fact(value, "3 answers came"),
        "ScheduledProcedureStepSequence[0].Modality": Fact(value, "3 answers came"),
    }
    text = profile_text({name: (InformationModel.WORKLIST, Findings(facts, keys, 12))}, INSTANT)
    file = tmp_path / "profile.yaml"
    file.write_text(text, encoding="utf-8")
    problems = check_file(file).problems
    if "${" in name:
        assert [one.what for one in problems] == ["a reference stands in a name, where none is resolved"]
        return
    assert problems == ()
    quoted = name.replace("'", "''")
    job = tmp_path / "job.yaml"
    job.write_text(
        f"version: 1\ninclude: profile.yaml\npeers: {{'{quoted}': {{host: a, port: 104}}}}\n"
        "queries: {q: {model: worklist, keys: {PatientName: A}}}\n",
        encoding="utf-8",
    )
    made, problems_of_job = load_job(job)
    assert made is not None
    rules = [one.id for one in problems_of_job if one.id not in ("old-profile", "name-of-one-component")]
    assert rules == (["key-ignored-by-peer"] if value else [])
    [peer] = made.peers
    assert (peer.result_limit, peer.max_associations) == ((500, 2) if value else (None, 1))


def test_it_is_dated_in_utc() -> None:
    text = profile_text({"p": (InformationModel.STUDY_ROOT, Findings(questions=3))}, INSTANT)
    assert "    probed: 2024-03-10T14:30:00Z  # by 3 C-FINDs\n" in text
