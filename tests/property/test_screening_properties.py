"""Responses looked at in columns of bytes come out as if each were decoded and looked at by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.dicom.attribute_columns import ColumnReader
from runner.dicom.decoding import Decoder
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier
from runner.dicom.key_checks import Judgement, KeyChecks
from runner.dicom.matching import Matcher, MatchingRules, attributes
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine.screening import (
    Delivered,
    DuplicateScreen,
    KeyScreen,
    RequiredCheck,
    Screened,
    Screening,
    Seen,
)
from runner.model import UniqueKey

SYNTAXES = st.sampled_from(
    [TransferSyntax.EXPLICIT_LITTLE, TransferSyntax.IMPLICIT_LITTLE, TransferSyntax.EXPLICIT_BIG]
)
VALUES = {
    0x00080005: ("CS", ["ISO_IR 192", "ISO_IR 100"]),
    0x00080020: ("DA", ["", "20240101", "20240215", "20250101"]),
    0x00080050: ("SH", ["", "A1", "A2", "A3 "]),
    0x00080061: ("CS", ["CT", "MR", "CT\\SR"]),
    0x00100010: ("PN", ["", "Doe^Jane", "DOE^JANE^^^", "Müller^Uwe", "Muller^Uwe", "Roe"]),
    0x00100020: ("LO", ["", "1", "2", "3", "ä"]),
    0x0020000D: ("UI", ["1.2", "1.3", "1.2.3"]),
    0x00201208: ("IS", ["3", "03", "4"]),
    0x00280010: ("US", ["3", "4"]),
}
KEY_VALUES = {
    0x00080020: ["", "20240101-20240131", "20240215", "-20241231"],
    0x00080050: ["", "A*", "A1", "A1\\A2"],
    0x00080061: ["", "CT", "MR\\SR"],
    0x00100010: ["", "doe*", "*", "Müller*"],
    0x00100020: ["", "1\\2", "ä"],
    0x0020000D: ["", "1.2\\1.3", "1.2.3"],
    0x00201208: ["", "3"],
    0x00280010: ["", "3"],
}
NESTED = (0x00080050, 0x00080061, 0x00100010)
STEPS, CODES = 0x00400100, 0x00400008


def _leaves(tags: Sequence[int], values: dict[int, list[str]]) -> st.SearchStrategy[dict[int, Element]]:
    return st.fixed_dictionaries(
        {},
        optional={
            tag: st.sampled_from(values[tag]).map(lambda value, tag=tag: Element(tag, VALUES[tag][0], value))
            for tag in tags
        },
    )


def _data_sets(values: dict[int, list[str]], most_items: int) -> st.SearchStrategy[Identifier]:
    inner = st.tuples(
        _leaves(NESTED, values),
        st.lists(_leaves(NESTED, values).map(_identifier), max_size=most_items),
        st.booleans(),
    ).map(
        lambda parts: _identifier(
            parts[0] | ({CODES: Element(CODES, "SQ", tuple(parts[1]))} if parts[2] else {})
        )
    )
    tags = [tag for tag in VALUES if tag in values]
    return st.tuples(_leaves(tags, values), st.lists(inner, max_size=most_items), st.booleans()).map(
        lambda parts: _identifier(
            parts[0] | ({STEPS: Element(STEPS, "SQ", tuple(parts[1]))} if parts[2] else {})
        )
    )


def _identifier(elements: dict[int, Element]) -> Identifier:
    return tuple(elements[tag] for tag in sorted(elements))


RESPONSES = st.lists(
    _data_sets({tag: values for tag, (_, values) in VALUES.items()}, 2), min_size=1, max_size=6
)
KEYS = _data_sets(KEY_VALUES, 2)
RULES = st.builds(MatchingRules, st.booleans(), st.booleans())


def _encoded(response: Identifier, syntax: TransferSyntax) -> bytes:
    """Encode a response, in UTF-8 where what it declares lacks a letter or it declares nothing."""
    declared = Element(0x00080005, "CS", "ISO_IR 192")
    return encode(response if response and response[0].tag == declared.tag else (declared, *response), syntax)


def _stream(responses: Sequence[Identifier], syntax: TransferSyntax, random: Random) -> list[list[bytes]]:
    """Many responses of few forms, in batches, so that layouts are learned and used."""
    many = [_encoded(random.choice(responses), syntax) for _ in range(120)]
    batches = []
    while many:
        size = random.randint(1, 40)
        batches.append(many[:size])
        many = many[size:]
    return batches


def _look(screening: Screening, syntax: TransferSyntax, batches: list[list[bytes]]) -> list[bytes]:
    reader = ColumnReader(syntax, STANDARD, screening.paths)
    passed: list[bytes] = []
    for batch in batches:
        look = screening.look(reader, batch)
        assert not look.undecodable
        passed += look.passed
    return passed


def _screened(screening: Screening) -> Screened:
    return screening.screened()


def _record(data: bytes, syntax: TransferSyntax) -> dict[int, Element]:
    return attributes(Decoder(syntax).identifier(data, walk(data, syntax, STANDARD)))


@settings(max_examples=150)
@given(KEYS, RESPONSES, SYNTAXES, RULES, st.randoms(use_true_random=False))
def test_keys_are_judged_as_if_each_response_were_decoded(
    keys: Identifier,
    responses: list[Identifier],
    syntax: TransferSyntax,
    rules: MatchingRules,
    random: Random,
) -> None:
    checks = KeyChecks(keys, rules)
    batches = _stream(responses, syntax, random)
    screening = Screening([KeyScreen(checks, drop=True)])
    passed = _look(screening, syntax, batches)
    records = [(data, _record(data, syntax)) for batch in batches for data in batch]
    matcher = Matcher(keys, MatchingRules(rules.name_case, rules.name_accents, absent_matches=True))
    assert passed == [data for data, record in records if matcher.matches(record)]
    expected = Counter(
        (path, judgement) for _, record in records for path, judgement in checks.of_record(record).items()
    )
    for count in _screened(screening).keys:
        empty = expected[count.key, Judgement.EMPTY]
        assert count.empty == empty
        assert count.mismatched == expected[count.key, Judgement.DIFFERS] + empty
        assert count.absent == expected[count.key, Judgement.ABSENT]


def _texts(record: dict[int, Element], tags: Sequence[int]) -> tuple[str, ...] | None:
    values = [str(record[tag].value).strip() if tag in record else "" for tag in tags]
    return tuple(values) if all(values) else None


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from([0x00100020, 0x0020000D, 0x00100010, 0x00201208]), min_size=1, max_size=2, unique=True
    ),
    RESPONSES,
    SYNTAXES,
    st.randoms(use_true_random=False),
)
def test_of_equal_records_the_first_is_kept(
    tags: list[int], responses: list[Identifier], syntax: TransferSyntax, random: Random
) -> None:
    batches = _stream(responses, syntax, random)
    key = UniqueKey(tuple((tag,) for tag in tags))
    seen = Seen()
    screening = Screening([DuplicateScreen(key, seen, 1)])
    passed = _look(screening, syntax, batches)
    known: set[tuple[str, ...]] = set()
    expected, unidentified = [], 0
    for data in [data for batch in batches for data in batch]:
        values = _texts(_record(data, syntax), tags)
        unidentified += values is None
        if values is None or values not in known:
            expected.append(data)
        if values is not None:
            known.add(values)
    assert passed == expected
    screened = _screened(screening)
    assert screened.removed == screened.doubled == 120 - len(expected)
    assert (screened.unidentified, len(seen)) == (unidentified, len(known))


@settings(max_examples=60)
@given(RESPONSES, SYNTAXES, st.randoms(use_true_random=False))
def test_missing_values_are_counted(
    responses: list[Identifier], syntax: TransferSyntax, random: Random
) -> None:
    tags = (0x00080020, 0x00280010, STEPS)
    batches = _stream(responses, syntax, random)
    screening = Screening([RequiredCheck([(tag,) for tag in tags])])
    assert _look(screening, syntax, batches) == [data for batch in batches for data in batch]
    records = [_record(data, syntax) for batch in batches for data in batch]
    expected = [sum(tag not in record or not record[tag].value for record in records) for tag in tags]
    assert list(_screened(screening).missing) == expected


@given(
    st.lists(st.binary(max_size=1), max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.randoms(use_true_random=False)), max_size=3),
)
def test_attempts_deliver_each_response_once(
    answer: list[bytes], broken_off: list[tuple[int, Random]]
) -> None:
    """Attempts that break off, each with the responses in an order of its own, and one that does not."""
    delivered = Delivered()
    came: list[bytes] = []
    for length, random in [*broken_off, (len(answer), Random(0))]:
        attempt = list(answer)
        random.shuffle(attempt)
        delivered.begin_attempt()
        came += [attempt[:length][index] for index in delivered.news(attempt[:length])]
    assert sorted(came) == sorted(answer)
