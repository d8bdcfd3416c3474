"""From a peer's `user_identity` and `extended_negotiation` in a job file to the model."""

from __future__ import annotations

from runner.jobfile.secret import read_secret
from runner.jobfile.section import Section
from runner.model import (
    ExtendedNegotiation,
    IdentityType,
    QueryOption,
    Secret,
    SecretSource,
    UserIdentity,
    Wish,
)

_WISHES = {True: Wish.YES, "true": Wish.YES, "require": Wish.REQUIRE}
_SECRET_NAMES = tuple(kind.secret_name for kind in IdentityType if kind.secret_name)
#: A user name is told in the association request, which has limits.
_LONGEST_USERNAME = 1024


def read_extended_negotiation(section: Section) -> ExtendedNegotiation:
    """Make what the model knows of extended negotiation; nothing where there is no such key."""
    wishes = {option: _wish(section[option.value]) for option in QueryOption}
    return ExtendedNegotiation(
        proposed=tuple(option for option, wish in wishes.items() if wish is not Wish.NO),
        required=tuple(option for option, wish in wishes.items() if wish is Wish.REQUIRE),
    )


def read_user_identity(section: Section) -> UserIdentity | None:
    """Make what the model knows of who asks.

    Files are not opened: tickets may lie only on the machine that runs the job.
    """
    try:
        kind = IdentityType(section["type"].text())
    except ValueError:
        return None  # the schema has complained
    for name in ("username", *_SECRET_NAMES):
        wanted = kind.has_username if name == "username" else name == kind.secret_name
        if wanted and name not in section:
            section.problem(f"the type {kind.value} needs a {name}", f"add '{name}'", of_key=True)
        elif not wanted and name in section:
            section[name].problem(
                f"the type {kind.value} has no {name}", "take it out, or choose another type", of_key=True
            )
    return UserIdentity(
        type=kind,
        username=_username(section["username"]) if kind.has_username else "",
        secret=_secret(section[kind.secret_name], kind) if kind.secret_name in section else None,
        positive_response=_wish(section["positive_response"]),
    )


def _username(section: Section) -> str:
    name = section.text()
    if len(name.encode("utf-8", "replace")) > _LONGEST_USERNAME:
        section.problem(f"the user name has more than {_LONGEST_USERNAME} bytes", "choose a shorter one")
    if not name.isprintable():
        section.problem("the user name has control characters", "take them out")
    return name


def _secret(section: Section, kind: IdentityType) -> Secret:
    if kind is IdentityType.KERBEROS and not section.text().startswith("${file:"):
        section.problem("a Kerberos ticket is no text", "let it come from a file: ${file:PATH}")
        return Secret(SecretSource.EMPTY)
    secret = read_secret(section, kind.secret_name)
    if secret.source is SecretSource.EMPTY:
        section.problem(f"the {kind.secret_name} is empty", "let it come from ${env:NAME} or ${file:PATH}")
    return secret


def _wish(section: Section) -> Wish:
    data = section.data
    return _WISHES.get(data, Wish.NO) if isinstance(data, (bool, str)) else Wish.NO
