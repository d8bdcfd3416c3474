"""Rate, retries and windows of peers, from the job file to the model."""

from pathlib import Path

from runner.jobfile.load import load_job
from runner.model import Retries, Window

VALID = Path(__file__).parents[2] / "jobs" / "valid" / "politeness.yaml"


def test_what_a_peer_is_spared():
    job, problems = load_job(VALID)
    assert problems == []
    polite, defaults, never_again = job.peers
    assert (polite.rate, defaults.rate, never_again.rate) == (2.5, None, 1.0)
    assert (polite.retries, defaults.retries, never_again.retries) == (Retries(5, 0.5), Retries(3, 1.0), None)
    assert polite.window == Window(19 * 60, 6 * 60, frozenset({0, 1, 2, 5}), "Europe/Berlin")
    assert defaults.window == Window(0, 24 * 60, frozenset(range(7)), "Europe/Berlin")
    assert never_again.window is None
