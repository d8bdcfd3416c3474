"""What is negotiated beyond presentation contexts, in words. Secrets are shown as references."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.model import InformationModel, Peer, Secret, SecretSource, UserIdentity, Wish

if TYPE_CHECKING:
    from runner.association.events import Accepted

_RESPONSES = {
    Wish.NO: "",
    Wish.YES: ", confirmation asked for",
    Wish.REQUIRE: ", confirmation required",
}


def proposal_lines(peer: Peer, model: InformationModel) -> Iterator[str]:
    """Describe what is proposed to a peer for a model."""
    if peer.user_identity is not None:
        yield f"identity  {_identity_text(peer.user_identity)}"
    extended = peer.extended_negotiation
    required = extended.required_for(model)
    options = [
        f"{option.value} (required)" if option in required else option.value
        for option in extended.proposed_for(model)
    ]
    if options:
        yield f"extended  {', '.join(options)}"


def reference_text(secret: Secret) -> str:
    """Return a secret as a job refers to it; a literal one is not shown."""
    if secret.source is SecretSource.ENVIRONMENT:
        return f"${{env:{secret.value}}}"
    if secret.source is SecretSource.FILE:
        return f"${{file:{secret.value}}}"
    return "prompt" if secret.source is SecretSource.PROMPT else "(not shown)"


def answer_lines(peer: Peer, accepted: Accepted) -> Iterator[str]:
    """Describe what a peer answered to what was proposed."""
    identity, answers = peer.user_identity, accepted.answers
    if identity is not None:
        length = answers.identity_response
        if length is None:
            response = "not confirmed" if identity.positive_response is not Wish.NO else "not refused"
        else:
            response = f"confirmed, with {length} bytes" if length else "confirmed"
        yield f"user identity ({identity.type.value}) {response}"
    for model in InformationModel:
        options = answers.extended.get(model.sop_class_uid)
        if options:
            each = (
                f"{option.value} {'accepted' if taken else 'refused'}" for option, taken in options.items()
            )
            yield f"{model.value}: {', '.join(each)}"


def _identity_text(identity: UserIdentity) -> str:
    text = identity.type.value
    if identity.type.has_username:
        text += f" {identity.username}"
    if identity.secret is not None:
        text += f", {identity.type.secret_name} from {reference_text(identity.secret)}"
    return text + _RESPONSES[identity.positive_response]
