import pytest
import yaml

from runner.jobfile.compose import MAX_ALIASED_NODES, MAX_DEPTH, compose
from runner.jobfile.nodes import Listing, Mapping, Node, Scalar


def plain(node: Node | None):
    if node is None:
        return None
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {key: plain(entry.node) for key, entry in node.entries.items()}


def composed(text: str):
    node, problems = compose(text, "job.yaml")
    assert problems == []
    return plain(node)


def problems_of(text: str) -> list[str]:
    return [str(problem) for problem in compose(text, "job.yaml")[1]]


@pytest.fixture(params=["libyaml", "python"])
def _each_parser(request, monkeypatch):
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader")
    else:
        assert hasattr(yaml, "CSafeLoader")


@pytest.mark.parametrize(
    "typed",
    [
        "00100010",
        "073000",
        "NO",
        "yes",
        "2024-01-01",
        "0x10",
        "1e3",
        ".5",
        "True",
        "NULL",
        "12:30:45",
        "1_000",
    ],
)
def test_scalars_stay_what_was_typed(typed):
    assert composed(f"a: {typed}") == {"a": typed}


@pytest.mark.parametrize(
    ("typed", "text"), [("", None), ("~", None), ("null", None), ("''", ""), ('"null"', "null")]
)
def test_null_is_plain_and_written_in_three_ways(typed, text):
    assert composed(f"a: {typed}\nb: 1") == {"a": text, "b": "1"}


def test_places_count_from_one_and_in_characters():
    node, _ = compose("ä: 'öü'\nb:\n  - x\n  - [ü, y]\n", "job.yaml")
    assert isinstance(node, Mapping)
    inner = node.entries["b"].node
    assert isinstance(inner, Listing)
    assert [item.place for item in inner.items] == [("job.yaml", 3, 5), ("job.yaml", 4, 5)]
    assert isinstance(inner.items[1], Listing)
    assert inner.items[1].items[1].place == ("job.yaml", 4, 9)
    assert str(node.entries["b"].place) == "job.yaml:2:1"


def test_aliases_share_what_their_anchor_stands_for():
    assert composed("a: &t {x: 1}\nb: *t\nc: [*t, &u 2, *u]") == {
        "a": {"x": "1"},
        "b": {"x": "1"},
        "c": [{"x": "1"}, "2", "2"],
    }


def test_an_anchor_may_be_given_anew():
    assert composed("a: &t 1\nb: *t\nc: &t 2\nd: *t") == {"a": "1", "b": "1", "c": "2", "d": "2"}


def test_merge_keys_fill_in_what_is_not_there():
    text = "one: &one {x: 1, y: 1}\ntwo: &two {y: 2, z: 2}\nall:\n  z: 0\n  <<: [*one, *two]\n  w: 3\n"
    document = composed(text)
    assert document["all"] == {"z": "0", "x": "1", "y": "1", "w": "3"}
    assert list(document["all"]) == ["z", "x", "y", "w"]


def test_a_quoted_merge_key_is_a_key():
    assert composed("a: {'<<': 1}") == {"a": {"<<": "1"}}


@pytest.mark.usefixtures("_each_parser")
@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a:\n\tb: 1\n", "2:1", "a tab indents this line"),
        ("\ta: 1\n", "1:1", "a tab indents this line"),
        ("a: b: c\n", "1:5", "a colon stands where no 'key: value' can begin"),
        ("a: 'x\nb: 1\n", "1:4", "a quote that is opened here is not closed"),
        ("a: [1, 2\nb: 1\n", "1:4", "a bracket that is opened here is not closed"),
        ("a: {b: c\n", "1:4", "a bracket that is opened here is not closed"),
        ("a: *\n", "1:5", "after * or & a name is expected"),
        ("a: *DOE\n", "1:4", "a: this alias refers to an anchor that is not there"),
        ("a: @x\n", "1:4", "a text cannot begin with '@'"),
        ("k: - 1\n", "1:4", "a list cannot begin in the line of its key"),
        ("a: ]\n", "1:4", "a value is expected here"),
        ("a:\n  - 1\n b: 2\n", "3:2", "this line does not fit in with the lines above"),
        ("a: 1\n- b\n", "2:1", "this line does not fit in with the lines above"),
        ("a: 'b' c\n", "1:8", "this line does not fit in with the lines above"),
        ("%YAML 2.0\n---\na: 1\n", "1:1", "this version of YAML is not known"),
        ("a: !e!x y\n", "1:4", "the tag is not taken"),
        ("a: !!python/object/apply:os.system [x]\n", "1:4", "a: the tag '!!python/object/apply:os.system'"),
        ("a: !!int 3\n", "1:4", "a: the tag '!!int' is not taken"),
        ("a: !x {b: 1}\n", "1:4", "a: the tag '!x' is not taken"),
        ("---\na: 1\n---\nb: 2\n", "3:1", "a second document begins here"),
        ("", "1:1", "the file is empty"),
        ("# only a comment\n", "1:1", "the file holds no YAML value"),
        ("a: &t [*t]\n", "1:8", "a[0]: this alias refers to what it stands in"),
        ("a: 1\nb: 2\na: 3\n", "3:1", "a: the key 'a' stands here a second time; the first is in line 1"),
        ("? [a]\n: b\n", "1:3", "a key is a list or a mapping"),
        ("a:\n  ~: b\n", "2:3", "a: a key is empty"),
        ("a: {<<: 1}\n", "1:5", "a.<<: '<<' wants a mapping, or a list of mappings"),
        ("a: {<<: {}, <<: {}}\n", "1:13", "a.<<: the key '<<' stands here a second time"),
        ('a: "\\0"\n', "1:4", "a: the text holds the character U+0000"),
        ('a: "\\e[2J"\n', "1:4", "a: the text holds the character U+001B"),
    ],
)
def test_what_is_refused_is_named_with_its_place(text, place, said):
    assert any(problem.startswith(f"job.yaml:{place}: {said}") for problem in problems_of(text)), problems_of(
        text
    )


def test_all_problems_that_do_not_end_the_parse_are_found():
    text = "a: 1\na: 2\nb: !x 1\nc: *d\nd: {e: 1, e: 2}\n"
    assert [problem.split(":")[1] for problem in problems_of(text)] == ["2", "3", "4", "5"]


def test_no_value_is_quoted():
    text = "queries: {q: {keys: {PatientName: *DOE^JANE, PatientID: !!int 4711}}}\n"
    assert not any("DOE" in problem or "4711" in problem for problem in problems_of(text))


def test_a_wrong_key_takes_its_value_with_it():
    node, problems = compose("? [a]\n: {b: 1}\nc: 2\nc: {d: 1}\ne: 3\n", "job.yaml")
    assert plain(node) == {"c": "2", "e": "3"}
    assert len(problems) == 2


def test_aliases_that_explode_are_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    [problem] = compose("\n".join(lines), "job.yaml")[1]
    assert f"more than {MAX_ALIASED_NODES:,} values" in problem.what
    assert problem.line < 8


@pytest.mark.usefixtures("_each_parser")
@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000 + "a", "{a: " * 5_000, "? " * 100_000])
def test_nesting_is_bounded(text):
    [problem] = compose(text, "job.yaml")[1]
    assert problem.what == f"lists and mappings are nested more than {MAX_DEPTH} deep"


def test_nesting_through_aliases_is_bounded():
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    [problem] = compose("\n".join(lines), "job.yaml")[1]
    assert "nested more than" in problem.what


def test_the_deepest_nesting_that_is_allowed():
    node, problems = compose("[" * MAX_DEPTH + "]" * MAX_DEPTH, "job.yaml")
    assert (isinstance(node, Listing), problems) == (True, [])
