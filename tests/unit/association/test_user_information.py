"""What is proposed in the user information, and what peers answer to it, in order and not."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from peers import wire
from runner.association.core import Association
from runner.association.events import Accepted, Rejected
from runner.association.negotiation import Proposal, read_acceptance, read_rejection, request_pdu
from runner.association.user_information import Identity, application_information
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import ExtendedNegotiation, InformationModel, QueryOption

RELATIONAL, DATE_TIME, FUZZY, TIMEZONE = QueryOption
WORKLIST = InformationModel.WORKLIST.sop_class_uid
ALICE = Identity(2, b"alice", b"sesame", response_requested=True)


def proposal(
    *options: QueryOption,
    identity: Identity | None = None,
    syntaxes: tuple[str, ...] = (wire.STUDY_ROOT, WORKLIST, wire.VERIFICATION),
) -> Proposal:
    return Proposal(
        "PACS", "CFIND", 16384, syntaxes, (TransferSyntax.EXPLICIT_LITTLE,), identity, tuple(options)
    )


def sub_items(pdu: bytes) -> list[tuple[int, bytes]]:
    """The user information of an A-ASSOCIATE-RQ."""
    ((_, body),) = wire.read_pdus(pdu)
    (information,) = (value for kind, value in _items(body[68:]) if kind == 0x50)
    return _items(information)


def _items(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from(">BxH", data, at)
        found.append((kind, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def extended(uid: str, information: bytes, length: int | None = None) -> bytes:
    """A SOP class extended negotiation sub-item (PS3.7 Table D.3-11)."""
    size = len(uid) if length is None else length
    return wire.item(0x56, struct.pack(">H", size) + uid.encode() + information)


def confirmed(response: bytes = b"", length: int | None = None) -> bytes:
    """A user identity sub-item of an acceptance (PS3.7 Table D.3-15)."""
    return wire.item(0x59, struct.pack(">H", len(response) if length is None else length) + response)


def answered(asked: Proposal, *more: bytes) -> Accepted:
    return read_acceptance(wire.accept(wire.accepted_context(1), wire.user_information(16384, *more)), asked)


# --- proposed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "options", "information"),
    [
        ("study-root", [], b""),
        ("study-root", [RELATIONAL], b"\1"),
        ("patient-root", [DATE_TIME], b"\0\1"),
        ("patient-study-only", [RELATIONAL, FUZZY], b"\1\0\1"),
        ("study-root", [TIMEZONE], b"\0\0\0\1"),
        ("study-root", list(QueryOption), b"\1\1\1\1"),
        ("worklist", [RELATIONAL, DATE_TIME], b""),
        ("worklist", [FUZZY], b"\1\1\1"),
        ("worklist", [RELATIONAL, TIMEZONE], b"\1\1\0\1"),
    ],
)
def test_application_information(model: str, options: list[QueryOption], information: bytes) -> None:
    """PS3.4 Table C.5-1, and K.5.1, where the first two bytes are always 1."""
    assert application_information(InformationModel(model).sop_class_uid, options) == information


def test_nothing_is_proposed_for_what_is_no_c_find() -> None:
    assert application_information(wire.VERIFICATION, QueryOption) == b""


def test_options_of_a_model() -> None:
    extended = ExtendedNegotiation((RELATIONAL, FUZZY), (RELATIONAL,))
    assert extended.proposed_for(InformationModel.STUDY_ROOT) == (RELATIONAL, FUZZY)
    assert extended.required_for(InformationModel.STUDY_ROOT) == (RELATIONAL,)
    assert extended.proposed_for(InformationModel.WORKLIST) == (FUZZY,)
    assert extended.required_for(InformationModel.WORKLIST) == ()


def test_a_plain_request_has_no_more_than_before() -> None:
    assert [kind for kind, _ in sub_items(request_pdu(proposal()))] == [0x51, 0x52, 0x55]


def test_options_are_proposed_for_each_model() -> None:
    pdu = request_pdu(proposal(RELATIONAL, FUZZY))
    assert [wire.item(*item) for item in sub_items(pdu) if item[0] == 0x56] == [
        extended(wire.STUDY_ROOT, b"\1\0\1"),
        extended(WORKLIST, b"\1\1\1"),
    ]


@pytest.mark.parametrize(
    ("identity", "value"),
    [
        (Identity(1, "müller".encode()), b"\1\0\0\7m\xc3\xbcller\0\0"),
        (ALICE, b"\2\1\0\5alice\0\6sesame"),
        (Identity(3, b"\0\xff\0", response_requested=True), b"\3\1\0\3\0\xff\0\0\0"),
        (Identity(4, b"<a/>"), b"\4\0\0\4<a/>\0\0"),
        (Identity(5, b"a.b.c", response_requested=True), b"\5\1\0\5a.b.c\0\0"),
    ],
)
def test_identities(identity: Identity, value: bytes) -> None:
    """PS3.7 Table D.3-14."""
    assert [item for item in sub_items(request_pdu(proposal(identity=identity))) if item[0] == 0x58] == [
        (0x58, value)
    ]


def test_a_long_ticket_fits() -> None:
    identity = Identity(3, b"\xff" * 64000)
    items = dict(sub_items(request_pdu(proposal(*QueryOption, identity=identity))))
    assert items[0x58] == b"\3\0" + struct.pack(">H", 64000) + identity.primary + b"\0\0"


def test_secrets_are_not_shown() -> None:
    asked = proposal(identity=Identity(5, b"token", b"sesame"))
    assert "token" not in repr(asked)
    assert "sesame" not in repr(asked)


def test_a_plain_association_does_not_load_it() -> None:
    code = (
        "import sys; from runner.association.negotiation import Proposal, read_acceptance, request_pdu;"
        "from runner.jobfile.load import load_job; from pathlib import Path;"
        "import runner.engine.run, runner.cli.run;"
        "from runner.dicom.transfer_syntax import TransferSyntax;"
        "asked = Proposal('A', 'B', 0, ('1.2',), (TransferSyntax.EXPLICIT_LITTLE,));"
        "request_pdu(asked); read_acceptance(bytes.fromhex(sys.argv[1]), asked);"
        "load_job(Path(sys.argv[2]));"
        "print([name for name in sys.modules if 'identity' in name or 'user_information' in name"
        " or name.startswith('runner.') and name.endswith('.negotiation')])"
    )
    job = Path(__file__).parents[2] / "jobs" / "valid" / "smallest.yaml"
    loaded = subprocess.run(
        [sys.executable, "-c", code, wire.accept().hex(), str(job)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert loaded.stdout.strip() == "['runner.association.negotiation']"


# --- answered -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("information", "accepted"),
    [
        (b"\1\1\1\1", {RELATIONAL: True, FUZZY: True, TIMEZONE: True}),
        (b"\0\0\1\0", {RELATIONAL: False, FUZZY: True, TIMEZONE: False}),
        (b"\1", {RELATIONAL: True, FUZZY: False, TIMEZONE: False}),
        (b"\0\0\1", {RELATIONAL: False, FUZZY: True, TIMEZONE: False}),
    ],
)
def test_answers(information: bytes, accepted: dict[QueryOption, bool]) -> None:
    """Bytes that are missing are 0 (PS3.4 C.5.1.1.2)."""
    answer = answered(proposal(RELATIONAL, FUZZY, TIMEZONE), extended(wire.STUDY_ROOT, information))
    assert answer.answers.extended[wire.STUDY_ROOT] == accepted
    assert answer.answers.extended[WORKLIST] == {FUZZY: False, TIMEZONE: False}
    assert wire.VERIFICATION not in answer.answers.extended
    if information != b"\1\1\1\1":
        assert answer.oddities == ()


def test_an_answer_for_the_worklist() -> None:
    answer = answered(proposal(FUZZY, TIMEZONE), extended(WORKLIST, b"\1\1\0\1"))
    assert answer.answers.extended[WORKLIST] == {FUZZY: False, TIMEZONE: True}
    assert answer.oddities == ()


def test_no_answer_is_a_refusal() -> None:
    answer = answered(proposal(RELATIONAL, identity=ALICE))
    assert answer.answers.extended == {wire.STUDY_ROOT: {RELATIONAL: False}}
    assert answer.answers.identity_response is None
    assert answer.oddities == ()


@pytest.mark.parametrize(
    ("items", "accepted", "oddity"),
    [
        ([extended(wire.STUDY_ROOT, b"")], False, "study-root with 0 bytes, where 1 were proposed"),
        ([extended(wire.STUDY_ROOT, b"\1\1\1\1\1")], True, "with 5 bytes, where 1 were proposed"),
        ([extended(wire.STUDY_ROOT, b"\2")], False, "with 2, in place of 0 or 1"),
        ([extended(wire.STUDY_ROOT, b"\xff")], False, "with 255, in place of 0 or 1"),
        ([extended(wire.STUDY_ROOT, b"1")], False, "with 49, in place of 0 or 1"),
        ([extended(wire.PATIENT_ROOT, b"\1")], False, "that was not proposed"),
        ([extended("1.2", b"\1")] * 50, False, "that was not proposed"),
        ([extended("\x1b[31m", b"\1")], False, "that was not proposed"),
        ([extended(wire.STUDY_ROOT, b"\1", length=9000)], False, "that was not proposed"),
        ([wire.item(0x56, b"\0")], False, "that was not proposed"),
        ([wire.item(0x56, b"\0\1\xff\1")], False, "that was not proposed"),
        ([extended(wire.STUDY_ROOT, b"\1"), extended(wire.STUDY_ROOT, b"\0")], True, "twice"),
        ([extended(wire.STUDY_ROOT, b"\1"), wire.item(0x56, b"", length=500)], True, "an item of 500 bytes"),
        ([extended(wire.STUDY_ROOT, b"\1"), b"\x56"], True, "1 stray bytes"),
    ],
)
def test_garbage_does_no_harm(items: list[bytes], accepted: bool, oddity: str) -> None:
    answer = answered(proposal(RELATIONAL), *items)
    assert answer.answers.extended == {wire.STUDY_ROOT: {RELATIONAL: accepted}}
    (found,) = answer.oddities
    assert oddity in found
    assert found.isprintable()
    assert answer.contexts[wire.STUDY_ROOT].transfer_syntax is TransferSyntax.EXPLICIT_LITTLE


def test_what_was_not_proposed_is_not_accepted() -> None:
    answer = answered(proposal(FUZZY), extended(wire.STUDY_ROOT, b"\1\0\1"))
    assert answer.answers.extended[wire.STUDY_ROOT] == {FUZZY: True}
    assert answer.oddities == ("it accepted relational for study-root, which was not proposed",)


def test_a_short_answer_for_the_worklist_is_odd() -> None:
    assert "worklist with 1 bytes" in answered(proposal(FUZZY), extended(WORKLIST, b"\1")).oddities[0]


def test_answers_that_nobody_asked_for_are_passed_over() -> None:
    for broken in (extended(wire.STUDY_ROOT, b"\7"), confirmed(b"x", 900), b"\x59\0\xff"):
        answer = answered(proposal(), broken)
        assert (answer.answers.extended, answer.answers.identity_response) == ({}, None)
        assert answer.oddities == ()


@pytest.mark.parametrize("response", [b"", b"\0\xff" * 9, b"t" * 60000])
def test_confirmations_of_an_identity(response: bytes) -> None:
    """Only the length is noted: what it says may be a secret."""
    answer = answered(proposal(identity=ALICE), confirmed(response))
    assert answer.answers.identity_response == len(response)
    assert answer.oddities == ()


@pytest.mark.parametrize(
    "item", [confirmed(b"x", 0), confirmed(b"x", 2), confirmed(b"", 65535), wire.item(0x59, b"\0")]
)
def test_a_confirmation_of_a_wrong_length_does_not_count(item: bytes) -> None:
    answer = answered(proposal(identity=ALICE), item)
    assert answer.answers.identity_response is None
    assert answer.oddities == ("its answer to our user identity has a wrong length, and does not count",)


@pytest.mark.parametrize(("source", "reason"), [(2, 1), (1, 1)])
def test_a_refused_identity(source: int, reason: int) -> None:
    pdu = wire.reject(1, source, reason)
    assert "check user_identity" in read_rejection(pdu, proposal(identity=ALICE)).advice
    assert "user_identity" not in read_rejection(pdu, proposal()).advice
    assert "ae_title" in read_rejection(wire.reject(1, 1, 7), proposal(identity=ALICE)).advice


def test_the_association_has_it_all() -> None:
    association = Association(proposal(RELATIONAL, identity=ALICE))
    association.request()
    sent = association.outgoing()
    assert b"\2\1\0\5alice\0\6sesame" in sent
    information = wire.user_information(4096, confirmed(), extended(wire.STUDY_ROOT, b"\1"))
    (accepted,) = association.receive(wire.accept(wire.accepted_context(1), information))
    assert isinstance(accepted, Accepted)
    assert accepted.answers.identity_response == 0
    assert accepted.answers.extended[wire.STUDY_ROOT] == {RELATIONAL: True}
    again = Association(proposal(identity=ALICE))
    again.request()
    (rejected,) = again.receive(wire.reject(1, 2, 1))
    assert isinstance(rejected, Rejected)
    assert "sesame" not in rejected.what + rejected.advice
