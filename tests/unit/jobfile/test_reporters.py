import json
from pathlib import Path

from runner.jobfile.problem import Problem, Severity, dotted
from runner.jobfile.reporters import REPORTERS

FILES = [Path("jobs/a.yaml"), Path("jobs/b.yaml")]
ERROR = Problem(
    "jobs/a.yaml", 3, 7, "queries.q.keys.Foo", "the dictionary has no attribute 'Foo'", "did you mean Bar?"
)
WARNING = Problem("jobs/a.yaml", 9, 1, "", "50% of it, is: odd", severity=Severity.WARNING)
WHOLE = Problem("jobs/b.yaml", 0, 0, "", "the job file cannot be read: gone", "look\nthere")


def test_a_problem_as_text():
    assert str(ERROR) == (
        "jobs/a.yaml:3:7: queries.q.keys.Foo: the dictionary has no attribute 'Foo'; did you mean Bar?"
    )
    assert str(WARNING) == "jobs/a.yaml:9:1: warning: 50% of it, is: odd"
    assert str(Problem("a\x1b[2J\n.yaml", 1, 2, "", "x")) == "a\\x1b[2J\\n.yaml:1:2: x"
    ruled = Problem("a.yaml", 1, 2, "x", "y", "z", id="unused-peer")
    assert str(ruled) == "a.yaml:1:2: x: y; z [unused-peer]"
    assert str(WHOLE) == "jobs/b.yaml: the job file cannot be read: gone; look\nthere"


def test_paths():
    assert dotted(()) == ""
    assert dotted(("sinks", 0, "columns", 2)) == "sinks[0].columns[2]"
    assert dotted(("queries", "q", "keys", "(0008,0050)")) == "queries.q.keys.(0008,0050)"
    assert dotted(("peers", "a\nb\x1b")) == "peers.a\\nb\\x1b"


def test_text():
    assert REPORTERS["text"](FILES, [ERROR, WARNING]) == (
        f"{ERROR}\n{WARNING}\n2 job files: 1 invalid, 1 error, 1 warning\n"
    )
    assert REPORTERS["text"](FILES[:1], []) == "1 job file: valid\n"
    assert REPORTERS["text"](FILES, [ERROR, ERROR, WHOLE]).endswith("\n2 job files: 2 invalid, 3 errors\n")
    assert REPORTERS["text"](FILES, [WARNING, WARNING]).endswith("\n2 job files: valid, 2 warnings\n")


def test_json():
    document = json.loads(REPORTERS["json"](FILES, [ERROR, WARNING]))
    assert document["valid"] is False
    assert document["files"] == ["jobs/a.yaml", "jobs/b.yaml"]
    assert document["problems"][0] == {
        "file": "jobs/a.yaml",
        "line": 3,
        "column": 7,
        "path": "queries.q.keys.Foo",
        "severity": "error",
        "id": None,
        "what": "the dictionary has no attribute 'Foo'",
        "advice": "did you mean Bar?",
    }
    assert [problem["severity"] for problem in document["problems"]] == ["error", "warning"]
    assert json.loads(REPORTERS["json"](FILES, [WARNING]))["valid"] is True


def test_github():
    """Escaped as the runner's toolkit does: %, CR and LF everywhere, : and , in properties too."""
    assert REPORTERS["github"](FILES, [ERROR, WARNING, WHOLE]) == (
        "::error file=jobs/a.yaml,line=3,col=7,title=queries.q.keys.Foo::"
        "the dictionary has no attribute 'Foo'; did you mean Bar?\n"
        "::warning file=jobs/a.yaml,line=9,col=1,title=job file::50%25 of it, is: odd\n"
        "::error file=jobs/b.yaml,title=job file::the job file cannot be read: gone; look%0Athere\n"
    )
    tagged = Problem("a,b:c%.yaml", 1, 1, "queries.q.keys.(0008,0050)", "x\r\ny")
    assert REPORTERS["github"](FILES, [tagged]) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=1,title=queries.q.keys.(0008%2C0050)::x%0D%0Ay\n"
    )
    assert REPORTERS["github"](FILES, []) == ""
    ruled = Problem("a.yaml", 1, 1, "peers.x", "y", severity=Severity.WARNING, id="unused-peer")
    assert REPORTERS["github"](FILES, [ruled]) == (
        "::warning file=a.yaml,line=1,col=1,title=peers.x [unused-peer]::y\n"
    )
