"""Rules about what is known of peers: a job does not ask them for what they do not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from runner.dicom.identifier import Element, Path
from runner.dicom.matching import is_matched, is_universal, text_of
from runner.dicom.values import WILDCARD_VRS
from runner.jobfile.lint.hierarchy import without_unique_keys
from runner.jobfile.lint.subject import Asked, Finding, Sent, Subject, name_of
from runner.jobfile.profiles import ignored_keys as ignored
from runner.jobfile.profiles import probed_at
from runner.jobfile.section import Section
from runner.model import DateSplit, InformationModel, LetterSplit, MatchMode

#: After so many microseconds what was learned of a peer may be true no longer.
_OLD = 365 * 24 * 60 * 60 * 1_000_000
_RANGED = {"DA": "dates", "TM": "times"}


def ignored_keys(subject: Subject) -> Iterator[Finding]:
    """A peer that ignores a key answers with what does not match it (PS3.4 C.2.2.1.3)."""
    for asked in subject.queries:
        if asked.query.match.mode is MatchMode.DROP:
            continue
        for peer, profile in subject.profiles(asked):
            paths = ignored(profile)
            seen: set[Path] = set()
            for path in (path for sent in asked.sent for path in _narrowing(sent)):
                if path in paths and path not in seen:
                    seen.add(path)
                    name = name_of(subject, path[-1])
                    what = f"the profile of the peer {peer} says that it ignores {name} as a matching key"
                    advice = "set 'match: drop', which leaves out the answers that do not match"
                    yield Finding(asked.place_of(path[0]), what, advice)


def unsupported_wildcards(subject: Subject) -> Iterator[Finding]:
    """A peer without wildcards takes * and ? for what they are."""
    for asked, peer, profile in _known(subject, "wildcards"):
        split = asked.query.split
        for kind, words in (("names", "in person names"), ("texts", "in texts such as PatientID")):
            if profile["wildcards"][kind].data is not False:
                continue
            what = f"the profile of the peer {peer} says that it has no wildcards {words}"
            for tag in _keys(asked, partial(_has_wildcard, kind)):
                yield Finding(asked.place_of(tag), what, "write the whole value", of_key=False)
            if isinstance(split, LetterSplit) and (split.vr == "PN") == (kind == "names"):
                yield Finding(asked.section["split"], what, "split on a date, or by a list of values")


def unsupported_ranges(subject: Subject) -> Iterator[Finding]:
    """A peer without ranges refuses them, or takes them for one value."""
    for asked, peer, profile in _known(subject, "ranges"):
        split = asked.query.split
        for kind, words in (
            ("dates", "no ranges of dates"),
            ("times", "no ranges of times"),
            ("open_ended", "no ranges without a begin or an end"),
        ):
            if profile["ranges"][kind].data is not False:
                continue
            what = f"the profile of the peer {peer} says that it has {words}"
            advice = "write both ends" if kind == "open_ended" else "write {any_of: […]}, or a single value"
            for tag in _keys(asked, partial(_has_range, kind)):
                yield Finding(asked.place_of(tag), what, advice, of_key=False)
            if isinstance(split, DateSplit) and kind == "dates":
                yield Finding(asked.section["split"], what, "split by letters, or by a list of values")


def unsupported_relational_queries(subject: Subject) -> Iterator[Finding]:
    """A peer may agree to relational queries and not answer them all the same."""
    for asked in subject.queries:
        if asked.query.model is InformationModel.WORKLIST or not asked.is_relational:
            continue  # without negotiation, missing-unique-key says it
        for peer, profile in subject.profiles(asked):
            if profile["relational"].data is False:
                what = f"the profile of the peer {peer} says that it answers no relational queries"
                for finding in without_unique_keys(subject, asked):
                    yield Finding(finding.section, f"{finding.what}, and {what}", finding.advice)


def cancels_not_honoured(subject: Subject) -> Iterator[Finding]:
    """A peer that does not heed a C-CANCEL sends all that it has (PS3.7 9.3.2.3)."""
    for asked in subject.queries:
        for peer, profile in subject.profiles(asked):
            if asked.query.cancel_after is not None and profile["cancel"].data is False:
                what = (
                    f"the profile of the peer {peer} says that it does not heed a C-CANCEL: all answers come"
                )
                yield Finding(asked.section["cancel_after"], what, "narrow the query, by a date for example")


def unused_profiles(subject: Subject) -> Iterator[Finding]:
    """A profile of no peer may have a name that was written wrong."""
    names = {peer.name for peer in subject.job.peers}
    for name, profile in subject.top["profiles"].members():
        if name not in names and subject.is_own(profile):
            yield Finding(profile, "no peer has this name", "give it the name of a peer, or take it out")


def old_profiles(subject: Subject) -> Iterator[Finding]:
    """Archives are updated, and set up anew."""
    names = {peer.name for peer in subject.job.peers}
    now = subject.top.complaints.clock.instant
    for name, profile in subject.top["profiles"].members():
        probed = probed_at(profile)
        if name in names and probed is not None and now - probed.instant > _OLD:
            what = "what is known of this peer was learned more than a year ago"
            yield Finding(profile["probed"], what, "run 'cfind probe' again")


def _known(subject: Subject, what: str) -> Iterator[tuple[Asked, str, Section]]:
    for asked in subject.queries:
        for peer, profile in subject.profiles(asked):
            if profile[what].data is not None:
                yield asked, peer, profile


def _keys(asked: Asked, is_meant: Callable[[Element], bool]) -> Iterator[int]:
    """Yield the tags of the keys that have such a value, or hold one, each once."""
    found = {tag for sent in asked.sent for tag, element in sent.leaves() if is_meant(element)}
    return iter(sorted(found))


def _has_wildcard(kind: str, element: Element) -> bool:
    is_of_kind = element.vr in WILDCARD_VRS and (element.vr == "PN") == (kind == "names")
    if not is_of_kind or not is_matched(element.tag) or is_universal(element):
        return False
    return bool(set("*?") & set(text_of(element)))


def _has_range(kind: str, element: Element) -> bool:
    text = text_of(element)
    if element.vr not in _RANGED or "-" not in text:
        return False
    return text.startswith("-") or text.endswith("-") if kind == "open_ended" else _RANGED[element.vr] == kind


def _narrowing(sent: Sent) -> Iterator[Path]:
    """Yield the paths of the keys that do not match everything."""
    waiting: list[tuple[Path, Element]] = [((tag,), element) for tag, element in sent.elements.items()]
    while waiting:
        path, element = waiting.pop()
        if isinstance(element.value, tuple):
            waiting += [
                ((*path, number, inner.tag), inner)
                for number, item in enumerate(element.value)
                for inner in item
            ]
        elif path[0] in sent.from_rows or (is_matched(path[-1]) and not is_universal(element)):
            yield path
