"""What a change to a job changes in what is sent: two plans, compared operation by operation."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from typing import Any

from runner.dicom.encoding import encode
from runner.dicom.identifier import Path as DicomPath
from runner.dicom.path import path_text
from runner.dicom.response_json import ResponseJson
from runner.dicom.transfer_syntax import TransferSyntax
from runner.model import Job, Peer, Query, Secret, SecretSource
from runner.plan import Operation, operations

#: How many operations of a query and peer are held at a time to find out what was put in and taken out.
LOOK_AHEAD = 1000

#: What of a peer and of a query neither is sent nor says how, or is compared as operations.
_NOT_OF_PEER = frozenset(("name", "timeouts", "reopen", "result_limit", "rate", "retries", "window"))
_NOT_OF_QUERY = frozenset(
    (
        "inherits",
        "name",
        "peers",
        "requests",
        "columns",
        "repeat",
        "match",
        "deduplicate",
        "expect",
        "then",
        "record",
        "only_new",
    )
)
_SYNTAX = TransferSyntax.EXPLICIT_LITTLE

#: An attribute in the DICOM JSON Model (PS3.18 F.2): its `vr`, and its `Value` where it has one.
Member = dict[str, Any]


@dataclass(frozen=True, slots=True)
class QueryChange:
    """That what follows is about a query and a peer.

    Attributes:
        query: its name; of one that is asked for the records of another, with theirs before it.
        peer: its name.
        state: changed, added or removed.
    """

    query: str
    peer: str
    state: str


@dataclass(frozen=True, slots=True)
class SettingChange:
    """How operations are sent has changed: `name` as in a job, such as `tls.profile`."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key, by its path, with what was and what is sent; None where it is not there."""

    key: str
    old: Member | None
    new: Member | None


@dataclass(frozen=True, slots=True)
class OperationChange:
    """Operations that follow each other and changed alike, or one that was added or removed.

    Attributes:
        state: changed, added or removed.
        first: the first of them.
        last: the last of them.
        count: how many they are.
        keys: what changed; all keys of one that was added or removed. Empty where only the bytes differ.
    """

    state: str
    first: Operation
    last: Operation
    count: int
    keys: tuple[KeyChange, ...]


@dataclass(frozen=True, slots=True)
class OrderChange:
    """That queries and peers that both plans have come in another order, each as `query, peer`."""

    old: tuple[str, ...]
    new: tuple[str, ...]


Change = QueryChange | SettingChange | OperationChange | OrderChange


def changes(old: Job, new: Job) -> Iterator[Change]:
    """Compare what two jobs send, lazily.

    Operations are compared in their order, query by query and peer by peer, by the bytes of their
    identifiers. Where they differ, up to LOOK_AHEAD of each plan are looked at to find what was put in and
    taken out; of the others those with the same source and repetition count as changed.

    Raises:
        InvalidJobError: a row of either job cannot be read or sent.
    """
    theirs, ours = _groups(old), _groups(new)
    for key, group in theirs.items():
        yield from _headed(QueryChange(*key, "removed"), _all(group, "removed")) if key not in ours else ()
    for key, group in ours.items():
        if key not in theirs:
            yield from _headed(QueryChange(*key, "added"), _all(group, "added"))
        else:
            yield from _headed(QueryChange(*key, "changed"), _of_group(theirs[key], group))
    before, after = ([key for key in one if key in other] for one, other in ((theirs, ours), (ours, theirs)))
    if before != after:
        yield OrderChange(tuple(map(", ".join, before)), tuple(map(", ".join, after)))


@dataclass(frozen=True, slots=True)
class _Group:
    """The operations of a query for a peer."""

    job: Job
    query: Query
    peer: Peer

    def sent(self) -> Iterator[_Sent]:
        job = replace(self.job, queries=(replace(self.query, peers=(self.peer.name,)),))
        for operation in operations(job):
            yield _Sent(operation, encode(operation.identifier, _SYNTAX))

    def settings(self) -> dict[str, Any]:
        """Return how its operations are sent, by names as in a job."""
        found = _flat(self.peer, _NOT_OF_PEER) | _flat(self.query, _NOT_OF_QUERY)
        found["inherits"] = tuple(path_text((tag,), self.job.dictionary) for tag in self.query.inherits)
        if self.query.split is not None:
            found["split.key"] = found.pop("split.name")
            del found["split.vr"]
        return found


@dataclass(frozen=True, slots=True)
class _Sent:
    operation: Operation
    data: bytes

    @property
    def identity(self) -> tuple[str, int]:
        return self.operation.source, self.operation.repetition

    def members(self) -> dict[DicomPath, Member]:
        """Return its attributes by their paths, those of sequences down to their leaves."""
        (text,) = ResponseJson(_SYNTAX, self.operation.dictionary).objects([self.data])
        return dict(_leaves(json.loads(text), ()))

    def name(self, path: DicomPath) -> str:
        return path_text(path, self.operation.dictionary)


def _groups(job: Job) -> dict[tuple[str, str], _Group]:
    found: dict[tuple[str, str], _Group] = {}

    def add(query: Query, peer: Peer, name: str) -> None:
        found[name, peer.name] = _Group(job, query, peer)
        for child in query.then:
            add(child, peer, f"{name} > {child.name}")

    for query in job.queries:
        for name in query.peers:
            add(query, job.peer(name), query.name)
    return found


def _headed(header: QueryChange, found: Iterator[Change]) -> Iterator[Change]:
    """Yield changes behind what they are about; nothing where there are none."""
    for number, change in enumerate(found):
        if number == 0:
            yield header
        yield change


def _all(group: _Group, state: str) -> Iterator[OperationChange]:
    for sent in group.sent():
        yield _one(sent, state)


def _one(sent: _Sent, state: str) -> OperationChange:
    keys = tuple(
        KeyChange(sent.name(path), *((None, member) if state == "added" else (member, None)))
        for path, member in sent.members().items()
    )
    return OperationChange(state, sent.operation, sent.operation, 1, keys)


def _of_group(old: _Group, new: _Group) -> Iterator[Change]:
    yield from _changed_settings(old, new)
    run: OperationChange | None = None
    for before, after in unequal(old.sent(), new.sent()):
        if before is not None and after is not None:
            keys = _changed_keys(before, after)
            if run is not None and run.keys == keys:
                run = replace(run, last=after.operation, count=run.count + 1)
                continue
            if run is not None:
                yield run
            run = OperationChange("changed", after.operation, after.operation, 1, keys)
            continue
        if run is not None:
            yield run
            run = None
        if before is not None:
            yield _one(before, "removed")
        elif after is not None:
            yield _one(after, "added")
    if run is not None:
        yield run


# --- operations -------------------------------------------------------------------------------------------


def unequal(old: Iterator[_Sent], new: Iterator[_Sent]) -> Iterator[tuple[_Sent | None, _Sent | None]]:
    """Pair operations that differ; None stands where one was added or removed.

    No more than LOOK_AHEAD of each are held.
    """
    before: deque[_Sent] = deque()
    after: deque[_Sent] = deque()
    while _filled(before, old, 1) and _filled(after, new, 1):
        if before[0].data == after[0].data:
            before.popleft()
            after.popleft()
            continue
        _filled(before, old, LOOK_AHEAD)
        _filled(after, new, LOOK_AHEAD)
        yield from _paired(before, after)
    yield from ((sent, None) for sent in (*before, *old))
    yield from ((None, sent) for sent in (*after, *new))


def _filled(held: deque[_Sent], source: Iterator[_Sent], number: int) -> bool:
    held.extend(islice(source, max(0, number - len(held))))
    return bool(held)


def _paired(before: deque[_Sent], after: deque[_Sent]) -> Iterator[tuple[_Sent | None, _Sent | None]]:
    """Take from what is held as much as is sure: up to what is last the same in both, or to their ends."""
    old, new = ([sent.data for sent in held] for held in (before, after))
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    if max(len(before), len(after)) >= LOOK_AHEAD:
        equal = [number for number, code in enumerate(codes, 1) if code[0] == "equal"]
        codes = codes[: equal[-1]] if equal else codes
    for tag, start, end, other_start, other_end in codes:
        gone = [before.popleft() for _ in range(end - start)]
        come = [after.popleft() for _ in range(other_end - other_start)]
        if tag != "equal":
            yield from _by_identity(gone, come)


def _by_identity(gone: Sequence[_Sent], come: Iterable[_Sent]) -> Iterator[tuple[_Sent | None, _Sent | None]]:
    left: dict[tuple[str, int], deque[_Sent]] = {}
    for sent in come:
        left.setdefault(sent.identity, deque()).append(sent)
    for sent in gone:
        same = left.get(sent.identity)
        yield sent, same.popleft() if same else None
    yield from ((None, sent) for some in left.values() for sent in some)


def _changed_keys(before: _Sent, after: _Sent) -> tuple[KeyChange, ...]:
    old, new = before.members(), after.members()
    return tuple(
        KeyChange(after.name(path), old.get(path), new.get(path))
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )


def _leaves(item: dict[str, Member], above: DicomPath) -> Iterator[tuple[DicomPath, Member]]:
    for tag, member in item.items():
        path = (*above, int(tag, 16))
        if member["vr"] != "SQ" or not member.get("Value"):
            yield path, member
            continue
        for number, inner in enumerate(member["Value"]):
            if inner:
                yield from _leaves(inner, (*path, number))
            else:
                yield (*path, number), {"vr": "SQ"}


# --- settings ---------------------------------------------------------------------------------------------


def _flat(value: Any, without: frozenset[str]) -> dict[str, Any]:
    """Return the members of a part of the model, those of its parts by dotted names, as jobs have them."""
    found: dict[str, Any] = {}
    for field in fields(value):
        if field.name in without:
            continue
        member = getattr(value, field.name)
        name = {"ip_version": "ip"}.get(field.name, field.name)
        found[name] = member
        if is_dataclass(member) and not isinstance(member, Secret):
            found |= {f"{name}.{inner}": one for inner, one in _flat(member, frozenset()).items()}
    return found


def _changed_settings(old: _Group, new: _Group) -> Iterator[SettingChange]:
    same = _comparison(Path(old.job.source).parent, Path(new.job.source).parent)
    before, after = old.settings(), new.settings()
    for name in {**before, **after}:
        one, other = before.get(name), after.get(name)
        if name not in before or name not in after:
            continue  # what it belongs to was added or removed as a whole
        if is_dataclass(one) and type(one) is type(other) and not isinstance(one, Secret):
            continue  # its members are told
        if not same(one, other):
            yield SettingChange(name, one, other)


def _comparison(folder: Path, other_folder: Path) -> Callable[[Any, Any], bool]:
    """Return what compares settings: paths are the same too where they are from the folders of the jobs."""

    def same(one: Any, other: Any) -> bool:
        if isinstance(one, Path) and isinstance(other, Path):
            from_jobs = os.path.relpath(one, folder) == os.path.relpath(other, other_folder)
            return one == other or from_jobs
        if isinstance(one, tuple) and isinstance(other, tuple):
            return len(one) == len(other) and all(map(same, one, other))
        if isinstance(one, Secret) and isinstance(other, Secret):
            files = {one.source, other.source} == {SecretSource.FILE}
            return same(Path(one.value), Path(other.value)) if files else one == other
        return bool(one == other)

    return same
