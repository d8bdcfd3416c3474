"""Runs that are killed are gone on with: each response is there once, and nothing is left over."""

from __future__ import annotations

import csv
import json
import random
import signal
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydicom
import pytest

from acceptance.command import ROOT, Cfind, Job, job, query
from peers.raw_peer import RawPeer

ARCHIVE = {"archive": str(ROOT / "jobs" / "demo-archive")}
KEYS = {"StudyInstanceUID": None, "PatientName": None, "PatientID": "${row.id}"}
SINKS = [
    {"type": "csv", "path": "studies.csv"},
    {"type": "rsp", "directory": "rsp"},
    {"type": "xml", "path": "studies.xml"},
    {"type": "stdout", "format": "csv"},
]
ROWS = 250
EXPECT = {"unique": ["StudyInstanceUID"], "min": 3}
#: Runs that are killed in a test; there are ten such tests.
KILLS = 5


def batch(cfind: Cfind, rows: int = ROWS, **more: Any) -> Job:
    """A job that asks for the studies of a patient for each row; patients come again and again."""
    lines = ["id", *(f"DEMO{number % 15 + 1:03d}" for number in range(rows))]
    (cfind.folder / "rows.csv").write_text("\n".join(lines) + "\n")
    studies = query("study-root", "STUDY", KEYS, foreach={"csv": "rows.csv"})
    return {**job({"demo": {**ARCHIVE, "max_associations": 2}}, {"studies": studies}, SINKS), **more}


def cells(path: Path) -> Counter[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return Counter(map(tuple, csv.reader(stream)))


def records(paths: Iterable[Path]) -> Counter[tuple[str, ...]]:
    return Counter((one.StudyInstanceUID, one.PatientID) for one in map(pydicom.dcmread, paths))


def killed(cfind: Cfind, file: Path, printed: int, number: signal.Signals = signal.SIGKILL) -> bool:
    """Kill a run once it has printed so many bytes; False where it has ended by itself before."""
    with cfind.start("run", file, "--output-dir", "output", "--resume") as process:
        assert process.stdout is not None
        came = process.stdout.read(printed)
        process.send_signal(number)
        process.communicate(timeout=30)
    return len(came) == printed and process.returncode in (-number, 128 + number)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of the batch as it is when nothing happens to it."""
    cfind = Cfind(tmp_path_factory.mktemp("reference"))
    return cfind.run(batch(cfind)).output


@pytest.mark.parametrize("seed", range(10))
def test_each_response_is_there_once_whenever_the_run_is_killed(
    cfind: Cfind, reference: Path, seed: int
) -> None:
    moments = random.Random(seed)
    output = cfind.folder / "output"
    output.mkdir()
    before, size = 0, (reference / "studies.csv").stat().st_size
    if seed % 2:
        (output / "rsp").mkdir()
        (output / "rsp" / "rsp0007.dcm").write_bytes(b"an older one")
        before = 7
    file = cfind.job_file(batch(cfind))
    for _ in range(KILLS):
        killed(cfind, file, moments.randrange(1, size // 3))
    outcome = cfind.run(batch(cfind), "--resume")
    assert outcome.status == 0, outcome.stderr
    assert cells(output / "studies.csv") == cells(reference / "studies.csv")
    files = sorted((output / "rsp").iterdir())
    count = len(list((reference / "rsp").iterdir()))
    expected = [f"rsp{number:04d}.dcm" for number in range(before + 1, before + count + 1)]
    assert [path.name for path in files] == ["rsp0007.dcm"] * bool(before) + expected
    assert records(files[bool(before) :]) == records((reference / "rsp").iterdir())
    xml = (output / "studies.xml").read_text("utf-8")
    assert xml.count("<data-set") == count
    assert xml.endswith("</responses>\n")
    assert sorted(path.name for path in output.iterdir()) == [".cfind", "rsp", "studies.csv", "studies.xml"]
    assert outcome.report["resumed"] is True
    assert any(operation.get("earlier") for operation in outcome.operations)
    assert (outcome.report["responses"], len(outcome.operations)) == (count, ROWS)
    assert [operation["number"] for operation in outcome.operations] == list(range(1, ROWS + 1))
    assert {sink["responses"] for sink in outcome.report["sinks"][:3]} == {count}


def test_what_is_whole_is_not_asked_again(cfind: Cfind) -> None:
    first = cfind.run(batch(cfind, 20))
    before = {path: path.read_bytes() for path in first.output.rglob("*.???") if path.is_file()}
    again = cfind.run(batch(cfind, 20), "--resume")
    assert (again.status, again.report["responses"]) == (0, first.report["responses"])
    assert all(operation["earlier"] for operation in again.operations)
    assert {path: path.read_bytes() for path in before} == before
    assert len(list((first.output / "rsp").iterdir())) == first.report["sinks"][1]["responses"]
    assert (
        f"is complete, so nothing is asked; cfind run {cfind.folder / 'job.yaml'} asks anew" in again.stderr
    )
    (first.output / "studies.xml").unlink()
    for command in (("run", "--resume"), ("retry",)):
        status, _, stderr = cfind(*command, cfind.folder / "job.yaml", "--output-dir", "output")
        assert status == 3
        assert "what the earlier run left in output/studies.xml is not there any more" in stderr


def test_a_run_that_nothing_is_known_of_begins_anew(cfind: Cfind) -> None:
    outcome = cfind.run(batch(cfind, 3), "--resume")
    assert outcome.status == 0
    assert "no earlier run is known" in outcome.stderr
    assert outcome.report["resumed"] is False


def test_leftovers_of_a_killed_run_go_with_the_next_one(cfind: Cfind) -> None:
    output = cfind.folder / "output"
    output.mkdir()
    endless = batch(cfind)
    endless["queries"]["studies"]["repeat"] = 1000
    file = cfind.job_file(endless)
    assert killed(cfind, file, 5000)
    assert len(list(output.glob(".*.tmp"))) == 2
    outcome = cfind.run(batch(cfind, 3))
    assert outcome.status == 0, outcome.stderr
    assert sorted(path.name for path in output.iterdir()) == [".cfind", "rsp", "studies.csv", "studies.xml"]


def test_an_interrupted_run_is_gone_on_with(cfind: Cfind) -> None:
    (cfind.folder / "output").mkdir()
    slow = batch(cfind, 1500)
    assert killed(cfind, cfind.job_file(slow), 30_000, signal.SIGINT)
    assert (cfind.folder / "output" / "studies.csv.partial").exists()
    outcome = cfind.run(slow, "--resume")
    assert "with the same options" not in outcome.stderr
    assert outcome.status == 0, outcome.stderr
    assert any(operation.get("earlier") for operation in outcome.operations)
    count = outcome.report["responses"]
    assert sum(cells(outcome.output / "studies.csv").values()) == count + 1
    assert [path.name for path in sorted((outcome.output / "rsp").iterdir())] == [
        f"rsp{number:04d}.dcm" for number in range(1, count + 1)
    ]
    names = sorted(path.name for path in outcome.output.iterdir())
    assert names == [".cfind", "rsp", "studies.csv", "studies.xml"]


def test_a_job_that_has_changed_is_not_gone_on_with(cfind: Cfind) -> None:
    assert cfind.run(batch(cfind, 3)).status == 0
    changed = batch(cfind, 3, sinks=SINKS[:2])
    changed["peers"]["demo"]["ae_title"] = "OTHER"
    changed["queries"]["studies"]["keys"]["StudyDate"] = "20240101"
    status, stdout, stderr = cfind("run", cfind.job_file(changed), "--output-dir", "output", "--resume")
    assert (status, stdout) == (3, b"")
    assert "the job has changed since the run of 20" in stderr
    assert "peers.demo.ae_title was ANY-SCP, is OTHER" in stderr
    assert "queries.studies.keys.StudyDate is new" in stderr
    assert "order" not in stderr
    assert "; sinks[3] is gone; sinks[4] is gone; " in stderr
    assert "20240101" not in stderr
    with (cfind.folder / "rows.csv").open("a") as stream:
        stream.write("DEMO001\n")
    file = cfind.job_file({**changed, "queries": batch(cfind, 4)["queries"]})
    assert (
        "queries.studies.foreach.csv (what the file holds) has changed"
        in cfind("retry", file, "--output-dir", "output")[2]
    )
    file = cfind.job_file(batch(cfind, 3, description="said otherwise"))
    assert cfind("run", file, "--output-dir", "output", "--resume")[0] == 0


def test_a_job_is_the_same_by_another_path_and_with_other_rules_silenced(cfind: Cfind) -> None:
    (cfind.folder / "output").mkdir()
    cfind.job_file(batch(cfind, 1500, lint={"ignore": ["empty-query", "computed-key", "unused-peer"]}))
    assert killed(cfind, Path("job.yaml"), 30_000)
    file = cfind.job_file(batch(cfind, 1500, lint={"ignore": ["value-form", "no-rows", "empty-query"]}))
    status, _, stderr = cfind("run", file, "--output-dir", "output", "--resume", "--now", "2030-01-01T00:00Z")
    assert status == 0, stderr
    assert "going on with the run of" in stderr


def test_what_a_plain_run_gives_up_is_told(cfind: Cfind) -> None:
    (cfind.folder / "output").mkdir()
    slow = batch(cfind, 1500)
    for number, how in ((signal.SIGKILL, "killed"), (signal.SIGINT, "interrupted")):
        assert killed(cfind, cfind.job_file({**slow, "name": how}), 30_000, number)
        outcome = cfind.run({**slow, "name": how})
        assert f"was {how}, and this one begins anew; --resume would have gone on with it" in outcome.stderr


def test_dates_are_those_of_the_run_that_is_gone_on_with(cfind: Cfind) -> None:
    dated = batch(cfind, 3)
    dated["queries"]["studies"]["keys"]["StudyDate"] = "-${now:%Y%m%d}"
    dated["sinks"] = [{"type": "csv", "path": "${now:%Y%m%d%H%M%S}.csv"}]
    first = cfind.run(dated, "--now", "2031-05-06T07:08:09Z")
    assert first.status == 0
    again = cfind.run(dated, "--resume")
    assert again.status == 0, again.stderr
    assert [path.suffix for path in again.output.glob("*.csv")] == [".csv"]
    at_another_time = ("--resume", "--now", "2030-01-01T00:00Z")
    assert cfind("run", cfind.job_file(dated), "--output-dir", "output", *at_another_time)[0] == 3


def test_outputs_that_are_gone_are_told(cfind: Cfind) -> None:
    (cfind.folder / "output").mkdir()
    endless = batch(cfind)
    endless["queries"]["studies"]["repeat"] = 1000
    file = cfind.job_file(endless)
    assert killed(cfind, file, 50_000)
    [temporary] = (cfind.folder / "output").glob(".studies.csv.*.tmp")
    temporary.unlink()
    status, _, stderr = cfind("run", file, "--output-dir", "output", "--resume")
    assert status == 3
    assert f"what the earlier run left in {temporary} is not there any more" in stderr


def test_a_state_that_cannot_be_read_is_told(cfind: Cfind) -> None:
    file = cfind.job_file(batch(cfind, 3))
    (cfind.folder / "output" / ".cfind").mkdir(parents=True)
    (cfind.folder / "output" / ".cfind" / "state.sqlite").write_bytes(b"no database" * 1000)
    for arguments in (("run", file, "--resume"), ("retry", file)):
        status, stdout, stderr = cfind(*arguments, "--output-dir", "output")
        assert (status, stdout) == (3, b"")
        assert "file is not a database; remove this file" in stderr
    status, _, stderr = cfind("run", file, "--output-dir", "output")
    warning, *others = stderr.splitlines()
    assert status == 0
    assert warning.endswith("nothing is kept of this run, so it cannot be resumed")
    assert not any("state" in line for line in others)


def test_what_has_failed_is_asked_again(cfind: Cfind) -> None:
    """One of two peers is not there at first."""
    both = batch(cfind, 5)
    both["queries"]["studies"]["peers"] = ["demo", "other"]
    both["peers"]["other"] = {"host": "127.0.0.1", "port": "${file:port.txt}"}
    with RawPeer(lambda _: None) as closed:
        port = closed.port
    (cfind.folder / "port.txt").write_text(str(port))
    (cfind.folder / "output").mkdir()
    file = cfind.job_file(both)
    status, _, stderr = cfind("retry", file, "--output-dir", "output")
    assert status == 3
    assert "no run of the job is known in output/.cfind" in stderr
    first = cfind.run(both)
    assert first.status == 4, first.stderr
    advice = f"cfind retry {file}, with the same options, asks again what failed"
    assert advice in first.stderr
    again = cfind.run(both, "--resume")
    assert (again.status, again.report["responses"]) == (4, first.report["responses"])
    assert advice in again.stderr
    assert (first.output / "studies.csv.partial").exists()
    with cfind.start("serve", ARCHIVE["archive"], "--port", str(port)) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        report = cfind.folder / "again.json"
        status, _, stderr = cfind("retry", file, "--output-dir", "output", "--report", report)
        server.terminate()
        server.communicate(timeout=30)
    assert status == 0, stderr
    document = cfind.checked_report(report)
    count = document["responses"]
    assert count == 2 * first.report["responses"]
    assert [one["peer"] for one in document["operations"] if one.get("earlier")] == ["demo"] * 5
    assert sum(cells(first.output / "studies.csv").values()) == count + 1
    assert len(records((first.output / "rsp").glob("rsp*.dcm"))) > 0
    names = sorted(path.name for path in first.output.iterdir())
    assert names == [".cfind", "rsp", "studies.csv", "studies.xml"]
    assert len(list((first.output / "rsp").iterdir())) == count
    runs = json.loads(cfind("history", "--output-dir", "output", "--format", "json")[1])
    assert [(run["kind"], run["exit_status"]) for run in runs] == [("retry", 0), ("resume", 4), ("run", 4)]
    assert {run["goes_on_with"] for run in runs} == {None, runs[-1]["id"]}


def test_an_output_that_cannot_be_gone_on_with_now_is_left_alone(cfind: Cfind) -> None:
    """What stands in the way of one output costs none of them what earlier runs have put there."""
    cohort = {"type": "cohort", "path": "cohort.csv", "lists": True}
    both = batch(cfind, 40, sinks=[*SINKS[:3], cohort])
    expected = {path.name: cells(path) for path in cfind.run(both).output.glob("*.csv")}
    with RawPeer(lambda _: None) as closed:
        port = closed.port
    both["queries"]["studies"]["peers"] = ["demo", "other"]
    both["peers"]["other"] = {"host": "127.0.0.1", "port": port}
    first = cfind.run(both, "--state", "state")
    assert first.status == 4, first.stderr
    blocked = first.output / "cohort.not-found.csv"
    (first.output / "cohort.not-found.csv").unlink()
    blocked.mkdir()
    before = {path: path.read_bytes() for path in first.output.rglob("*") if path.is_file()}
    for command in (("retry",), ("run", "--resume")):
        report = cfind.folder / "blocked.json"
        options = ("--output-dir", first.output, "--state", "state", "--report", report)
        status, _, stderr = cfind(*command, cfind.folder / "job.yaml", *options)
        assert status == 8
        assert "cohort.not-found.csv" in stderr
        assert {path: path.read_bytes() for path in first.output.rglob("*") if path.is_file()} == before
        document = cfind.checked_report(report)
        assert {sink["state"] for sink in document["sinks"]} == {"partial"}
        counts = [sink["responses"] for sink in document["sinks"]]
        assert counts == [sink["responses"] for sink in first.report["sinks"]]
        assert [Path(sink["kept_in"]).exists() for sink in document["sinks"]] == [True] * 4
    blocked.rmdir()
    with cfind.start("serve", ARCHIVE["archive"], "--port", str(port)) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        last = cfind("retry", cfind.folder / "job.yaml", "--output-dir", first.output, "--state", "state")
        server.terminate()
        server.communicate(timeout=30)
    assert last[0] == 0, last[2]
    assert sum(cells(first.output / "studies.csv").values()) == 2 * sum(expected["studies.csv"].values()) - 1
    results = {row[:2] for row in cells(first.output / "cohort.csv")}
    assert results == {row[:2] for row in expected["cohort.csv"]}
    assert not list(first.output.glob("*.partial"))


def test_records_that_came_before_stay_removed(cfind: Cfind) -> None:
    """What deduplicate remembers outlives the run, and so does what an expectation counts."""
    told_apart = batch(cfind, 300)
    told_apart["queries"]["studies"] |= {"deduplicate": True, "expect": EXPECT}
    (cfind.folder / "output").mkdir()
    file = cfind.job_file(told_apart)
    for printed in (200, 100):
        killed(cfind, file, printed)
    outcome = cfind.run(told_apart, "--resume")
    assert outcome.status == 0, outcome.stderr
    table = cells(outcome.output / "studies.csv")
    assert set(table.values()) == {1}
    assert len(table) == 1 + outcome.report["delivered"]
    assert [one["met"] for one in outcome.report["expectations"]] == [True, True]


def test_families_are_done_as_a_whole(cfind: Cfind) -> None:
    """Series are asked for each study, and a study counts once its series are there."""
    series = {"level": "SERIES", "keys": {"SeriesInstanceUID": None, "Modality": None}}
    deep = batch(cfind, 60, sinks=[{"type": "csv", "path": "series.csv", "queries": ["series"]}, SINKS[-1]])
    deep["queries"]["studies"]["then"] = {"series": series}
    reference = cells(cfind.run(deep).output / "series.csv")
    (cfind.folder / "output" / "series.csv").unlink()
    file = cfind.job_file(deep)
    (cfind.folder / "output" / ".cfind" / "state.sqlite").unlink()
    for printed in (300, 2000, 3000):
        killed(cfind, file, printed)
    outcome = cfind.run(deep, "--resume")
    assert outcome.status == 0, outcome.stderr
    assert cells(outcome.output / "series.csv") == reference
    numbers = [operation["number"] for operation in outcome.operations]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_cohort_is_reconciled_over_several_runs(cfind: Cfind, number: signal.Signals) -> None:
    cohort = batch(cfind, 200, sinks=[{"type": "cohort", "path": "cohort.csv", "lists": True}, SINKS[-1]])
    expected = cfind.run(cohort, "--state", "elsewhere").output
    names = sorted(path.name for path in expected.iterdir())
    tables = {path.name: path.read_bytes() for path in expected.iterdir()}
    for path in expected.iterdir():
        path.unlink()
    file = cfind.job_file(cohort)
    for printed in (2000, 3000):
        killed(cfind, file, printed, number)
    outcome = cfind.run(cohort, "--resume")
    assert outcome.status == 0, outcome.stderr
    assert any(operation.get("earlier") for operation in outcome.operations)
    left = {path.name for path in outcome.output.iterdir()} - {".cfind"}
    assert left == set(names)
    assert {name: (outcome.output / name).read_bytes() for name in names} == tables
