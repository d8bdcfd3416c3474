"""References in the texts of a job file: `${env:NAME}`, `${var:NAME}`, `${today-7d}`, `${row.COLUMN}`.

They are resolved in the nodes, before the schema gives the texts their types. What a reference stands for
is never looked at for references again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from runner.jobfile.clock import Clock, UnknownZoneError
from runner.jobfile.compose import UNFIT
from runner.jobfile.nodes import Column, Entry, LateText, Listing, Mapping, Node, Place, Scalar
from runner.jobfile.problem import Problem, below_keys, dotted

if TYPE_CHECKING:
    from runner.jobfile.moments import Moment

Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\$\$\{|\$\{(?:([^{}]*)\})?")
_NAME = "[A-Za-z_][A-Za-z0-9_-]*"

#: How each kind of reference is written.
_FORMS = {
    "env": re.compile(rf"env:(?P<name>{_NAME})(?::-(?P<default>.*))?", re.DOTALL),
    "var": re.compile(rf"var:(?P<name>{_NAME})(?::-(?P<default>.*))?", re.DOTALL),
    "file": re.compile(r"file:(?P<name>.+)"),
    "row": re.compile(r"row\.(?P<name>.+)", re.DOTALL),
    "date": re.compile(r"(?P<name>(?:today|yesterday|now)(?![A-Za-z0-9_])[^:]*)(?::(?P<format>.*))?"),
    "last": re.compile(
        r"last_success(?![A-Za-z0-9_])(?P<name>[^:]*)(?::-(?P<default>[^:]*))?(?::(?P<format>.*))?"
    ),
}
#: How messages show a reference of each kind.
_SHOWN = {
    "env": "${env:…}",
    "var": "${var:…}",
    "file": "${file:…}",
    "row": "${row.…}",
    "date": "${today…}",
    "last": "${last_success…}",
}

#: The longest file that a reference stands for, in bytes.
MAX_FILE = 65536

_LITERAL = "write $${ where ${ itself is meant"
_KNOWN = (
    "known are ${env:NAME}, ${env:NAME:-default}, ${var:NAME}, ${file:PATH}, ${today}, ${yesterday}, ${now}"
    " and ${last_success} with terms such as -7d and formats such as :%Y%m, and ${row.COLUMN} in a query"
    " with foreach"
)

_EVERYWHERE = frozenset(("env", "var", "date", "last"))
_WITH_FILES = _EVERYWHERE | {"file"}
#: Members of a peer that name it or where it is; the others name files, or say how it is spoken to.
_OF_PEER = frozenset(("host", "port", "ae_title", "calling_ae_title"))
_AT_TOP = {
    "version": frozenset[str](),
    "lint": frozenset[str](),
    "timezone": frozenset(("env",)),
    "vars": frozenset(("env", "file", "date", "last")),
    # what is known of earlier runs is found by it
    "name": frozenset(("env", "var", "date")),
    "schedule": frozenset(("env", "var")),
}
#: Members of peers that hold secrets.
_SECRETS = frozenset(
    (
        ("tls", "password"),
        ("user_identity", "passcode"),
        ("user_identity", "ticket"),
        ("user_identity", "assertion"),
        ("user_identity", "token"),
    )
)
_IN_QUERY = {
    "model": frozenset(("var",)),
    "level": frozenset(("var",)),
    "peer": frozenset(("var",)),
    "peers": frozenset(("var",)),
    "use": frozenset(("var",)),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference.

    Attributes:
        kind: env, var, file, row, date or last.
        name: of what is meant; of a date the word with its terms; of the last success the terms alone.
        default: of env and of the last success, None where none is given.
        format: of a date and of the last success, None where none is given.
    """

    kind: str
    name: str
    default: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What is known of earlier runs.

    Attributes:
        last_success: returns when the last complete run of the job of a name began, in microseconds since
            1 January 1970 in UTC; None where there is none.
        default_name: of a job that does not say how it is called.
    """

    last_success: Callable[[str], int | None]
    default_name: str


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
    for kind, form in _FORMS.items():
        if match := form.fullmatch(body):
            found = match.groupdict()
            reference = Reference(kind, found["name"].strip(" "), found.get("default"), found.get("format"))
            _check_form(reference)
            return reference
    name = re.fullmatch(_NAME, body)
    advice = f"did you mean ${{var:{body}}} or ${{env:{body}}}?" if name else f"{_KNOWN}; {_LITERAL}"
    raise MalformedReferenceError("this reference is not known", advice)


def _check_form(reference: Reference) -> None:
    if reference.kind == "var" and reference.default is not None:
        advice = f"give {reference.name} its default under 'vars'"
        raise MalformedReferenceError("a reference to a variable has no default", advice)
    if reference.kind not in ("date", "last"):
        return
    from runner.jobfile import moments

    if reference.kind == "last":
        _check_last(reference)
    elif not moments.is_expression(reference.name):
        what = "this is no date, although it begins like one"
        raise MalformedReferenceError(what, moments.FORMS)
    if reference.format is None:
        return
    code = moments.unknown_code(reference.format)
    if code is not None or not reference.format:
        what = f"the format has {code!r}, which is no code" if code else "the format is empty"
        raise MalformedReferenceError(what, f"known are {moments.known_codes()}")


def _check_last(reference: Reference) -> None:
    from runner.jobfile import moments

    if not moments.is_terms(reference.name):
        what = "behind last_success stands no length of time"
        raise MalformedReferenceError(what, "write + or - with y, mo, w, d, h or min: ${last_success-2d}")
    if reference.default is not None:
        try:
            known = moments.day_or_moment(reference.default, Clock(0))
        except moments.MomentError as error:
            raise MalformedReferenceError(f"the default: {error.args[0]}", error.args[1]) from None
        if known is None:
            what = "the default of last_success is no date"
            raise MalformedReferenceError(what, f"write a day such as 2024-01-31, or {moments.FORMS[6:]}")


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
    document: Mapping,
    variables: MappingOf[str, str],
    environment: MappingOf[str, str],
    clock: Clock,
    history: History | None = None,
    *,
    is_fragment: bool = False,
) -> Interpolated:
    """Resolve all references of a job file.

    Args:
        document: the job file.
        variables: values that take the place of those under `vars`.
        environment: for `${env:NAME}`.
        clock: for dates; the document's `timezone` counts.
        history: for `${last_success}`; None where nothing is known of earlier runs.
        is_fragment: whether it is a file that jobs include, which may use variables that those declare.
    """
    work = _Interpolation(environment, clock, is_fragment, history)
    work.declare(document, variables)
    resolved = work.node(document, (), in_rows=False)
    assert isinstance(resolved, Mapping)
    return Interpolated(resolved, list(work.problems), frozenset(work.unresolved))


class _UnresolvedError(Exception):
    """What is wrong and what to do; nothing where that has been said elsewhere."""


@dataclass(slots=True)
class _Interpolation:
    environment: MappingOf[str, str]
    clock: Clock
    is_fragment: bool
    history: History | None = None
    problems: dict[Problem, None] = field(default_factory=dict)
    unresolved: set[Place] = field(default_factory=set)
    given: dict[str, str] = field(default_factory=dict)
    values: dict[str, str | None] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    has_zone: bool = True
    name: Scalar | None = None

    # --- variables -----------------------------------------------------------------------------------

    def declare(self, document: Mapping, variables: MappingOf[str, str]) -> None:
        """Note time zone and values of variables; complain about those that are given and not declared."""
        self.declare_zone(document)
        entry = document.entries.get("name")
        self.name = entry.node if entry is not None and isinstance(entry.node, Scalar) else None
        entry = document.entries.get("vars")
        declared = entry.node.entries if entry is not None and isinstance(entry.node, Mapping) else {}
        for name, value in variables.items():
            if name not in declared and self.is_fragment:
                continue
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

    def declare_zone(self, document: Mapping) -> None:
        """Note the time zone, in which the dates of variables are too."""
        entry = document.entries.get("timezone")
        if entry is None or not isinstance(entry.node, Scalar) or not entry.node.text:
            return
        name = self.text(entry.node, entry.node.text, ("timezone",), False)
        try:
            self.clock = self.clock.in_zone(name)
        except UnknownZoneError:
            self.has_zone = False  # complained about when the job is read

    def value(self, reference: Reference, at: Place) -> str:
        """Return what a reference stands for, except for rows and dates.

        Args:
            reference: to a variable, the environment or a file.
            at: where it stands.

        Raises:
            _UnresolvedError: there is no such thing.
        """
        if reference.kind == "var":
            return self.of_variable(reference)
        if reference.kind == "env":
            shown, value = f"the environment's variable {reference.name!r}", self.of_environment(reference)
        else:
            shown = f"the file {reference.name!r}"
            value = _contents(FilePath(at.file).parent / reference.name, shown)
        if unfit := UNFIT.search(value):
            raise _UnresolvedError(f"{shown} holds the character U+{ord(unfit.group()):04X}", "take it out")
        return value

    def of_environment(self, reference: Reference) -> str:
        name = reference.name
        value = self.environment.get(name)
        if reference.default is not None and not value:
            return reference.default
        if value is None:
            advice = f"set it, or give a default: ${{env:{name}:-default}}"
            raise _UnresolvedError(f"the environment has no variable {name!r}", advice)
        return value

    def of_variable(self, reference: Reference) -> str:
        name = reference.name
        if name in self.broken or (self.is_fragment and self.values.get(name) is None):
            raise _UnresolvedError
        if name not in self.values:
            what = f"the job declares no variable {name!r}"
            raise _UnresolvedError(what, self.declared_like(name))
        value = self.values[name]
        if value is None:
            what = f"the variable {name!r} has no value"
            raise _UnresolvedError(what, f"give it with --var {name}=VALUE, or under 'vars'")
        return value

    def date(self, reference: Reference, path: Path) -> str | Moment:
        """Return what a date stands for, a moment where its form depends on the VR of a key.

        Raises:
            _UnresolvedError: it lies outside of the years that there are.
        """
        from runner.jobfile.moments import MomentError, moment

        if not self.has_zone:
            raise _UnresolvedError
        try:
            meant = moment(reference.name, self.clock)
        except MomentError as error:
            raise _UnresolvedError(*error.args) from None
        assert meant is not None
        return self.form(meant, reference.format, path)

    @staticmethod
    def form(meant: Moment, form: str | None, path: Path) -> str | Moment:
        """Return a moment as it is written; itself where its form depends on the VR of a key.

        Raises:
            _UnresolvedError: its form needs an instant outside of the years that there are.
        """
        from runner.jobfile.moments import MomentError, form_for, formatted

        if form is None and _is_value_of_key(path):
            return meant
        try:
            return formatted(meant, form_for("", meant) if form is None else form)
        except MomentError as error:
            raise _UnresolvedError(*error.args) from None

    def last(self, reference: Reference, path: Path) -> str | Moment:
        """Return what the last success stands for: "" where there is none, and no default.

        Raises:
            _UnresolvedError: it lies outside of the years that there are, or the job has no name yet.
        """
        from runner.jobfile import moments

        if not self.has_zone:
            raise _UnresolvedError
        instant = self.last_success(path)
        if instant is None and reference.default is None:
            return ""
        try:
            if instant is not None:
                meant: Moment | None = moments.moved_from(instant, reference.name, self.clock)
            else:
                meant = moments.day_or_moment(reference.default or "", self.clock)
        except moments.MomentError as error:
            raise _UnresolvedError(*error.args) from None
        assert meant is not None
        return self.form(meant, reference.format, path)

    def last_success(self, path: Path) -> int | None:
        """Return when the last complete run of the job began; None where there is none.

        Raises:
            _UnresolvedError: the name of the job, which it is known by, depends on what is being resolved.
        """
        if self.history is None or self.is_fragment:
            return None
        name = self.name.text if self.name is not None else None
        if self.name is not None and name is not None and "${" in name:
            if path[0] == "vars":
                what = "${last_success…} stands in a variable, and the job's name has a reference itself"
                raise _UnresolvedError(what, "write the name out, or ${last_success…} in the query")
            name = self.text(self.name, name, ("name",), False)
            if self.name.place in self.unresolved:
                raise _UnresolvedError
        return self.history.last_success(name or self.history.default_name)

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
            if node.text is None or "${" not in node.text or _is_secret(path) or path[0] == "include":
                return node
            if path[0] == "vars" and len(path) == 2 and path[1] in self.given:
                return Scalar(self.given[str(path[1])], node.place, node.plain)
            return Scalar(self.text(node, node.text, path, in_rows), node.place, node.plain)
        if isinstance(node, Listing):
            items = [self.node(item, (*path, n), in_rows=in_rows) for n, item in enumerate(node.items)]
            return Listing(node.place, items)
        if len(path) == 2 and path[0] == "queries":
            in_rows = "foreach" in node.entries
        elif path == ("key_sets",):
            in_rows = True  # where a query uses the set, it is known whether it has rows
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
        texts: list[str | Column | Moment] = []
        try:
            for piece in parsed(typed):
                if isinstance(piece, str):
                    texts.append(piece)
                    continue
                _check_context(piece, path, allowed, in_rows=in_rows)
                if piece.kind == "row":
                    texts.append(Column(piece.name))
                elif piece.kind in ("date", "last"):
                    texts.append(self.date(piece, path) if piece.kind == "date" else self.last(piece, path))
                else:
                    texts.append(self.value(piece, node.place))
        except (MalformedReferenceError, _UnresolvedError) as error:
            self.unresolved.add(node.place)
            if error.args:
                self.add(node.place, path, *error.args)
            return typed
        if not all(isinstance(text, str) for text in texts):
            result = LateText(typed)
            result.pieces = tuple(texts)
            return result
        joined = "".join(text for text in texts if isinstance(text, str))
        # of ${last_success-2d}- nothing but the hyphen is left: a period without ends is none
        return "" if joined == "-" and "${last_success" in typed else joined

    def add(self, place: Place, path: Path, what: str, advice: str) -> None:
        """Complain."""
        self.problems[Problem(*place, dotted(path), what, advice)] = None


def _contents(path: FilePath, shown: str) -> str:
    """Return the text of a file, without the end of its last line.

    Raises:
        _UnresolvedError: it cannot be read, or is more than a short text.
    """
    try:
        if not path.is_file():  # a pipe or a device may have no end
            raise _UnresolvedError(f"{shown} is not there", "name one, relative to this file")
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        raise _UnresolvedError(f"{shown} cannot be read: {reason}", "check the path") from None
    if len(data) > MAX_FILE:
        what = f"{shown} is longer than {MAX_FILE:,} bytes"
        raise _UnresolvedError(what, "a reference is for short texts")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _UnresolvedError(f"{shown} is not UTF-8", "save it as UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


def _is_secret(path: Path) -> bool:
    """Whether a reference stays one until what it stands for is used, so that no plan or report has it."""
    return len(path) == 4 and path[0] == "peers" and path[2:] in _SECRETS


def _allowed(path: Path) -> frozenset[str]:
    """Return the kinds of references that are resolved in a place, rows apart."""
    if below_keys(path):
        return frozenset() if path[-1] == "vr" else _WITH_FILES
    if path[0] == "queries" and len(path) > 2:
        return _IN_QUERY.get(str(path[2]), _EVERYWHERE)
    if path[0] == "peers" and len(path) == 3 and path[2] in _OF_PEER:
        return _WITH_FILES
    if path[0] == "sinks" and path[-1] == "type":
        return frozenset()
    return _AT_TOP.get(str(path[0]), _EVERYWHERE)


def _check_context(reference: Reference, path: Path, allowed: frozenset[str], *, in_rows: bool) -> None:
    """Check that a reference is safe where it stands.

    Raises:
        _UnresolvedError: it is not.
    """
    if reference.kind != "row":
        if reference.kind not in allowed:
            what = f"{_SHOWN[reference.kind]} is not taken here"
            known = [_SHOWN[kind] for kind in _FORMS if kind in allowed]
            advice = f"{', '.join(known)} {'is' if len(known) == 1 else 'are'}"
            raise _UnresolvedError(what, advice if known else "write it out: it says how the job is read")
        return
    if not _is_value_of_key(path):
        raise _UnresolvedError("${row.…} is taken in the keys of a query only", "use ${var:…} here")
    if not in_rows:
        what = "${row.…} stands in a query without rows"
        raise _UnresolvedError(what, "add 'foreach' to the query, with 'values' or 'csv'")


def _is_value_of_key(path: Path) -> bool:
    return bool(below_keys(path)) and path[-1] != "vr"
