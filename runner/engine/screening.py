"""What is looked at in each response between its structural check and the sinks, and what is kept from them.

Counts of responses as they came stay the affair of those who count them: a cap is judged by what the peer
sent, not by what is left of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.dicom.identifier import Path
from runner.dicom.tags import SPECIFIC_CHARACTER_SET
from runner.errors import UndecodableIdentifierError
from runner.model import Across, MatchMode, QueryOption, UniqueKey
from runner.plan import QUERY_RETRIEVE_LEVEL, Operation

if TYPE_CHECKING:
    from runner.dicom.attribute_columns import AttributeColumns, ColumnReader, Form
    from runner.dicom.key_checks import Judgement, KeyChecks

#: Decisions about values that are remembered for each key and character set.
_MAX_REMEMBERED = 4096
#: So many keys and character sets are remembered; a peer may declare a different one in each response.
_MAX_MEMORIES = 256
#: VRs of keys that mean more than by themselves where an option is agreed on (PS3.4 C.5.1.1).
_CHANGED_VRS = {
    QueryOption.DATE_TIME: ("DA", "TM"),
    QueryOption.FUZZY: ("PN",),
    QueryOption.TIMEZONE: ("DA", "TM", "DT"),
}
#: A record's digest has so many bytes: two of 10^12 different records share one with a probability of 10^-15.
DIGEST_SIZE = 16


@dataclass(frozen=True, slots=True)
class KeyCount:
    """How the responses of an operation compare with one key.

    Attributes:
        key: its path.
        mismatched: responses that do not match it.
        empty: how many of them have no value there.
        absent: responses that do not have the attribute, which says nothing.
    """

    key: Path
    mismatched: int = 0
    empty: int = 0
    absent: int = 0


@dataclass(frozen=True, slots=True)
class Screened:
    """What came of looking at the responses of an operation.

    Attributes:
        keys: for each matching key what was found; empty where nobody looked.
        dropped: responses that were dropped, since they do not match.
        removed: records that had come before, and were removed.
        doubled: how many of them the peer sent twice within this operation.
        unidentified: responses without the values that tell records apart; none of them is removed.
        missing: for each attribute of `expect.required`, in how many it is absent or empty.
        repeated: for each key of `expect.unique`, in how many its value had come before.
        known: records that an earlier run has delivered, and were kept from the sinks.
    """

    keys: tuple[KeyCount, ...] = ()
    dropped: int = 0
    removed: int = 0
    doubled: int = 0
    unidentified: int = 0
    missing: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    known: int = 0


class EarlierRuns(Protocol):
    """Knows what earlier runs of the job have delivered; for any thread."""

    def note(self, query: str, digests: Collection[bytes], operation: int) -> Collection[bytes]:
        """Note records that an operation delivers, but for those that an earlier run has; return these.

        Raises:
            StateError: it cannot be looked up or noted.
        """


class Seen:
    """Which records have come, and in which operation first, by digests; may be shared between threads.

    It takes some 150 bytes for each record.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}
        self._news: list[tuple[bytes, int]] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._first)

    def note(self, digests: Iterable[bytes | None], operation: int) -> list[int | None]:
        """Note records.

        Args:
            digests: of records, None for one that cannot be told apart from others.
            operation: the number of the operation that they came in.

        Returns:
            for each the operation that it came in first, None where that is now.
        """
        first = self._first
        before: list[int | None] = []
        with self._lock:
            for digest in digests:
                known = None if digest is None else first.get(digest)
                if digest is not None and known is None:
                    first[digest] = operation
                    if self._news is not None:
                        self._news.append((digest, operation))
                before.append(known)
        return before

    def restore(self, digest: bytes, operation: int) -> None:
        """Note a record that has come in an operation of an earlier run."""
        self._first[digest] = operation

    def news(self) -> list[tuple[bytes, int]]:
        """Return what has come since this was last asked, with its operations; nothing the first time."""
        with self._lock:
            news, self._news = self._news or [], []
        return news


class Delivered:
    """Which responses of an operation have been delivered, so that another attempt does not repeat them.

    Of equal responses as many are swallowed as there were: what came twice in one attempt stays twice.
    """

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._awaited: dict[bytes, int] = {}

    def begin_attempt(self) -> None:
        """Expect all that has been delivered to come again."""
        self._awaited = dict(self._counts)

    def news(self, identifiers: Sequence[bytes]) -> list[int]:
        """Return the indexes of the responses that no earlier attempt has delivered, and note them."""
        digest = _digester()
        counts, awaited = self._counts, self._awaited
        news = []
        for index, identifier in enumerate(identifiers):
            key = digest(identifier)
            if awaited.get(key):
                awaited[key] -= 1
            else:
                counts[key] = counts.get(key, 0) + 1
                news.append(index)
        return news


class Look(NamedTuple):
    """What is left of responses that came together.

    Attributes:
        undecodable: by index into those that came.
        passed: those that go on, in their order.
        passed_undecodable: by index into `passed`.
    """

    undecodable: Mapping[int, UndecodableIdentifierError]
    passed: Sequence[bytes]
    passed_undecodable: Mapping[int, UndecodableIdentifierError]


class Consumer(Protocol):
    """Looks at responses; each sees what those before it leave."""

    @property
    def paths(self) -> Sequence[Path]:
        """The attributes that it looks at."""

    def take(self, columns: AttributeColumns) -> Sequence[int] | None:
        """Look at responses that came together; return the indexes of those that go on, None for all."""

    def report(self, screened: dict[str, object]) -> None:
        """Set what it has counted, by the names of `Screened`."""


class Screening:
    """Looks at the responses of one operation. Not for two threads at the same time.

    Args:
        consumers: in their order.
        delivered: what earlier attempts have delivered; None where there are no retries.
    """

    def __init__(self, consumers: Sequence[Consumer], delivered: Delivered | None = None) -> None:
        self._consumers = consumers
        self._delivered = delivered
        self.paths = tuple(dict.fromkeys(path for consumer in consumers for path in consumer.paths))

    def look(self, reader: ColumnReader, identifiers: Sequence[bytes]) -> Look:
        """Look at responses that came together.

        Args:
            reader: made for `paths`.
            identifiers: as they came.
        """
        columns, undecodable = reader.read(identifiers)
        places: Sequence[int] | None = None
        if undecodable:
            places = [index for index in range(len(identifiers)) if index not in undecodable]
        if self._delivered is not None:
            news = self._delivered.news(identifiers)
            if len(news) < len(identifiers):
                new = set(news)
                undecoded = {index: error for index, error in undecodable.items() if index in new}
                if places is None:
                    places = range(len(identifiers))
                kept = [at for at, place in enumerate(places) if place in new]
                columns, places = columns.only(kept), [places[at] for at in kept]
                return self._look(columns, places, identifiers, undecodable, undecoded)
        return self._look(columns, places, identifiers, undecodable, undecodable)

    def _look(
        self,
        columns: AttributeColumns,
        places: Sequence[int] | None,
        identifiers: Sequence[bytes],
        came: Mapping[int, UndecodableIdentifierError],
        undecodable: Mapping[int, UndecodableIdentifierError],
    ) -> Look:
        """Have the consumers look.

        Args:
            columns: of the responses that can be decoded.
            places: which of `identifiers` these are; None for all.
            identifiers: as they came.
            came: those of them that cannot be decoded.
            undecodable: those of them that go on.
        """
        for consumer in self._consumers:
            if not len(columns):
                break
            kept = consumer.take(columns)
            if kept is not None:
                columns = columns.only(kept)
                places = kept if places is None else [places[index] for index in kept]
        if places is None:
            return Look(came, identifiers, undecodable)
        if undecodable:
            places = sorted((*places, *undecodable))
            undecodable = {places.index(index): error for index, error in undecodable.items()}
        return Look(came, [identifiers[index] for index in places], undecodable)

    def begin_attempt(self) -> None:
        """Begin another attempt of the same operation."""
        if self._delivered is not None:
            self._delivered.begin_attempt()

    def screened(self) -> Screened:
        """Return what has been counted."""
        counted: dict[str, object] = {}
        for consumer in self._consumers:
            consumer.report(counted)
        return Screened(**counted)  # type: ignore[arg-type]


class Screens:
    """Makes the screenings of a run's operations, and holds what these share; for any thread.

    Args:
        earlier: knows what earlier runs have delivered; None where that does not matter.
        keeping: whether `news` will be asked for.
    """

    def __init__(self, earlier: EarlierRuns | None = None, *, keeping: bool = False) -> None:
        self._earlier = earlier
        self._keeping = keeping
        self._seen: dict[tuple[str, ...], Seen] = {}
        self._lock = threading.Lock()

    def screening(
        self,
        operation: Operation,
        *,
        before: Sequence[Consumer] = (),
        behind: Sequence[Consumer] = (),
        agreed: Iterable[QueryOption] = (),
        seen: Seen | None = None,
    ) -> Screening | None:
        """Return what looks at the responses of an operation; None where nothing is to be looked at.

        Args:
            operation: whose responses come.
            before: what looks at them before all that the query asks for.
            behind: what looks at what is left.
            agreed: what the peer does beyond the baseline; keys that therefore mean more are not tested.
            seen: where the records of one question's parts are told apart, for a query that wants that.
        """
        query = operation.query
        consumers = [*before, *self._consumers(operation, agreed, seen), *behind]
        if self._earlier is not None and query.only_new and query.record is not None:
            # behind all else: what is asked for a record does not depend on whether it is new
            consumers.append(KnownScreen(query.record, self._earlier, query.name, operation.number))
        # there may be several attempts, of which each response is wanted once
        retries = operation.peer.retries is not None
        if not consumers and not retries:
            return None
        return Screening(consumers, Delivered() if retries else None)

    def _consumers(
        self, operation: Operation, agreed: Iterable[QueryOption], seen: Seen | None
    ) -> Iterable[Consumer]:
        query = operation.query
        if query.match.mode is not MatchMode.OFF and _has_matching_keys(operation):
            from runner.dicom.key_checks import KeyChecks
            from runner.dicom.matching import MatchingRules

            rules = MatchingRules(query.match.name_case, query.match.name_accents)
            unjudged = {vr for option in agreed for vr in _CHANGED_VRS.get(option, ())}
            checks = KeyChecks(operation.identifier, rules, unjudged)
            if checks.paths:
                yield KeyScreen(checks, drop=query.match.mode is MatchMode.DROP)
        duplicates = query.deduplicate
        if duplicates is not None:
            if duplicates.across is not Across.PARTS:
                scope = () if duplicates.across is Across.PEERS else (operation.peer.name,)
                seen = self._shared("deduplicate", query.name, *scope)
            if seen is not None:
                # equal answers that have no key to tell them apart are several records, unless the job says
                # otherwise: only what another part has answered comes again
                numbered = duplicates.across is Across.PARTS and not duplicates.key.paths
                yield DuplicateScreen(duplicates.key, seen, operation.number, numbered=numbered)
        expect = query.expect
        if expect is not None:
            if expect.required:
                yield RequiredCheck(expect.required)
            if expect.unique:
                each = [
                    self._shared("unique", query.name, str(number)) for number in range(len(expect.unique))
                ]
                yield UniqueCheck([UniqueKey(paths) for paths in expect.unique], each, operation.number)

    def _shared(self, *name: str) -> Seen:
        with self._lock:
            seen = self._seen.get(name)
            if seen is None:
                seen = self._seen[name] = Seen()
                if self._keeping:
                    seen.news()
            return seen

    def restore(self, name: Sequence[str], digest: bytes, operation: int) -> None:
        """Note a record that has come in an operation of an earlier run; see `news`."""
        self._shared(*name).restore(digest, operation)

    def news(self) -> list[tuple[tuple[str, ...], list[tuple[bytes, int]]]]:
        """Return which records have come since this was last asked, by what they are remembered for."""
        with self._lock:
            memories = list(self._seen.items())
        return [(name, seen.news()) for name, seen in memories]


def _has_matching_keys(operation: Operation) -> bool:
    """Whether any key but those of each query may be other than universal; decided without any import."""
    return any(
        element.value and element.tag not in (SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL)
        for element in operation.identifier
    )


# --- the keys ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Tally:
    mismatched: int = 0
    empty: int = 0
    absent: int = 0

    def add(self, judgement: Judgement) -> None:
        if judgement.refutes:
            self.mismatched += 1
            self.empty += judgement.value == "empty"
        else:
            self.absent += judgement.value == "absent"


@dataclass(slots=True)
class _Memory:
    """What has been decided about the values of one key in one character set."""

    good: set[bytes | None] = field(default_factory=set)
    bad: dict[bytes, Judgement] = field(default_factory=dict)


class KeyScreen:
    """Tests responses against the keys of their request; see `Consumer`.

    Args:
        checks: the keys.
        drop: whether responses that do not match go no further.
    """

    def __init__(self, checks: KeyChecks, *, drop: bool) -> None:
        self._checks = checks
        self._drop = drop
        self._dropped = 0
        self._plain = checks.plain
        self._nested = any(len(path) > 1 for path in checks.paths)
        self._tallies = {path: _Tally() for path in checks.paths}
        self._memories: dict[tuple[Path, bytes | None], _Memory] = {}
        self.paths: tuple[Path, ...] = ()
        if self._plain:
            self.paths = tuple(dict.fromkeys(step for path in checks.paths for step in (path, path[:1])))

    def take(self, columns: AttributeColumns) -> Sequence[int] | None:
        """Count what does not match; keep it back where it is to be dropped."""
        refuted = self._refuted(columns)
        if not refuted or not self._drop:
            return None
        self._dropped += len(refuted)
        return [index for index in range(len(columns)) if index not in refuted]

    def report(self, screened: dict[str, object]) -> None:
        """Set `keys` and `dropped`."""
        screened["dropped"] = self._dropped
        screened["keys"] = tuple(
            KeyCount(path, tally.mismatched, tally.empty, tally.absent)
            for path, tally in self._tallies.items()
        )

    def _refuted(self, columns: AttributeColumns) -> set[int]:
        """Return the indexes of the responses that do not match."""
        whole = (
            range(len(columns)) if not self._plain else self._to_be_decoded(columns) if self._nested else ()
        )
        refuted = {index for index in whole if self._refutes(columns, index)}
        if not whole:
            for path in self._checks.paths:
                refuted.update(self._refuted_by(path, columns))
        elif len(whole) < len(columns):
            rest = [index for index in range(len(columns)) if index not in whole]
            others = columns.only(rest)
            for path in self._checks.paths:
                refuted.update(rest[index] for index in self._refuted_by(path, others))
        return refuted

    def _to_be_decoded(self, columns: AttributeColumns) -> set[int]:
        """Return the indexes of responses whose nested elements cannot be judged one by one.

        Where an identifier has matched a layout, a sequence that is there and longer than the frame of an
        empty item has just one item: an attribute that is not found is not in it.
        """
        found = set(columns.unproved)
        for path in self._checks.paths:
            if len(path) == 1 or None not in columns[path]:
                continue
            sequences = columns[path[:1]]
            for index, element in enumerate(columns[path]):
                sequence = sequences[index]
                if element is not None or sequence is None:
                    continue
                if len(path) > 3 or len(columns.form.value(sequence)) <= 8:
                    found.add(index)
        return found

    def _refutes(self, columns: AttributeColumns, index: int) -> bool:
        """Judge one response as a whole."""
        from runner.dicom.matching import attributes

        judgements = self._checks.of_record(attributes(columns.form.decoded(columns.identifiers[index])))
        for path, judgement in judgements.items():
            self._tallies.setdefault(path, _Tally()).add(judgement)
        return any(judgement.refutes for judgement in judgements.values())

    def _refuted_by(self, path: Path, columns: AttributeColumns) -> list[int]:
        """Judge one key's values, each different one once."""
        column, declared = columns[path], set(columns.declared)
        if len(declared) > 1:
            return self._refuted_one_by_one(path, columns)
        (character_set,) = declared
        memory, tally = self._memory(path, character_set), self._tallies[path]
        unknown = set(column) - memory.good
        if not unknown:
            return []
        if None in unknown:
            tally.absent += column.count(None)
            unknown.discard(None)
        bad: dict[bytes | None, Judgement] = {
            value: judgement
            for value in unknown
            if value is not None
            and (judgement := self._judged(path, value, character_set, memory, columns.form)).refutes
        }
        if not bad:
            return []
        refuted = [index for index, value in enumerate(column) if value in bad]
        for index in refuted:
            tally.add(bad[column[index]])
        return refuted

    def _refuted_one_by_one(self, path: Path, columns: AttributeColumns) -> list[int]:
        """Do the same where the responses are in different character sets."""
        refuted = []
        tally = self._tallies[path]
        for index, (value, character_set) in enumerate(zip(columns[path], columns.declared, strict=True)):
            if value is None:
                tally.absent += 1
                continue
            memory = self._memory(path, character_set)
            if value not in memory.good:
                judgement = self._judged(path, value, character_set, memory, columns.form)
                if judgement.refutes:
                    tally.add(judgement)
                    refuted.append(index)
        return refuted

    def _memory(self, path: Path, character_set: bytes | None) -> _Memory:
        memory = self._memories.get((path, character_set))
        if memory is None:
            if len(self._memories) >= _MAX_MEMORIES:
                self._memories.clear()
            memory = self._memories[path, character_set] = _Memory()
        return memory

    def _judged(
        self, path: Path, value: bytes, character_set: bytes | None, memory: _Memory, form: Form
    ) -> Judgement:
        known = memory.bad.get(value)
        if known is not None:
            return known
        judgement = self._checks.of_element(path, form.element(value, character_set))
        if len(memory.good) + len(memory.bad) >= _MAX_REMEMBERED:
            memory.good.clear()
            memory.bad.clear()
        if judgement.refutes:
            memory.bad[value] = judgement
        else:
            memory.good.add(value)
        return judgement


# --- records ----------------------------------------------------------------------------------------------


class Records:
    """Tells records apart by digests of their unique keys."""

    def __init__(self, key: UniqueKey) -> None:
        self._key = key
        self.paths = (*key.paths, *key.qualifiers)

    def digests(self, columns: AttributeColumns) -> list[bytes | None]:
        """Return a digest for each response, None for one that lacks a value of the key."""
        digest = _digester()
        if not self._key.paths:
            return [digest(identifier) for identifier in columns.identifiers]
        canonical, declared = columns.form.canonical, columns.declared
        if len(self.paths) == 1:
            return [
                digest(value) if element is not None and (value := canonical(element, terms)) else None
                for element, terms in zip(columns[self.paths[0]], declared, strict=True)
            ]
        found: list[bytes | None] = []
        needed = len(self._key.paths)
        for terms, *elements in zip(declared, *(columns[path] for path in self.paths), strict=True):
            values = [b"" if element is None else canonical(element, terms) for element in elements]
            whole = all(values[:needed])
            # with their lengths, so that no value can pass for two
            found.append(digest(b"".join(b"%d:%b" % (len(one), one) for one in values)) if whole else None)
        return found


class DuplicateScreen:
    """Keeps back records that have come before; see `Consumer`.

    Args:
        key: what tells records apart.
        seen: those that have come.
        operation: the number of the operation whose responses come.
        numbered: whether equal responses of this operation are records of their own: the second of them is
            the same as the second of another operation.
    """

    def __init__(self, key: UniqueKey, seen: Seen, operation: int, *, numbered: bool = False) -> None:
        self._records = Records(key)
        self._seen = seen
        self._operation = operation
        self._times: dict[bytes, int] | None = {} if numbered else None
        self.paths: Sequence[Path] = self._records.paths
        self._removed = self._doubled = self._unidentified = 0

    def take(self, columns: AttributeColumns) -> Sequence[int] | None:
        """Return the indexes of records that are new."""
        digests = self._records.digests(columns)
        if self._times is not None:
            digests = [self._numbered(digest, self._times) for digest in digests]
        before = self._seen.note(digests, self._operation)
        self._unidentified += digests.count(None)
        news = [index for index, operation in enumerate(before) if operation is None]
        if len(news) == len(before):
            return None
        self._removed += len(before) - len(news)
        self._doubled += before.count(self._operation)
        return news

    @staticmethod
    def _numbered(digest: bytes | None, times: dict[bytes, int]) -> bytes | None:
        if digest is None:
            return None
        times[digest] = time = times.get(digest, 0) + 1
        return digest if time == 1 else b"%b %d" % (digest, time)

    def report(self, screened: dict[str, object]) -> None:
        """Set `removed`, `doubled` and `unidentified`."""
        screened["removed"] = self._removed
        screened["doubled"] = self._doubled
        screened["unidentified"] = self._unidentified


class KnownScreen:
    """Keeps back records that an earlier run has delivered; see `Consumer`.

    Args:
        key: what tells records apart; one that lacks it is always new.
        earlier: knows them.
        query: the name of the query that they answer.
        operation: the number of the operation whose responses come.
    """

    def __init__(self, key: UniqueKey, earlier: EarlierRuns, query: str, operation: int) -> None:
        self._records = Records(key)
        self._earlier = earlier
        self._query = query
        self._operation = operation
        self.paths: Sequence[Path] = self._records.paths
        self._known = 0

    def take(self, columns: AttributeColumns) -> Sequence[int] | None:
        """Return the indexes of records that no earlier run has delivered."""
        digests = self._records.digests(columns)
        found = {digest for digest in digests if digest is not None}
        known = self._earlier.note(self._query, found, self._operation)
        if not known:
            return None
        news = [index for index, digest in enumerate(digests) if digest not in known]
        self._known += len(digests) - len(news)
        return news

    def report(self, screened: dict[str, object]) -> None:
        """Set `known`."""
        screened["known"] = self._known


class UniqueCheck:
    """Counts values that have come before; see `Consumer`.

    Args:
        keys: the attributes, or combinations of attributes.
        seen: for each, what has come.
        operation: the number of the operation whose responses come.
    """

    def __init__(self, keys: Sequence[UniqueKey], seen: Sequence[Seen], operation: int) -> None:
        self._records = [Records(key) for key in keys]
        self._seen = seen
        self._operation = operation
        self._repeated = [0] * len(keys)
        self.paths: Sequence[Path] = [path for records in self._records for path in records.paths]

    def take(self, columns: AttributeColumns) -> None:
        """Count repeated values."""
        for number, (records, seen) in enumerate(zip(self._records, self._seen, strict=True)):
            before = seen.note(records.digests(columns), self._operation)
            self._repeated[number] += len(before) - before.count(None)

    def report(self, screened: dict[str, object]) -> None:
        """Set `repeated`."""
        screened["repeated"] = tuple(self._repeated)


class RequiredCheck:
    """Counts responses that lack an attribute or its value; see `Consumer`.

    Args:
        paths: the attributes.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths: Sequence[Path] = paths
        self._missing = [0] * len(paths)

    def take(self, columns: AttributeColumns) -> None:
        """Count what is missing."""
        is_filled = columns.form.is_filled
        for number, path in enumerate(self.paths):
            column = columns[path]
            for value in set(column):
                if not is_filled(value):
                    self._missing[number] += column.count(value)

    def report(self, screened: dict[str, object]) -> None:
        """Set `missing`."""
        screened["missing"] = tuple(self._missing)


def _digester() -> Callable[[bytes], bytes]:
    """Return what makes digests; loaded late, since it is rarely needed."""
    from hashlib import blake2b

    def digest(data: bytes) -> bytes:
        return blake2b(data, digest_size=DIGEST_SIZE).digest()

    return digest
