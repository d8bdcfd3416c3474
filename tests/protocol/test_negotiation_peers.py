"""User identity and extended negotiation with real peers: pynetdicom's AE, Orthanc, dcmqrscp."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from peers import wire
from peers.client import connected, peer
from peers.negotiating_scp import negotiating_scp
from peers.process import Server
from peers.raw_peer import RawPeer, Side
from runner.engine.echo import echo
from runner.errors import (
    AssociationAbortedError,
    AssociationRejectedError,
    ExtendedNegotiationError,
    InvalidJobError,
    UserIdentityError,
)
from runner.model import (
    ExtendedNegotiation,
    IdentityType,
    InformationModel,
    Peer,
    QueryOption,
    Secret,
    SecretSource,
    UserIdentity,
    Wish,
)
from runner.transport.stop_signal import StopSignal

RELATIONAL, DATE_TIME, FUZZY, TIMEZONE = QueryOption
WORKLIST = InformationModel.WORKLIST.sop_class_uid
ALICE = UserIdentity(IdentityType.USERNAME_PASSCODE, "alice", Secret(SecretSource.LITERAL, "sesame"), Wish.NO)


def asking(port: int, identity: UserIdentity | None = None, *options: QueryOption, **more: object) -> Peer:
    required = more.pop("required", ())
    assert isinstance(required, tuple)
    assert not more
    return replace(
        peer(port), user_identity=identity, extended_negotiation=ExtendedNegotiation(options, required)
    )


# --- identity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "number", "secret"),
    [
        (IdentityType.USERNAME, 1, None),
        (IdentityType.USERNAME_PASSCODE, 2, b"sesame"),
        (IdentityType.KERBEROS, 3, b"\0\xffticket\n" * 7000),
        (IdentityType.SAML, 4, b"<assertion/>"),
        (IdentityType.JWT, 5, b"e30.e30.c2ln"),
    ],
)
@pytest.mark.parametrize("wish", list(Wish))
def test_every_kind_of_identity(
    tmp_path: Path, kind: IdentityType, number: int, secret: bytes | None, wish: Wish
) -> None:
    username = "müller" if kind.has_username else ""
    reference = None
    if secret is not None:
        (tmp_path / "secret").write_bytes(secret)
        reference = Secret(SecretSource.FILE, str(tmp_path / "secret"))
    identity = UserIdentity(kind, username, reference, wish)
    # pynetdicom sends no confirmation of user names.
    confirms = wish is not Wish.NO and not kind.has_username
    with negotiating_scp(lambda *_: (True, b"server ticket")) as scp:
        to = asking(scp.port, identity)
        if wish is Wish.REQUIRE and not confirms:
            with pytest.raises(UserIdentityError, match="did not confirm our user identity"), connected(to):
                pass
            assert scp.finds == 0
        else:
            with connected(to) as client:
                assert client.connection.accepted.answers.identity_response == (13 if confirms else None)
                outcome = client.find()
            assert len(client.received) == 1
            silent = wish is Wish.YES and not confirms
            assert [text for text in outcome.oddities if "not confirm" in text] == list(outcome.oddities)
            assert bool(outcome.oddities) == silent
    primary = username.encode() if username else secret
    assert scp.identities == [(number, primary, secret if kind is IdentityType.USERNAME_PASSCODE else b"")]


def test_an_identity_that_is_refused() -> None:
    with negotiating_scp(lambda _, __, passcode: (passcode == b"other", None)) as scp:
        with pytest.raises(AssociationRejectedError) as caught, connected(asking(scp.port, ALICE)):
            pass
        other = replace(ALICE, secret=Secret(SecretSource.LITERAL, "other"))
        with connected(asking(scp.port, other)) as client:
            client.find()
    assert "check user_identity" in caught.value.advice
    assert "sesame" not in str(caught.value)
    assert scp.finds == 1


def test_an_identity_that_is_confirmed_without_a_text() -> None:
    """As PS3.7 D.3.3.7.2 wants it for user names."""

    def behave(side: Side) -> None:
        side.read_pdu()
        confirmation = wire.item(0x59, struct.pack(">H", 0))
        side.send(wire.accept(wire.accepted_context(1), wire.user_information(16384, confirmation)))
        side.read_message()
        side.send(wire.final())
        side.serve_release()

    with RawPeer(behave) as raw:
        to = asking(raw.port, replace(ALICE, positive_response=Wish.REQUIRE))
        with connected(to) as client:
            assert client.find().oddities == ()
            assert client.connection.accepted.answers.identity_response == 0


def test_an_association_that_is_not_used_is_released() -> None:
    released: list[int] = []

    def behave(side: Side) -> None:
        side.read_pdu()
        side.send(wire.accept())
        kind, _ = side.read_pdu()
        released.append(kind)
        side.send(wire.RELEASED)

    with RawPeer(behave) as raw:
        to = asking(raw.port, replace(ALICE, positive_response=Wish.REQUIRE))
        with pytest.raises(UserIdentityError) as caught, connected(to):
            pass
    assert released == [wire.RELEASE_RQ]
    assert "positive_response" in caught.value.advice


def test_an_abort_may_be_for_the_identity() -> None:
    def behave(side: Side) -> None:
        side.read_pdu()
        side.send(wire.abort())
        side.read_to_end()

    with (
        RawPeer(behave) as raw,
        pytest.raises(AssociationAbortedError) as caught,
        connected(asking(raw.port, ALICE)),
    ):
        pass
    assert "user_identity" in caught.value.advice


def test_nothing_is_connected_to_without_the_secret(tmp_path: Path) -> None:
    identity = replace(ALICE, secret=Secret(SecretSource.FILE, str(tmp_path / "none")))
    # Nothing listens on port 1, and nobody is to notice.
    with pytest.raises(InvalidJobError, match="file with the passcode"), connected(asking(1, identity)):
        pass


# --- extended negotiation -----------------------------------------------------------------------


def test_what_is_accepted_is_known() -> None:
    def some(proposed: object) -> dict[str, bytes]:
        return {wire.STUDY_ROOT: b"\1\0\1\0", WORKLIST: b"\1\1\0\1"}

    with negotiating_scp(extend=some) as scp:
        to = asking(scp.port, None, *QueryOption, required=(RELATIONAL, FUZZY))
        with connected(to, wire.STUDY_ROOT, WORKLIST, wire.VERIFICATION) as client:
            assert client.connection.accepted.answers.extended == {
                wire.STUDY_ROOT: {RELATIONAL: True, DATE_TIME: False, FUZZY: True, TIMEZONE: False},
                WORKLIST: {FUZZY: False, TIMEZONE: True},
            }
            client.find()
            # The worklist knows no relational queries: they cannot be required of it.
            with pytest.raises(ExtendedNegotiationError, match=r"worklist model.* of fuzzy, which"):
                client.connection.transfer_syntax(WORKLIST)
            client.connection.transfer_syntax(wire.VERIFICATION)
    assert scp.proposed == [{wire.STUDY_ROOT: b"\1\1\1\1", WORKLIST: b"\1\1\1\1"}]
    assert scp.finds == 1


def test_what_is_required_and_refused() -> None:
    with negotiating_scp(extend=lambda _: {}) as scp:
        to = asking(scp.port, None, RELATIONAL, FUZZY, required=(RELATIONAL, FUZZY))
        with connected(to) as client, pytest.raises(ExtendedNegotiationError) as caught:
            client.find()
    assert "study root" in caught.value.what
    assert "of relational, fuzzy, which the job requires" in caught.value.what
    assert "extended_negotiation" in caught.value.advice
    assert scp.finds == 0


@pytest.mark.parametrize("answer", [b"", b"\7", b"\1\1\1\1\1\1", b"\0\1"])
def test_garbage_in_an_answer_is_a_warning(answer: bytes) -> None:
    with (
        negotiating_scp(extend=lambda _: {wire.STUDY_ROOT: answer, "1.2.3": b"\1"}) as scp,
        connected(asking(scp.port, None, RELATIONAL)) as client,
    ):
        outcome = client.find()
    assert len(client.received) == 1
    assert any("not proposed" in text for text in outcome.oddities)
    assert any("study-root" in text for text in outcome.oddities)


# --- echo ---------------------------------------------------------------------------------------


def test_echo_negotiates_too() -> None:
    told: list[object] = []
    models = (InformationModel.STUDY_ROOT, InformationModel.WORKLIST)
    with negotiating_scp(lambda *_: (True, None)) as scp:
        to = asking(scp.port, ALICE, RELATIONAL, required=(RELATIONAL,))
        assert echo(to, models, StopSignal(), told.append, told.append) == []
        assert echo(asking(scp.port), models, StopSignal(), told.append, told.append) == []
        silent = asking(scp.port, replace(ALICE, positive_response=Wish.YES))
        (warning,) = echo(silent, models, StopSignal(), told.append, told.append)
    assert "did not confirm" in warning
    assert scp.identities == [(2, b"alice", b"sesame")] * 2
    assert scp.proposed == [{wire.STUDY_ROOT: b"\1"}, {}, {}]
    assert len(told) == 3


def test_echo_fails_where_a_run_would() -> None:
    def ask(to: Peer) -> None:
        echo(to, (InformationModel.STUDY_ROOT,), StopSignal(), lambda _: None, lambda _: None)

    with negotiating_scp(lambda *_: (False, None)) as scp, pytest.raises(AssociationRejectedError):
        ask(asking(scp.port, ALICE))
    with negotiating_scp(extend=lambda _: {}) as scp, pytest.raises(ExtendedNegotiationError):
        ask(asking(scp.port, None, RELATIONAL, required=(RELATIONAL,)))


# --- peers that know nothing of it --------------------------------------------------------------


@pytest.mark.parametrize(("name", "ae_title"), [("dcmqrscp_peer", "QR"), ("orthanc_peer", "ORTHANC")])
def test_peers_that_ignore_it(request: pytest.FixtureRequest, name: str, ae_title: str) -> None:
    server: Server = request.getfixturevalue(name)
    to = replace(
        asking(server.port, replace(ALICE, positive_response=Wish.YES), RELATIONAL, FUZZY), ae_title=ae_title
    )
    with connected(to) as client:
        outcome = client.find()
        accepted = client.connection.accepted
    assert outcome.detail.status == 0
    assert accepted.answers.extended == {wire.STUDY_ROOT: {RELATIONAL: False, FUZZY: False}}
    assert accepted.answers.identity_response is None
    assert len(outcome.oddities) == 1
    required = replace(to, user_identity=replace(ALICE, positive_response=Wish.REQUIRE))
    with pytest.raises(UserIdentityError), connected(required):
        pass


def test_the_embedded_archive(tmp_path: Path, archive_files: list[Path]) -> None:
    from runner.archive.server import ArchiveServer

    with ArchiveServer.start(archive_files[0].parent) as server:
        port = server.address[1]
        with connected(asking(port, ALICE, *QueryOption)) as client:
            assert client.find().oddities == ()
        with (
            pytest.raises(UserIdentityError),
            connected(asking(port, replace(ALICE, positive_response=Wish.REQUIRE))),
        ):
            pass
        with (
            connected(asking(port, None, FUZZY, required=(FUZZY,))) as client,
            pytest.raises(ExtendedNegotiationError),
        ):
            client.find()
