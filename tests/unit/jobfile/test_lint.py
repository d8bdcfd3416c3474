"""Rules: each has a page, and the page's examples break it and keep it."""

import json
import re
from pathlib import Path

import pytest

from runner.jobfile.lint.checks import CHECKS
from runner.jobfile.lint.rules import RULES, page
from runner.jobfile.load import load_job
from runner.jobfile.problem import Severity
from runner.jobfile.schema import schema

ROOT = Path(__file__).parents[3]


def examples(rule):
    wrong, right = re.findall(r"^```yaml\n(.*?)^```$", page(rule), re.MULTILINE | re.DOTALL)
    return wrong, right


def load(tmp_path, text, **options):
    """Load a job that leaves out what is the same in all."""
    if not re.search(r"^peers:", text, re.MULTILINE):
        text = "peers: {pacs: {host: pacs.example.org, port: 104}}\n" + text
    path = tmp_path / "job.yaml"
    path.write_text(f"version: 1\n{text}", encoding="utf-8")
    (tmp_path / "cohort.csv").write_text("MRN,Day\nDEMO001,20240101\nDEMO002,20240102\n")
    (tmp_path / "empty.csv").write_text("MRN,Day\n")
    (tmp_path / "gaps.csv").write_text("MRN,Day\nDEMO001,20240101\n,20240102\n")
    for name, mode in (("open.key", 0o644), ("private.key", 0o600)):
        (tmp_path / name).touch(mode)
        (tmp_path / name).chmod(mode)
    return load_job(path, **options)


def query(keys, more="", level="STUDY", model="study-root"):
    level = f"level: {level}, " if level else ""
    return f"queries: {{q: {{model: {model}, {level}keys: {{{keys}}}{more}}}}}\n"


def ids(problems):
    return [problem.id for problem in problems]


@pytest.mark.parametrize("rule", RULES)
def test_the_first_example_breaks_the_rule_and_nothing_else(tmp_path, rule):
    problems = load(tmp_path, examples(rule)[0])[1]
    assert set(ids(problems)) == {rule}
    assert {problem.severity for problem in problems} == {RULES[rule].severity}
    assert all(str(problem).endswith(f" [{rule}]") for problem in problems)


@pytest.mark.parametrize("rule", RULES)
def test_the_second_example_breaks_no_rule(tmp_path, rule):
    job, problems = load(tmp_path, examples(rule)[1])
    assert job is not None
    assert problems == []


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"text-outside-character-set"}))
def test_a_silenced_rule_says_nothing(tmp_path, rule):
    broken, silence = examples(rule)[0], re.compile(r"^lint: \{ignore: \[(.*)\]\}\n", re.MULTILINE)
    others = silence.search(broken)
    silenced = ", ".join([*([others[1]] if others else []), rule])
    job, problems = load(tmp_path, silence.sub("", broken) + f"lint: {{ignore: [{silenced}]}}\n")
    assert job is not None
    assert problems == []


def test_what_cannot_be_encoded_is_not_silenced(tmp_path):
    broken = examples("text-outside-character-set")[0] + "lint: {ignore: [text-outside-character-set]}\n"
    job, [problem] = load(tmp_path, broken)
    assert job is None
    assert (problem.severity, problem.id) == (Severity.ERROR, "")
    number = query("Rows: 1*, StudyDate: 20240101") + "lint: {ignore: [wildcard-not-matched]}"
    assert load(tmp_path, number)[0] is None


@pytest.mark.parametrize(
    ("keys", "value"), [("StudyDate: 2024.01.01", "2024.01.01"), ("StudyTime: 0*", "0*")]
)
def test_a_silenced_value_is_sent_as_it_stands(tmp_path, keys, value):
    job, problems = load(
        tmp_path, query(keys) + "lint: {ignore: [value-form, wildcard-not-matched, empty-query]}"
    )
    assert problems == []
    assert value in [element.value for element in job.queries[0].requests[0].identifier]


def test_a_silenced_value_of_a_row_is_sent_too(tmp_path):
    rows = ", foreach: {values: {UID: [1.2.*, '1.2.x']}}"
    text = query("StudyInstanceUID: '${row.UID}'", rows)
    assert ids(load(tmp_path, text)[1]) == ["wildcard-not-matched", "value-form"]
    job, problems = load(tmp_path, text + "lint: {ignore: [wildcard-not-matched, value-form]}")
    assert problems == []
    assert [request.identifier[-1].value for request in job.queries[0].requests] == ["1.2.*", "1.2.x"]
    control = query('PatientID: "${row.ID}"', ', foreach: {values: {ID: ["a\\tb"]}}')
    every = ", ".join(RULES)
    assert ids(load(tmp_path, control + f"lint: {{ignore: [{every}]}}")[1]) == [""]


def test_an_unknown_id_is_an_error_with_the_likely_one(tmp_path):
    job, [problem] = load(tmp_path, query("StudyDate: 20240101") + "lint: {ignore: [unused-pear]}")
    assert job is None
    assert (problem.path, problem.advice) == ("lint.ignore[0]", "did you mean 'unused-peer'?")


def test_the_schema_lists_the_rules():
    ignore = schema()["properties"]["lint"]["properties"]["ignore"]
    assert ignore["items"]["enum"] == list(RULES)


def test_every_check_has_a_rule_and_every_page_too():
    assert CHECKS.keys() <= RULES.keys()
    pages = {path.stem for path in (ROOT / "runner" / "jobfile" / "lint" / "pages").glob("*.md")}
    assert pages == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
def test_ids_and_summaries_are_fit_for_people(rule):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule)
    assert not RULES[rule].summary.endswith(".")
    assert page(rule).endswith("```\n")


def test_no_value_of_a_key_is_told(tmp_path):
    for rule in RULES:
        for problem in load(tmp_path, examples(rule)[0])[1]:
            for word in ("DEMO", "Жук", "sesame", "A-2024"):
                assert word not in json.dumps([problem.what, problem.advice], ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        query("PatientID: 1", level="IMAGE", model="patient-root"),
        query("PatientID: '1*', StudyInstanceUID: 1.2", level="SERIES", model="patient-root"),
        query("PatientID: [a, b]", level="STUDY", model="patient-study-only"),
        query("StudyInstanceUID: [1.2, 1.3]", level="SERIES"),
        query("StudyInstanceUID: , Modality: CT", level="SERIES"),
    ],
)
def test_unique_keys_have_a_single_value_each(tmp_path, text):
    assert set(ids(load(tmp_path, text)[1])) == {"missing-unique-key"}


@pytest.mark.parametrize(
    "text",
    [
        query("PatientID: 1", level="STUDY", model="patient-root"),
        query("StudyInstanceUID: '${row.U}'", ", foreach: {values: {U: [1.2, 1.3]}}", level="SERIES"),
        query("PatientName: A*, PatientBirthDate: , StudyInstanceUID: ", level="STUDY"),
        query("PatientName: A*, PatientAge: 042Y", level="STUDY"),
        query("StudyInstanceUID: 1.2, SeriesInstanceUID: 1.3, SOPClassUID: , Rows: ", level="IMAGE"),
        query("PatientID: , StudyInstanceUID: ", ", cancel_after: 10"),
        query("ScheduledProcedureStepSequence: [{Modality: CT}]", level="", model="worklist"),
        "peers: {a: {archive: .}}\n" + query("ModalitiesInStudy: CT"),
    ],
)
def test_what_is_usual_breaks_no_rule(tmp_path, text):
    assert load(tmp_path, text)[1] == []


def test_all_of_a_query_file_is_looked_at(tmp_path):
    (tmp_path / "q.dump").write_text("(0008,0052) CS [SERIES]\n(0008,0060) CS [CT]\n")
    text = "queries: {q: {model: study-root, files: [q.dump]}}"
    [problem] = load(tmp_path, text)[1]
    assert (problem.id, problem.path) == ("missing-unique-key", "queries.q.files")
