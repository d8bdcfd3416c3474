"""A plan as text: each operation as it will be sent."""

from __future__ import annotations

from collections.abc import Iterator

from runner.cli.peer_address import address
from runner.dicom.dictionary import Dictionary
from runner.dicom.dump import Dump
from runner.dicom.encoding import encode
from runner.dicom.path import path_text
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import Across, DateSplit, InformationModel, LetterSplit, ListSplit, MatchMode, Query, Split
from runner.plan import QUERY_RETRIEVE_LEVEL, Operation, as_sent

_MODEL_NAMES = {
    InformationModel.PATIENT_ROOT: "Patient Root",
    InformationModel.STUDY_ROOT: "Study Root",
    InformationModel.PATIENT_STUDY_ONLY: "Patient/Study Only",
    InformationModel.WORKLIST: "Modality Worklist",
}
#: What transfer syntaxes are called.
SYNTAX_NAMES = {
    TransferSyntax.EXPLICIT_LITTLE: "explicit little endian",
    TransferSyntax.EXPLICIT_BIG: "explicit big endian",
    TransferSyntax.IMPLICIT_LITTLE: "implicit little endian",
    TransferSyntax.DEFLATED: "deflated",
}


_ACROSS = {Across.PEERS: "query", Across.OPERATIONS: "peer", Across.PARTS: "operation and its parts"}
#: So many parts of a split are named.
_MAX_PARTS = 12


def operation_lines(operation: Operation) -> Iterator[str]:
    """Describe one operation: where it goes, what is proposed, what is sent."""
    query, peer = operation.query, operation.peer
    extra = f", repetition {operation.repetition} of {query.repeat}" if query.repeat > 1 else ""
    extra += f", from {operation.source}" if operation.source else ""
    yield f"operation {operation.number}: query {query.name}{extra}"
    yield f"  peer      {peer.name}: {address(peer)}, called {peer.ae_title}, calling {peer.calling_ae_title}"
    if peer.tls is not None:
        from runner.cli.tls_text import settings_text

        yield f"  secured   {settings_text(peer.tls)}"
    yield f"  model     {_MODEL_NAMES[operation.model]} ({operation.model.sop_class_uid})"
    yield f"  level     {operation.level.value if operation.level is not None else 'none'}"
    yield f"  proposes  {', then '.join(SYNTAX_NAMES[syntax] for syntax in peer.transfer_syntaxes)}"
    if peer.user_identity is not None or peer.extended_negotiation.proposed:
        from runner.cli.negotiation_text import proposal_lines

        for line in proposal_lines(peer, operation.model):
            yield f"  {line}"
    if query.cancel_after is not None:
        yield f"  cancels   after {query.cancel_after} responses"
    yield from _answer_lines(operation)
    if query.split is not None:
        yield from _split_lines(query.split, operation)
    for child in query.then:
        yield from _below(child, operation.dictionary)
    yield "  identifier" if query.split is None else "  identifier (of the first part)"
    for line in identifier_lines(as_sent(operation)):
        yield f"    {line}"


def _answer_lines(operation: Operation) -> Iterator[str]:
    """Describe what is done with the answers, as far as the job says so."""
    query = operation.query
    if query.match.mode is not MatchMode.REPORT:
        what = "not tested" if query.match.mode is MatchMode.OFF else "those that do not match are dropped"
        yield f"  answers   {what}"
    if query.deduplicate is not None:
        key = query.deduplicate.key
        by = ", ".join(path_text(path, operation.dictionary) for path in key.paths) or "all that is in it"
        where = _ACROSS[query.deduplicate.across]
        yield f"  records   once for the {where}, told apart by {by}"
    if query.only_new and query.record is not None:
        by = ", ".join(path_text(path, operation.dictionary) for path in query.record.paths)
        yield f"  delivers  what no earlier run has, told apart by {by or 'all that is in it'}"
    if query.expect is not None:
        from runner.engine.expectations import expectations

        expected = ", ".join(expectations(query.expect, operation.dictionary))
        yield f"  expects   {expected}"


def _split_lines(split: Split, operation: Operation) -> Iterator[str]:
    """Describe how an operation is split, as far as that is known before it is sent."""
    from runner.partition.cutting import first_labels

    how = {DateSplit: "dates", LetterSplit: "first letters", ListSplit: "values"}[type(split)]
    labels, more = first_labels(split, operation.identifier, _MAX_PARTS)
    if len(labels) == 1:
        yield f"  split     on {how} of {split.name} where it hits a cap; asked at first: {labels[0]}"
        return
    yield f"  split     on {how} of {split.name}, further where a part hits a cap; asked at first:"
    for label in labels:
        yield f"            {label}"
    if more:
        yield f"            and {more:,} more"


def _below(query: Query, dictionary: Dictionary, depth: int = 0) -> Iterator[str]:
    """Describe what is asked for each record that is found."""
    request = next(iter(query.requests))
    keys = [path_text(path, dictionary) for path in query.columns if path[0] not in query.inherits]
    levels = [str(one.value) for one in request.identifier if one.tag == QUERY_RETRIEVE_LEVEL]
    level = levels[0] if levels else "no level"
    inherited = ", ".join(path_text((tag,), dictionary) for tag in query.inherits)
    yield f"  then      {'  ' * depth}query {query.name} for each record: {level}, with its {inherited}"
    yield f"            {'  ' * depth}and {', '.join(keys) or 'no other key'}"
    for child in query.then:
        yield from _below(child, dictionary, depth + 1)


def identifier_lines(operation: Operation) -> Iterator[str]:
    """Describe the identifier that an operation sends, an attribute a line."""
    syntax = TransferSyntax.EXPLICIT_LITTLE
    (text,) = Dump(syntax, operation.dictionary).texts([encode(operation.identifier, syntax)])
    return iter(text.splitlines())
