"""From the keys, the level and the files of a query to the identifiers that it sends."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runner.dicom.charset import TEXT_VRS, character_set
from runner.dicom.dictionary import Dictionary
from runner.dicom.encoding import EncodingError, declared_terms, encode
from runner.dicom.identifier import Element, Identifier, Path, merged
from runner.dicom.tags import SPECIFIC_CHARACTER_SET, is_group_length, is_private_creator, parse_tag
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import QueryFileError
from runner.jobfile.answers import AnswerRules, read_answer_rules, with_return_keys
from runner.jobfile.keys import DEFAULT_CHARACTER_SET, QUERY_RETRIEVE_LEVEL, Keys, UsedKeys, read_keys
from runner.jobfile.section import Section
from runner.model import InformationModel, Level, Request, Requests

#: What a query says about its answers.
_ABOUT_ANSWERS = ("match", "deduplicate", "expect", "split", "then")


def read_requests(
    query: Section,
    model: InformationModel | None,
    dictionary: Dictionary,
    used: Sequence[UsedKeys] = (),
    *,
    check_rows: bool = True,
    counts_records: bool = False,
) -> tuple[tuple[Request, ...] | Requests, tuple[Path, ...], AnswerRules]:
    """Make the requests of a query.

    Args:
        query: the query.
        model: its information model, None where the job does not say.
        dictionary: names and VRs.
        used: the key sets that it uses, in its order.
        check_rows: whether all rows of a `foreach` are looked at.
        counts_records: whether its records are to be told apart for what counts them.

    Returns:
        A request for each query file, or one for the keys, each of them for every row where there are
        rows, and for every value of keys that have several; the attributes that the query names; and what is
        done with its answers.
    """
    drafts, columns = _Query(query, model, dictionary, used).read()
    rules = AnswerRules()
    counts_records = counts_records or query["only"].data is not None
    if counts_records or any(query[name].data is not None for name in _ABOUT_ANSWERS):
        levels = tuple(dict.fromkeys(_level_of(draft.identifier) for draft in drafts))
        rules = read_answer_rules(query, model, levels, dictionary, counts_records=counts_records)
        drafts = [
            replace(draft, identifier=with_return_keys(draft.identifier, rules, query, dictionary))
            for draft in drafts
        ]
    if "foreach" not in query:
        complete = [draft for draft in drafts if not _wants_rows(draft.keys, used)]
        if len(complete) < len(drafts):
            return (), columns, rules
    if "foreach" in query or any(draft.keys.bound for draft in drafts):
        from runner.jobfile.foreach import read_foreach

        made = [(draft.identifier, draft.source, draft.keys.bound) for draft in drafts]
        return read_foreach(query, made, dictionary, check_rows=check_rows), columns, rules
    return tuple(Request(draft.identifier, draft.source) for draft in drafts), columns, rules


def _wants_rows(keys: Keys, used: Sequence[UsedKeys]) -> bool:
    """Whether keys come from rows; interpolation has complained of the query's own, this does of key sets."""
    wanting = [bound for bound in keys.bound if any(value.is_of_rows for value in bound.values)]
    for bound in wanting:
        for one in used:
            if bound.section.path[:2] == one.keys.path:
                what = (
                    f"the key set has ${{row.…}}, {bound.section.other(one.use)}, and the query has no rows"
                )
                one.use.problem(what, "add 'foreach' to the query, with 'values' or 'csv'")
    return bool(wanting)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A request, but for what comes from rows."""

    identifier: Identifier
    source: str
    keys: Keys


@dataclass(slots=True)
class _Query:
    query: Section
    model: InformationModel | None
    dictionary: Dictionary
    used: Sequence[UsedKeys]

    def read(self) -> tuple[list[_Draft], tuple[Path, ...]]:
        level = self.level()
        if "files" not in self.query:
            identifier, keys = self.identifier((), level, self.query["keys"])
            return [_Draft(identifier, "", keys)], keys.columns
        drafts: list[_Draft] = []
        columns: dict[Path, None] = {}
        for item in self.query["files"].items():
            base = self.file(item)
            if base is None:
                self.keys((), DEFAULT_CHARACTER_SET)  # for its complaints
                continue
            identifier, keys = self.identifier(base, level, item)
            drafts.append(_Draft(identifier, item.text(), keys))
            columns.update(dict.fromkeys(keys.columns))
            named = {element.tag for element in keys.elements}
            columns.update(
                dict.fromkeys(_columns(tuple(element for element in base if element.tag not in named)))
            )
        return drafts, tuple(columns)

    def level(self) -> Level | None:
        """Return the level that the query states; complain where the model does not have it."""
        section = self.query["level"]
        text = section.text()
        if text not in {level.value for level in Level}:
            return None
        level = Level(text)
        if self.model is InformationModel.WORKLIST:
            section.problem("the worklist has no levels", "take 'level' out", of_key=True)
        elif self.model is not None and level not in self.model.levels:
            section.problem(*_not_of_model(level.value, self.model))
        return level

    def file(self, item: Section) -> Identifier | None:
        """Return the identifier of a query file."""
        if not item.text():
            return None
        from runner.dicom.query_file import read_query_file

        try:
            return read_query_file(item.beside(item.text()), self.dictionary)
        except QueryFileError as error:
            if not os.path.isfile(item.beside(item.text())):  # noqa: PTH113 - false for a name that is too long
                advice = "name a file, relative to the job file"
                item.problem(error.what, error.advice or advice)
            else:
                item.problem(f"this is no query file: {error.what}", error.advice)
            return None

    def identifier(self, base: Identifier, level: Level | None, blamed: Section) -> tuple[Identifier, Keys]:
        """Put the keys and the level into an identifier.

        Args:
            base: of the query file, empty where there is none.
            level: the level that the query states.
            blamed: what is complained about where the whole cannot be sent.
        """
        complaints = self.query.complaints
        before = complaints.errors
        declared = _declared(base)
        keys = self.keys(base, declared)
        elements = {element.tag: element for element in keys.elements}
        if keys.undeclared is not None or (
            SPECIFIC_CHARACTER_SET not in elements and _needs_character_set(base)
        ):
            elements[SPECIFIC_CHARACTER_SET] = Element(SPECIFIC_CHARACTER_SET, "CS", DEFAULT_CHARACTER_SET)
        if level is not None:
            self.check_contradiction(elements.get(QUERY_RETRIEVE_LEVEL), level)
            elements[QUERY_RETRIEVE_LEVEL] = Element(QUERY_RETRIEVE_LEVEL, "CS", level.value)
        changed = SPECIFIC_CHARACTER_SET in elements and elements[SPECIFIC_CHARACTER_SET].value != declared
        if base and (changed or (keys.bound and declared is None)):  # a row may change it
            base = self.decoded(base, blamed)
        whole = merged(base, tuple(elements[tag] for tag in sorted(elements)))
        if self.model is not None and level is None:
            self.check_level(whole, blamed, self.model)
        if complaints.errors == before:
            try:
                encode(whole, TransferSyntax.EXPLICIT_LITTLE)
            except EncodingError as error:
                blamed.problem(f"the identifier cannot be sent: {error}", "correct this attribute")
        return whole, keys

    def keys(self, base: Identifier, declared: str | None) -> Keys:
        return read_keys(self.query["keys"], self.dictionary, base, declared, self.used)

    def decoded(self, base: Identifier, blamed: Section) -> Identifier:
        """Return a query file's identifier with texts for bytes, ready for another character set."""
        try:
            return _decoded(base, "")
        except ValueError:
            what = "the keys change the character set, but the file's texts cannot be read in its own"
            blamed.problem(what, "correct SpecificCharacterSet in the file")
            return base

    # --- the level ------------------------------------------------------------------------------------

    def level_key(self) -> Section | None:
        """Return the key that names QueryRetrieveLevel."""
        for keys in (self.query["keys"], *(one.keys for one in self.used)):
            for name, section in keys.members():
                if name == "QueryRetrieveLevel" or parse_tag(name) == QUERY_RETRIEVE_LEVEL:
                    return section
        return None

    def check_contradiction(self, element: Element | None, level: Level) -> None:
        key = self.level_key()
        if element is None or key is None or _text(element) in {"", level.value}:
            return
        key.problem(f"QueryRetrieveLevel contradicts 'level: {level.value}'", "keep one of them")

    def check_level(self, identifier: Identifier, blamed: Section, model: InformationModel) -> None:
        """Check the level that the keys or the file state, where the query itself does not."""
        if model is InformationModel.WORKLIST:
            return
        key = self.level_key()
        text = next((_text(element) for element in identifier if element.tag == QUERY_RETRIEVE_LEVEL), "")
        if text and text not in {level.value for level in model.levels}:
            (key or blamed).problem(*_not_of_model(text, model))
        elif not text and "level" not in self.query:
            levels = ", ".join(level.value for level in model.levels)
            if "files" in self.query:
                what, advice = "the query file has no QueryRetrieveLevel", "add 'level' to the query"
                blamed.problem(what, f"{advice}, one of {levels}")
            else:
                what, advice = "the key 'level' is missing", f"add it, one of {levels}"
                self.query.problem(what, f"{advice}; 'level: null' sends none", of_key=True)


def _level_of(identifier: Identifier) -> Level | None:
    text = next((_text(element) for element in identifier if element.tag == QUERY_RETRIEVE_LEVEL), "")
    return Level(text) if text in {level.value for level in Level} else None


def _not_of_model(level: str, model: InformationModel) -> tuple[str, str]:
    levels = ", ".join(known.value for known in model.levels)
    what = f"the model {model.value} has no level {level}"
    if level not in {known.value for known in Level}:
        what = f"the value is no level of the model {model.value}"
    return what, f"write one of {levels}"


def _text(element: Element) -> str:
    value = element.value
    text = value.decode("latin_1") if isinstance(value, bytes) else value
    return text.strip(" \0") if isinstance(text, str) else ""


def _declared(identifier: Identifier) -> str | None:
    """Return the character set that an identifier declares, None where it declares none."""
    if any(element.tag == SPECIFIC_CHARACTER_SET for element in identifier):
        return declared_terms(identifier).strip(" \0")
    return None


def _needs_character_set(identifier: Identifier) -> bool:
    """Whether a text beyond ASCII stands where no character set is declared, as DICOM JSON may have it."""
    if any(element.tag == SPECIFIC_CHARACTER_SET for element in identifier):
        return False
    return any(
        any(map(_needs_character_set, element.value))
        if isinstance(element.value, tuple)
        else isinstance(element.value, str) and element.vr in TEXT_VRS and not element.value.isascii()
        for element in identifier
    )


def _decoded(identifier: Identifier, inherited: str) -> Identifier:
    """Return the identifier with text VRs as texts.

    Raises:
        ValueError: a text cannot be decoded, or its character set is not known.
    """
    terms = declared_terms(identifier, inherited).strip(" \0")
    elements: list[Element] = []
    for element in identifier:
        value = element.value
        if isinstance(value, tuple):
            value = tuple(_decoded(item, terms) for item in value)
        elif isinstance(value, bytes) and element.vr in TEXT_VRS:
            value = character_set(terms).decode_strict(value, element.vr).rstrip(" \0")
        elements.append(replace(element, value=value))
    return tuple(elements)


def _columns(identifier: Identifier) -> Iterator[Path]:
    """Yield the paths of what a query file asks for."""
    for element in identifier:
        tag = element.tag
        if tag in {SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL} or is_private_creator(tag):
            continue
        if is_group_length(tag):
            continue
        nested = [
            (tag, number, *path)
            for number, item in enumerate(element.value if isinstance(element.value, tuple) else ())
            for path in _columns(item)
        ]
        yield from nested or [(tag,)]
