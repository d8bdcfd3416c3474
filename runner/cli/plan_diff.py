"""`cfind plan --diff`: prints what a change to a job changes in what is sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from runner.cli.messages import printable, say
from runner.cli.negotiation_text import reference_text
from runner.cli.plan_changes import (
    KeyChange,
    Member,
    OperationChange,
    OrderChange,
    QueryChange,
    SettingChange,
    changes,
)
from runner.cli.plan_text import SYNTAX_NAMES
from runner.cli.tls_text import settings_text
from runner.dicom.transfer_syntax import TransferSyntax
from runner.errors import ExitStatus
from runner.model import DateSplit, Job, LetterSplit, ListSplit, Secret, Tls, UserIdentity
from runner.plan import Operation


def print_diff(old: Job, new: Job, *, as_json: bool) -> ExitStatus:
    """Print the changes as they are found.

    Returns:
        SUCCESS where both jobs send the same, EXPECTATION where they do not.
    """
    return _print_json(old, new) if as_json else _print_text(old, new)


# --- text -------------------------------------------------------------------------------------------------


def _print_text(old: Job, new: Job) -> ExitStatus:
    counts: Counter[str] = Counter()
    for change in changes(old, new):
        if isinstance(change, QueryChange):
            state = "" if change.state == "changed" else f": {change.state}"
            lines = iter([f"query {change.query}, peer {change.peer}{state}"])
        elif isinstance(change, SettingChange):
            counts["setting"] += 1
            lines = iter([f"  {change.name}: {_setting_text(change.old)} -> {_setting_text(change.new)}"])
        elif isinstance(change, OperationChange):
            counts[change.state] += change.count
            lines = _operation_lines(change)
        else:
            counts["order"] += 1
            lines = iter(["order", f"  was: {'; '.join(change.old)}", f"  is:  {'; '.join(change.new)}"])
        for line in lines:
            say(printable(line) + "\n")
    if not counts:
        say("nothing that is sent changes\n")
        return ExitStatus.SUCCESS
    told = [f"{counts[state]} {state}" for state in ("changed", "added", "removed") if counts[state]]
    said = [f"settings: {counts['setting']} changed"] if counts["setting"] else []
    said += [f"operations: {', '.join(told)}"] if told else []
    said += ["another order"] if counts["order"] else []
    say("; ".join(said) + "\n")
    return ExitStatus.EXPECTATION


def _operation_lines(change: OperationChange) -> Iterator[str]:
    if change.count > 1:
        yield (
            f"  changed alike: {change.count} operations, the first{_where(change.first)},"
            f" the last{_where(change.last)}"
        )
    else:
        yield f"  {change.state}{_where(change.first)}"
    for key in change.keys:
        yield f"    {_key_text(key, change.state)}"
    if not change.keys:
        yield "    the same values in other bytes, such as other padding"


def _where(operation: Operation) -> str:
    where = f" from {operation.source}" if operation.source else ""
    return where + (f" repetition {operation.repetition}" if operation.query.repeat > 1 else "")


def _key_text(change: KeyChange, state: str) -> str:
    old, new = change.old, change.new
    if old is None or new is None:
        text = _value_text(new if old is None else old or {})
        if state != "changed":
            return f"{change.key}: {text}"
        return f"{change.key}: {'added, ' if old is None else 'removed, was '}{text}"
    vrs = (f"{old['vr']} ", f"{new['vr']} ") if old["vr"] != new["vr"] else ("", "")
    return f"{change.key}: {vrs[0]}{_value_text(old)} -> {vrs[1]}{_value_text(new)}"


def _value_text(member: Member | None) -> str:
    """Return an attribute's values on one line, with backslashes between them."""
    values = (member or {}).get("Value", [])
    if "InlineBinary" in (member or {}):
        return f"base64 {(member or {})['InlineBinary']}"
    texts = []
    for value in values:
        if isinstance(value, dict):  # a person name (PS3.18 F.2.2)
            groups = [value.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
            texts.append("=".join(groups).rstrip("="))
        else:
            texts.append("" if value is None else str(value))
    return "\\".join(texts) or "(empty)"


def _setting_text(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(_setting_text, value))
    if isinstance(value, TransferSyntax):
        return SYNTAX_NAMES[value]
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it; of a secret where it comes from."""
    if type(value) in _SHOWN:
        return _SHOWN[type(value)](value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return list(map(_plain, value))
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


#: How parts of the model are shown whose members are not told one by one.
_SHOWN: dict[type, Callable[[Any], str]] = {
    Secret: reference_text,
    Tls: settings_text,
    UserIdentity: lambda identity: identity.type.value,
    **dict.fromkeys((DateSplit, LetterSplit, ListSplit), lambda split: f"on {split.name}"),
}


# --- JSON -------------------------------------------------------------------------------------------------


def _print_json(old: Job, new: Job) -> ExitStatus:
    """Print one object, a change at a time: `changes`, each with its `kind`, and if `different`."""
    before = '{"changes": ['
    query: dict[str, str] = {}
    different = False
    for change in changes(old, new):
        if isinstance(change, QueryChange):
            query = {"query": change.query, "peer": change.peer}
            if change.state == "changed":
                continue
            document: dict[str, Any] = {"kind": "query", **query, "state": change.state}
        elif isinstance(change, SettingChange):
            document = {"kind": "setting", **query, "name": change.name}
            document |= {"old": _plain(change.old), "new": _plain(change.new)}
        elif isinstance(change, OperationChange):
            document = {"kind": "operation", **query, **_operation_document(change)}
        elif isinstance(change, OrderChange):
            document = {"kind": "order", "old": list(change.old), "new": list(change.new)}
        different = True
        say(f"{before}\n  {json.dumps(document, ensure_ascii=False)}")
        before = ","
    say(f'{before if not different else ""}\n], "different": {json.dumps(different)}}}\n')
    return ExitStatus.EXPECTATION if different else ExitStatus.SUCCESS


def _operation_document(change: OperationChange) -> dict[str, Any]:
    return {
        "state": change.state,
        "count": change.count,
        "source": change.first.source or None,
        "last_source": change.last.source or None,
        "repetition": change.first.repetition,
        "keys": [{"key": key.key, "old": key.old, "new": key.new} for key in change.keys],
    }
