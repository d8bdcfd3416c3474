"""When two values count as equal."""

from __future__ import annotations

import pytest

from runner.comparison.rules import Rules

STRICT = Rules()


def same(vr: str, a: str, b: str, rules: Rules = STRICT) -> bool:
    return rules.canonical("Name", vr, a) == rules.canonical("Name", vr, b)


@pytest.mark.parametrize(
    ("vr", "a", "b"),
    [
        ("LO", "CT", "CT  "),
        ("LO", " CT", "CT\0"),
        ("CS", "CT \\MR", "CT\\ MR "),
        ("PN", "Doe^John", "Doe^John^^ "),
        ("PN", "Doe^John=", "Doe^John"),
        ("PN", "Yamada^Tarou=山田^太郎=", "Yamada^Tarou^=山田^太郎"),
        ("UI", "1.2.3", "1.2.3\0"),
        ("IS", "+007", "7"),
        ("DS", "1.50", "15E-1"),
        ("DS", "-0.0", "0"),
        ("DS", "1\\2.0", "1.0\\2"),
        ("FD", "1", "1.0"),
        ("LO", "Scha\u0308del", "Sch\u00e4del"),
        ("OB", "0102", "0102"),
        ("OB", "01", "0100"),
        ("UN", "41424320", "414243"),
    ],
)
def test_encodings_make_no_difference(vr: str, a: str, b: str) -> None:
    assert same(vr, a, b)


@pytest.mark.parametrize(
    ("vr", "a", "b"),
    [
        ("LO", "CT", "ct"),
        ("LO", "C T", "CT"),
        ("LT", " CT", "CT"),
        ("LO", "A\\B", "B\\A"),
        ("LO", "A\\", "A"),
        ("PN", "Doe^John", "Doe John"),
        ("PN", "Doe^^John", "Doe^John"),
        ("TM", "1200", "120000"),
        ("TM", "120000.1", "120000"),
        ("DA", "20240101", "2024.01.01"),
        ("DS", "1.0", "1.1"),
        ("DS", "1" * 40, "1" * 39 + "2"),
        ("IS", "one", "1"),
        ("LO", "007", "7"),
        ("OW", "0100", "01"),
    ],
)
def test_all_else_does(vr: str, a: str, b: str) -> None:
    assert not same(vr, a, b)


@pytest.mark.parametrize(
    ("rules", "vr", "a", "b"),
    [
        (Rules(case=True), "PN", "DOE^JÜRGEN", "Doe^Jürgen"),
        (Rules(case_of=frozenset({"Name"})), "LO", "CT", "ct"),
        (Rules(spaces=True), "LO", "C T ", " CT"),
        (Rules(spaces=True), "PN", "Doe^ John", "Doe ^John"),
        (Rules(time_fractions=True), "TM", "120000.123", "120000"),
        (Rules(time_fractions=True), "DT", "20240101120000.5+0100", "20240101120000+0100"),
    ],
)
def test_each_rule_makes_one_thing_equal(rules: Rules, vr: str, a: str, b: str) -> None:
    assert same(vr, a, b, rules)
    assert not same(vr, a, b)
    assert not same(vr, a, b + "9", rules)


def test_a_rule_for_other_attributes_changes_nothing() -> None:
    assert not same("LO", "CT", "ct", Rules(case_of=frozenset({"Other"})))


def test_fractions_are_of_times_only() -> None:
    assert not same("LO", "1.5", "1", Rules(time_fractions=True))


@pytest.mark.parametrize(
    ("given", "name", "ignored"),
    [
        ("Modality", "Modality", True),
        ("Modality", "ScheduledProcedureStepSequence[0].Modality", True),
        ("Modality", "ModalitiesInStudy", False),
        ("ScheduledProcedureStepSequence", "ScheduledProcedureStepSequence[1].Modality", True),
        ("ScheduledProcedureStepSequence[0].Modality", "ScheduledProcedureStepSequence[0].Modality", True),
        ("ScheduledProcedureStepSequence[0].Modality", "ScheduledProcedureStepSequence[1].Modality", False),
        ("(0009,1001)", "(0009,1001)", True),
    ],
)
def test_what_a_name_means(given: str, name: str, ignored: bool) -> None:
    assert Rules(ignored=frozenset({given})).ignores(name) is ignored
