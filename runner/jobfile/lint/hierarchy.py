"""Rules about levels and models: which keys a peer must take, or has nothing for (PS3.4 C.4.1, C.6)."""

from __future__ import annotations

from collections.abc import Iterator

from runner.dicom.tags import is_private
from runner.jobfile.keys import QUERY_RETRIEVE_LEVEL
from runner.jobfile.lint.subject import Asked, Finding, Sent, Subject, name_of
from runner.model import InformationModel, Level, MatchMode
from runner.query_keys import COMPUTED, UNIQUE_KEYS, level_of, levels_counted


def missing_unique_keys(subject: Subject) -> Iterator[Finding]:
    """Above the level, each unique key has a single value (PS3.4 C.4.1.2.1), but in relational queries."""
    for asked in _hierarchical(subject):
        yield from without_unique_keys(subject, asked)


def without_unique_keys(subject: Subject, asked: Asked) -> Iterator[Finding]:
    """Yield what is missing in the first of a query's identifiers that lacks unique keys above its level."""
    for sent in asked.sent:
        found = list(_missing(subject, asked, sent))
        yield from found
        if found:
            break  # other files or rows of the query would say the same


def _missing(subject: Subject, asked: Asked, sent: Sent) -> Iterator[Finding]:
    level, levels = _level(sent), asked.query.model.levels
    if level not in levels:
        return
    for above in levels[: levels.index(level)]:
        tag = UNIQUE_KEYS[above]
        value = sent.text(tag)
        if tag in asked.query.inherits or tag in sent.from_rows or (value and not set("*?\\") & set(value)):
            continue
        name = name_of(subject, tag)
        advice = f"ask at the level {above.value} first, and put what it returns here"
        if value:
            yield Finding(
                asked.place_of(tag),
                f"{name} must have a single value at the level {level.value}, without wildcards",
                "send a query for each value, or a relational one to a peer that takes it",
            )
        elif tag in asked.keys:
            what = f"{name} has no value, which the level {level.value} asks for"
            yield Finding(asked.place_of(tag), what, advice)
        else:
            what = f"the level {level.value} asks for a single value of {name}"
            yield Finding(asked.keys_section(), what, advice)


def keys_below_level(subject: Subject) -> Iterator[Finding]:
    """A peer knows an attribute of a series or an object only at that level (PS3.4 C.6.1.1)."""
    for asked, tag, level, own in _levelled(subject):
        if not _is_above(own, level):
            name = name_of(subject, tag)
            what = f"{name} is an attribute of the level {own.value}, and this query asks at {level.value}"
            advice = f"take it out, or ask at the level {own.value}"
            if tag == 0x00080060 and level is Level.STUDY:
                advice = "write ModalitiesInStudy, or ask at the level SERIES"
            yield Finding(asked.place_of(tag), what, advice)


def keys_above_level(subject: Subject) -> Iterator[Finding]:
    """Of levels above, only the unique keys are asked for (PS3.4 C.4.1.2.1), but in relational queries."""
    for asked, tag, level, own in _levelled(subject):
        if _is_above(own, level) and tag not in UNIQUE_KEYS.values():
            name = name_of(subject, tag)
            what = f"{name} is an attribute of the level {own.value}, and this query asks at {level.value}"
            advice = f"ask for it at the level {own.value}: here a peer may ignore it, or leave it empty"
            yield Finding(asked.place_of(tag), what, advice)


def _levelled(subject: Subject) -> Iterator[tuple[Asked, int, Level, Level]]:
    """Yield keys that belong to another level than that of their query, each once."""
    for asked in _hierarchical(subject):
        seen: set[int] = set()
        for sent in asked.sent:
            level = _level(sent)
            if level is None:
                continue
            counted = levels_counted(asked.query.model, level)
            for tag in sent.elements:
                own = None if tag in seen or is_private(tag) else level_of(tag)
                if own is not None and own not in counted and tag != QUERY_RETRIEVE_LEVEL:
                    seen.add(tag)
                    yield asked, tag, level, own


def empty_queries(subject: Subject) -> Iterator[Finding]:
    """A query without a matching key is answered with all that there is."""
    for asked in subject.queries:
        if asked.query.cancel_after is not None or asked.query.split is not None:
            continue
        if asked.query.inherits:
            continue  # the records above it narrow it
        empty = [sent for sent in asked.sent if not any(map(sent.narrows, sent.elements))]
        if empty:
            what = "no key has a value, so the peer answers with all that it has"
            advice = "narrow it, by StudyDate for example, or set 'cancel_after'"
            if asked.query.model is InformationModel.WORKLIST:
                advice = "narrow it, by ScheduledProcedureStepStartDate for example, or set 'cancel_after'"
            yield Finding(asked.keys_section(), what, advice)


def computed_keys(subject: Subject) -> Iterator[Finding]:
    """Attributes that archives compute are optional keys, and many archives only return them."""
    for asked in subject.queries:
        if asked.is_of_archives or asked.query.match.mode is MatchMode.DROP:
            continue  # our own archive matches by them; what does not match is dropped
        for tag in asked.narrowing():
            if tag in COMPUTED:
                what = f"{name_of(subject, tag)} is computed, and some peers ignore it as a matching key"
                advice = "look for others in the answers, or into the peer's conformance statement"
                yield Finding(asked.place_of(tag), what, advice)


def _hierarchical(subject: Subject) -> Iterator[Asked]:
    """Yield the queries that go down the levels; relational ones may have any keys (PS3.4 C.4.1.2.2)."""
    return (
        asked
        for asked in subject.queries
        if asked.query.model is not InformationModel.WORKLIST
        and not asked.is_relational
        and not subject.all_are_relational(asked)
    )


def _level(sent: Sent) -> Level | None:
    text = sent.text(QUERY_RETRIEVE_LEVEL)
    return Level(text) if text in {level.value for level in Level} else None


def _is_above(one: Level, other: Level) -> bool:
    order = tuple(Level)
    return order.index(one) < order.index(other)
