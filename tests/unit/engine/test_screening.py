"""What is kept from the sinks, what is counted, and what stays as it came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from runner.dicom.attribute_columns import AttributeColumns, ColumnReader
from runner.dicom.dictionary import STANDARD
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.transfer_syntax import TransferSyntax
from runner.engine.screening import KeyCount, Look, Screened, Screening, Screens, Seen
from runner.model import (
    Across,
    Deduplicate,
    Expect,
    InformationModel,
    Match,
    MatchMode,
    Peer,
    Query,
    QueryOption,
    Request,
    Retries,
    UniqueKey,
)
from runner.plan import Operation

SYNTAX = TransferSyntax.EXPLICIT_LITTLE
DATE, NAME, PATIENT_ID, ISSUER, STUDY_UID = 0x00080020, 0x00100010, 0x00100020, 0x00100021, 0x0020000D
STUDY = UniqueKey(((STUDY_UID,),))
BROKEN = b"\x10\x00\x10\x00PN\x08\x00A^"


def _operation(*keys: Element, number: int = 1, peer: str = "main", **query: Any) -> Operation:
    identifier = (Element(0x00080052, "CS", "STUDY"), *keys)
    model = InformationModel.STUDY_ROOT
    return Operation(
        number,
        Query("q", (peer,), model, (Request(identifier),), **query),
        Peer(peer, "host", 104),
        identifier,
        STANDARD,
    )


def _study(uid: int, date: str = "20240115", **more: str) -> bytes:
    identifier: Identifier = (Element(DATE, "DA", date), Element(STUDY_UID, "UI", f"1.2.{uid}"))
    return encode(identifier, SYNTAX)


def _screening(screens: Screens, operation: Operation, **options: Any) -> Screening:
    screening = screens.screening(operation, **options)
    assert screening is not None
    return screening


def _look(screening: Screening, *identifiers: bytes) -> Look:
    return screening.look(ColumnReader(SYNTAX, STANDARD, screening.paths), identifiers)


JANUARY = Element(DATE, "DA", "20240101-20240131")


def test_nothing_is_looked_at_where_nothing_is_to_be_seen() -> None:
    universal = (Element(NAME, "PN", ""), Element(PATIENT_ID, "LO", "*"))
    assert Screens().screening(_operation(*universal)) is None
    assert Screens().screening(_operation(JANUARY, match=Match(MatchMode.OFF))) is None
    assert Screens().screening(_operation(expect=Expect())) is None


@pytest.mark.parametrize("option", [QueryOption.DATE_TIME, QueryOption.TIMEZONE])
def test_dates_are_not_tested_where_they_are_matched_otherwise(option: QueryOption) -> None:
    assert Screens().screening(_operation(JANUARY), agreed=[option]) is None
    assert Screens().screening(_operation(JANUARY), agreed=[QueryOption.RELATIONAL]) is not None


def test_what_does_not_match_is_counted() -> None:
    screening = _screening(Screens(), _operation(JANUARY))
    came = [_study(1), _study(2, "20240301"), _study(3, "")]
    assert _look(screening, *came) == Look({}, tuple(came), {})
    assert screening.screened() == Screened((KeyCount((DATE,), mismatched=2, empty=1),))


def test_what_does_not_match_is_dropped_and_what_cannot_be_read_is_not() -> None:
    screening = _screening(Screens(), _operation(JANUARY, match=Match(MatchMode.DROP)))
    look = _look(screening, _study(2, "20240301"), BROKEN, _study(1), _study(3, "20250101"))
    assert look.passed == [BROKEN, _study(1)]
    assert set(look.undecodable) == {1}
    assert look.passed_undecodable == {0: look.undecodable[1]}
    assert screening.screened().dropped == 2


def test_a_record_is_delivered_once_for_all_operations_and_peers() -> None:
    screens = Screens()
    across = Deduplicate(STUDY)
    first = _screening(screens, _operation(deduplicate=across))
    assert _look(first, _study(1), _study(2), _study(1)).passed == [_study(1), _study(2)]
    assert (first.screened().removed, first.screened().doubled) == (1, 1)
    second = _screening(screens, _operation(number=2, peer="other", deduplicate=across))
    assert _look(second, _study(2), _study(3)).passed == [_study(3)]
    assert (second.screened().removed, second.screened().doubled) == (1, 0)


def test_records_of_another_peer_are_kept_where_the_job_says_so() -> None:
    screens = Screens()
    apart = Deduplicate(STUDY, Across.OPERATIONS)
    _look(_screening(screens, _operation(deduplicate=apart)), _study(1))
    other = _screening(screens, _operation(number=2, peer="other", deduplicate=apart))
    assert len(_look(other, _study(1)).passed) == 1
    again = _screening(screens, _operation(number=3, deduplicate=apart))
    assert not _look(again, _study(1)).passed


def test_a_record_without_its_unique_key_is_like_no_other() -> None:
    screening = _screening(Screens(), _operation(deduplicate=Deduplicate(UniqueKey(((PATIENT_ID,),)))))
    assert len(_look(screening, _study(1), _study(1)).passed) == 2
    assert screening.screened().unidentified == 2


def _patient(patient_id: str, issuer: str | None, terms: str = "ISO_IR 192") -> bytes:
    elements = [Element(0x00080005, "CS", terms), Element(PATIENT_ID, "LO", patient_id)]
    if issuer is not None:
        elements.append(Element(ISSUER, "LO", issuer))
    return encode(tuple(elements), SYNTAX)


def test_an_issuer_tells_patients_apart_and_a_character_set_does_not() -> None:
    key = UniqueKey(((PATIENT_ID,),), ((ISSUER,),))
    screening = _screening(Screens(), _operation(deduplicate=Deduplicate(key)))
    came = [_patient("ä", "A"), _patient("ä", "B"), _patient("ä", None), _patient("ä ", "A", "ISO_IR 100")]
    assert _look(screening, *came).passed == came[:3]


def test_the_whole_identifier_can_be_the_key() -> None:
    screening = _screening(Screens(), _operation(deduplicate=Deduplicate(UniqueKey())))
    assert len(_look(screening, _study(1), _study(1), _study(1, "")).passed) == 2


def test_operations_can_be_given_records_to_share() -> None:
    """Those of a query that is split: what is at the boundary of two parts comes in both."""
    seen, screens = Seen(), Screens()
    parts = [
        _screening(
            screens, _operation(number=number, deduplicate=Deduplicate(STUDY, Across.PARTS)), seen=seen
        )
        for number in (1, 2)
    ]
    assert [len(_look(part, _study(1), _study(number)).passed) for number, part in enumerate(parts, 1)] == [
        1,
        1,
    ]
    assert [part.screened().doubled for part in parts] == [1, 0]
    assert len(seen) == 2


def test_another_attempt_delivers_what_is_new() -> None:
    """What the peer sends twice stays twice; undecodable responses are not repeated either."""
    operation = _operation()
    screening = _screening(Screens(), replace(operation, peer=replace(operation.peer, retries=Retries())))
    screening.begin_attempt()
    assert len(_look(screening, _study(1), _study(1), BROKEN).passed) == 3
    screening.begin_attempt()
    look = _look(screening, _study(2), BROKEN, _study(1), _study(3), _study(1), BROKEN)
    assert look.passed == [_study(2), _study(3), BROKEN]
    assert set(look.undecodable) == {1, 5}
    assert set(look.passed_undecodable) == {2}


def test_values_that_come_again_and_values_that_are_missing_are_counted() -> None:
    expect = Expect(unique=(((STUDY_UID,),), ((STUDY_UID,), (DATE,))), required=((DATE,), (NAME,)))
    screens = Screens()
    first = _screening(screens, _operation(expect=expect))
    assert len(_look(first, _study(1), _study(1, "20240116"), _study(2, "")).passed) == 3
    assert first.screened() == Screened(missing=(1, 3), repeated=(1, 0))
    second = _screening(screens, _operation(number=2, expect=expect))
    _look(second, _study(1))
    assert second.screened().repeated == (1, 1)


class _Uids:
    """A consumer as others write it."""

    paths: Sequence[Path] = ((STUDY_UID,),)

    def __init__(self) -> None:
        self.uids: list[bytes] = []

    def take(self, columns: AttributeColumns) -> None:
        declared = columns.declared
        self.uids += [
            columns.form.canonical(uid, terms)
            for uid, terms in zip(columns[(STUDY_UID,)], declared, strict=True)
            if uid is not None
        ]

    def report(self, screened: dict[str, object]) -> None:
        """Nothing."""


def test_another_consumer_sees_what_is_left() -> None:
    uids = _Uids()
    operation = _operation(JANUARY, match=Match(MatchMode.DROP), deduplicate=Deduplicate(STUDY))
    screening = _screening(Screens(), operation, behind=[uids])
    _look(screening, _study(1), _study(2, "20240301"), _study(1), BROKEN, _study(3))
    assert uids.uids == [b"1.2.1", b"1.2.3"]


class Earlier:
    """Knows the records of some responses."""

    def __init__(self, *known: bytes) -> None:
        self.noted: list[tuple[str, int, int]] = []
        self.known = set(_digests(*known))

    def note(self, query: str, digests: Any, operation: int) -> set[bytes]:
        self.noted.append((query, len(digests), operation))
        return set(digests) & self.known


def _digests(*identifiers: bytes) -> list[bytes]:
    class Noting:
        def note(self, query: str, digests: Any, operation: int) -> set[bytes]:
            found.extend(digests)
            return set()

    found: list[bytes] = []
    screens = Screens(Noting())
    for identifier in identifiers:
        _look(_screening(screens, _operation(record=STUDY, only_new=True)), identifier)
    return found


def test_what_an_earlier_run_has_delivered_is_kept_back() -> None:
    nameless = encode((Element(DATE, "DA", "20240115"),), SYNTAX)
    earlier = Earlier(_study(1), _study(3))
    screening = _screening(Screens(earlier), _operation(record=STUDY, only_new=True))
    look = _look(screening, _study(1), BROKEN, _study(2), _study(2), nameless, _study(3, "20240201"))
    assert look.passed == [BROKEN, _study(2), _study(2), nameless]
    assert list(look.passed_undecodable) == [0]
    assert screening.screened().known == 2
    assert earlier.noted == [("q", 3, 1)]


def test_nobody_asks_for_earlier_runs_where_all_records_are_wanted() -> None:
    assert Screens(Earlier()).screening(_operation(record=STUDY)) is None
    assert Screens().screening(_operation(record=STUDY, only_new=True)) is None
