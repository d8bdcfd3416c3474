"""Cohorts against real peers: what became of each row of a table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from acceptance.command import ROOT, Cfind, Job, job, peer, query
from peers.process import HOST, Server, free_ports

DEMO = {"archive": str(ROOT / "jobs" / "demo-archive")}
KEYS = {"PatientID": "${row.MRN}", "StudyDescription": None}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cohort_job(cfind: Cfind, rows: list[str], peers: dict[str, Any], **more: Any) -> Job:
    (cfind.folder / "cohort.csv").write_text("MRN\n" + "".join(f"{row}\n" for row in rows), "utf-8")
    studies = query("study-root", "STUDY", KEYS, peers=list(peers), foreach={"csv": "cohort.csv"})
    return job(peers, {"studies": studies}, [{"type": "cohort", "path": "result.csv", **more}])


def test_many_rows_over_several_associations(cfind: Cfind, dcmqrscp_peer: Server) -> None:
    rows = [f"NOBODY{number}" for number in range(300)]
    rows[7] = rows[250] = "DEMO004"
    peers = {"demo": {**DEMO, "max_associations": 3}, "qr": peer(dcmqrscp_peer, "QR", max_associations=2)}
    outcome = cfind.run(cohort_job(cfind, rows, peers, lists=True))
    assert outcome.status == 0, outcome.stderr
    found = table(outcome.output / "result.csv")
    assert [row["MRN"] for row in found] == rows
    assert {row["result"] for row in found if row["MRN"].startswith("NOBODY")} == {"not found"}
    assert {(row["peers"], row["result"]) for row in found if row["MRN"] == "DEMO004"} == {("demo", "found")}
    assert len(table(outcome.output / "result.not-found.csv")) == 298
    assert len(table(outcome.output / "result.found.csv")) == 2
    (sink,) = outcome.report["sinks"]
    assert (sink["type"], sink["state"], sink["responses"]) == ("cohort", "committed", 2)
    assert [one["row"] for one in outcome.operations] == list(range(1, 301)) * 2


def test_a_dead_peer_makes_no_row_not_found(cfind: Cfind) -> None:
    peers = {"dead": {"host": HOST, "port": free_ports(1)[0]}, "demo": DEMO}
    outcome = cfind.run(cohort_job(cfind, ["DEMO004", "NOBODY"], peers, lists=True))
    assert outcome.status == 4, outcome.stderr
    assert sorted(path.name for path in outcome.output.iterdir() if not path.name.startswith(".")) == [
        f"result{name}.csv.partial" for name in (".ambiguous", "", ".failed", ".found", ".not-found")
    ]
    first, second = table(outcome.output / "result.csv.partial")
    assert (first["result"], first["peers"]) == ("found", "demo")
    assert (second["result"], second["matches"]) == ("failed", "0")
    assert second["reason"].startswith("dead: ")
    (sink,) = outcome.report["sinks"]
    assert sink["state"] == "partial"


def test_a_table_without_rows_has_a_header(cfind: Cfind) -> None:
    """What an earlier run has written is not taken for its result."""
    sinks = [{"type": "cohort", "path": "result.csv"}, {"type": "csv", "path": "all.csv"}]
    assert cfind.run({**cohort_job(cfind, ["DEMO004"], {"demo": DEMO}), "sinks": sinks}).status == 0
    outcome = cfind.run({**cohort_job(cfind, [], {"demo": DEMO}), "sinks": sinks})
    assert (outcome.status, outcome.operations) == (0, [])
    header = "MRN,result,matches,peers,reason,PatientID,StudyDescription"
    assert (outcome.output / "result.csv").read_text("utf-8").splitlines() == [header]
    assert [sink["state"] for sink in outcome.report["sinks"]] == ["committed", "committed"]


def test_the_unique_key_is_asked_for(cfind: Cfind) -> None:
    path = cfind.job_file(cohort_job(cfind, ["DEMO004"], {"demo": DEMO}))
    status, stdout, _ = cfind("plan", path)
    assert status == 0
    assert b"StudyInstanceUID" in stdout
