"""Queries below others: what is asked for each record that a query finds."""

from __future__ import annotations

from collections.abc import Sequence

from runner.dicom.tags import format_tag, parse_tag
from runner.jobfile.section import Section
from runner.model import InformationModel, Level, Query
from runner.plan import QUERY_RETRIEVE_LEVEL
from runner.query_keys import UNIQUE_KEYS


def passed_down(
    query: Section, model: InformationModel | None, levels: Sequence[Level | None]
) -> tuple[int, ...]:
    """Return the tags of what a query passes down: the unique keys of its level and of those above it.

    Complains where the query cannot have others below it. Nothing is returned then, nor where the model is
    not known.

    Args:
        query: that has others below it.
        model: its information model, None where the job does not say.
        levels: those of its requests, each once.
    """
    if model is None:
        return ()
    if model is InformationModel.WORKLIST:
        what = "the worklist has no levels, so nothing is below its items"
        query["then"].problem(what, "take 'then' out", of_key=True)
        return ()
    if len(levels) != 1 or levels[0] not in model.levels:
        what = "a query with 'then' asks at one level, and says which"
        query["then"].problem(what, "add 'level' to the query", of_key=True)
        return ()
    known = model.levels
    return tuple(UNIQUE_KEYS[level] for level in known[: known.index(levels[0]) + 1])


def check_below(query: Section, made: Query, above: Query) -> None:
    """Complain about a query below another that is not for its records.

    Args:
        query: the lower one.
        made: what was made of it.
        above: the upper one.
    """
    level, upper = _level(made), _level(above)
    levels = made.model.levels
    if level is not None and upper is not None and levels.index(level) <= levels.index(upper):
        what = f"the level {level.value} is not below {upper.value}, the level of {above.name!r}"
        below = ", ".join(lower.value for lower in levels[levels.index(upper) + 1 :])
        query["level"].problem(what, f"write {below}" if below else f"take it out of {above.name!r}")
    for name, key in query["keys"].members():
        tag = parse_tag(name)
        inherited = next((known for known in made.inherits if known == tag or _keyword(known) == name), None)
        if inherited is not None and key.data not in (None, "", []):
            what = f"its value comes from the records of {above.name!r}"
            key.problem(what, "leave the value empty, or take the key out", of_key=True)


def _level(query: Query) -> Level | None:
    for request in query.requests:
        for element in request.identifier:
            if element.tag == QUERY_RETRIEVE_LEVEL and isinstance(element.value, str):
                levels = {level.value: level for level in query.model.levels}
                return levels.get(element.value)
        return None
    return None


def _keyword(tag: int) -> str:
    from runner.dicom.dictionary import STANDARD

    entry = STANDARD.by_tag(tag)
    return entry.keyword if entry is not None else format_tag(tag)
