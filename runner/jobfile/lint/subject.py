"""What the rules look at: a job with the sections that it was made of, and what they find in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from runner.dicom.identifier import Element, Identifier
from runner.dicom.matching import is_matched, is_universal
from runner.dicom.tags import format_tag, parse_tag
from runner.jobfile.nodes import Mapping
from runner.jobfile.section import Section
from runner.model import InformationModel, Job, Peer, Query, QueryOption, Request

#: How many identifiers of a query are looked at: those of its files, or the first that its rows make.
MAX_LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """An identifier that a query sends.

    Attributes:
        elements: by their tags.
        from_rows: tags of those whose value, or a value within, comes from a row.
    """

    elements: dict[int, Element]
    from_rows: frozenset[int]

    def narrows(self, tag: int) -> bool:
        """Whether an attribute is a key that does not match everything."""
        element = self.elements.get(tag)
        if element is None or not is_matched(tag):
            return False
        return tag in self.from_rows or not is_universal(element)

    def text(self, tag: int) -> str:
        """Return the value of an attribute as text; "" for one that is not there, or no text."""
        element = self.elements.get(tag)
        value = element.value if element is not None else ""
        text = value.decode("latin_1") if isinstance(value, bytes) else value
        return text.strip(" \0") if isinstance(text, str) else ""

    def leaves(self) -> Iterator[tuple[int, Element]]:
        """Yield the elements that are no sequences with items, each with the tag of the key that it is in."""
        for tag, key in self.elements.items():
            waiting = [key]
            while waiting:
                element = waiting.pop()
                if isinstance(element.value, tuple):
                    waiting += (inner for item in element.value for inner in item)
                else:
                    yield tag, element


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of the job.

    Attributes:
        query: the query.
        section: where it stands.
        peers: that it goes to, as far as the job has them.
        sent: what it sends, no more than MAX_LOOKED_AT.
        keys: the sections of its keys, by tag, those of key sets that it uses too.
    """

    query: Query
    section: Section
    peers: tuple[Peer, ...]
    sent: tuple[Sent, ...]
    keys: dict[int, Section]

    @property
    def is_relational(self) -> bool:
        """Whether each of its peers is asked for relational queries (PS3.4 C.4.1.2.2.1)."""
        model = self.query.model
        return bool(self.peers) and all(
            QueryOption.RELATIONAL in peer.extended_negotiation.proposed_for(model) for peer in self.peers
        )

    def narrowing(self) -> Iterator[int]:
        """Yield the tags of keys that narrow what some identifier asks for, each once, in their order."""
        seen = {tag for sent in self.sent for tag in sent.elements if sent.narrows(tag)}
        return iter(sorted(seen))

    def named(self, *, all_of_identifier: bool = False) -> Iterator[int]:
        """Yield the tags of all keys, each once, in their order; with `all_of_identifier` of all elements."""
        tags = {tag for sent in self.sent for tag in sent.elements}
        return iter(sorted(tag for tag in tags if all_of_identifier or is_matched(tag)))

    @property
    def is_of_archives(self) -> bool:
        """Whether it goes to no other peer than folders that we serve ourselves."""
        return all(peer.archive is not None for peer in self.peers)

    def place_of(self, tag: int) -> Section:
        """Return where a key stands: among the keys, its own or those of sets, else in the files."""
        if tag in self.keys:
            return self.keys[tag]
        return self.section["files"] if "files" in self.section.data else self.keys_section()

    def keys_section(self) -> Section:
        """Return where the keys stand, else the key sets or the files that have them."""
        return next(self.section[name] for name in ("keys", "use", "files") if name in self.section)


@dataclass(frozen=True, slots=True)
class Subject:
    """A job that is looked at.

    Attributes:
        job: without an error.
        top: its document, with the values that references stand for.
        typed: the document as it was typed.
        queries: of the job.
    """

    job: Job
    top: Section
    typed: Mapping
    queries: tuple[Asked, ...]

    def is_own(self, section: Section) -> bool:
        """Whether a section stands in the job itself: what it includes may be there for other jobs."""
        return section.place().file == self.top.place().file

    def profiles(self, asked: Asked) -> Iterator[tuple[str, Section]]:
        """Yield the names of a query's peers with what is known of them for its information model."""
        for peer in asked.peers:
            profile = self.top["profiles"][peer.name]
            model = profile["model"].text() or asked.query.model.value
            worklist = InformationModel.WORKLIST
            if (model == worklist.value) == (asked.query.model is worklist):
                yield peer.name, profile

    def all_are_relational(self, asked: Asked) -> bool:
        """Whether each peer of a query is known to answer relational queries."""
        known = [profile["relational"].data is True for _, profile in self.profiles(asked)]
        return bool(known) and all(known) and len(known) == len(asked.peers)


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a rule is broken, how, and what to do; it quotes no value of a key."""

    section: Section
    what: str
    advice: str = ""
    of_key: bool = True


#: Finds where a job breaks a rule.
Check = Callable[[Subject], Iterator[Finding]]


def name_of(subject: Subject, tag: int) -> str:
    """Return an attribute's keyword, or its tag where it has none."""
    entry = subject.job.dictionary.by_tag(tag)
    return entry.keyword if entry is not None and entry.keyword else format_tag(tag)


def subject(job: Job, top: Section, typed: Mapping) -> Subject:
    """Put together what the rules look at."""
    queries = tuple(
        _asked(query, job, section, top["key_sets"])
        for query, section in _family(job.queries, top["queries"])
    )
    return Subject(job, top, typed, queries)


def _family(queries: Iterable[Query], section: Section) -> Iterator[tuple[Query, Section]]:
    """Yield queries and those below them, each with where it stands."""
    for query in queries:
        own = section[query.name]
        yield query, own
        yield from _family(query.then, own["then"])


def _asked(query: Query, job: Job, section: Section, key_sets: Section) -> Asked:
    peers = tuple(peer for peer in job.peers if peer.name in query.peers)
    keys: dict[int, Section] = {}
    sets = [key_sets[item.text()] for item in section["use"].texts()]
    for name, key in (member for some in (*sets, section["keys"]) for member in some.members()):
        tag = parse_tag(name)
        entry = job.dictionary.by_keyword(name) if tag is None else None
        tag = entry.tag if entry is not None else tag
        if tag is not None:
            keys[tag] = key
    return Asked(query, section, peers, tuple(_sent(query)), keys)


def _sent(query: Query) -> Iterator[Sent]:
    from_rows = getattr(query.requests, "from_rows", None)
    if from_rows is not None:  # its rows may be many, and what is in them is looked at elsewhere
        for identifier, paths in from_rows():
            yield Sent(_by_tag(identifier), frozenset(path[0] for path in paths))
        return
    requests: Iterator[Request] = iter(query.requests)
    for request in islice(requests, MAX_LOOKED_AT):
        yield Sent(_by_tag(request.identifier), frozenset())


def _by_tag(identifier: Identifier) -> dict[int, Element]:
    return {element.tag: element for element in identifier}
