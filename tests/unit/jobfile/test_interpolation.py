"""References: what they stand for, where they are taken, and that nothing is resolved twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from runner.jobfile.interpolation import MalformedReferenceError, Reference, parsed
from runner.jobfile.load import load_job
from runner.model import InformationModel

ROOT = Path(__file__).parents[3]
VALID = ROOT / "tests" / "jobs" / "valid"


def load(tmp_path, text, variables=None):
    path = tmp_path / "job.yaml"
    path.write_text(text, encoding="utf-8")
    job, problems = load_job(path, variables)
    return job, [str(problem).replace(str(path), "FILE") for problem in problems]


def job_with(value, variables="{A: a}"):
    return (
        f"version: 1\nvars: {variables}\npeers: {{p: {{host: localhost, port: 104}}}}\n"
        f"queries: {{q: {{model: worklist, keys: {{PatientID: {value}}}}}}}\n"
        "lint: {ignore: [unused-variable]}\n"
    )


def value_of(job):
    [request] = job.queries[0].requests
    return request.identifier[-1].value


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("a", ["a"]),
        ("$ {} $$ $x", ["$ {} $$ $x"]),
        ("$${", ["${"]),
        ("$${a}", ["${", "a}"]),
        ("$$${a}", ["$", "${", "a}"]),
        ("${var:A}", [Reference("var", "A")]),
        ("x${env:A_1}y", ["x", Reference("env", "A_1"), "y"]),
        ("${env:A:-}", [Reference("env", "A", "")]),
        ("${env:A:-b:-c d}", [Reference("env", "A", "b:-c d")]),
        ("${row.Patient ID}${row.x.y}", [Reference("row", "Patient ID"), Reference("row", "x.y")]),
    ],
)
def test_pieces_of_a_text(text, pieces):
    assert parsed(text) == pieces


@pytest.mark.parametrize(
    "text",
    [
        *("${", "${a", "${}", "${a}", "${A:b}", "${var:}", "${var:1}", "${var:a:-b}", "${row.}", "${row}"),
        *("${env:ä}", "${var:${var:A}}", "${env:A:-{}}", "${ var:A}"),
    ],
)
def test_malformed_references(text):
    with pytest.raises(MalformedReferenceError) as refused:
        parsed(text)
    what, advice = refused.value.args
    assert what
    assert advice


def test_references_of_a_whole_job(monkeypatch):
    monkeypatch.delenv("CFIND_TEST_NOT_SET", raising=False)
    monkeypatch.setenv("HOME", "${var:PORT}")
    job, problems = load_job(VALID / "references.yaml")
    assert problems == []
    assert job is not None
    [peer], [query] = job.peers, job.queries
    assert (job.name, peer.host, peer.port, peer.ae_title) == (
        "${literal}",
        "pacs.example.org",
        11112,
        "PACS",
    )
    assert (query.peers, query.model, query.repeat) == (("main",), InformationModel.STUDY_ROOT, 2)
    [request] = query.requests
    assert {element.tag: element.value for element in request.identifier} == {
        0x00080020: "20240101-",
        0x00080052: "STUDY",
        0x00081030: "${a}",
        0x00100010: "${a}",
        0x00100020: "$$ $ {} ${env:HOME}",
    }


def test_values_are_not_looked_at_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CFIND_TEST", "${var:A}$${")
    for value in ('"${env:CFIND_TEST}"', '"${env:CFIND_NOT:-$}{env:CFIND_TEST}"'):
        job, problems = load(tmp_path, job_with(value))
        assert problems == []
        assert value_of(job) in {"${var:A}$${", "${env:CFIND_TEST}"}
    job, problems = load(tmp_path, job_with('"${var:B}"', '{B: "${env:CFIND_TEST}"}'))
    assert (problems, value_of(job)) == ([], "${var:A}$${")
    job, problems = load(tmp_path, job_with('"${var:A}"'), {"A": "${var:A}"})
    assert (problems, value_of(job)) == ([], "${var:A}")


def test_empty_variables_of_the_environment_take_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("CFIND_TEST", "")
    assert value_of(load(tmp_path, job_with('"${env:CFIND_TEST:-x}"'))[0]) == "x"
    assert value_of(load(tmp_path, job_with('"${env:CFIND_TEST}"'))[0]) == ""


def test_an_escape_may_stand_for_either_character(tmp_path):
    assert value_of(load(tmp_path, job_with(r'"\x24{var:A}"'))[0]) == "a"
    assert value_of(load(tmp_path, job_with(r'"$\x7bvar:A}"'))[0]) == "a"


def test_var_replaces_what_the_job_says(tmp_path):
    text = job_with('"${var:A}"', '{A: "${env:CFIND_TEST_NOT_SET}"}')
    assert load(tmp_path, text)[0] is None
    job, problems = load(tmp_path, text, {"A": "b"})
    assert (problems, value_of(job)) == ([], "b")


def test_var_must_be_declared(tmp_path):
    assert load(tmp_path, job_with("x"), {"B": "4711"})[1] == [
        "FILE:2:1: vars: --var gives 'B', which the job does not declare; declared are A;"
        " add 'B:' under 'vars', or leave --var out"
    ]
    without = job_with("x").replace("vars: {A: a}\n", "")
    assert load(tmp_path, without, {"B": "4711"})[1] == [
        "FILE: vars: --var gives 'B', which the job does not declare;"
        " add 'B:' under 'vars', or leave --var out"
    ]


def test_values_have_no_control_characters(tmp_path, monkeypatch):
    monkeypatch.setenv("CFIND_TEST", "a\x1b[2J")
    for variables, value in (
        ({"A": "a\x1bb"}, '"${var:A}"'),
        (None, '"${env:CFIND_TEST}"'),
    ):
        job, problems = load(tmp_path, job_with(value), variables)
        assert job is None
        [problem] = problems
        assert "holds the character U+001B" in problem
        assert problem.isprintable()


def test_a_job_without_references_does_not_load_the_module():
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from runner.jobfile.load import load_job\n"
        "assert load_job(Path(sys.argv[1]))[0] is not None\n"
        "print([n for n in ('interpolation', 'foreach', 'rows') if f'runner.jobfile.{n}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(VALID / "contract.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"
