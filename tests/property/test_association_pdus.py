"""A-ASSOCIATE-RQ, -AC and -RJ as pynetdicom understands them, and as it makes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    MaximumLengthNotification,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import PresentationContext

from runner.association.negotiation import (
    APPLICATION_CONTEXT,
    Proposal,
    read_acceptance,
    read_rejection,
    request_pdu,
)
from runner.association.user_information import Identity, application_information
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import InformationModel, QueryOption

_titles = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), min_size=1, max_size=16
).filter(str.strip)
_models = [model.sop_class_uid for model in InformationModel]
_identities = st.builds(
    Identity,
    st.integers(1, 5),
    st.binary(min_size=1, max_size=300),
    st.just(b""),
    st.booleans(),
) | st.builds(Identity, st.just(2), st.binary(min_size=1), st.binary(min_size=1), st.booleans())
_proposals = st.builds(
    Proposal,
    _titles,
    _titles,
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from([*_models, "1.2.840.10008.1.1"]), min_size=1, unique=True),
    st.lists(st.sampled_from(list(TransferSyntax)), min_size=1, unique=True),
    st.none() | _identities,
    st.lists(st.sampled_from(list(QueryOption)), unique=True),
)


@given(_proposals)
def test_pynetdicom_reads_what_we_propose(proposal: Proposal) -> None:
    encoded = request_pdu(proposal)
    read = A_ASSOCIATE_RQ()
    read.decode(encoded)
    asked = read.to_primitive()
    assert len(read) == len(encoded)
    assert read.protocol_version == 1
    assert asked.application_context_name == APPLICATION_CONTEXT
    assert asked.called_ae_title.strip() == proposal.called_ae_title.strip()
    assert asked.calling_ae_title.strip() == proposal.calling_ae_title.strip()
    assert [
        (context.context_id, context.abstract_syntax, context.transfer_syntax)
        for context in asked.presentation_context_definition_list
    ] == [
        (number, uid, [syntax.uid for syntax in proposal.transfer_syntaxes])
        for number, uid in proposal.contexts()
    ]
    assert asked.maximum_length_received == proposal.max_pdu
    extended = {
        one.sop_class_uid: one.service_class_application_information
        for one in asked.user_information
        if isinstance(one, SOPClassExtendedNegotiation)
    }
    wanted = {uid: application_information(uid, proposal.options) for uid in proposal.abstract_syntaxes}
    assert extended == {uid: information for uid, information in wanted.items() if information}
    identities = [
        Identity(
            one.user_identity_type,
            one.primary_field,
            one.secondary_field or b"",
            bool(one.positive_response_requested),
        )
        for one in asked.user_information
        if isinstance(one, UserIdentityNegotiation)
    ]
    assert identities == ([] if proposal.identity is None else [proposal.identity])


@given(_proposals, st.data())
def test_we_read_what_pynetdicom_accepts(proposal: Proposal, data: st.DataObject) -> None:
    answer = A_ASSOCIATE()
    answer.application_context_name = APPLICATION_CONTEXT
    answer.called_ae_title, answer.calling_ae_title = "ANY", "ONE"
    answer.result, answer.result_source = 0, 1
    contexts = []
    for number, _ in proposal.contexts():
        context = PresentationContext()
        context.context_id = number
        context.result = data.draw(st.integers(0, 4), label=f"result {number}")
        context.transfer_syntax = [data.draw(st.sampled_from(proposal.transfer_syntaxes)).uid]
        contexts.append(context)
    answer.presentation_context_definition_results_list = contexts
    maximum = MaximumLengthNotification()
    maximum.maximum_length_received = data.draw(st.integers(0, 2**32 - 1), label="maximum")
    answer.user_information = [maximum]
    accepted = read_acceptance(A_ASSOCIATE_AC(answer).encode(), proposal)
    assert accepted.max_pdu == maximum.maximum_length_received
    for context, (number, uid) in zip(contexts, proposal.contexts(), strict=True):
        read = accepted.contexts[uid]
        assert read.context_id == number
        syntax = None if read.transfer_syntax is None else read.transfer_syntax.uid
        assert syntax == (context.transfer_syntax[0] if context.result == 0 else None)


@given(
    st.sampled_from([(1, 1), (1, 2), (1, 3), (1, 7), (2, 1), (2, 2), (3, 1), (3, 2)]), st.sampled_from([1, 2])
)
def test_we_read_what_pynetdicom_rejects(source_and_reason: tuple[int, int], result: int) -> None:
    answer = A_ASSOCIATE()
    answer.result = result
    answer.result_source, answer.diagnostic = source_and_reason
    proposal = Proposal("A", "B", 0, _models, (TransferSyntax.IMPLICIT_LITTLE,))
    rejected = read_rejection(A_ASSOCIATE_RJ(answer).encode(), proposal)
    assert ("permanently" in rejected.what) == (result == 1)
    assert "reason" not in rejected.what.replace("no reason given", "").replace("without a reason", "")
    assert rejected.advice
