"""Which keys of a request a response shows to have been ignored (PS3.4 C.2.2.2).

Each matching key is judged by itself, nested ones too. What a response does not have says nothing: the SCP
need not return an optional key that it does not support (PS3.4 C.2.2.1.3). A value that is there and empty
does not match, since only a universal key matches it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from runner.dicom.decoding import Decoder
from runner.dicom.dictionary import STANDARD
from runner.dicom.elements import walk
from runner.dicom.encoding import encode
from runner.dicom.identifier import Element, Identifier, Path
from runner.dicom.matching import (
    Attributes,
    Matcher,
    MatchingRules,
    attributes,
    creator_of,
    find_attribute,
    is_matched,
    is_universal,
)
from runner.dicom.tags import is_private
from runner.dicom.transfer_syntax import TransferSyntax


class Judgement(Enum):
    """What a response says of one key."""

    MATCHES = "matches"
    DIFFERS = "differs"
    EMPTY = "empty"
    ABSENT = "absent"

    @property
    def refutes(self) -> bool:
        """Whether it shows that the response does not match the key."""
        return self is Judgement.DIFFERS or self is Judgement.EMPTY


Judgements = Mapping[Path, Judgement]


class KeyChecks:
    """The keys of an identifier that are not universal, made ready to be looked for in responses.

    Args:
        keys: the identifier of the request; texts may be encoded.
        rules: how values are compared.
        unjudged_vrs: VRs of keys that mean something else here: of dates and times, where combined matching
            or an offset from UTC was negotiated (PS3.4 C.5.1.1).
        above: of the item that the keys are in; empty for an identifier.
    """

    __slots__ = ("_leaves", "_nested", "_whole", "paths")

    def __init__(
        self,
        keys: Identifier,
        rules: MatchingRules,
        unjudged_vrs: Collection[str] = frozenset(),
        above: Path = (),
    ) -> None:
        if not above:
            keys, rules = _decoded(keys), replace(rules, absent_matches=True)
        by_tag = attributes(keys)
        self._leaves: list[_Leaf] = []
        self._nested: list[tuple[Path, int, str | None, KeyChecks]] = []
        self._whole: list[_Leaf] = []
        for key in keys:
            if not is_matched(key.tag) or is_universal(key) or key.vr in unjudged_vrs:
                continue
            path, creator = (*above, key.tag), creator_of(by_tag, key.tag)
            if isinstance(key.value, tuple) and len(key.value) == 1:
                nested = KeyChecks(key.value[0], rules, unjudged_vrs, (*path, 0))
                if nested.paths:
                    self._nested.append((path, key.tag, creator, nested))
                continue
            leaf = _Leaf(path, key.tag, creator, Matcher((key,), rules))
            (self._whole if isinstance(key.value, tuple) else self._leaves).append(leaf)
        self.paths: tuple[Path, ...] = (
            *(leaf.path for leaf in (*self._leaves, *self._whole)),
            *(path for _, _, _, nested in self._nested for path in nested.paths),
        )

    @property
    def plain(self) -> bool:
        """Whether every path of `paths` names one element of a response with items of one each."""
        return (
            not self._whole
            and all(not any(map(is_private, path[::2])) for path in self.paths)
            and all(nested.plain for _, _, _, nested in self._nested)
        )

    def of_element(self, path: Path, element: Element) -> Judgement:
        """Judge the element that stands at a path of `paths`."""
        for leaf in self._leaves:
            if leaf.path == path:
                return leaf.judged(element)
        for _, _, _, nested in self._nested:
            if path in nested.paths:
                return nested.of_element(path, element)
        raise KeyError(path)

    def of_record(self, record: Attributes) -> dict[Path, Judgement]:
        """Judge every path of `paths`.

        A sequence of which no item matches all that is asked of it, although each single key has an item
        that does, is judged by its own path.

        Args:
            record: a response's elements by their tags, texts decoded.
        """
        judgements: dict[Path, Judgement] = {}
        for leaf in (*self._leaves, *self._whole):
            found = find_attribute(record, leaf.tag, leaf.creator)
            judgements[leaf.path] = Judgement.ABSENT if found is None else leaf.judged(found)
        for path, tag, creator, nested in self._nested:
            judgements.update(_of_items(path, find_attribute(record, tag, creator), nested))
        return judgements


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: Path
    tag: int
    creator: str | None
    matcher: Matcher

    def judged(self, element: Element) -> Judgement:
        if not element.value:
            return Judgement.EMPTY
        found = element if element.tag == self.tag else replace(element, tag=self.tag)
        return Judgement.MATCHES if self.matcher.matches({self.tag: found}) else Judgement.DIFFERS


def _of_items(path: Path, sequence: Element | None, nested: KeyChecks) -> dict[Path, Judgement]:
    if sequence is None:
        return dict.fromkeys(nested.paths, Judgement.ABSENT)
    items = sequence.value if isinstance(sequence.value, tuple) else ()
    if not items:
        return dict.fromkeys(nested.paths, Judgement.EMPTY)
    each = [nested.of_record(attributes(item)) for item in items]
    for judgements in each:
        if not any(judgement.refutes for judgement in judgements.values()):
            return judgements
    if len(each) == 1:
        return each[0]
    merged = {one: _best([judgements[one] for judgements in each]) for one in nested.paths}
    if not any(judgement.refutes for judgement in merged.values()):
        merged[path] = Judgement.DIFFERS
    return merged


def _best(judgements: list[Judgement]) -> Judgement:
    for judgement in (Judgement.MATCHES, Judgement.ABSENT, Judgement.DIFFERS):
        if judgement in judgements:
            return judgement
    return Judgement.EMPTY


def _decoded(keys: Identifier) -> Identifier:
    """Return the keys with texts for bytes."""
    if not _has_bytes(keys):
        return keys
    syntax = TransferSyntax.EXPLICIT_LITTLE
    data = encode(keys, syntax)
    return Decoder(syntax).identifier(data, walk(data, syntax, STANDARD))


def _has_bytes(keys: Identifier) -> bool:
    return any(
        any(map(_has_bytes, element.value))
        if isinstance(element.value, tuple)
        else isinstance(element.value, bytes) and bool(element.value)
        for element in keys
    )
