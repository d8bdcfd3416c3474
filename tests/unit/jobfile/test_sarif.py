"""SARIF 2.1.0: what the standard asks of a log, and of what code hosts read in it."""

import json
import re
from pathlib import Path

from runner import __version__
from runner.jobfile.lint.rules import RULES
from runner.jobfile.load import Checked
from runner.jobfile.problem import Problem, Severity, strict
from runner.jobfile.reporters import REPORTERS

WARNING = Problem("jobs/a b.yaml", 9, 3, "peers.x", "50% of it", "do", Severity.WARNING, "unused-peer")
ERROR = Problem("/srv/jobs/ä.yaml", 3, 7, "queries.q.keys.Foo", "no such attribute")
WHOLE = Problem("jobs/b.yaml", 0, 0, "", "the job file cannot be read: gone")


def log(*problems, files=("jobs/a b.yaml",)):
    return json.loads(REPORTERS["sarif"]([Checked(Path(file), problems) for file in files]))


def test_the_log_and_its_tool():
    document = log()
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-2.1.0.json")
    [run] = document["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("cfind", __version__)
    assert run["results"] == []  # nothing found, which is not the same as nothing looked at
    assert run["artifacts"] == [{"location": {"uri": "jobs/a%20b.yaml"}}]


def test_every_rule_has_its_page():
    rules = {rule["id"]: rule for rule in log()["runs"][0]["tool"]["driver"]["rules"]}
    assert rules.keys() == {"invalid-job", *RULES}
    for name, rule in RULES.items():
        assert rules[name]["shortDescription"]["text"] == rule.summary
        assert rules[name]["defaultConfiguration"]["level"] == rule.severity.value
        assert "```yaml" in rules[name]["help"]["markdown"]
        assert rules[name]["help"]["text"]


def test_results():
    [run] = log(WARNING, ERROR, WHOLE)["runs"]
    rules = run["tool"]["driver"]["rules"]
    first, second, third = run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert first == {
        "ruleId": "unused-peer",
        "ruleIndex": first["ruleIndex"],
        "level": "warning",
        "message": {"text": "50% of it; do"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "jobs/a%20b.yaml"},
                    "region": {"startLine": 9, "startColumn": 3},
                },
                "logicalLocations": [{"fullyQualifiedName": "peers.x"}],
            }
        ],
    }
    assert (second["ruleId"], second["level"]) == ("invalid-job", "error")
    uri = second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "file:///srv/jobs/%C3%A4.yaml"
    assert third["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "jobs/b.yaml"}}}]


def test_a_name_that_is_no_utf_8():
    [artifact] = log(files=["a\udcff.yaml"])["runs"][0]["artifacts"]
    assert re.fullmatch(r"a%FF\.yaml", artifact["location"]["uri"])


def test_strict_makes_errors_of_warnings():
    assert [problem.severity for problem in strict([WARNING, ERROR])] == [Severity.ERROR] * 2
    assert strict([WARNING])[0].message == "peers.x: 50% of it; do [unused-peer]"
