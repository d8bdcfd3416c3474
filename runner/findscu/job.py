"""A command line of findscu as a job: the same on the wire, on stdout and in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Element, Identifier
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import UsageError
from runner.findscu.command_line import Action, CommandLine, Verbosity
from runner.findscu.dcmtk_dictionary import dictionary_of
from runner.findscu.key import Key, parse_key, with_keys
from runner.model import (
    AssociationEnd,
    InformationModel,
    IPVersion,
    Job,
    KeyFormat,
    Match,
    MatchMode,
    Peer,
    PeerVerification,
    Query,
    Request,
    RevocationCheck,
    RspSink,
    Secret,
    SecretSource,
    SecurityProfile,
    SinkDeclaration,
    StdoutFormat,
    StdoutSink,
    Timeouts,
    Tls,
    XmlSink,
)

NAME = "findscu"
QUERY_NAME = "query"

_MODELS = {
    "--worklist": InformationModel.WORKLIST,
    "--patient": InformationModel.PATIENT_ROOT,
    "--study": InformationModel.STUDY_ROOT,
    "--psonly": InformationModel.PATIENT_STUDY_ONLY,
}
MODEL_OPTIONS = {model: option for option, model in _MODELS.items()}
_LITTLE = TransferSyntax.EXPLICIT_LITTLE
_BIG = TransferSyntax.EXPLICIT_BIG
_IMPLICIT = TransferSyntax.IMPLICIT_LITTLE
#: The local byte order is taken to be little endian, so that a command line means the same everywhere.
SYNTAXES = {
    "--propose-uncompr": (_LITTLE, _BIG, _IMPLICIT),
    "--propose-little": (_LITTLE, _BIG, _IMPLICIT),
    "--propose-big": (_BIG, _LITTLE, _IMPLICIT),
    "--propose-deflated": (TransferSyntax.DEFLATED, _LITTLE, _BIG, _IMPLICIT),
    "--propose-implicit": (_IMPLICIT,),
}
_IP_VERSIONS = {"--ipv4": IPVersion.IPV4, "--ipv6": IPVersion.IPV6, "--ip-auto": IPVersion.ANY}
_VERIFICATIONS = {
    "--require-peer-cert": PeerVerification.REQUIRE,
    "--verify-peer-cert": PeerVerification.IF_PRESENT,
    "--ignore-peer-cert": PeerVerification.IGNORE,
}
VERIFICATION_OPTIONS = {verification: option for option, verification in _VERIFICATIONS.items()}
PROFILES = {
    "--profile-8996": SecurityProfile.RFC_8996,
    "--profile-8996-mod": SecurityProfile.RFC_8996_MODIFIED,
    "--profile-bcp195-nd": SecurityProfile.NON_DOWNGRADING,
    "--profile-bcp195": SecurityProfile.BCP_195,
    "--profile-bcp195-ex": SecurityProfile.EXTENDED,
    "--profile-basic": SecurityProfile.BASIC,
    "--profile-aes": SecurityProfile.AES,
    "--profile-null": SecurityProfile.NULL,
}

#: What -u sends as OB. The manual names these two: others that came after 1993, such as OF, stay as they are.
NEW_VRS = frozenset(("UN", "UT"))

#: findscu's defaults where they are not the model's.
CALLING_AE_TITLE = "FINDSCU"
CALLED_AE_TITLE = "ANY-SCP"
MAX_PDU = 16384
ACSE_TIMEOUT = 30
DEFLATE_LEVEL = 6


def job_of(command_line: CommandLine, warn: Callable[[str], None] | None = None) -> Job:
    """Make the job that does what findscu would do for this command line. Reads query files and dictionaries.

    Args:
        command_line: one that is to be run.
        warn: is told of a dictionary, or lines of it, that cannot be used, and of a key that others can read.

    Raises:
        UsageError: if a key is wrong.
        InvalidJobError: if no dictionary of DCMDICTPATH can be loaded.
        QueryFileError: if a query file cannot be read.
    """
    if command_line.action is not Action.RUN:
        raise UsageError(f"there is nothing to run: the command line asks for {command_line.action.value}")
    dictionary = dictionary_of(command_line.dictionaries, warn or _ignore)
    keys = [parse_key(text, dictionary) for text in command_line.keys]
    peer = peer_of(command_line)
    if peer.tls is not None and peer.tls.key is not None:
        _warn_of_readers(peer.tls.key, warn or _ignore)
    return Job(
        name=NAME,
        peers=(peer,),
        queries=(_query(command_line, peer.name, keys, dictionary),),
        sinks=sinks_of(command_line),
        dictionary=dictionary,
    )


def _ignore(_text: str) -> None:
    pass


def _warn_of_readers(key: Path, warn: Callable[[str], None]) -> None:
    from runner.secret_file import advice, key_exposure

    readers = key_exposure(key)
    if readers is not None:
        warn(f"the private key {key} is not encrypted, and {readers} can read it; {advice(key)}")


def peer_of(command_line: CommandLine) -> Peer:
    """Return the peer that a command line asks, and how it talks to it."""
    host = command_line.host
    level = command_line.number("--compression-level")
    return Peer(
        name=f"[{host}]:{command_line.port}" if ":" in host else f"{host}:{command_line.port}",
        host=host,
        port=command_line.port,
        ae_title=command_line.value("--call") or CALLED_AE_TITLE,
        calling_ae_title=command_line.value("--aetitle") or CALLING_AE_TITLE,
        max_pdu=command_line.number("--max-pdu") or MAX_PDU,
        timeouts=Timeouts(
            connect=command_line.number("--timeout"),
            acse=command_line.number("--acse-timeout") or ACSE_TIMEOUT,
            dimse=command_line.number("--dimse-timeout"),
            silence=_silence(command_line),
        ),
        transfer_syntaxes=SYNTAXES[command_line.chosen("syntax") or "--propose-uncompr"],
        deflate_level=DEFLATE_LEVEL if level is None else level,
        ip_version=_IP_VERSIONS[command_line.chosen("ip") or "--ip-auto"],
        end=AssociationEnd.ABORT if command_line.has("--abort") else AssociationEnd.RELEASE,
        reopen=False,
        tls=tls_of(command_line),
    )


def _silence(command_line: CommandLine) -> int | None:
    seconds = command_line.number("--socket-timeout")
    return seconds if seconds is not None and seconds > 0 else None


def tls_of(command_line: CommandLine) -> Tls | None:
    """Return how the connection is secured; None for plain TCP."""
    if command_line.chosen("stack") in (None, "--disable-tls"):
        return None
    files = (
        command_line.both_values("--enable-tls") if command_line.chosen("stack") == "--enable-tls" else None
    )
    key, certificate = (Path(files[0]), Path(files[1])) if files else (None, None)
    crl_files = _paths(command_line, "--add-crl-file")
    return Tls(
        key=key,
        certificate=certificate,
        password=_password(command_line),
        key_format=KeyFormat.DER if command_line.chosen("key-format") == "--der-keys" else KeyFormat.PEM,
        ca_files=_paths(command_line, "--add-cert-file"),
        ca_directories=_paths(command_line, "--add-cert-dir"),
        verification=_VERIFICATIONS[command_line.chosen("verification") or "--require-peer-cert"],
        check_host=False,
        server_name=command_line.value("--request-sni"),
        profile=PROFILES[command_line.chosen("profile") or "--profile-8996"],
        ciphers=command_line.values("--cipher"),
        dh_parameters=_path(command_line, "--dhparam"),
        crl_files=crl_files,
        revocation=_revocation(command_line),
        seed=_path(command_line, "--seed"),
        write_seed=_path(command_line, "--seed" if command_line.has("--write-seed") else "--write-seed-file"),
    )


def _paths(command_line: CommandLine, name: str) -> tuple[Path, ...]:
    return tuple(Path(value) for value in command_line.values(name))


def _path(command_line: CommandLine, name: str) -> Path | None:
    value = command_line.value(name)
    return None if value is None else Path(value)


def _password(command_line: CommandLine) -> Secret:
    match command_line.chosen("password"):
        case "--use-passwd":
            return Secret(SecretSource.LITERAL, command_line.value("--use-passwd") or "")
        case "--null-passwd":
            return Secret(SecretSource.EMPTY)
    return Secret(SecretSource.PROMPT)


def _revocation(command_line: CommandLine) -> RevocationCheck:
    if command_line.has("--enable-crl-all"):
        return RevocationCheck.CHAIN
    if command_line.has("--enable-crl-vfy") or command_line.has("--add-crl-file"):
        return RevocationCheck.LEAF
    return RevocationCheck.NONE


def _query(command_line: CommandLine, peer: str, keys: list[Key], dictionary: Dictionary) -> Query:
    return Query(
        name=QUERY_NAME,
        peers=(peer,),
        model=model_of(command_line),
        requests=_requests(command_line, keys, dictionary),
        columns=tuple(dict.fromkeys(key.path for key in keys if key.element is not None)),
        cancel_after=command_line.number("--cancel") or None,
        repeat=command_line.number("--repeat") or 1,
        match=Match(MatchMode.OFF),  # findscu passes on what comes, and says nothing about it
    )


def model_of(command_line: CommandLine) -> InformationModel:
    """Return the information model that a command line asks for."""
    return _MODELS[command_line.chosen("model") or "--worklist"]


def _requests(command_line: CommandLine, keys: list[Key], dictionary: Dictionary) -> tuple[Request, ...]:
    old_vrs = disables_new_vrs(command_line)
    if command_line.files:
        from runner.dicom.query_file import read_query_file

        bases = [(read_query_file(Path(file), dictionary), file) for file in command_line.files]
    else:
        bases = [((), "")]
    requests = []
    for base, source in bases:
        identifier = with_keys(base, keys)
        requests.append(Request(without_new_vrs(identifier) if old_vrs else identifier, source))
    return tuple(requests)


def disables_new_vrs(command_line: CommandLine) -> bool:
    """Whether -u counts."""
    return command_line.chosen("new-vr") == "--disable-new-vr"


def without_new_vrs(identifier: Identifier) -> Identifier:
    """Return the identifier as findscu -u sends it: UN and UT as OB, with the same bytes."""
    return tuple(_without_new_vr(element) for element in identifier)


def _without_new_vr(element: Element) -> Element:
    value = element.value
    if isinstance(value, tuple):
        return Element(element.tag, element.vr, tuple(without_new_vrs(item) for item in value))
    if element.vr not in NEW_VRS:
        return element
    if isinstance(value, str):
        value = value.encode()
    if element.vr == "UT" and len(value) % 2:
        value += b" "
    return Element(element.tag, "OB", value)


def sinks_of(command_line: CommandLine) -> tuple[SinkDeclaration, ...]:
    """Return where responses go: stdout unless hidden, and files where asked for."""
    sinks: list[SinkDeclaration] = []
    if prints_responses(command_line):
        newer = command_line.newer_style
        sinks.append(StdoutSink(StdoutFormat.FINDSCU_LOG if newer else StdoutFormat.FINDSCU))
    directory = command_line.value("--output-directory") or "."
    limit = command_line.number("--limit-output")
    match command_line.chosen("extract"):
        case "--extract":
            sinks.append(RspSink(directory, disables_new_vrs(command_line), limit, keep_after_failure=True))
        case "--extract-xml":
            sinks.append(XmlSink(directory, limit=limit, keep_after_failure=True))
        case "--extract-xml-single":
            path = command_line.value("--extract-xml-single") or ""
            sinks.append(XmlSink(path=str(Path(directory, path)), limit=limit, keep_after_failure=True))
    return tuple(sinks)


def prints_responses(command_line: CommandLine) -> bool:
    """Whether responses are printed. 3.6 prints none where it writes files, 3.5 does both."""
    chosen = command_line.chosen("responses")
    if chosen is not None:
        return chosen == "--show-responses"
    if command_line.verbosity < Verbosity.WARNING or command_line.has("--log-level"):
        return command_line.verbosity >= Verbosity.INFO
    return not (command_line.newer_style and command_line.chosen("extract"))
