"""What tells one job from another: what is sent, and where the answers go; without any value of a key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from runner.dicom.dictionary import Dictionary
from runner.dicom.identifier import Identifier
from runner.dicom.path import path_text
from runner.model import Job, Peer, Query, Secret, SecretSource

try:  # hashlib loads OpenSSL, which takes longer than all that is done here
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

#: How a peer is asked, and not what: a run may go on with other ones.
_HOW = frozenset(
    (
        *("name", "timeouts", "max_associations", "operations_per_association", "max_pdu", "deflate_level"),
        *("ip_version", "end", "reopen", "tls", "rate", "retries", "breaker", "window"),
    )
)
#: Of a query: what is taken apart here, and what follows from keys, level and match.
_APART = frozenset(("name", "requests", "columns", "then", "inherits", "record"))
#: Members of the model that job files call otherwise.
_NAMES = {"only_new": "only"}
#: Behind the name of keys: what follows from theirs.
_ORDER = ", their order"
_WHOLE = re.compile(r"(?:peers|queries)\.[^.]+|sinks\[[0-9]+\]")
#: So many requests of a query are told apart by their keys.
_FEW = 20
_PIECE = 1 << 20
#: Texts that are longer are told apart by digests.
_LONG = 200


def fingerprint(job: Job) -> dict[str, str]:
    """Return what a job does by names as in a job file; keys and longer texts as digests.

    Files of rows count by what they hold. Files that cannot be read count as such.
    """
    found: dict[str, str] = {}
    for peer in job.used_peers:
        found.update(_peer(peer))
    for query in job.queries:
        found.update(_query(query, f"queries.{query.name}", job.dictionary))
    for number, sink in enumerate(job.sinks, 1):
        found[f"sinks[{number}].type"] = type(sink).__name__.removesuffix("Sink").lower()
        found.update(_members(sink, f"sinks[{number}]", frozenset()))
    return found


def difference(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return in words what differs between two jobs; of what is a digest only that it does."""
    told: dict[str, None] = {}
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old == new or (name.endswith(_ORDER) and _differ_in_keys(before, now, name)):
            continue
        if old is None:
            told[f"{_whole(name, before)} is new"] = None
        elif new is None:
            told[f"{_whole(name, now)} is gone"] = None
        elif old.startswith("#") or new.startswith("#"):
            told[f"{name} has changed"] = None
        else:
            told[f"{name} was {old}, is {new}"] = None
    return list(told)


def _whole(name: str, job: dict[str, str]) -> str:
    """Return the peer, query or sink that a name is of, if the job has nothing of that; else the name."""
    match = _WHOLE.match(name)
    if match is None or any(other.startswith(f"{match[0]}.") for other in job):
        return name
    return match[0]


def _differ_in_keys(before: dict[str, str], now: dict[str, str], order: str) -> bool:
    keys = f"{order.removesuffix(_ORDER)}."
    return any(name.startswith(keys) and before.get(name) != now.get(name) for name in {**before, **now})


def _peer(peer: Peer) -> Iterator[tuple[str, str]]:
    yield from _members(peer, f"peers.{peer.name}", _HOW)
    yield f"peers.{peer.name}.tls", "yes" if peer.tls is not None else "no"


def _query(query: Query, name: str, dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    yield from _members(query, name, _APART)
    yield f"{name}.keys{_ORDER}", _digest_of(query.columns)
    requests = query.requests
    if not isinstance(requests, tuple):
        for mark, value in requests.marks():
            yield from _value(value, f"{name}.{mark}")
    elif len(requests) > _FEW:
        yield f"{name}.keys", _digest_of(requests)
    else:
        for number, request in enumerate(requests, 1):
            keys = f"{name}.keys" if len(requests) == 1 else f"{name}.keys[{number}]"
            yield from _keys(request.identifier, keys, dictionary)
    for child in query.then:
        yield from _query(child, f"{name}.then.{child.name}", dictionary)


def _keys(identifier: Identifier, name: str, dictionary: Dictionary) -> Iterator[tuple[str, str]]:
    for element in identifier:
        path = path_text((element.tag,), dictionary)
        yield f"{name}.{path}", _digest_of(element.vr, element.value)


def _members(value: Any, name: str, without: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the members of a part of the model, those of its parts by dotted names."""
    for field in fields(value):
        if field.name not in without:
            yield from _value(getattr(value, field.name), f"{name}.{_NAMES.get(field.name, field.name)}")


def _value(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Secret):
        known = value.source is not SecretSource.LITERAL
        yield name, f"{value.source.value} {value.value}" if known else value.source.value
    elif isinstance(value, Dictionary):
        return
    elif is_dataclass(value):
        yield from _members(value, name, frozenset())
    elif isinstance(value, Path):
        yield name, os.path.abspath(value)  # noqa: PTH100 - however it is spelled; symbolic links stay
        if ".foreach." in name:
            yield f"{name} (what the file holds)", _file_digest(value)
    elif isinstance(value, Enum):
        yield name, str(value.value)
    elif value is None or isinstance(value, (bool, int, float)):
        yield name, "none" if value is None else str(value)
    elif isinstance(value, str):
        yield name, value if len(value) < _LONG and value[:1] != "#" else _digest_of(value)
    else:
        yield name, _digest_of(value)


def _digest_of(*values: Any) -> str:
    data = repr(values).encode("utf-8", "surrogatepass")
    return f"#{blake2b(data, digest_size=12).hexdigest()}"


def _file_digest(path: Path) -> str:
    digest = blake2b(digest_size=12)
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
    except (OSError, ValueError) as error:
        return f"# {type(error).__name__}"
    return f"#{digest.hexdigest()}"
