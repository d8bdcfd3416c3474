"""Who asks, with the secrets, as it is told to a peer (PS3.7 D.3.3.7)."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from runner.association.user_information import Identity
from runner.errors import InvalidJobError
from runner.model import IdentityType, Peer, Secret, SecretSource, UserIdentity, Wish
from runner.transport.secret import Need, secret_of
from runner.transport.stop_signal import StopSignal

#: In bytes. All of the user information has to do with 65535.
_LONGEST = 64000

#: PS3.7 Table D.3-14.
_TYPES = {
    IdentityType.USERNAME: 1,
    IdentityType.USERNAME_PASSCODE: 2,
    IdentityType.KERBEROS: 3,
    IdentityType.SAML: 4,
    IdentityType.JWT: 5,
}
#: Types whose secret is all of a file, and what around it is no part of it: what editors put there.
_AROUND = {IdentityType.SAML: b" \t\r\n", IdentityType.JWT: b" \t\r\n", IdentityType.KERBEROS: b""}

_Answer = bytes | InvalidJobError
_answers: WeakKeyDictionary[StopSignal, dict[Need, _Answer]] = WeakKeyDictionary()
_asking = threading.Lock()


def identity_of(peer: Peer, identity: UserIdentity, stop: StopSignal) -> Identity:
    """Return the identity that a peer is told.

    Files and variables are read each time, since tickets and tokens are renewed while a job goes on; what
    is typed is asked for once in a run.

    Raises:
        InvalidJobError: if a secret is not there, is empty, or too long.
        InterruptedRunError: if the stop signal is set while a secret is asked for.
    """
    secret = b"" if identity.secret is None else _secret(peer, identity, identity.secret, stop)
    username = identity.username.encode("utf-8")
    return Identity(
        type=_TYPES[identity.type],
        primary=username if identity.type.has_username else secret,
        secondary=secret if identity.type.has_username else b"",
        response_requested=identity.positive_response is not Wish.NO,
    )


def _secret(peer: Peer, identity: UserIdentity, secret: Secret, stop: StopSignal) -> bytes:
    name = identity.type.secret_name
    need = Need(
        name,
        where="",
        owner=f"{identity.username} for peer {peer.name}" if identity.username else f"peer {peer.name}",
        longest=_LONGEST,
        limit=("an association request", "check that this is the right one"),
        whole_file=identity.type in _AROUND,
    )
    found = (
        _asked(secret, need, stop) if secret.source is SecretSource.PROMPT else secret_of(secret, need, stop)
    )
    found = found.strip(_AROUND.get(identity.type, b""))
    if not found:
        raise InvalidJobError(f"the {name} is empty", "check where user_identity takes it from")
    return found


def _asked(secret: Secret, need: Need, stop: StopSignal) -> bytes:
    """Return what is typed; whoever is asked once and says nothing is not asked again in a run."""
    with _asking:
        answers = _answers.setdefault(stop, {})
        answer = answers.get(need)
        if answer is None:
            try:
                answer = secret_of(secret, need, stop)
            except InvalidJobError as error:
                answer = error
            answers[need] = answer
    if isinstance(answer, bytes):
        return answer
    raise InvalidJobError(answer.what, answer.advice, answer.where)
