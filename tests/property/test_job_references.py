"""References: literals survive, values come through once, rows give what a job written out gives."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.findscu.yaml_text import scalar
from runner.jobfile.interpolation import MalformedReferenceError, Reference, parsed
from runner.jobfile.load import load_job
from runner.jobfile.rows import CsvRows

reference_soup = st.lists(
    st.sampled_from(["$", "{", "}", "${", "$${", "env:", "var:", "row.", ":-", "A", "ä", " ", "\n"]),
    max_size=12,
).map("".join)
values = st.text(st.sampled_from("AB1 ${}:-^äЖ頭*"), max_size=8)
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=6)


@given(reference_soup)
def test_any_text_is_parsed_or_refused(text):
    refused = False
    pieces = []
    try:
        pieces = parsed(text)
    except MalformedReferenceError:
        refused = True
    if "${" not in text:
        assert not refused
        assert "".join(map(str, pieces)) == text
    else:
        assert refused or "${" in pieces or any(isinstance(piece, Reference) for piece in pieces)


@given(reference_soup)
def test_escaped_texts_are_themselves(text):
    assert "".join(map(str, parsed(text.replace("${", "$${")))) == text


def identifiers(folder, query, variables=None):
    path = Path(folder, "job.yaml")
    head = "version: 1\nvars: {V: }\npeers: {p: {host: localhost, port: 104}}\nqueries:\n"
    path.write_text(head + query, encoding="utf-8")
    job, problems = load_job(path, variables)
    assert job is not None, problems
    return [request.identifier for query in job.queries for request in query.requests]


@settings(max_examples=60)
@given(values)
def test_a_variable_is_its_value_written_out(text):
    with TemporaryDirectory() as folder:
        keys = "  q: {{model: worklist, keys: {{PatientName: {}}}}}\n"
        plain = identifiers(folder, keys.format(scalar("x" + text + "y")))
        assert identifiers(folder, keys.format("'x${var:V}y'"), {"V": text}) == plain


@settings(max_examples=60)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=4))
def test_rows_are_the_queries_written_out(rows):
    keys = "model: worklist, keys: {{PatientName: {}, RequestAttributesSequence: [{{StudyDescription: {}}}]}}"
    with TemporaryDirectory() as folder:
        with Path(folder, "rows.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("A", "B"), *rows])
        first, second = "'n${row.A}'", "'${row.B}${row.A}'"
        made = identifiers(
            folder,
            f"  q: {{foreach: {{csv: rows.csv}}, {keys.format(first, second)}}}\n",
        )
        written = "".join(
            f"  q{number}: {{{keys.format(scalar('n' + a), scalar(b + a))}}}\n"
            for number, (a, b) in enumerate(rows)
        )
        assert made == identifiers(folder, written)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(cells, cells), max_size=5),
    st.sampled_from(";,\t|"),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_csv_files_are_read_back(rows, delimiter, encoding):
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        with path.open("w", encoding=encoding, newline="") as stream:
            csv.writer(stream, delimiter=delimiter).writerows([("A", "B"), *rows])
        read = CsvRows(path, "rows.csv", delimiter, encoding, ("A", "B"))
        assert [row for _, row in read] == rows
        assert read.size == len(rows)


@settings(max_examples=100)
@given(reference_soup, reference_soup)
def test_a_job_with_any_reference_is_loaded_or_refused(one, other):
    with TemporaryDirectory() as folder:
        path = Path(folder, "job.yaml")
        text = one.replace("\n", " ").replace("'", "''")
        path.write_text(
            f"version: 1\nvars: {{A: '{text}'}}\npeers: {{p: {{host: '{text}', port: 104}}}}\n"
            f"queries: {{q: {{model: worklist, foreach: {{values: {{A: ['{text}']}}}},"
            f" keys: {{PatientID: '{text}'}}}}}}\n",
            encoding="utf-8",
        )
        job, problems = load_job(path, {"A": other})
        assert (job is None) == any(problem.severity.value == "error" for problem in problems)
        assert all(str(problem).isprintable() for problem in problems)
