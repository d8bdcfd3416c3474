"""A shuffled and re-encoded copy of results is the same; one changed value is found and named."""

from __future__ import annotations

import csv
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.comparison.compare import Kind
from runner.dicom.transfer_syntax import TransferSyntax
from unit.comparison.results import Values, compared, write_rsp

#: Characters of Latin alphabet No. 1, in which every character set that is used here can write.
TEXT = st.text("abCD12 .,;\"'=äöÜßé-", max_size=12)
LINES = st.text('ab \n,"ä', max_size=12)
NAMES = st.lists(st.text("abCDäé", min_size=1, max_size=5), min_size=1, max_size=3).map("^".join)
STUDIES = st.fixed_dictionaries(
    {
        "PatientName": NAMES,
        "StudyDescription": TEXT,
        "StudyTime": st.from_regex(r"\A([01][0-9][0-5][0-9]([0-5][0-9](\.[0-9]{1,6})?)?)?\Z"),
        "ModalitiesInStudy": st.lists(st.sampled_from(["CT", "MR", "SR"]), max_size=3).map("\\".join),
        "NumberOfStudyRelatedSeries": st.integers(0, 999).map(str),
        "Rows": st.integers(0, 65535).map(str),
        "ProcedureCodeSequence": st.lists(st.fixed_dictionaries({"CodeMeaning": TEXT}), max_size=2),
    }
)
RESULTS = st.lists(STUDIES, max_size=6).map(
    lambda studies: [{"StudyInstanceUID": f"1.{number}", **study} for number, study in enumerate(studies)]
)
SYNTAXES = st.sampled_from(TransferSyntax)
SETS = st.sampled_from(["ISO_IR 100", "ISO_IR 192", "GB18030", "ISO 2022 IR 6\\ISO 2022 IR 100"])


def padded(values: Values, spaces: random.Random) -> Values:
    """Return the values with spaces where they mean nothing."""
    pad = lambda: " " * spaces.randrange(3)  # noqa: E731
    changed: dict[str, str | list[Values]] = {}
    for name, value in values.items():
        if isinstance(value, list):
            changed[name] = [padded(item, spaces) for item in value]
        elif name in ("StudyInstanceUID", "Rows") or not value:
            changed[name] = value
        else:
            changed[name] = "\\".join(pad() + one + pad() for one in value.split("\\"))
    return changed


@settings(max_examples=30)
@given(RESULTS, SYNTAXES, SYNTAXES, SETS, SETS, st.randoms(use_true_random=False))
def test_a_shuffled_and_reencoded_copy_is_the_same(
    results: list[Values],
    syntax_a: TransferSyntax,
    syntax_b: TransferSyntax,
    set_a: str,
    set_b: str,
    chance: random.Random,
) -> None:
    copy = [padded(values, chance) for values in results]
    chance.shuffle(copy)
    with tempfile.TemporaryDirectory() as folder:
        a = write_rsp(Path(folder, "a"), results, set_a, syntax_a)
        b = write_rsp(Path(folder, "b"), copy, set_b, syntax_b)
        differences, comparison = compared(a, b)
    assert differences == []
    assert comparison.counts.same == len(results)


@settings(max_examples=30)
@given(
    RESULTS.filter(bool),
    SYNTAXES,
    st.sampled_from(
        ["PatientName", "StudyDescription", "StudyTime", "Rows", "CodeMeaning", "StudyInstanceUID"]
    ),
    st.randoms(use_true_random=False),
)
def test_one_changed_value_is_found_and_named(
    results: list[Values], syntax: TransferSyntax, name: str, chance: random.Random
) -> None:
    copy = [dict(values) for values in results]
    chosen = chance.randrange(len(copy))
    uid = str(copy[chosen]["StudyInstanceUID"])
    new = {"StudyTime": "235959.999999", "Rows": "777", "StudyInstanceUID": "2.99"}.get(name, "changed")
    if name == "CodeMeaning":
        copy[chosen]["ProcedureCodeSequence"] = [{"CodeMeaning": "changed"}]
        named = "ProcedureCodeSequence[0].CodeMeaning"
    else:
        copy[chosen][name] = new
        named = name
    if copy[chosen] == results[chosen]:
        return
    chance.shuffle(copy)
    with tempfile.TemporaryDirectory() as folder:
        a = write_rsp(Path(folder, "a"), results)
        b = write_rsp(Path(folder, "b"), copy, "ISO_IR 100", syntax)
        differences, comparison = compared(a, b)
    if name == "StudyInstanceUID":
        assert [(one.kind, one.key) for one in differences] == [
            (Kind.ONLY_A, ((name, uid),)),
            (Kind.ONLY_B, ((name, "2.99"),)),
        ]
        return
    [difference] = differences
    assert (difference.kind, difference.key) == (Kind.CHANGED, (("StudyInstanceUID", uid),))
    assert named in [one.name for one in difference.attributes]
    assert comparison.counts.same == len(results) - 1


@settings(max_examples=30)
@given(
    st.lists(st.tuples(LINES, LINES), min_size=1, max_size=8),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_tables_with_any_cells(rows: list[tuple[str, str]], windows: bool, chance: random.Random) -> None:
    table = [("key", "one", "two"), *((str(number), *row) for number, row in enumerate(rows))]
    changed = chance.randrange(1, len(table))
    copy = [table[0], *chance.sample(table[1:], len(rows))]
    new = [(*row[:2], "changed" + row[2]) if row is table[changed] else row for row in copy]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{name}.csv") for name in "abc"]
        for path, written, quoting in zip(
            paths, (table, copy, new), (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, 0), strict=True
        ):
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, quoting=quoting, lineterminator="\r\n" if windows else "\n")
                writer.writerows(written)
        assert compared(paths[0], paths[1], keys=("key",))[0] == []
        [difference] = compared(paths[0], paths[2], keys=("key",))[0]
    assert difference.key == (("key", str(changed - 1)),)
    [attribute] = difference.attributes
    assert (attribute.name, attribute.b) == ("two", "changed" + rows[changed - 1][1])
