"""Rules: each has a page, and the page's examples break it and keep it."""

import json
import re
from pathlib import Path

import pytest

from runner.jobfile.lint import rules
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
    pages = {path.stem for path in (Path(rules.__file__).parent / "pages").glob("*.md")}
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
    assert "missing-unique-key" in ids(load(tmp_path, text)[1])


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


WORKLIST = {"level": "", "model": "worklist"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (query("PatientName: A*, QueryRetrieveLevel: STUDY", **WORKLIST), "key-not-in-worklist"),
        (query("StudyTime: 0800-", **WORKLIST), "key-not-in-worklist"),
        (
            query("ScheduledProcedureStepSequence: [{PatientName: A*}]", **WORKLIST),
            "key-misplaced",
        ),
        (query("StudyDate: -20240101, StudyTime: -12"), "dates-and-times"),
        (query("StudyDescription: '~', StudyDate: 20240101"), "null-as-text"),
        (query("StudyDescription: \"a\u200bb\""), "invisible-character"),
        (query("ReferringPhysicianName: SMITH"), "name-of-one-component"),
        (query("ProcedureCodeSequence: [{CodeMeaning: NULL}]"), "null-as-text"),
        (query("PatientID: '*${row.MRN}'", ", foreach: {csv: gaps.csv}"), "empty-cell"),
        (query("StudyDate: 20240101", ", only: new") + "sinks: [{type: xml, path: a}]", "increment-replaced"),
        (query("PatientID: A") + "key_sets: {k: {PatientName: &x }}\nvars: {}", "unused-anchor"),
    ],
)  # fmt: skip
def test_more_that_breaks_a_rule(tmp_path, text, rule):
    assert rule in ids(load(tmp_path, text)[1])


@pytest.mark.parametrize(
    "text",
    [
        query("PatientName: A*, StudyDate: , StudyTime: , StudyInstanceUID: ", **WORKLIST),
        query("PatientName: A*, ScheduledProcedureStepSequence: [{Modality: CT}]", **WORKLIST),
        query("StudyDate: 20240101-20240101, StudyTime: 08-12"),
        query("StudyDate: 20240101-20240105, StudyTime: 08"),
        query("StudyDate: {last: 7d}, StudyTime: 07-12"),
        query("StudyDate: 20240101-, StudyTime: -12"),
        query("PatientName: DOE^JOHN"),
        query("PatientName: 山田^太郎　様*"),
        query("PatientName: '=山田*'"),
        query("StudyInstanceUID: [1.2, 1.3]"),
        query("StudyInstanceUID: 1.2, Modality: '?T'", level="SERIES"),
        "peers: {p: {host: h, port: 1, extended_negotiation: {relational: true, fuzzy: true,"
        " date_time: true}}}\n"
        + query("PatientName: DOE, Modality: CT, StudyDate: 20240101-, StudyTime: 18-", level="SERIES"),
        "peers: {a: {archive: .}}\n" + query("StudyInstanceUID: 1.2, Modality: [CT, MR]", level="SERIES"),
        query("PatientID: 'ID-${row.MRN}'", ", foreach: {csv: gaps.csv}"),
        query("PatientID: A, ProcedureCodeSequence: ")
        + "sinks: [{type: csv, path: x, columns: ['ProcedureCodeSequence[0].CodeValue', RetrieveAETitle]}]",
        "key_sets: {a: &a {PatientID: A}}\n" + query("<<: *a", ", use: a"),
        query("StudyDate: 20240101", ", repeat: 2") + "sinks: [{type: stdout}]",
        query('StudyDescription: "a # b", PatientID: a#1'),
        query("StudyDate: 20240101", ", only: new") + "sinks: [{type: rsp, directory: r}, {type: stdout}]",
        query("StudyDate: 20240101", ", only: new")
        + "sinks: [{type: csv, path: '${env:NOW:-x}.csv'}, {type: xml, directory: x}]",
    ],
)  # fmt: skip
def test_more_that_is_usual(tmp_path, text):
    assert load(tmp_path, text)[1] == []


def test_empty_cells_are_told_by_their_rows_and_without_their_values(tmp_path):
    rows = "".join(f"{'' if number % 2 else 'DEMO'},\n" for number in range(20))
    text = query("PatientID: '${row.MRN}', AccessionNumber: '${row.A}'", ", foreach: {csv: many.csv}")
    (tmp_path / "many.csv").write_text("MRN,A\n" + rows)
    first, second = load(tmp_path, text)[1]
    assert first.what.startswith("many.csv:3, many.csv:5, many.csv:7 and 7 more: ")
    assert second.what.startswith("many.csv:2, many.csv:3, many.csv:4 and 17 more: ")
    assert load(tmp_path, text, check_rows=False)[1] == []


def test_places_of_what_yaml_takes_otherwise(tmp_path):
    text = "queries:\n  q:\n    model: study-root\n    level: STUDY\n    keys:\n"
    text += "      PatientID: Ä1 #2\n      StudyDescription: &x\n      StudyDate: 2024\n        0101\n"
    problems = load(tmp_path, text + "lint: {ignore: [value-form]}")[1]
    assert [
        (problem.line, problem.column, problem.path.split(".")[-1], problem.id) for problem in problems
    ] == [
        (8, 18, "PatientID", "comment-in-value"),
        (9, 25, "StudyDescription", "unused-anchor"),
        (10, 18, "StudyDate", "folded-value"),
    ]


def test_what_is_included_may_be_for_other_jobs(tmp_path):
    sets = "key_sets: {k: {PatientID: }, odd: {StudyDescription: NULL}}"
    (tmp_path / "more.yaml").write_text(f"peers: {{o: {{host: h, port: 1}}}}\nvars: {{V: 1}}\n{sets}\n")
    text = "include: [more.yaml]\n" + query("StudyDate: 20240101", ", peer: pacs")
    assert load(tmp_path, text)[1] == []
    [problem] = load(tmp_path, text.replace("peer: pacs", "peer: pacs, use: odd"))[1]
    assert (problem.id, Path(problem.file).name) == ("null-as-text", "more.yaml")
