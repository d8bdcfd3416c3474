"""From `user_identity` and `extended_negotiation` of a job file to the model; secrets stay references."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli.main import main
from runner.jobfile.load import load_job
from runner.model import (
    ExtendedNegotiation,
    IdentityType,
    Peer,
    QueryOption,
    Secret,
    SecretSource,
    UserIdentity,
    Wish,
)

VALID = Path(__file__).parents[2] / "jobs" / "valid"


@pytest.fixture(scope="module")
def peers() -> dict[str, Peer]:
    job, problems = load_job(VALID / "negotiation.yaml")
    assert job is not None
    assert problems == []
    return {peer.name: peer for peer in job.peers}


def test_identities(peers: dict[str, Peer]) -> None:
    assert {name: peer.user_identity for name, peer in peers.items()} == {
        "username": UserIdentity(IdentityType.USERNAME, "müller"),
        "passcode": UserIdentity(
            IdentityType.USERNAME_PASSCODE,
            "4711",
            Secret(SecretSource.ENVIRONMENT, "NO_SUCH_PASSCODE"),
            Wish.YES,
        ),
        "asked": UserIdentity(
            IdentityType.USERNAME_PASSCODE, "yes", Secret(SecretSource.PROMPT), Wish.REQUIRE
        ),
        "kerberos": UserIdentity(
            IdentityType.KERBEROS, "", Secret(SecretSource.FILE, str(VALID / "tickets/pacs"))
        ),
        "saml": UserIdentity(IdentityType.SAML, "", Secret(SecretSource.FILE, "/run/assertion.xml")),
        "jwt": UserIdentity(IdentityType.JWT, "", Secret(SecretSource.ENVIRONMENT, "NO_SUCH_TOKEN")),
    }


def test_options(peers: dict[str, Peer]) -> None:
    relational, date_time, fuzzy, timezone = QueryOption
    assert peers["username"].extended_negotiation == ExtendedNegotiation((relational, fuzzy))
    assert peers["passcode"].extended_negotiation == ExtendedNegotiation(
        (relational, date_time, timezone), (relational, timezone)
    )
    assert peers["asked"].extended_negotiation == ExtendedNegotiation()
    assert peers["jwt"].extended_negotiation == ExtendedNegotiation()


def written(folder: Path, identity: dict[str, object], **more: object) -> Path:
    peer = {"host": "pacs", "port": 104, "user_identity": identity, **more}
    queries = {"q": {"model": "study-root", "level": "STUDY", "keys": {"StudyDate": "20240101"}}}
    path = folder / "job.yaml"
    path.write_text(json.dumps({"version": 1, "peers": {"main": peer}, "queries": queries}))
    return path


@pytest.mark.parametrize("name", ["passcode", "assertion", "token"])
def test_a_secret_of_the_environment_is_in_no_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("WHO_I_AM", "sesame")
    types = {"passcode": "username-passcode", "assertion": "saml", "token": "jwt"}
    identity = {"type": types[name], name: "${env:WHO_I_AM}"}
    if name == "passcode":
        identity["username"] = "alice"
    path = written(tmp_path, identity, extended_negotiation={"relational": "require", "timezone": True})
    job, problems = load_job(path)
    assert problems == []
    assert "sesame" not in repr(job)
    assert main(["plan", str(path)]) == 0
    text = capsys.readouterr().out
    assert f"identity  {types[name]}" in text
    assert f"{name} from ${{env:WHO_I_AM}}" in text
    assert "extended  relational (required), timezone" in text
    assert main(["plan", str(path), "--format", "json"]) == 0
    printed = capsys.readouterr().out
    (operation,) = json.loads(printed)["operations"]
    assert operation["user_identity"] == {**identity, "positive_response": False}
    assert operation["extended_negotiation"] == {"relational": "require", "timezone": True}
    assert "sesame" not in text + printed


def test_a_literal_secret_is_a_warning_and_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(
        tmp_path,
        {"type": "username-passcode", "username": "alice", "passcode": "sesame", "positive_response": True},
    )
    job, (problem,) = load_job(path)
    assert job is not None
    assert problem.path == "peers.main.user_identity.passcode"
    assert "sesame" not in f"{problem}{job!r}"
    for form in ("text", "json"):
        assert main(["plan", str(path), "--format", form]) == 0
        captured = capsys.readouterr()
        assert "(not shown)" in captured.out
        assert "sesame" not in captured.out + captured.err
    assert main(["plan", str(path), "--as", "findscu"]) == 0
    captured = capsys.readouterr()
    assert "no equivalent of user_identity" in captured.out
    assert "sesame" not in captured.out


def test_a_plan_shows_what_a_model_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(
        "version: 1\n"
        "peers: {main: {host: pacs, port: 104, extended_negotiation: {relational: true, fuzzy: require}}}\n"
        "queries: {w: {model: worklist, keys: {PatientName: null}}}\n"
    )
    assert main(["plan", str(path)]) == 0
    text = capsys.readouterr().out
    assert "extended  fuzzy (required)" in text
    assert "identity  " not in text
    assert "relational" not in text
