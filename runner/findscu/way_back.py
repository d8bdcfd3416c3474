"""A job as command lines of findscu, as far as findscu can say what the job says."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.dicom.charset import TEXT_VRS, character_set
from runner.dicom.dictionary import Dictionary
from runner.dicom.encoding import declared_terms
from runner.dicom.identifier import Element, Identifier
from runner.dicom.tags import format_tag, is_group_length
from runner.findscu.job import MODEL_OPTIONS, NEW_VRS, PROFILES, SYNTAXES, VERIFICATION_OPTIONS
from runner.model import (
    AssociationEnd,
    CohortSink,
    CsvSink,
    IPVersion,
    Job,
    KeyFormat,
    MatchMode,
    Peer,
    Query,
    Request,
    RevocationCheck,
    RspSink,
    SecretSource,
    SinkDeclaration,
    StdoutFormat,
    StdoutSink,
    Tls,
    XmlSink,
)

_NUMBERS = {"OF": "<f", "OD": "<d", "OL": "<I", "OV": "<Q"}
_PASSWORDS = {SecretSource.PROMPT: "+ps", SecretSource.EMPTY: "-pw"}


class NoEquivalentError(Exception):
    """findscu cannot say it; the text says what."""


@dataclass(frozen=True, slots=True)
class Equivalent:
    """What findscu can do of one request of a query to one peer.

    Attributes:
        query: its name.
        peer: the peer's name.
        source: the query file that the request comes from, "" for keys alone.
        argv: without the program's name; None where there is no such command line.
        notes: what of the job has no equivalent.
    """

    query: str
    peer: str
    source: str
    argv: tuple[str, ...] | None
    notes: tuple[str, ...]


def equivalents(job: Job) -> Iterator[Equivalent]:
    """Yield for each query, peer and request of a job the command line that sends the same.

    All of the identifier is given by keys, so that a command line needs no query file.
    """
    peers = {peer.name: peer for peer in job.peers}
    for query in job.queries:
        for name in query.peers:
            for request in query.requests:
                yield _equivalent(job, query, peers[name], request)


def _equivalent(job: Job, query: Query, peer: Peer, request: Request) -> Equivalent:
    notes: list[str] = []
    try:
        writer = _KeyWriter(job.dictionary)
        keys = [word for key in writer.keys(request.identifier) for word in ("-k", key)]
        if writer.group_lengths:
            notes.append("the group lengths of the query file: keys have none")
        words = [MODEL_OPTIONS[query.model], *_peer_words(peer, notes), *_query_words(query)]
        notes += _query_notes(query)
        words += _sink_words(_sinks_of(job, query), notes, old_vrs=writer.old_vrs)
        if not keys:
            raise NoEquivalentError("an empty identifier")
        argv = (*words, *keys, peer.host, str(peer.port))
    except NoEquivalentError as reason:
        return Equivalent(query.name, peer.name, request.source, None, (str(reason),))
    return Equivalent(query.name, peer.name, request.source, argv, tuple(notes))


def _query_words(query: Query) -> Iterator[str]:
    if query.cancel_after is not None:
        yield from ("--cancel", str(query.cancel_after))
    if query.repeat > 1:
        yield from ("--repeat", str(query.repeat))


def _query_notes(query: Query) -> Iterator[str]:
    if query.split is not None:
        yield "split: findscu asks for all at once, and knows no 'from' and 'to' but those of keys"
    if query.match.mode is MatchMode.DROP:
        yield "match: findscu tests no answers, all are printed and written"
    if query.only_new:
        yield "only: findscu knows nothing of earlier runs"
    if query.deduplicate is not None:
        yield "deduplicate: findscu prints and writes each answer as often as it comes"
    if query.expect is not None:
        yield "expect: findscu expects nothing of answers"
    for member in query.then:
        yield f"then, with the query {member.name}: findscu asks for nothing below what it finds"


def _sinks_of(job: Job, query: Query) -> list[SinkDeclaration]:
    """Return the sinks that take the answers of a query."""
    return [sink for sink in job.sinks if not sink.queries or query.name in sink.queries]


def _peer_words(peer: Peer, notes: list[str]) -> Iterator[str]:
    if peer.archive is not None:
        raise NoEquivalentError("an embedded archive")
    if peer.operations_per_association is not None:
        notes.append("operations_per_association: findscu sends all of a command line over one association")
    if not 4096 <= peer.max_pdu <= 131072 or peer.max_pdu % 2:
        raise NoEquivalentError(f"max_pdu {peer.max_pdu}: findscu takes even numbers from 4096 to 131072")
    yield from ("-aet", peer.calling_ae_title, "-aec", peer.ae_title, "-pdu", str(peer.max_pdu))
    yield from _timeout_words(peer, notes)
    yield from _syntax_words(peer)
    if peer.ip_version is not IPVersion.ANY:
        yield "-i4" if peer.ip_version is IPVersion.IPV4 else "-i6"
    if peer.end is AssociationEnd.ABORT:
        yield "--abort"
    if peer.tls is not None:
        yield from _tls_words(peer.tls, notes)
    if peer.user_identity is not None:
        notes.append("user_identity: findscu tells nobody who asks")
    if peer.extended_negotiation.proposed:
        notes.append("extended_negotiation: findscu asks for the baseline only")


def _timeout_words(peer: Peer, notes: list[str]) -> Iterator[str]:
    times = peer.timeouts
    if times.acse is None:
        notes.append("timeouts.acse null: findscu always bounds it")
    named = (("-to", times.connect), ("-ta", times.acse), ("-td", times.dimse), ("-ts", times.silence))
    for option, seconds in named:
        if seconds is not None:
            yield from (option, _whole(seconds, notes))


def _syntax_words(peer: Peer) -> Iterator[str]:
    syntax = next((name for name, order in SYNTAXES.items() if order == peer.transfer_syntaxes), None)
    if syntax is None:
        raise NoEquivalentError("this order of transfer_syntaxes")
    if syntax != "--propose-uncompr":
        yield syntax
    if peer.deflate_level != 6 and syntax == "--propose-deflated":
        yield from ("+cl", str(peer.deflate_level))


def _whole(seconds: float, notes: list[str]) -> str:
    whole = max(1, round(seconds))
    if whole != seconds:
        notes.append(f"a time-out of {seconds:g} s: findscu takes whole seconds")
    return str(whole)


def _tls_words(tls: Tls, notes: list[str]) -> Iterator[str]:
    yield from _own_certificate_words(tls, notes)
    for option, values in (
        ("+cf", tls.ca_files),
        ("+cd", tls.ca_directories),
        ("+crl", tls.crl_files),
        ("+cs", tls.ciphers),
        ("--request-sni", (tls.server_name,)),
        ("+dp", (tls.dh_parameters,)),
        ("+rs", (tls.seed,)),
        ("+wf", (tls.write_seed if tls.seed is not None else None,)),
    ):
        for value in values:
            if value is not None:
                yield from (option, str(value))
    if tls.revocation is not RevocationCheck.NONE:
        yield "+crv" if tls.revocation is RevocationCheck.LEAF else "+cra"
    yield VERIFICATION_OPTIONS[tls.verification]
    if tls.check_host:
        notes.append("tls.check_host: findscu never compares names")
    if tls.fingerprints:
        notes.append("tls.fingerprints: findscu compares none")
    if tls.minimum_version is not None:
        notes.append("tls.minimum_version: findscu has none but the profile's")
    yield next(option for option, profile in PROFILES.items() if profile is tls.profile)


def _own_certificate_words(tls: Tls, notes: list[str]) -> Iterator[str]:
    if tls.key is None or tls.certificate is None:
        yield "+tla"
    else:
        yield from ("+tls", str(tls.key), str(tls.certificate))
        yield _PASSWORDS.get(tls.password.source, "+ps")
        if tls.password.source not in _PASSWORDS:
            notes.append("tls.password: findscu asks for it, since a command line can be seen by others")
    if tls.key_format is KeyFormat.DER:
        yield "-der"


def _sink_words(sinks: Sequence[SinkDeclaration], notes: list[str], *, old_vrs: bool) -> list[str]:
    words: list[str] = []
    printed = extracted = False
    for sink in sinks:
        if isinstance(sink, StdoutSink):
            printed = True
            if sink.format is StdoutFormat.FINDSCU_LOG:
                words += ("--style", "3.6")
            elif sink.format is not StdoutFormat.FINDSCU:
                notes.append(f"the format {sink.format.value}: findscu prints in its own")
        elif isinstance(sink, (CsvSink, CohortSink)):
            notes.append(f"the sink {'csv' if isinstance(sink, CsvSink) else 'cohort'}")
        elif extracted:
            notes.append("the sink of a second kind of file")
        else:
            extracted = True
            words += _extract_words(sink)
            old_vrs = old_vrs or (isinstance(sink, RspSink) and sink.disable_new_vr)
    if not printed:
        words.append("-sr")
    elif extracted and "--style" in words:
        words.append("+sr")
    return ["-u", *words] if old_vrs else words


def _extract_words(sink: RspSink | XmlSink) -> Iterator[str]:
    if isinstance(sink, XmlSink) and sink.path:
        yield from ("-Xs", sink.path)
    else:
        yield "-X" if isinstance(sink, RspSink) else "-Xx"
        if sink.directory not in ("", "."):
            yield from ("-od", sink.directory)
    if sink.limit is not None:
        yield from ("-Xlo", str(sink.limit))


class _KeyWriter:
    """Writes the values of -k for an identifier.

    Attributes:
        old_vrs: whether an element is as only -u sends it.
        group_lengths: whether there are group lengths, which are no keys.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self.old_vrs = False
        self.group_lengths = False
        self._dictionary = dictionary

    def keys(self, identifier: Identifier, above: str = "", inherited: str = "") -> Iterator[str]:
        """Yield the keys of a data set, nested ones by path."""
        terms = declared_terms(identifier, inherited).strip(" \0")
        for element in identifier:
            if is_group_length(element.tag):
                self.group_lengths = True
                continue
            name = above + format_tag(element.tag)
            if isinstance(element.value, tuple):
                if not element.value:
                    yield name
                for number, item in enumerate(element.value):
                    if not item:
                        yield f"{name}[{number}]"
                    yield from self.keys(item, f"{name}[{number}].", terms)
                continue
            value = self._value(element, terms)
            yield f"{name}={value}" if value else name

    def _value(self, element: Element, terms: str) -> str:
        entry = self._dictionary.by_tag(element.tag)
        known = "UN" if entry is None else entry.vr
        vr = element.vr
        if vr != known:
            if vr != "OB" or known not in NEW_VRS:
                raise NoEquivalentError(f"{format_tag(element.tag)} as {vr}: findscu sends it as {known}")
            self.old_vrs = True
        data = _bytes(element, terms)
        if not data:
            return ""
        if known in _NUMBERS:
            numbers = struct.iter_unpack(_NUMBERS[known], data)
            return "\\".join(f"{number!r}" for (number,) in numbers)
        if known in ("OB", "UN"):
            return "\\".join(f"{byte:02x}" for byte in data)
        if known == "OW":
            return "\\".join(f"{word:04x}" for (word,) in struct.iter_unpack("<H", data))
        if vr == "OB" and known == "UT":
            data = data.rstrip(b" ")
        if b"\0" in data:
            raise NoEquivalentError(f"{format_tag(element.tag)}: a value with a NUL")
        return os.fsdecode(data)


def _bytes(element: Element, terms: str) -> bytes:
    value = element.value
    if isinstance(value, bytes):
        return value.rstrip(b"\0") if element.vr == "UI" else value
    text = value if isinstance(value, str) else ""
    if element.vr in TEXT_VRS:
        return character_set(terms).encode(text, element.vr)
    return text.encode("ascii", "replace")
