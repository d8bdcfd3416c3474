"""What lint says of whole jobs, word for word.

With UPDATE_GOLDEN=1 in the environment the messages are written anew, to be reviewed in the diff.
"""

import os
from pathlib import Path

import pytest

from runner.jobfile.lint.rules import RULES
from runner.jobfile.load import load_job

JOBS = Path(__file__).parents[2] / "jobs" / "lint"
NAMES = sorted(path.stem for path in JOBS.glob("*.yaml"))


def test_each_job_has_its_messages():
    assert len(NAMES) >= 5
    assert {path.stem for path in JOBS.glob("*.txt")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_messages(name, monkeypatch):
    monkeypatch.chdir(JOBS)
    _, problems = load_job(Path(f"{name}.yaml"))
    said = "".join(f"{problem}\n" for problem in problems)
    golden = Path(f"{name}.txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert all(problem.id in RULES for problem in problems)
    for word in ("DOE", "JANE", "SMITH", "4711", "4712", "CHEST", "and another"):
        assert not any(word in problem.what + problem.advice for problem in problems)
