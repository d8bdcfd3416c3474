import json
from pathlib import Path

from runner.jobfile.load import Checked
from runner.jobfile.problem import Problem, Severity, dotted
from runner.jobfile.reporters import REPORTERS

FILES = [Path("jobs/a.yaml"), Path("jobs/b.yaml")]
ERROR = Problem(
    "jobs/a.yaml", 3, 7, "queries.q.keys.Foo", "the dictionary has no attribute 'Foo'", "did you mean Bar?"
)
WARNING = Problem("jobs/a.yaml", 9, 1, "", "50% of it, is: odd", severity=Severity.WARNING)
WHOLE = Problem("jobs/b.yaml", 0, 0, "", "the job file cannot be read: gone", "look\nthere")

IN_BOTH = Problem("jobs/peers.yaml", 2, 3, "peers.main", "the key 'port' is missing")


def reported(name: str, *problems: Problem, files: list[Path] = FILES) -> str:
    """The report of files, each with its problems; one of a file that is in none of them is in all."""
    others = {problem.file for problem in problems} - set(map(str, files))
    checked = [
        Checked(file, tuple(problem for problem in problems if problem.file in {str(file), *others}))
        for file in files
    ]
    return REPORTERS[name](checked)


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
    assert reported("text", ERROR, WARNING) == (
        f"{ERROR}\n{WARNING}\n2 job files: 1 invalid, 1 error, 1 warning\n"
    )
    assert reported("text", files=FILES[:1]) == "1 job file: valid\n"
    assert reported("text", ERROR, WHOLE).endswith("\n2 job files: 2 invalid, 2 errors\n")
    assert reported("text", WARNING).endswith("\n2 job files: valid, 1 warning\n")


def test_a_problem_of_a_file_that_several_include_is_told_once():
    assert reported("text", IN_BOTH) == f"{IN_BOTH}\n2 job files: 2 invalid, 1 error\n"
    assert len(json.loads(reported("json", IN_BOTH))["problems"]) == 1
    assert reported("github", IN_BOTH).count("::error") == 1


def test_files_to_include_are_counted_apart():
    peers, job = Checked(Path("peers.yaml"), (), is_fragment=True), Checked(Path("a.yaml"), ())
    assert REPORTERS["text"]([peers, job]) == "1 job file, 1 included file: valid\n"
    assert REPORTERS["text"]([peers]) == "1 included file: valid\n"
    document = json.loads(REPORTERS["json"]([peers, job]))
    assert (document["files"], document["included_files"]) == (["peers.yaml", "a.yaml"], ["peers.yaml"])


def test_json():
    document = json.loads(reported("json", ERROR, WARNING))
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
    assert json.loads(reported("json", WARNING))["valid"] is True


def test_github():
    """Escaped as the runner's toolkit does: %, CR and LF everywhere, : and , in properties too."""
    assert reported("github", ERROR, WARNING, WHOLE) == (
        "::error file=jobs/a.yaml,line=3,col=7,title=queries.q.keys.Foo::"
        "the dictionary has no attribute 'Foo'; did you mean Bar?\n"
        "::warning file=jobs/a.yaml,line=9,col=1,title=job file::50%25 of it, is: odd\n"
        "::error file=jobs/b.yaml,title=job file::the job file cannot be read: gone; look%0Athere\n"
    )
    file = "a,b:c%.yaml"
    tagged = Problem(file, 1, 1, "queries.q.keys.(0008,0050)", "x\r\ny")
    assert reported("github", tagged, files=[Path(file)]) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=1,title=queries.q.keys.(0008%2C0050)::x%0D%0Ay\n"
    )
    assert reported("github") == ""
    ruled = Problem("a.yaml", 1, 1, "peers.x", "y", severity=Severity.WARNING, id="unused-peer")
    assert reported("github", ruled) == (
        "::warning file=a.yaml,line=1,col=1,title=peers.x [unused-peer]::y\n"
    )
