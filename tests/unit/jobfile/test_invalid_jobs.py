"""Every problem of each invalid job, word for word.

With UPDATE_GOLDEN=1 in the environment the messages are written anew, to be reviewed in the diff.
"""

import os
from pathlib import Path

import pytest

from runner.jobfile.load import load_job

JOBS = Path(__file__).parents[2] / "jobs" / "invalid"
NAMES = sorted(path.stem for path in JOBS.glob("*.yaml"))


def test_there_are_many():
    assert len(NAMES) >= 60
    assert {path.stem for path in JOBS.glob("*.txt")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_messages(name, monkeypatch):
    monkeypatch.chdir(JOBS)
    job, problems = load_job(Path(f"{name}.yaml"))
    said = "".join(f"{problem}\n" for problem in problems)
    golden = Path(f"{name}.txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert job is None
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_fit_for_a_log(name, monkeypatch):
    monkeypatch.chdir(JOBS)
    for problem in load_job(Path(f"{name}.yaml"))[1]:
        assert str(problem).isprintable()
        assert problem.what
        assert not problem.what.endswith(".")
        for word in ("DOE", "JANE", "SMITH", "4711", "Müller"):
            assert word not in problem.what + problem.advice
