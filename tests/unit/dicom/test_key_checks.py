"""What a response says of each key of its request."""

from __future__ import annotations

import pytest

from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.key_checks import Judgement, KeyChecks
from runner.dicom.matching import MatchingRules, attributes

DATE, TIME, ACCESSION, MODALITY, MODALITIES = 0x00080020, 0x00080030, 0x00080050, 0x00080060, 0x00080061
NAME, STEPS, AET = 0x00100010, 0x00400100, 0x00400001
MATCHES, DIFFERS, EMPTY, ABSENT = Judgement.MATCHES, Judgement.DIFFERS, Judgement.EMPTY, Judgement.ABSENT


def _judged(keys: Identifier, record: Identifier, **rules: bool) -> dict[Path, Judgement]:
    return KeyChecks(keys, MatchingRules(**rules)).of_record(attributes(record))


def _steps(*items: Identifier) -> Element:
    return Element(STEPS, "SQ", tuple(items))


def _item(modality: str | None, aet: str | None = None) -> Identifier:
    elements = [] if modality is None else [Element(MODALITY, "CS", modality)]
    return (*elements, *([] if aet is None else [Element(AET, "AE", aet)]))


@pytest.mark.parametrize(
    ("key", "response", "judgement"),
    [
        (Element(DATE, "DA", "20240101-20240131"), Element(DATE, "DA", "20240115"), MATCHES),
        (Element(DATE, "DA", "20240101-20240131"), Element(DATE, "DA", "20240215"), DIFFERS),
        (Element(DATE, "DA", "20240101-20240131"), Element(DATE, "DA", ""), EMPTY),
        (Element(MODALITIES, "CS", "CT"), Element(MODALITIES, "CS", "SR\\CT"), MATCHES),
        (Element(MODALITIES, "CS", "CT"), Element(MODALITIES, "CS", "SR\\MR"), DIFFERS),
        (Element(NAME, "PN", "DOE^JANE"), Element(NAME, "PN", "Doe^Jane^^"), MATCHES),
        (Element(NAME, "PN", "MULLER*"), Element(NAME, "PN", "Müller^Uwe"), MATCHES),
        (Element(ACCESSION, "SH", b"A*"), Element(ACCESSION, "SH", "A1"), MATCHES),
        (Element(ACCESSION, "SH", b"A*"), Element(ACCESSION, "SH", "B1"), DIFFERS),
    ],
)
def test_one_key(key: Element, response: Element, judgement: Judgement) -> None:
    checks = KeyChecks((key,), MatchingRules(name_accents=False))
    assert checks.of_record({response.tag: response}) == {(key.tag,): judgement}
    assert checks.of_element((key.tag,), response) is judgement
    assert judgement.refutes == (judgement in (DIFFERS, EMPTY))


def test_what_is_not_returned_says_nothing() -> None:
    assert _judged((Element(DATE, "DA", "20240101"), _steps(_item("CT"))), ()) == {
        (DATE,): ABSENT,
        (STEPS, 0, MODALITY): ABSENT,
    }
    assert not ABSENT.refutes


def test_return_keys_and_what_an_identifier_says_about_itself_are_no_keys() -> None:
    keys = (
        Element(0x00080005, "CS", "ISO_IR 100"),
        Element(0x00080052, "CS", "STUDY"),
        Element(0x00080201, "SH", "+0100"),
        Element(NAME, "PN", "*"),
        Element(0x00100020, "LO", ""),
        _steps(_item("", "*")),
    )
    assert KeyChecks(keys, MatchingRules()).paths == ()


def test_names_with_case_and_accents_as_the_job_says() -> None:
    key, name = (Element(NAME, "PN", "MULLER*"),), (Element(NAME, "PN", "Müller"),)
    assert _judged(key, name, name_accents=False) == {(NAME,): MATCHES}
    assert _judged(key, name, name_accents=True) == {(NAME,): DIFFERS}
    assert _judged(key, name, name_accents=False, name_case=True) == {(NAME,): DIFFERS}


@pytest.mark.parametrize(
    ("items", "judgements"),
    [
        ([_item("CT", "AE1")], (MATCHES, MATCHES, None)),
        ([_item("MR", "AE1")], (DIFFERS, MATCHES, None)),
        ([_item("CT")], (MATCHES, ABSENT, None)),
        ([_item("CT", "")], (MATCHES, EMPTY, None)),
        ([_item("MR", "AE2"), _item("CT", "AE1")], (MATCHES, MATCHES, None)),
        ([_item("MR", "AE1"), _item("CT", "AE2")], (MATCHES, MATCHES, DIFFERS)),
        ([_item("MR", "AE1"), _item("US", "AE1")], (DIFFERS, MATCHES, None)),
        ([], (EMPTY, EMPTY, None)),
    ],
)
def test_items(items: list[Identifier], judgements: tuple[Judgement, Judgement, Judgement | None]) -> None:
    """The last judgement is the sequence's own: items match each key, and no item matches both."""
    paths = ((STEPS, 0, MODALITY), (STEPS, 0, AET), (STEPS,))
    expected = {path: one for path, one in zip(paths, judgements, strict=True) if one is not None}
    assert _judged((_steps(_item("CT", "AE1")),), (_steps(*items),)) == expected


def test_keys_that_were_negotiated_to_mean_something_else_are_not_judged() -> None:
    keys = (Element(DATE, "DA", "20240101-20240131"), Element(TIME, "TM", "1200-"), Element(NAME, "PN", "A"))
    assert KeyChecks(keys, MatchingRules(), {"DA", "TM"}).paths == ((NAME,),)


def test_private_keys_are_found_by_their_creator() -> None:
    key = (Element(0x00091001, "LO", "x"), Element(0x00090010, "LO", "ACME"))
    checks = KeyChecks(tuple(reversed(key)), MatchingRules())
    assert not checks.plain
    moved = (Element(0x00090011, "LO", "ACME"), Element(0x00091101, "LO", "y"))
    assert checks.of_record(attributes(moved)) == {(0x00091001,): DIFFERS}
