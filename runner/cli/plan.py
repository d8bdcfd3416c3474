"""`cfind plan`: every operation of a job, exactly as it will be sent, offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.cli.arguments import (
    ArgumentParser,
    add_clock_option,
    add_strict_option,
    add_variable_option,
    given_clock,
    given_variables,
)
from runner.cli.job_files import valid_jobs
from runner.cli.keeping import add_history_option, last_success_in, state_folder
from runner.cli.messages import printable, say
from runner.dicom.tags import format_tag
from runner.errors import ExitStatus, UsageError
from runner.model import ExtendedNegotiation, InformationModel, Job, Query, Tls, UserIdentity, Wish
from runner.plan import QUERY_RETRIEVE_LEVEL, Operation, as_sent, operations

#: So many parts of a split are named.
_MAX_PARTS = 1000


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("plan", "Print every operation of a job exactly as it will be sent. Offline.")
    made.add_argument("job", type=Path, metavar="JOB", nargs="?", help="a job file")
    made.add_argument("--format", choices=tuple(_FORMATS), default="text", help="default: text")
    made.add_argument(
        "--as", dest="other", choices=("findscu",), help="print command lines of that program in its place"
    )
    made.add_argument(
        "--diff",
        nargs=2,
        type=Path,
        metavar=("OLD", "NEW"),
        help="print what differs in what two job files send; exit status 7 if anything does, otherwise 0",
    )
    add_variable_option(made)
    add_clock_option(made)
    add_history_option(made)
    add_strict_option(made)
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    if (options.job is None) == (options.diff is None):
        what = (
            "one job file is needed, or --diff with two" if options.job is None else "--diff takes two jobs"
        )
        raise UsageError(f"cfind plan: {what}", "write cfind plan JOB, or cfind plan --diff OLD NEW")
    if options.diff is not None and options.other is not None:
        raise UsageError("cfind plan: --diff and --as exclude each other", "leave one of them out")
    # Rows are looked at as their operations are printed: the first one comes at once.
    variables, clock = given_variables(options.variables), given_clock(options.now)
    paths = [options.job] if options.diff is None else options.diff
    job, *others = valid_jobs(
        paths,
        variables,
        check_rows=False,
        clock=clock,
        last_success=last_success_in(state_folder(options)),
        strictly=options.strict,
    )
    if others:
        from runner.cli.plan_diff import print_diff

        return print_diff(job, others[0], as_json=options.format == "json")
    if options.other is not None:
        _print_findscu(job, as_json=options.format == "json")
    else:
        _FORMATS[options.format](job)
    return ExitStatus.SUCCESS


def _print_text(job: Job) -> None:
    from runner.cli.plan_text import operation_lines

    for operation in operations(job):
        if operation.number > 1:
            say("\n")
        for line in operation_lines(operation):
            say(printable(line) + "\n")


def _print_json(job: Job) -> None:
    """Print the plan as one JSON object, an operation at a time: a plan may be long."""
    import json

    before = '{"operations": ['
    for operation in operations(job):
        # The identifier's JSON is ready text, as the json sink prints it.
        document = json.dumps(_document(operation), ensure_ascii=False).removesuffix("}")
        say(f'{before}\n  {document}, "identifier": {_identifier_json(as_sent(operation))}}}')
        before = ","
    say("\n]}\n")


def _print_findscu(job: Job, *, as_json: bool) -> None:
    """Print findscu's command lines, and behind # what of the job has no equivalent there."""
    import json
    import shlex

    from runner.findscu.way_back import equivalents

    for equivalent in equivalents(job):
        if as_json:
            document = {
                "query": equivalent.query,
                "peer": equivalent.peer,
                "source": equivalent.source or None,
                "argv": None if equivalent.argv is None else [printable(word) for word in equivalent.argv],
                "no_equivalent": list(equivalent.notes),
            }
            say(json.dumps(document, ensure_ascii=False) + "\n")
            continue
        where = f"query {equivalent.query}, peer {equivalent.peer}"
        if equivalent.argv is None:
            say(printable(f"# {where}: there is no such command line") + "\n")
        for note in equivalent.notes:
            say(printable(f"# {where}: no equivalent of {note}") + "\n")
        if equivalent.argv is not None:
            say(printable(shlex.join(("findscu", *equivalent.argv))) + "\n")


def _document(operation: Operation) -> dict[str, Any]:
    from runner.engine.expectations import expectations

    peer, query = operation.peer, operation.query
    return {
        "number": operation.number,
        "query": query.name,
        "peer": peer.name,
        "host": peer.host or None,
        "port": peer.port or None,
        "tls": _tls(peer.tls) if peer.tls is not None else None,
        "archive": str(peer.archive) if peer.archive is not None else None,
        "ae_title": peer.ae_title,
        "calling_ae_title": peer.calling_ae_title,
        "max_pdu": peer.max_pdu,
        "model": operation.model.value,
        "sop_class_uid": operation.model.sop_class_uid,
        "transfer_syntaxes": [proposed.uid for proposed in peer.transfer_syntaxes],
        "user_identity": _user_identity(peer.user_identity) if peer.user_identity is not None else None,
        "extended_negotiation": _extended_negotiation(peer.extended_negotiation, operation.model),
        "level": operation.level.value if operation.level is not None else None,
        "source": operation.source or None,
        "repetition": operation.repetition,
        "cancel_after": query.cancel_after,
        "match": query.match.mode.value,
        "deduplicate": _deduplicate(operation),
        "only": "new" if query.only_new else None,
        "split": _split(operation),
        "then": [_below(child) for child in query.then],
        "expect": list(expectations(query.expect, operation.dictionary)) if query.expect else [],
    }


def _split(operation: Operation) -> dict[str, Any] | None:
    """Return what an operation is split on, and the parts that are asked for at once."""
    split = operation.query.split
    if split is None:
        return None
    from runner.partition.cutting import first_labels

    labels, more = first_labels(split, operation.identifier, _MAX_PARTS)
    return {"key": split.name, "parts": labels, "more_parts": more}


def _below(query: Query) -> dict[str, Any]:
    """Return what is asked for each record that an operation finds."""
    request = next(iter(query.requests))
    levels = [element.value for element in request.identifier if element.tag == QUERY_RETRIEVE_LEVEL]
    return {
        "query": query.name,
        "level": levels[0] if levels else None,
        "inherits": [format_tag(tag) for tag in query.inherits],
        "then": [_below(child) for child in query.then],
    }


def _tls(tls: Tls) -> dict[str, Any]:
    """Return what is negotiated and checked; nothing of our key but whose certificate it belongs to."""
    return {
        "profile": tls.profile.value,
        "minimum_version": tls.minimum_version.value if tls.minimum_version is not None else None,
        "ciphers": list(tls.ciphers),
        "verification": tls.verification.value,
        "check_host": tls.check_host,
        "server_name": tls.server_name,
        "fingerprints": list(tls.fingerprints),
        "certificate": str(tls.certificate) if tls.certificate is not None else None,
    }


def _user_identity(identity: UserIdentity) -> dict[str, Any]:
    """Return who asks, with references in place of secrets."""
    from runner.cli.negotiation_text import reference_text

    document: dict[str, Any] = {"type": identity.type.value}
    if identity.type.has_username:
        document["username"] = identity.username
    if identity.secret is not None:
        document[identity.type.secret_name] = reference_text(identity.secret)
    document["positive_response"] = _WISHES[identity.positive_response]
    return document


def _extended_negotiation(extended: ExtendedNegotiation, model: InformationModel) -> dict[str, Any]:
    required = extended.required_for(model)
    return {
        option.value: _WISHES[Wish.REQUIRE if option in required else Wish.YES]
        for option in extended.proposed_for(model)
    }


def _deduplicate(operation: Operation) -> dict[str, Any] | None:
    from runner.dicom.path import path_text

    declared = operation.query.deduplicate
    if declared is None:
        return None
    keys = [path_text(path, operation.dictionary) for path in declared.key.paths]
    return {"across": declared.across.value, "keys": keys}


def _identifier_json(operation: Operation) -> str:
    from runner.dicom.encoding import encode
    from runner.dicom.response_json import ResponseJson
    from runner.dicom.transfer_syntax import TransferSyntax

    syntax = TransferSyntax.EXPLICIT_LITTLE
    (text,) = ResponseJson(syntax, operation.dictionary).objects([encode(operation.identifier, syntax)])
    return text


#: As they stand in a job.
_WISHES: dict[Wish, bool | str] = {Wish.NO: False, Wish.YES: True, Wish.REQUIRE: "require"}
_FORMATS = {"text": _print_text, "json": _print_json}
