"""The command against peers that ignore keys, send records twice or refuse: what is told, kept, expected."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from acceptance.command import Cfind, Outcome, job
from peers.scripted_scp import ScriptedSCP

#: Patient data in the responses, which no message and no report may show.
MARKER = "MARKER"
CSV = {"type": "csv", "path": "out.csv"}
JANUARY = "20240101-20240131"


@pytest.fixture
def cfind(tmp_path: Path) -> Cfind:
    return Cfind(tmp_path)


def _study(number: int, date: str | None = "20240115", name: str = "X", **more: str) -> dict[str, Any]:
    elements = [
        *([] if date is None else [["0008,0020", "DA", date]]),
        ["0008,0052", "CS", "STUDY"],
        ["0010,0010", "PN", f"{MARKER}^{name}"],
        ["0020,000d", "UI", f"1.2.{number}"],
    ]
    return {"identifier": elements, **more}


@contextmanager
def _peers(*answers: Sequence[Any], **final: str) -> Iterator[list[ScriptedSCP]]:
    """Peers that give one answer each, whatever they are asked; the last one's ends as `final` says."""
    scps = [ScriptedSCP({"finds": [{"responses": list(one), "final": final}]}) for one in answers]
    for scp in scps:
        scp.__enter__()
    try:
        yield scps
    finally:
        for scp in scps:
            scp.__exit__()


def _run(
    cfind: Cfind,
    scps: Sequence[ScriptedSCP],
    *options: str,
    sink: dict[str, Any] | None = None,
    **query: Any,
) -> Outcome:
    peers = {f"p{n}": {"host": "127.0.0.1", "port": scp.port} for n, scp in enumerate(scps)}
    keys = {"StudyDate": JANUARY, "PatientName": None, "StudyInstanceUID": None}
    asked = {"model": "study-root", "level": "STUDY", "peers": list(peers), "keys": keys, **query}
    outcome = cfind.run(job(peers, {"studies": asked}, [sink or CSV]), *options)
    assert MARKER not in outcome.stderr
    assert MARKER not in json.dumps(outcome.report)
    return outcome


def _uids(outcome: Outcome) -> list[str]:
    with (outcome.output / "out.csv").open(encoding="utf-8", newline="") as file:
        return [row["StudyInstanceUID"] for row in csv.DictReader(file)]


IGNORED = [_study(1), _study(2, "20230101"), _study(3, ""), _study(4, None), _study(5, "20240301")]


def test_a_key_that_the_peer_ignored_is_named_and_counted(cfind: Cfind) -> None:
    with _peers(IGNORED) as scps:
        outcome = _run(cfind, scps)
    assert outcome.status == 0
    assert "warning: StudyDate ignored: 3 of 4 do not match\n" in outcome.stderr
    (operation,) = outcome.operations
    assert operation["match"] == {"StudyDate": {"mismatched": 3, "empty": 1, "not_returned": 1}}
    assert (operation["responses"], operation["delivered"], operation["dropped"]) == (5, 5, 0)
    assert len(_uids(outcome)) == 5


def test_a_key_that_no_answer_has_was_probably_ignored(cfind: Cfind) -> None:
    with _peers([_study(1, None), _study(2, None)]) as scps:
        outcome = _run(cfind, scps, match="drop")
    assert "warning: StudyDate probably ignored: 2 of 2 do not have it\n" in outcome.stderr
    assert len(_uids(outcome)) == 2


def test_what_does_not_match_is_dropped_on_request(cfind: Cfind) -> None:
    with _peers(IGNORED) as scps:
        outcome = _run(cfind, scps, match="drop")
    assert outcome.status == 0
    assert _uids(outcome) == ["1.2.1", "1.2.4"]
    assert "StudyDate ignored: 3 of 4 do not match, and are dropped\n" in outcome.stderr
    assert "5 responses (3 kept back)" in outcome.stderr
    assert (outcome.report["responses"], outcome.report["delivered"]) == (5, 2)
    assert outcome.operations[0]["dropped"] == 3


def test_files_are_numbered_without_gaps(cfind: Cfind) -> None:
    with _peers(IGNORED) as scps:
        outcome = _run(cfind, scps, match="drop", sink={"type": "rsp", "directory": "rsp"})
    assert [file.name for file in sorted((outcome.output / "rsp").iterdir())] == [
        "rsp0001.dcm",
        "rsp0002.dcm",
    ]


def test_nothing_is_looked_at_where_the_job_says_so(cfind: Cfind) -> None:
    with _peers(IGNORED) as scps:
        outcome = _run(cfind, scps, match="off")
    assert outcome.stderr.count("\n") == 1
    assert "match" not in outcome.operations[0]


def test_many_layouts_later_it_counts_the_same(cfind: Cfind) -> None:
    """So many that the way over columns is taken."""
    many = [_study(n, "20240115" if n % 3 else "20240215") for n in range(400)]
    with _peers(many) as scps:
        outcome = _run(cfind, scps, match="drop", deduplicate=True)
    assert _uids(outcome) == [f"1.2.{n}" for n in range(400) if n % 3]
    assert outcome.operations[0]["match"]["StudyDate"]["mismatched"] == 134


def test_a_cap_is_judged_by_what_came_not_by_what_is_left(cfind: Cfind) -> None:
    """0xA700 behind some responses is a cap, behind none it is a failure."""
    with _peers([_study(1, "20230101")], status="a700") as scps:
        outcome = _run(cfind, scps, match="drop")
    assert (outcome.status, outcome.report["delivered"]) == (6, 0)


def test_operations_are_summed_up(cfind: Cfind) -> None:
    with _peers(IGNORED) as scps:
        outcome = _run(cfind, scps, repeat=3)
    assert outcome.stderr.count("StudyDate ignored") == 2
    assert "3 operations in all: warning: StudyDate ignored: 9 of 12 do not match\n" in outcome.stderr


def test_findscu_says_nothing_of_it(cfind: Cfind) -> None:
    with _peers(IGNORED) as (scp,):
        status, stdout, stderr = cfind(
            "findscu", "-S", "-k", "0008,0052=STUDY", "-k", f"0008,0020={JANUARY}", "127.0.0.1", str(scp.port)
        )
    assert (status, stderr) == (0, "")
    assert stdout.count(b"StudyInstanceUID") == 5


def test_a_record_of_several_peers_comes_once(cfind: Cfind) -> None:
    first, second = [_study(1), _study(2), _study(1)], [_study(2), _study(3)]
    with _peers(first, second) as scps:
        outcome = _run(cfind, scps, deduplicate=True)
    assert sorted(_uids(outcome)) == ["1.2.1", "1.2.2", "1.2.3"]
    assert "warning: the peer sent 1 of 3 records more than once in an answer\n" in outcome.stderr
    assert "query studies: 2 records that had come before were removed\n" in outcome.stderr
    assert sum(operation["removed"] for operation in outcome.operations) == 2
    assert [operation["doubled"] for operation in outcome.operations] == [1, 0]


def test_a_record_of_several_peers_comes_from_each_on_request(cfind: Cfind) -> None:
    with _peers([_study(1), _study(1)], [_study(1)]) as scps:
        outcome = _run(cfind, scps, deduplicate={"across": "operations"})
    assert _uids(outcome) == ["1.2.1", "1.2.1"]


def test_what_tells_records_apart_is_asked_for(cfind: Cfind) -> None:
    with _peers([_study(1)]) as (scp,):
        _run(cfind, [scp], keys={"PatientName": None}, deduplicate=True, expect={"required": ["StudyID"]})
    (find,) = scp.associations[0]["finds"]
    assert [element[0] for element in find["elements"]] == [
        "0008,0052",
        "0010,0010",
        "0020,000d",
        "0020,0010",
    ]


@pytest.mark.parametrize(
    ("expect", "unmet"),
    [
        ({"min": 2, "max": 2, "each": {"min": 2, "max": 2}, "required": ["PatientName"]}, {}),
        ({"unique": ["StudyInstanceUID"]}, {}),
        ({"min": 3}, {"min 3": "2 responses came"}),
        ({"max": 1}, {"max 1": "2 responses came"}),
        (
            {"each": {"max": 1}},
            {"each max 1": "1 of 1 operations do not meet it, the first is operation 1 with 2 responses"},
        ),
        ({"unique": ["PatientName"]}, {"unique PatientName": "1 of 2 responses repeat a value"}),
        ({"unique": [["PatientName", "StudyInstanceUID"]]}, {}),
        ({"required": ["StudyDate"]}, {"required StudyDate": "1 of 2 responses have no value there"}),
        (
            {"status": "0xA900"},
            {"status 0xA900": "1 of 1 operations do not meet it, the first is operation 1 with 0x0000"},
        ),
    ],
)
def test_expectations(cfind: Cfind, expect: dict[str, Any], unmet: dict[str, str]) -> None:
    with _peers([_study(1), _study(2, "")]) as scps:
        outcome = _run(cfind, scps, match="off", expect=expect)
    assert outcome.status == (7 if unmet else 0)
    assert outcome.report["verdict"] == "complete"
    found = {
        one["expectation"]: one["message"] for one in outcome.report["expectations"] if one["met"] is False
    }
    assert found == unmet
    for expectation, message in unmet.items():
        assert f"cfind: query studies: expected {expectation}: {message}\n" in outcome.stderr
    assert outcome.report["sinks"][0]["state"] == "committed"


def test_a_refusal_can_be_what_is_expected(cfind: Cfind) -> None:
    with _peers([], status="a900") as scps:
        outcome = _run(cfind, scps, expect={"status": ["0xA900", "C001"]})
        assert (outcome.status, outcome.operations[0]["status"]) == (0, "0xA900")
        other = _run(cfind, scps, expect={"status": "0xC000"})
    assert other.status == 5
    assert other.report["expectations"][0]["met"] is False


def test_what_is_missing_decides_nothing(cfind: Cfind) -> None:
    """A lower bound may still be met, an upper one is broken already."""
    with _peers([_study(1), _study(2)], action="abort") as scps:
        outcome = _run(cfind, scps, expect={"min": 3, "each": {"max": 1}, "required": ["PatientName"]})
    assert outcome.status == 5
    assert [one["met"] for one in outcome.report["expectations"]] == [None, False, None]


def test_each_row_is_judged_by_itself(cfind: Cfind) -> None:
    (cfind.folder / "rows.csv").write_text("uid\n1.2.1\n1.2.2\n", "utf-8")
    scenario = {"finds": [{"responses": [_study(1)]}, {"responses": []}]}
    with ScriptedSCP(scenario) as scp:
        outcome = _run(
            cfind,
            [scp],
            keys={"StudyInstanceUID": "${row.uid}"},
            foreach={"csv": "rows.csv"},
            expect={"each": {"min": 1, "max": 1}},
        )
    assert outcome.status == 7
    assert "expected each min 1: 1 of 2 operations do not meet it, the first is operation 2, rows.csv:3," in (
        outcome.stderr
    )


def test_junit_xml_has_a_case_for_each_query_expectation_and_sink(cfind: Cfind) -> None:
    with _peers([_study(1)]) as scps:
        _run(cfind, scps, "--junit", "j.xml", expect={"min": 2, "max": 2})
    root = ET.parse(cfind.folder / "j.xml").getroot()
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "0", "0"]
    cases = {case.get("name"): [(child.tag, child.get("message")) for child in case] for case in suite}
    sink = next(name for name in cases if name and name.startswith("sink csv "))
    assert cases == {
        "complete answers of p0": [],
        "expect min 2": [("failure", "1 response came")],
        "expect max 2": [],
        sink: [],
    }


def test_junit_xml_tells_errors_from_failures(cfind: Cfind) -> None:
    with _peers([_study(1)], action="abort") as scps:
        _run(cfind, scps, "--junit", "j.xml", expect={"min": 2})
    suite = ET.parse(cfind.folder / "j.xml").getroot()[0]
    assert [[child.tag for child in case] for case in suite] == [["error"], ["skipped"], ["skipped"]]


def test_annotations_are_told_to_github(cfind: Cfind) -> None:
    with _peers([_study(1)]) as scps:
        outcome = _run(cfind, scps, "--annotations", "github", expect={"min": 2})
    lines = [line for line in outcome.stderr.splitlines() if line.startswith("::")]
    assert len(lines) == 1
    assert lines[0].startswith("::error file=")
    assert lines[0].endswith("job.yaml,title=query studies::expected min 2: 1 response came")


def test_reports_of_one_run_are_different_files(cfind: Cfind) -> None:
    path = cfind.job_file(
        job({"p": {"archive": "."}}, {"q": {"model": "worklist", "keys": {"PatientID": None}}}, [])
    )
    status, _, stderr = cfind("run", path, "--report", "same", "--junit", "same")
    assert status == 2
    assert "--junit same is the file of --report" in stderr
