"""Protocol cores that stand, for tests without sockets."""

from __future__ import annotations

from collections.abc import Sequence

from peers import wire
from runner.association.core import Association, State
from runner.association.events import Event, Responses
from runner.association.negotiation import Proposal
from runner.dicom.transfer_syntax import TransferSyntax


def proposed(*abstract_syntaxes: str, max_pdu: int = 16384) -> Association:
    """Return an association that awaits the answer to its request."""
    syntaxes = abstract_syntaxes or (wire.STUDY_ROOT,)
    proposal = Proposal("PACS", "CFIND", max_pdu, syntaxes, (TransferSyntax.EXPLICIT_LITTLE,))
    association = Association(proposal)
    association.request()
    association.outgoing()
    return association


def established(*abstract_syntaxes: str, max_pdu: int = 16384) -> Association:
    """Return an association whose contexts are all accepted."""
    association = proposed(*abstract_syntaxes, max_pdu=max_pdu)
    contexts = [wire.accepted_context(2 * n + 1) for n in range(max(len(abstract_syntaxes), 1))]
    association.receive(wire.accept(*contexts, wire.user_information()))
    assert association.state is State.ESTABLISHED
    return association


def finding(cancel_after: int | None = None) -> Association:
    """Return an association with a C-FIND that goes on, Message ID 1."""
    association = established()
    association.find(wire.STUDY_ROOT, b"identifier", cancel_after)
    association.outgoing()
    return association


def merged(events: Sequence[Event]) -> list[Event]:
    """Return the events with responses of one status that follow each other in one."""
    result: list[Event] = []
    for event in events:
        last = result[-1] if result else None
        if isinstance(event, Responses) and isinstance(last, Responses) and last.status == event.status:
            result[-1] = Responses([*last.identifiers, *event.identifiers], event.status)
        else:
            result.append(event)
    return result
