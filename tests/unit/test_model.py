"""What a job says of itself."""

from __future__ import annotations

from runner.model import InformationModel, Job, Peer, Query, Request


def test_the_peers_that_are_used_come_in_the_jobs_order() -> None:
    def query(name: str, *peers: str) -> Query:
        return Query(name, peers, InformationModel.STUDY_ROOT, (Request(()),))

    first, idle, last = (Peer(name, "pacs", 104) for name in ("first", "idle", "last"))
    job = Job("job", (first, idle, last), (query("one", "last"), query("two", "last", "first")))
    assert job.used_peers == (first, last)
