"""Whatever a job file holds: the same verdict as jsonschema's, and problems in place of exceptions."""

import copy
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from runner.jobfile.coerce import coerced
from runner.jobfile.compose import compose
from runner.jobfile.conform import conforms
from runner.jobfile.load import load_job
from runner.jobfile.problem import Severity
from runner.jobfile.schema import schema

JOBS = Path(__file__).parents[1] / "jobs"
CORPUS = sorted(JOBS.glob("*/*.yaml"))
TEXTS = [
    path.read_text(encoding="utf-8")
    for path in CORPUS
    if not path.name.startswith(("utf", "yaml-utf", "yaml-latin", "yaml-nul", "key-too-long"))
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 5)
    | st.sampled_from([1.0, 0.5, 104, 104.0, 1e300, 65536, 1 << 70])
    | st.sampled_from(["", "a", "stdout", "csv", "study-root", "STUDY", "LO", "4", "x" * 129]),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(
            st.sampled_from(["version", "peers", "type", "path", "host", "vr", "keys", "a", ""]), values
        )
    ),
    max_leaves=12,
)


def documents():
    """The corpus as data, of every kind of text only what the schema makes of it."""
    found = []
    for text in TEXTS:
        node, _ = compose(text, "job.yaml")
        if node is not None:
            found.append(coerced(node, schema(), schema()))
    return found


DOCUMENTS = documents()


def places(value, path=()):
    yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield from places(member, (*path, key))


@st.composite
def mutated_documents(draw):
    """A document of the corpus with some of its parts replaced, removed, or moved elsewhere."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(places(document))))
        if not path:
            continue
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        if draw(st.booleans()):
            other = document
            for step in draw(st.sampled_from(list(places(document)))):
                other = other[step]
            parent[path[-1]] = draw(json_values | st.just(copy.deepcopy(other)))
        elif isinstance(parent, dict):
            name = draw(
                st.sampled_from(
                    ["host", "port", "archive", "peer", "peers", "level", "value", "vr", "columns"]
                )
            )
            parent[name] = parent.pop(path[-1])
        else:
            parent.append(parent.pop(path[-1]))
    return document


def is_valid(document, of=None):
    return Draft7Validator(of or schema()).is_valid(document)


@settings(max_examples=600)
@given(mutated_documents())
def test_conform_agrees_with_jsonschema_on_mutated_jobs(document):
    assert conforms(document, schema()) == is_valid(document)


def test_conform_agrees_with_jsonschema_on_the_corpus():
    verdicts = [conforms(document, schema()) for document in DOCUMENTS]
    assert verdicts == [is_valid(document) for document in DOCUMENTS]
    assert sum(verdicts) >= 20
    assert verdicts.count(False) >= 20


@st.composite
def small_schemas(draw, depth=2):
    """Schemas of the keywords that our schema uses."""
    inner = small_schemas(depth=depth - 1) if depth else st.booleans()
    names = st.sampled_from(["a", "b", "type", "host"])
    types = st.sampled_from(["null", "boolean", "string", "number", "integer", "array", "object"])
    keywords = {
        "type": types | st.lists(types, min_size=1, unique=True),
        "const": json_values,
        "enum": st.lists(json_values, min_size=1, max_size=4),
        "properties": st.dictionaries(names, inner, max_size=3),
        "additionalProperties": inner,
        "propertyNames": inner,
        "required": st.lists(names, unique=True),
        "minProperties": st.integers(0, 3),
        "items": inner,
        "minItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(["^a", "[0-9]", "s$"]),
        "minimum": st.integers(-2, 4),
        "maximum": st.integers(-2, 4),
        "exclusiveMinimum": st.integers(-2, 4),
        "allOf": st.lists(inner, min_size=1, max_size=3),
        "anyOf": st.lists(inner, min_size=1, max_size=3),
        "oneOf": st.lists(inner, min_size=1, max_size=3),
        "not": inner,
        "$ref": st.just("#/definitions/d"),
        "description": st.just("ignored"),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(keywords)), max_size=4, unique=True))
    return {keyword: draw(keywords[keyword]) for keyword in chosen}


@settings(max_examples=600)
@given(small_schemas(), small_schemas(depth=0), json_values)
def test_conform_agrees_with_jsonschema_on_any_schema_of_its_keywords(drawn, definition, value):
    definition.pop("$ref", None)
    of = {**drawn, "definitions": {"d": definition}}
    if "$ref" in of:  # at the top it would hide the definitions from no one but the reader
        of = {"anyOf": [{"$ref": "#/definitions/d"}], "definitions": {"d": definition}}
    assert conforms(value, of) == is_valid(value, of)


@settings(max_examples=200)
@given(
    st.sampled_from(
        [
            "patternProperties",
            "dependencies",
            "if",
            "contains",
            "format",
            "multipleOf",
            "maxItems",
            "maxProperties",
        ]
    ),
    json_values,
)
def test_conform_never_trusts_what_it_does_not_know(keyword, value):
    for of in (
        {keyword: {}},
        {"not": {keyword: {}}},
        {"anyOf": [{keyword: {}}, {}]},
        {"not": {"not": {keyword: {}}}},
    ):
        assert conforms(value, of) is False


def problems_of(data: bytes):
    with TemporaryDirectory() as folder:
        path = Path(folder, "job.yaml")
        path.write_bytes(data)
        job, problems = load_job(path)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    assert (job is None) == bool(errors)
    for problem in problems:
        assert problem.message.isprintable()
        assert problem.line >= 0
    assert [(problem.line, problem.column) for problem in problems] == sorted(
        (problem.line, problem.column) for problem in problems
    )
    return problems


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    assert problems_of(data)


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab01:-?[]{},&*#!|>'\"%@` \n\t\\\0\x1bä"), max_size=60))
def test_any_characters_of_yaml(text):
    assert problems_of(text.encode())


@settings(max_examples=400)
@given(st.data())
def test_mutilated_jobs(data):
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        piece = data.draw(
            st.sampled_from(["", " ", "\n", "\t", ": ", "- ", "*x", "[", "}", "null", "'", "0", "é", "~: "])
        )
        text = text[:start] + piece + text[end:]
    problems_of(text.encode())
