"""References in the texts of a job file: `${env:NAME}`, `${var:NAME}` and `${row.COLUMN}`.

They are resolved in the nodes, before the schema gives the texts their types. What a reference stands for
is never looked at for references again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field

from runner.jobfile.compose import UNFIT
from runner.jobfile.nodes import Column, Entry, Listing, Mapping, Node, Place, RowText, Scalar
from runner.jobfile.problem import Problem, dotted

Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\$\$\{|\$\{(?:([^{}]*)\})?")
_REFERENCE = re.compile(
    r"(?P<kind>env|var):(?P<name>[A-Za-z_][A-Za-z0-9_-]*)(?P<default>:-.*)?|row\.(?P<column>.+)", re.DOTALL
)

_LITERAL = "write $${ where ${ itself is meant"
_KNOWN = "known are ${env:NAME}, ${env:NAME:-default}, ${var:NAME}, and ${row.COLUMN} in a query with foreach"

_EVERYWHERE = frozenset(("env", "var"))
_IN_QUERY = {
    "model": frozenset(("var",)),
    "level": frozenset(("var",)),
    "peer": frozenset(("var",)),
    "peers": frozenset(("var",)),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: `kind` is env, var or row; `default` is None where none is given."""

    kind: str
    name: str
    default: str | None = None


class MalformedReferenceError(ValueError):
    """A text has a `${` that begins no reference; its arguments are what is wrong and what to do."""


def parsed(text: str) -> list[str | Reference]:
    """Take a text apart into texts and references; `$${` is a literal `${`.

    Raises:
        MalformedReferenceError: a `${` begins no reference that is known.
    """
    pieces: list[str | Reference] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces.append(text[end : token.start()])
        end = token.end()
        pieces.append("${" if token.group() == "$${" else _reference(token[1], text[end : end + 1]))
    pieces.append(text[end:])
    return [piece for piece in pieces if piece]


def _reference(body: str | None, following: str) -> Reference:
    if body is None:
        what = "a reference is opened by ${ and not closed"
        if following:
            what = "a reference that ${ opens has a brace in it, or is not closed"
        raise MalformedReferenceError(what, f"close it with }}, or {_LITERAL}")
    match = _REFERENCE.fullmatch(body)
    if match is None:
        name = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", body)
        advice = f"did you mean ${{var:{body}}} or ${{env:{body}}}?" if name else f"{_KNOWN}; {_LITERAL}"
        raise MalformedReferenceError("this reference is not known", advice)
    if match["column"] is not None:
        return Reference("row", match["column"].strip(" "))
    default = match["default"]
    if default is not None and match["kind"] == "var":
        raise MalformedReferenceError(
            "a reference to a variable has no default", f"give {match['name']} its default under 'vars'"
        )
    return Reference(match["kind"], match["name"], None if default is None else default[2:])


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A document without references.

    Attributes:
        document: with what the references stand for; nodes that have none are the same ones.
        problems: what could not be resolved.
        unresolved: the places of the texts that these are in; they are as typed.
    """

    document: Mapping
    problems: list[Problem]
    unresolved: frozenset[Place]


def interpolated(
    document: Mapping, variables: MappingOf[str, str], environment: MappingOf[str, str]
) -> Interpolated:
    """Resolve all references of a job file.

    Args:
        document: the job file.
        variables: values that take the place of those under `vars`.
        environment: for `${env:NAME}`.
    """
    work = _Interpolation(environment)
    work.declare(document, variables)
    resolved = work.node(document, (), in_rows=False)
    assert isinstance(resolved, Mapping)
    return Interpolated(resolved, list(work.problems), frozenset(work.unresolved))


class _UnresolvedError(Exception):
    """What is wrong and what to do; nothing where that has been said elsewhere."""


@dataclass(slots=True)
class _Interpolation:
    environment: MappingOf[str, str]
    problems: dict[Problem, None] = field(default_factory=dict)
    unresolved: set[Place] = field(default_factory=set)
    given: dict[str, str] = field(default_factory=dict)
    values: dict[str, str | None] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    # --- variables -----------------------------------------------------------------------------------

    def declare(self, document: Mapping, variables: MappingOf[str, str]) -> None:
        """Note the values of variables; complain about those that are given and not declared."""
        entry = document.entries.get("vars")
        declared = entry.node.entries if entry is not None and isinstance(entry.node, Mapping) else {}
        for name, value in variables.items():
            if name not in declared:
                place = entry.place if entry is not None else Place(document.place.file, 0, 0)
                known = f"; declared are {', '.join(declared)}" if declared else ""
                what = f"--var gives {name!r}, which the job does not declare{known}"
                self.add(place, ("vars",), what, f"add '{name}:' under 'vars', or leave --var out")
            elif unfit := UNFIT.search(value):
                at = declared[name]
                what = f"the value that --var gives holds the character U+{ord(unfit.group()):04X}"
                self.add(at.place, ("vars", name), what, "take it out")
                self.broken.add(name)
            self.given[name] = value
        for name, at in declared.items():
            if name in self.given:
                self.values[name] = self.given[name]
            elif isinstance(at.node, Scalar):
                text = at.node.text
                self.values[name] = None if text is None else self.text(at.node, text, ("vars", name), False)
                if at.node.place in self.unresolved:
                    self.broken.add(name)
            else:
                self.broken.add(name)  # the schema complains

    def value(self, reference: Reference) -> str:
        """Return what a reference stands for.

        Raises:
            _UnresolvedError: there is no such thing.
        """
        name = reference.name
        if reference.kind == "env":
            value = self.environment.get(name)
            if reference.default is not None and not value:
                return reference.default
            if value is None:
                advice = f"set it, or give a default: ${{env:{name}:-default}}"
                raise _UnresolvedError(f"the environment has no variable {name!r}", advice)
            if unfit := UNFIT.search(value):
                what = f"the environment's variable {name!r} holds the character U+{ord(unfit.group()):04X}"
                raise _UnresolvedError(what, "take it out")
            return value
        if name in self.broken:
            raise _UnresolvedError
        if name not in self.values:
            what = f"the job declares no variable {name!r}"
            raise _UnresolvedError(what, self.declared_like(name))
        value = self.values[name]
        if value is None:
            what = f"the variable {name!r} has no value"
            raise _UnresolvedError(what, f"give it with --var {name}=VALUE, or under 'vars'")
        return value

    def declared_like(self, name: str) -> str:
        if not self.values:
            return f"add 'vars:' with '{name}: VALUE' at the top of the job"
        from runner.jobfile.schema_problems import meant

        likely = meant(name, self.values)
        return f"did you mean {likely!r}?" if likely else f"add it under 'vars': '{name}: VALUE'"

    # --- nodes ---------------------------------------------------------------------------------------

    def node(self, node: Node, path: Path, *, in_rows: bool) -> Node:
        """Return a node with its references resolved, the same one where it has none.

        Args:
            node: the document or a part of it.
            path: where it stands.
            in_rows: whether it belongs to a query with `foreach`.
        """
        if isinstance(node, Scalar):
            if node.text is None or "${" not in node.text or _is_secret(path):
                return node
            if path[0] == "vars" and len(path) == 2 and path[1] in self.given:
                return Scalar(self.given[str(path[1])], node.place, node.plain)
            return Scalar(self.text(node, node.text, path, in_rows), node.place, node.plain)
        if isinstance(node, Listing):
            items = [self.node(item, (*path, n), in_rows=in_rows) for n, item in enumerate(node.items)]
            return Listing(node.place, items)
        if len(path) == 2 and path[0] == "queries":
            in_rows = "foreach" in node.entries
        entries = {}
        for name, entry in node.entries.items():
            if "${" in name:
                what = "a reference stands in a name, where none is resolved"
                self.add(entry.place, (*path, name), what, "write the name out")
            resolved = self.node(entry.node, (*path, name), in_rows=in_rows)
            entries[name] = Entry(entry.place, resolved)
        return Mapping(node.place, entries)

    def text(self, node: Scalar, typed: str, path: Path, in_rows: bool) -> str:
        """Return a text with its references resolved; as it is typed, after a complaint, if that fails."""
        allowed = _allowed(path)
        texts: list[str | Column] = []
        try:
            for piece in parsed(typed):
                if isinstance(piece, str):
                    texts.append(piece)
                    continue
                _check_context(piece, path, allowed, in_rows=in_rows)
                texts.append(Column(piece.name) if piece.kind == "row" else self.value(piece))
        except (MalformedReferenceError, _UnresolvedError) as error:
            self.unresolved.add(node.place)
            if error.args:
                self.add(node.place, path, *error.args)
            return typed
        if any(isinstance(text, Column) for text in texts):
            result = RowText(typed)
            result.pieces = tuple(texts)
            return result
        return "".join(text for text in texts if isinstance(text, str))

    def add(self, place: Place, path: Path, what: str, advice: str) -> None:
        """Complain."""
        self.problems[Problem(*place, dotted(path), what, advice)] = None


def _is_secret(path: Path) -> bool:
    """Whether a reference stays one until what it stands for is used, so that no plan or report has it."""
    return len(path) == 4 and path[0] == "peers" and path[2:] == ("tls", "password")


def _allowed(path: Path) -> frozenset[str]:
    """Return the kinds of references that are resolved in a place, rows apart."""
    if path[0] == "version" or (path[-1] == "type" and path[0] == "sinks"):
        return frozenset()
    if path[0] == "vars":
        return frozenset(("env",))
    if path[0] == "queries" and len(path) > 2:
        if path[2] == "keys" and path[-1] == "vr":
            return frozenset()
        return _IN_QUERY.get(str(path[2]), _EVERYWHERE)
    return _EVERYWHERE


def _check_context(reference: Reference, path: Path, allowed: frozenset[str], *, in_rows: bool) -> None:
    """Check that a reference is safe where it stands.

    Raises:
        _UnresolvedError: it is not.
    """
    if reference.kind != "row":
        if reference.kind not in allowed:
            shown = f"${{{reference.kind}:…}}"
            what = f"{shown} is not taken here"
            advice = f"${{{'}, ${'.join(f'{kind}:…' for kind in sorted(allowed))}}} is" if allowed else ""
            raise _UnresolvedError(what, advice or "write it out: it says how the job is read")
        return
    is_key = path[0] == "queries" and len(path) > 3 and path[2] == "keys" and path[-1] != "vr"
    if not is_key:
        raise _UnresolvedError("${row.…} is taken in the keys of a query only", "use ${var:…} here")
    if not in_rows:
        what = "${row.…} stands in a query without rows"
        raise _UnresolvedError(what, "add 'foreach' to the query, with 'values' or 'csv'")
