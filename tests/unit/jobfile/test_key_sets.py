"""Key sets: merged before a query's own keys, which override them."""

from pathlib import Path

import pytest

from runner.dicom.dictionary import STANDARD
from runner.jobfile.load import load_job
from runner.jobfile.problem import Severity
from runner.model import Job, Query

VALID = Path(__file__).parents[2] / "jobs" / "valid"


def loaded(folder: Path, sets: str, query: str) -> tuple[Job | None, list[str]]:
    path = folder / "job.yaml"
    path.write_text(
        "version: 1\npeers: {main: {host: localhost, port: 104}}\nvars: {A: x}\n"
        f"key_sets:\n{sets}\nqueries:\n  q: {{model: study-root, level: STUDY, {query}}}\n",
        encoding="utf-8",
    )
    job, problems = load_job(path)
    errors = [one for one in problems if one.severity is Severity.ERROR]
    return job, [f"{one.line}:{one.column}: {one.message}" for one in errors]


def query_of(folder: Path, sets: str, query: str) -> Query:
    job, problems = loaded(folder, sets, query)
    assert problems == []
    assert job is not None
    return job.queries[0]


def keyword(tag: int) -> str:
    entry = STANDARD.by_tag(tag)
    return entry.keyword if entry is not None and entry.keyword else f"{tag:08x}"


def sent(query: Query) -> list[dict[str, object]]:
    return [
        {keyword(element.tag): element.value for element in request.identifier} for request in query.requests
    ]


def columns(query: Query) -> list[str]:
    return [keyword(path[0]) for path in query.columns]


def test_sets_come_in_the_order_of_use_and_own_keys_override_in_place(tmp_path):
    sets = "  a: {PatientName: A*, PatientID: }\n  b: {StudyDate: 20240101}"
    query = query_of(tmp_path, sets, "use: [b, a], keys: {StudyID: , PatientName: B*}")
    assert columns(query) == ["StudyDate", "PatientName", "PatientID", "StudyID"]
    assert sent(query) == [
        {
            "StudyDate": "20240101",
            "QueryRetrieveLevel": "STUDY",
            "PatientName": "B*",
            "PatientID": "",
            "StudyID": "",
        }
    ]


def test_a_query_needs_no_keys_of_its_own(tmp_path):
    assert columns(query_of(tmp_path, "  a: {PatientID: }", "use: a")) == ["PatientID"]


def test_tags_and_keywords_name_the_same_attribute(tmp_path):
    sets = '  a: {"(0010,0010)": A*, "0008,0060": [CT, MR]}\n  b: {PatientName: A*, Modality: CT\\MR}'
    query = query_of(tmp_path, sets, "use: [a, b]")
    assert columns(query) == ["PatientName", "Modality"]
    query = query_of(tmp_path, sets, "use: [a], keys: {PatientName: }")
    assert sent(query)[0]["PatientName"] == ""


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("PatientName: ", 'PatientName: ""', False),
        ("PatientName: A", "PatientName: B", True),
        ("PatientName: A", "PatientName: ", True),
        ("PatientName: A", "PatientName: {vr: PN, value: A}", False),
        ("PatientName: A", "PatientName: {vr: LO, value: A}", True),
        ("ProcedureCodeSequence: [{CodeValue: A}]", "ProcedureCodeSequence: [{CodeValue: A}]", False),
        ("ProcedureCodeSequence: [{CodeValue: A}]", "ProcedureCodeSequence: [{CodeValue: B}]", True),
        ("PatientName: '${var:A}'", "PatientName: x", False),
        ("StudyDate: {last: 7d}", "StudyDate: {last: 7d}", False),
        ("StudyDate: {last: 7d}", "StudyDate: {last: 8d}", True),
        ("StudyDate: {last: 7d}", "StudyDate: ", True),
        ("StudyDate: {vr: DA, value: {last: 7d}}", "StudyDate: {vr: DA, value: {last: 8d}}", True),
        ("Modality: {any_of: [CT, MR]}", "Modality: {any_of: [CT]}", True),
        ("""(0009,"ACME 1",01): {vr: LO, value: A}""", """'0009,"ACME 1",01': {vr: LO, value: A}""", False),
    ],
)
def test_sets_that_differ_are_refused_with_both_places(tmp_path, one, other, differ):
    job, problems = loaded(tmp_path, f"  a:\n    {one}\n  b:\n    {other}", "use: [a, b]")
    assert (job is None) == differ
    assert len(problems) == differ
    if differ:
        assert problems[0].startswith("10:49: queries.q.use[1]: two of the key sets differ in ")
        assert "job.yaml:6:5 and " in problems[0]
        assert "job.yaml:8:5; write the key in the query itself" in problems[0]
        name = one.split(":")[0]
        assert (
            loaded(tmp_path, f"  a:\n    {one}\n  b:\n    {other}", f"use: [a, b], keys: {{{name}: }}")[1]
            == []
        )


def test_rows_come_from_the_query_that_uses_the_set(tmp_path):
    sets = "  a: {PatientID: '${row.MRN}', RequestAttributesSequence: [{StudyDescription: 'x${row.MRN}'}]}"
    query = query_of(tmp_path, sets, "use: a, foreach: {values: {MRN: [1, 2]}}")
    assert [identifier["PatientID"] for identifier in sent(query)] == ["1", "2"]
    assert [
        identifier["RequestAttributesSequence"][0][0].value  # type: ignore[index]
        for identifier in sent(query)
    ] == ["x1", "x2"]
    job, problems = loaded(tmp_path, sets, "use: a")
    assert job is None
    [problem] = problems
    assert "queries.q.use: the key set has ${row.…}, in line 5, and the query has no rows" in problem


def test_own_keys_that_override_rows_need_none(tmp_path):
    query = query_of(tmp_path, "  a: {PatientID: '${row.MRN}'}", "use: a, keys: {PatientID: 7}")
    assert sent(query)[0]["PatientID"] == "7"


def test_a_character_set_of_a_set_is_that_of_the_query(tmp_path):
    sets = "  a: {SpecificCharacterSet: ISO_IR 100}"
    assert sent(query_of(tmp_path, sets, "use: a, keys: {PatientName: Müller}"))[0][
        "SpecificCharacterSet"
    ] == ("ISO_IR 100")
    _, problems = loaded(tmp_path, sets, "use: a, keys: {PatientName: Ж}")
    assert len(problems) == 1
    assert "SpecificCharacterSet declares 'ISO_IR 100'" in problems[0]
    own = "use: a, keys: {PatientName: Ж, SpecificCharacterSet: ISO_IR 192}"
    assert sent(query_of(tmp_path, sets, own))[0]["PatientName"] == "Ж"


def test_a_set_may_state_the_level(tmp_path):
    path = tmp_path / "job.yaml"
    job, problems = load_job(VALID / "include.yaml")
    assert problems == []
    assert job is not None
    assert [identifier["QueryRetrieveLevel"] for identifier in sent(job.queries[2])] == ["SERIES", "SERIES"]
    path.write_text(
        "version: 1\npeers: {main: {host: a, port: 104}}\nkey_sets: {a: {QueryRetrieveLevel: IMAGES}}\n"
        "queries: {q: {model: study-root, level: null, use: a}}\n"
    )
    [problem] = load_job(path)[1]
    assert (problem.path, problem.line) == ("key_sets.a.QueryRetrieveLevel", 3)


def test_sets_are_put_into_query_files(tmp_path):
    (tmp_path / "one.json").write_text('{"00100020": {"vr": "LO", "Value": ["1"]}}')
    query = query_of(tmp_path, "  a: {PatientName: A*}", "use: a, files: [one.json]")
    assert sent(query)[0]["PatientID"] in ("1", b"1 ", b"1")
    assert sent(query)[0]["PatientName"] == "A*"
    assert columns(query) == ["PatientName", "PatientID"]


def test_private_blocks_of_several_sets_do_not_meet(tmp_path):
    sets = "  a: {'(0009,\"ACME\",01)': {vr: LO, value: a}}\n  b: {'(0009,\"OTHER\",01)': {vr: LO, value: b}}"
    query = query_of(tmp_path, sets, "use: [a, b]")
    values = {element.tag: element.value for element in query.requests[0].identifier}  # type: ignore[index]
    assert {values[0x00090010], values[0x00090011]} == {"ACME", "OTHER"}
    assert {values[0x00091001], values[0x00091101]} == {"a", "b"}


def test_a_set_that_nobody_uses_is_checked_too(tmp_path):
    job, problems = loaded(tmp_path, "  a: {PatientID: }\n  b: {PatientNam: }", "use: a")
    assert job is None
    assert [problem.split(":")[0] for problem in problems] == ["6"]
