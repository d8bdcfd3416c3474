"""Who asks: secrets are read when the association is made, each as its kind wants it."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from runner.association.user_information import Identity
from runner.errors import InvalidJobError
from runner.model import IdentityType, Peer, Secret, SecretSource, UserIdentity, Wish
from runner.transport.identity import identity_of
from runner.transport.stop_signal import StopSignal

PEER = Peer("main", "pacs", 104)


def resolved(identity: UserIdentity, stop: StopSignal | None = None) -> Identity:
    return identity_of(PEER, identity, stop if stop is not None else StopSignal())


def of_file(path: Path) -> Secret:
    return Secret(SecretSource.FILE, str(path))


def test_a_username_needs_no_secret() -> None:
    assert resolved(UserIdentity(IdentityType.USERNAME, "müller")) == Identity(1, "müller".encode())


def test_a_passcode_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "passcode"
    path.write_bytes(b" p\xc3\xa4ss \r\nmore\n")
    identity = UserIdentity(IdentityType.USERNAME_PASSCODE, "alice", of_file(path), Wish.YES)
    assert resolved(identity) == Identity(2, b"alice", b" p\xc3\xa4ss ", response_requested=True)


@pytest.mark.parametrize(
    ("kind", "number", "content", "sent"),
    [
        (IdentityType.KERBEROS, 3, b"\0\n\xff\r\n", b"\0\n\xff\r\n"),
        (IdentityType.SAML, 4, b"\n<a>\n <b/>\n</a>\n\n", b"<a>\n <b/>\n</a>"),
        (IdentityType.JWT, 5, b"e30.e30.c2ln\r\n", b"e30.e30.c2ln"),
    ],
)
def test_all_of_a_file(tmp_path: Path, kind: IdentityType, number: int, content: bytes, sent: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert resolved(UserIdentity(kind, "", of_file(path), Wish.REQUIRE)) == Identity(
        number, sent, response_requested=True
    )


def test_a_variable_is_read_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = UserIdentity(IdentityType.JWT, "", Secret(SecretSource.ENVIRONMENT, "TOKEN"))
    stop = StopSignal()
    for token in ("first", "second\n"):
        monkeypatch.setenv("TOKEN", token)
        assert resolved(identity, stop).primary == token.strip().encode()


def test_a_prompt_is_answered_once_in_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as answers, os.fdopen(writing, "wb", buffering=0) as typing:
        monkeypatch.setattr(sys, "stdin", answers)
        typing.write(b"sesame\nother\n")
        identity = UserIdentity(IdentityType.USERNAME_PASSCODE, "al\x1bice", Secret(SecretSource.PROMPT))
        stop = StopSignal()
        assert [resolved(identity, stop).secondary for _ in range(3)] == [b"sesame"] * 3
        assert resolved(identity).secondary == b"other"
    assert capsys.readouterr().err == "Passcode of al?ice for peer main: \n" * 2


def test_a_prompt_that_nobody_answers_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = StopSignal()
    identity = UserIdentity(IdentityType.USERNAME_PASSCODE, "alice", Secret(SecretSource.PROMPT))
    with Path(os.devnull).open("rb") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        for _ in range(3):
            with pytest.raises(InvalidJobError, match="nobody to ask for the passcode"):
                resolved(identity, stop)
    assert capsys.readouterr().err == "Passcode of alice for peer main: \n"


def test_what_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, endless = tmp_path / "empty", tmp_path / "endless"
    empty.write_bytes(b"\n \n")
    endless.write_bytes(b"sesame" * 20000)
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    cases = [
        (IdentityType.JWT, of_file(empty), "the token is empty"),
        (IdentityType.SAML, of_file(endless), "the assertion has more than 64000 bytes"),
        (
            IdentityType.KERBEROS,
            of_file(tmp_path / "none"),
            "the file with the ticket cannot be read: No such",
        ),
        (IdentityType.KERBEROS, of_file(tmp_path), "the file with the ticket cannot be read: Is a dir"),
        (IdentityType.JWT, Secret(SecretSource.ENVIRONMENT, "NO_SUCH_TOKEN"), "NO_SUCH_TOKEN is not set"),
        (IdentityType.JWT, Secret(SecretSource.PROMPT), "nobody to ask for the token"),
    ]
    for kind, secret, words in cases:
        with pytest.raises(InvalidJobError, match=words) as caught:
            resolved(UserIdentity(kind, "", secret))
        assert caught.value.advice
        assert "sesame" not in str(caught.value)
