"""From `match`, `deduplicate` and `expect` of a query to the model, and to the return keys that they need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Element, Identifier, Path, merged
from runner.dicom.path import PathError, parse_path, path_text
from runner.jobfile.section import Section
from runner.model import (
    Across,
    Bounds,
    Deduplicate,
    Expect,
    InformationModel,
    Level,
    Match,
    MatchMode,
    UniqueKey,
)

#: IssuerOfPatientID, which tells equal PatientIDs apart where it is there.
_ISSUER = (0x00100021,)
_STATUS = re.compile(r"(?:0x)?([0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What is done with the answers of a query; as in runner.model.Query.

    `passes_down` are the tags of what the queries below it inherit, `record` is what tells its records apart
    for what counts them.
    """

    match: Match = field(default_factory=Match)
    deduplicate: Deduplicate | None = None
    expect: Expect | None = None
    passes_down: tuple[int, ...] = ()
    record: UniqueKey | None = None

    def paths(self) -> Iterator[Path]:
        """Yield the attributes that must come back."""
        yield from ((tag,) for tag in self.passes_down)
        if self.deduplicate is not None:
            yield from self.deduplicate.key.paths
        if self.record is not None:
            yield from self.record.paths
        if self.expect is not None:
            yield from self.expect.required
            for paths in self.expect.unique:
                yield from paths


def read_answer_rules(
    query: Section,
    model: InformationModel | None,
    levels: Sequence[Level | None],
    dictionary: Dictionary,
    *,
    counts_records: bool = False,
) -> AnswerRules:
    """Read what is done with the answers of a query.

    Args:
        query: the query.
        model: its information model, None where the job does not say.
        levels: those of its requests, each once.
        dictionary: names and VRs.
        counts_records: whether records are to be told apart for what counts them.
    """
    passes_down: tuple[int, ...] = ()
    if query["then"].data:
        from runner.jobfile.drill_down import passed_down

        passes_down = passed_down(query, model, levels)
    return AnswerRules(
        _match(query["match"]),
        _deduplicate(query, model, levels, dictionary),
        _expect(query["expect"], dictionary) if query["expect"].data is not None else None,
        passes_down,
        _record(query, model, levels, dictionary) if counts_records else None,
    )


def with_return_keys(
    identifier: Identifier, rules: AnswerRules, query: Section, dictionary: Dictionary
) -> Identifier:
    """Return an identifier that asks for all that the rules look at; complain where that cannot be."""
    added: dict[int, Element] = {}
    for path in rules.paths():
        if _asks_for(identifier, path):
            continue
        entry = dictionary.by_tag(path[0])
        if len(path) > 1 or entry is None:
            section = query["deduplicate"] if query["expect"].data is None else query["expect"]
            what = (
                f"the keys of the query do not ask for {path_text(path, dictionary)}, which is looked at here"
            )
            section.problem(what, "add it to the keys", of_key=True)
            continue
        added[path[0]] = Element(path[0], entry.vr, () if entry.vr == "SQ" else "")
    return merged(identifier, tuple(added[tag] for tag in sorted(added))) if added else identifier


def _asks_for(identifier: Identifier, path: Path) -> bool:
    """Whether an identifier asks for an attribute; a sequence without items asks for all of its own."""
    element = next((one for one in identifier if one.tag == path[0]), None)
    if element is None:
        return False
    if len(path) == 1 or not element.value:
        return True
    return isinstance(element.value, tuple) and any(_asks_for(item, path[2:]) for item in element.value)


def _match(section: Section) -> Match:
    mode = section["mode"].text() if isinstance(section.data, dict) else section.text()
    return Match(
        MatchMode(mode) if mode in {known.value for known in MatchMode} else MatchMode.REPORT,
        name_case=section["name_case"].data is True,
        name_accents=section["name_accents"].data is True,
    )


def _deduplicate(
    query: Section, model: InformationModel | None, levels: Sequence[Level | None], dictionary: Dictionary
) -> Deduplicate | None:
    """Read `deduplicate`; the parts of a split query overlap, so that their records are told apart anyway."""
    section = query["deduplicate"]
    if section.data in (None, False):
        if not query["split"].data:
            return None
        section, across = query["split"], Across.PARTS
    else:
        of_peer = section["across"].text() == Across.OPERATIONS.value
        across = Across.OPERATIONS if of_peer else Across.PEERS
        if "keys" in section:
            return Deduplicate(UniqueKey(_paths(section["keys"], dictionary)), across)
    key = _of_level(section, model, levels, "write 'deduplicate: {keys: [StudyInstanceUID]}' or the like")
    return Deduplicate(key, across) if key is not None else None


def _record(
    query: Section, model: InformationModel | None, levels: Sequence[Level | None], dictionary: Dictionary
) -> UniqueKey | None:
    """Return what tells records apart: the keys of `deduplicate`, or the unique key of the level."""
    if "keys" in query["deduplicate"]:
        return UniqueKey(_paths(query["deduplicate"]["keys"], dictionary))
    return _of_level(query, model, levels, "add 'level' to the query")


def _of_level(
    section: Section, model: InformationModel | None, levels: Sequence[Level | None], advice: str
) -> UniqueKey | None:
    """Return what tells the records of a level apart (PS3.4 C.6); complain where there is no single level."""
    if model is InformationModel.WORKLIST:
        return UniqueKey()
    level = levels[0] if len(levels) == 1 else None
    if level is None:
        what = "the query has no level that says what tells its records apart"
        if levels and None not in levels:
            what = "the query files are of several levels, whose records have different unique keys"
        section.problem(what, advice, of_key=True)
        return None
    return UniqueKey(((level.unique_key,),), (_ISSUER,) if level is Level.PATIENT else ())


def _expect(section: Section, dictionary: Dictionary) -> Expect:
    unique: dict[tuple[Path, ...], None] = {}
    for item in section["unique"].items():
        paths = _paths(item, dictionary) if isinstance(item.data, list) else _path(item, dictionary)
        if paths and paths in unique:
            item.problem("this stands in the list a second time", "remove it")
        elif paths:
            unique[paths] = None
    return Expect(
        _bounds(section),
        _bounds(section["each"]),
        tuple(unique),
        _paths(section["required"], dictionary),
        tuple(_statuses(section["status"])),
    )


def _bounds(section: Section) -> Bounds:
    low, high = section["min"].integer(None), section["max"].integer(None)
    if low is not None and high is not None and low > high:
        section["min"].problem(f"min is {low}, and max is {high}", "swap them, or correct one")
    return Bounds(low, high)


def _statuses(section: Section) -> Iterator[int]:
    for item in section.items() if isinstance(section.data, list) else [section]:
        match = _STATUS.fullmatch(item.text())
        if match is not None:
            yield int(match[1], 16)


def _path(section: Section, dictionary: Dictionary) -> tuple[Path, ...]:
    if not section.text():
        return ()
    try:
        return (parse_path(section.text(), dictionary),)
    except PathError as error:
        section.problem(error.what, error.advice)
        return ()


def _paths(section: Section, dictionary: Dictionary) -> tuple[Path, ...]:
    paths: dict[Path, str] = {}
    for item in section.items():
        for path in _path(item, dictionary):
            first = paths.setdefault(path, item.text())
            if first != item.text():
                item.problem(f"this is the same attribute as {first!r}", "keep one of them")
    return tuple(paths)
