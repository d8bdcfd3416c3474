"""From YAML text to nodes.

The parser is PyYAML's, and only its events are used: nothing is constructed, no tag is resolved, nesting
needs no recursion, and an alias shares the node of its anchor in place of a copy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runner.jobfile.lint.rules import RULES
from runner.jobfile.nodes import Entry, Listing, Mapping, Node, Place, Scalar
from runner.jobfile.problem import Problem, Severity, dotted

#: PyYAML's events; its stubs say of every mark that it may not be there.
Event = Any

#: How deep lists and mappings may be nested.
MAX_DEPTH = 64

_TOO_DEEP = (f"lists and mappings are nested more than {MAX_DEPTH} deep", "no job needs that")

#: How many nodes all aliases of a file may stand for, together.
MAX_ALIASED_NODES = 100_000

#: What only an escape in double quotes can bring: control characters but for those of texts of several
#: lines (PS3.5 6.1.3), and halves of surrogate pairs.
UNFIT = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

#: What cuts a text off that holds a #, rather than a comment that was meant as one.
_COMMENT = re.compile(r" #[^\s#]")

_CORE = "tag:yaml.org,2002:"


def compose(
    text: str, file: str, beginning: str = "a job begins with 'version: 1'"
) -> tuple[Node | None, list[Problem]]:
    """Parse one YAML document.

    Duplicate and complex keys, tags, and aliases that refer to themselves or stand for too much are
    refused. A merge key (`<<`) puts in the entries of a mapping, or of a list of them, that are not
    there already; those of the mapping itself and of earlier ones in the list win.

    Args:
        text: the file's text.
        file: its name, for the problems.
        beginning: the advice where there is nothing in it.

    Returns:
        The top node, None where the text is not YAML or is empty; and the problems.
    """
    return _Composer(text, file, beginning).compose()


@dataclass(slots=True, eq=False)
class _Frame:
    """A list or mapping that is open."""

    node: Listing | Mapping
    anchor: str | None
    key: Scalar | None = None
    dropped: str | None = None
    merge: Entry | None = None
    size: int = 1
    height: int = 1
    merge_before: int = 0


@dataclass(slots=True)
class _Anchored:
    """What an alias stands for; `node` is None as long as it is open."""

    node: Node | None
    size: int = 1
    height: int = 0


class _TooMuchError(Exception):
    """Parsing further makes no sense."""


@dataclass(slots=True)
class _Composer:
    text: str
    file: str
    beginning: str
    problems: list[Problem] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    root: Node | None = None
    unused: dict[str, Problem] = field(default_factory=dict)
    documents: int = 0
    aliased: int = 0

    def compose(self) -> tuple[Node | None, list[Problem]]:
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(self.text)
        actions: dict[type, Callable[[Event], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.start,
            yaml.SequenceStartEvent: self.start,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }
        try:
            while loader.check_event():
                event = loader.get_event()
                action = actions.get(type(event))
                if action is not None:
                    action(event)
        except _TooMuchError:
            return None, self.problems
        except yaml.YAMLError as error:
            self.problems.append(_syntax_problem(self.file, self.text, error))
            return None, self.problems
        finally:
            loader.dispose()
        self.problems += self.unused.values()
        root = self.root
        if root is None or (isinstance(root, Scalar) and root.text is None):
            what = "the file is empty" if not self.text.strip() else "the file holds no YAML value"
            self.problems.append(Problem(self.file, 1, 1, "", what, self.beginning))
            return None, self.problems
        return root, self.problems

    # --- events -------------------------------------------------------------------------------------

    def document(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            what = "a second document begins here"
            self.problem(event, what, "write one job in a file, without '---' in between", top=True)
            raise _TooMuchError

    def scalar(self, event: Event) -> None:
        self.check_tag(event, "str")
        plain = bool(event.implicit[0]) and not event.style
        text: str | None = event.value
        if plain and event.value in {"", "~", "null"}:
            text = None
        elif text and (unfit := UNFIT.search(text)):
            what = f"the text holds the character U+{ord(unfit.group()):04X}"
            self.problem(event, what, "remove the escape that stands for it")
            text = UNFIT.sub("?", text)
        node = Scalar(text, self.place(event), plain)
        if event.anchor is not None:
            self.note_anchor(event, _Anchored(node))
        self.check_form(event, plain=plain)
        self.put(node, 1, 0)

    def start(self, event: Event) -> None:
        is_mapping = type(event).__name__ == "MappingStartEvent"
        self.check_tag(event, "map" if is_mapping else "seq")
        self.check_depth(event, 1)
        node = (Mapping if is_mapping else Listing)(self.place(event))
        if event.anchor is not None:
            self.note_anchor(event, _Anchored(None))
        self.frames.append(_Frame(node, event.anchor))

    def end(self, _: Event) -> None:
        frame = self.frames.pop()
        if frame.merge is not None:
            self.merged(frame)
        if frame.anchor is not None:
            self.anchors[frame.anchor] = _Anchored(frame.node, frame.size, frame.height)
        self.put(frame.node, frame.size, frame.height)

    def alias(self, event: Event) -> None:
        anchored = self.anchors.get(event.anchor)
        self.unused.pop(event.anchor, None)
        if anchored is None:
            # The name is not shown: it may be a patient's, with a wildcard.
            what = "this alias refers to an anchor that is not there"
            self.problem(event, what, "put a text that begins with * in quotes: '*…'")
        elif anchored.node is None:
            self.problem(event, "this alias refers to what it stands in", "take it out")
        else:
            self.check_depth(event, anchored.height)
            self.aliased += anchored.size
            if self.aliased > MAX_ALIASED_NODES:
                what = f"the aliases of this file stand for more than {MAX_ALIASED_NODES:,} values"
                self.problem(event, what, "use fewer aliases of aliases")
                raise _TooMuchError
            self.put(anchored.node, anchored.size, anchored.height)
            return
        self.put(Scalar(None, self.place(event)), 1, 0)

    def place(self, event: Event) -> Place:
        """Return where an event begins."""
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    # --- what is YAML and not what was meant ----------------------------------------------------------

    def note_anchor(self, event: Event, anchored: _Anchored) -> None:
        """Note what an anchor stands for, and what to say if nothing refers to it."""
        self.anchors[event.anchor] = anchored
        what = "nothing refers to this anchor, and what stands between & and the next space is no value"
        advice = "put a text that begins with & in quotes, or take the anchor out"
        problem = self.made(event, what, advice, rule="unused-anchor")
        self.unused[event.anchor] = problem

    def check_form(self, event: Event, *, plain: bool) -> None:
        """Warn of a value among keys that goes on in another line, or that may be cut off by a comment."""
        if not event.value or not self.is_key_value():
            return
        end = event.end_mark
        if event.style not in {"|", ">"} and end.line > event.start_mark.line:
            what = "the value goes on in the next line, and is joined by a space"
            advice = "write it in one line; if the next line is a key, check its colon and its indentation"
            self.problems.append(self.made(event, what, advice, rule="folded-value"))
        elif plain and _COMMENT.match(self.text, end.index):
            what = "what follows the # is no part of the value, but a comment"
            advice = "put the value in quotes if it belongs to it, and else a space behind the #"
            self.problems.append(self.made(event, what, advice, rule="comment-in-value"))

    def is_key_value(self) -> bool:
        """Whether what comes next is a value in the keys of a query, or of a key set."""
        names = [frame.key.text if frame.key is not None else None for frame in self.frames]
        if self.frames and isinstance(self.frames[-1].node, Mapping) and names[-1] is None:
            return False  # it is a key itself
        return names[:1] == ["key_sets"] or (names[:1] == ["queries"] and names[2:3] == ["keys"])

    # --- building -----------------------------------------------------------------------------------

    def put(self, node: Node, size: int, height: int) -> None:
        """Put a whole node where it belongs."""
        if not self.frames:
            self.root = node
            return
        frame = self.frames[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if isinstance(frame.node, Listing):
            frame.node.items.append(node)
        elif frame.key is None and frame.dropped is None:
            self.put_key(frame, frame.node, node)
        elif frame.dropped is not None:
            frame.dropped = None
        else:
            key, frame.key = frame.key, None
            assert key is not None
            assert key.text is not None
            entry = Entry(key.place, node)
            if key.plain and key.text == "<<":
                frame.merge, frame.merge_before = entry, len(frame.node.entries)
            else:
                frame.node.entries[key.text] = entry

    def put_key(self, frame: _Frame, mapping: Mapping, node: Node) -> None:
        if not isinstance(node, Scalar) or node.text is None:
            what = "a key is empty or null" if isinstance(node, Scalar) else "a key is a list or a mapping"
            self.problem(node, what, "write a text before the colon, in quotes if need be")
            frame.dropped = ""
            return
        is_merge = node.plain and node.text == "<<"
        first = frame.merge if is_merge else mapping.entries.get(node.text)
        if first is not None:
            what = f"the key {node.text!r} stands here a second time; the first is in line {first.place.line}"
            advice = "write '<<: [*one, *two]'" if is_merge else "keep one of them"
            self.problem(node, what, advice, key=node.text)
            frame.dropped = node.text
            return
        frame.key = node

    def merged(self, frame: _Frame) -> None:
        """Resolve the frame's merge key."""
        mapping, merge = frame.node, frame.merge
        assert isinstance(mapping, Mapping)
        assert merge is not None
        sources = merge.node.items if isinstance(merge.node, Listing) else [merge.node]
        more: dict[str, Entry] = {}
        for source in sources:
            if not isinstance(source, Mapping):
                where = Scalar(None, merge.place)
                self.problem(
                    where, "'<<' wants a mapping, or a list of mappings", "write '<<: *anchor'", key="<<"
                )
                return
            for key, entry in source.entries.items():
                if key not in mapping.entries:
                    more.setdefault(key, entry)
        entries = list(mapping.entries.items())
        mapping.entries = dict(
            [*entries[: frame.merge_before], *more.items(), *entries[frame.merge_before :]]
        )

    # --- refusing -----------------------------------------------------------------------------------

    def check_tag(self, event: Event, core: str) -> None:
        tag = event.tag
        if tag in {None, "!", _CORE + core}:
            return
        shown = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
        self.problem(event, f"the tag {shown!r} is not taken: nothing in a job file is executed", "remove it")

    def check_depth(self, event: Event, height: int) -> None:
        if len(self.frames) + height > MAX_DEPTH:
            self.problem(event, *_TOO_DEEP, top=True)
            raise _TooMuchError

    def problem(
        self, at: Any, what: str, advice: str = "", *, key: str | None = None, top: bool = False
    ) -> None:
        self.problems.append(self.made(at, what, advice, key=key, top=top))

    def made(
        self, at: Any, what: str, advice: str, *, key: str | None = None, top: bool = False, rule: str = ""
    ) -> Problem:
        """Return a problem; `at` is an event or a node."""
        place = at.place if isinstance(at, (Scalar, Listing, Mapping)) else self.place(at)
        path: list[str | int] = []
        for frame in self.frames if not top else ():
            if isinstance(frame.node, Listing):
                path.append(len(frame.node.items))
            elif frame.key is not None and frame.key.text is not None:
                path.append(frame.key.text)
            elif frame.dropped:
                path.append(frame.dropped)
        if key is not None:
            path.append(key)
        severity = RULES[rule].severity if rule else Severity.ERROR
        return Problem(*place, dotted(tuple(path)), what, advice, severity, rule)


# --- what the parser refuses ------------------------------------------------------------------------

#: Patterns in what PyYAML and libyaml say, and what people are told in their place.
_SYNTAX = (
    # libyaml reads ahead, and has a limit of its own since 0.2.6
    ("exceeded maximum nesting depth", *_TOO_DEEP),
    (
        "mapping values are not allowed",
        "a colon stands where no 'key: value' can begin",
        "put a text that holds ': ' in quotes, and check the indentation",
    ),
    ("did not find expected key|expected <block end>", "this line does not fit in with the lines above", ""),
    (
        "expected '-' indicator|expected <block end>, but found '-'",
        "this line does not fit into the list above",
        "",
    ),
    (
        "could not find expected ':'",
        "this is neither 'key: value' nor part of the text above",
        "write a colon and a space after the key, and check the indentation",
    ),
    (
        "while scanning a quoted scalar.*unexpected end of stream",
        "a quote that is opened here is not closed",
        "put the same kind of quote at the end of the text",
    ),
    (
        "while scanning an? (alias|anchor)",
        "after * or & a name is expected",
        "put a text that begins with * or & in quotes: '*'",
    ),
    (
        "expected ',' or '[\\]}]'",
        "a bracket that is opened here is not closed, or a comma is missing",
        "put texts with brackets, braces or commas in quotes",
    ),
    (
        "unknown escape character",
        "this backslash begins no escape that YAML knows",
        "use single quotes, in which a backslash is just itself",
    ),
    (
        "sequence entries are not allowed",
        "a list cannot begin in the line of its key",
        "put each '- ' in a line of its own, or write [one, two]",
    ),
    (
        "expected (the )?node content",
        "a value is expected here",
        "put a text that begins with a bracket, a brace or a comma in quotes",
    ),
    ("undefined tag handle", "the tag is not taken: nothing in a job file is executed", "remove it"),
    ("incompatible YAML document", "this version of YAML is not known", "remove the line %YAML"),
)


def _syntax_problem(file: str, text: str, error: Any) -> Problem:
    """Say what a parser error means."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # the reader's errors, which read_text has already found
        return Problem(file, 1, 1, "", f"this is not YAML: {getattr(error, 'reason', 'unreadable')}")
    context, said = error.context or "", error.problem or ""
    line, column = mark.line, mark.column
    lines = text.splitlines()
    rest = lines[line][column:] if line < len(lines) else ""
    if "cannot start any token" in said:
        what, advice = _misplaced(rest[:1])
        return Problem(file, line + 1, column + 1, "", what, advice)
    what, advice = next(
        (explained for pattern, *explained in _SYNTAX if re.search(pattern, f"{context} {said}", re.DOTALL)),
        (f"this is not YAML: {said}", ""),
    )
    opened = error.context_mark
    if "is opened here" in what and opened is not None:
        line, column = opened.line, opened.column
    return Problem(file, line + 1, column + 1, "", what, advice or "indent it as its neighbours, with spaces")


def _misplaced(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab indents this line", "indent with spaces"
    return (
        f"a text cannot begin with {character!r}",
        f"put it in quotes: '{character}…'" if character not in {"'", '"'} else "put it in quotes",
    )
