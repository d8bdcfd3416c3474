"""As much of the shell's language as is needed to find the calls of a program in a script.

Quotes, continuation lines, variables, command substitutions, loops and comments are understood; nothing
is run. What is not understood is kept as text, so that a person can look at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*])(?::?-([^{}$`]*))?\}")
#: Expansions that are kept as a command, since nothing is computed.
_KEPT = ("${", "$'")
_OPERATORS = (
    "&&",
    "||",
    ";;",
    "|&",
    ">>",
    "<<<",
    "<<-",
    "<<",
    ">&",
    "<&",
    "&>",
    ";",
    "|",
    "&",
    "(",
    ")",
    "<",
    ">",
)
_REDIRECTIONS = frozenset((">", ">>", "<", "<<", "<<-", "<<<", ">&", "<&", "&>"))


class PartKind(Enum):
    """What a part of a word is."""

    TEXT = "text"
    VARIABLE = "variable"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a word.

    Attributes:
        kind: what it is.
        text: the text itself, the variable's name, or the command.
        default: of a variable, None where none is given.
        quoted: whether it stands between quotation marks.
    """

    kind: PartKind
    text: str
    default: str | None = None
    quoted: bool = False


Word = tuple[Part, ...]


@dataclass(slots=True)
class Command:
    """A simple command.

    Attributes:
        line: of the script, where it begins.
        words: its words, without redirections.
        redirections: operator and target.
        before: the operator before it, "" at the beginning of a line.
        after: the operator behind it.
    """

    line: int
    words: list[Word] = field(default_factory=list)
    redirections: list[tuple[str, Word]] = field(default_factory=list)
    before: str = ""
    after: str = ""


def plain(word: Word) -> str | None:
    """Return the text of a word without variables and commands, None for any other."""
    if all(part.kind is PartKind.TEXT for part in word):
        return "".join(part.text for part in word)
    return None


def shown(word: Word) -> str:
    """Return a word for a message."""
    forms = {PartKind.TEXT: "{}", PartKind.VARIABLE: "${}", PartKind.COMMAND: "$({})"}
    return "".join(
        part.text if part.text.startswith(_KEPT) else forms[part.kind].format(part.text) for part in word
    )


def commands(text: str) -> list[Command]:
    """Return the simple commands of a script, in order."""
    return list(_Reader(text).commands())


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.heredocs: list[str] = []

    def commands(self) -> Iterator[Command]:
        command = Command(self.line)
        while self.at < len(self.text):
            operator = self._operator()
            if operator in _REDIRECTIONS:
                self._redirect(command, operator)
            elif operator:
                command.after = operator
                if command.words or command.redirections:
                    yield command
                command = Command(self.line, before="" if operator == "\n" else operator)
            elif self.at < len(self.text):
                if not command.words:
                    command.line = self.line
                word = self._word()
                if word:
                    command.words.append(word)
        if command.words or command.redirections:
            yield command

    def _redirect(self, command: Command, operator: str) -> None:
        # a number right before the operator is a file descriptor, not a word
        if command.words and (plain(command.words[-1]) or "x").isdigit() and self._glued(operator):
            command.words.pop()
        self._skip_blanks()
        target = self._word()
        command.redirections.append((operator, target))
        if operator in ("<<", "<<-"):
            self.heredocs.append(plain(target) or "")

    def _glued(self, operator: str) -> bool:
        start = self.at - len(operator) - 1
        return start >= 0 and self.text[start].isdigit()

    def _skip_blanks(self) -> None:
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in " \t\r":
                self.at += 1
            elif self.text.startswith("\\\n", self.at) or self.text.startswith("\\\r\n", self.at):
                self.at = self.text.index("\n", self.at) + 1
                self.line += 1
            elif character == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def _operator(self) -> str:
        """Take the operator that comes next, "" where a word comes."""
        self._skip_blanks()
        if self.text.startswith("\n", self.at):
            self.at += 1
            self.line += 1
            self._skip_heredocs()
            return "\n"
        for operator in _OPERATORS:
            if self.text.startswith(operator, self.at):
                self.at += len(operator)
                return operator
        return ""

    def _skip_heredocs(self) -> None:
        for mark in self.heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                found = self.text[self.at : end].strip() == mark
                self.at = end + 1
                self.line += 1
                if found:
                    break
        self.heredocs.clear()

    def _word(self) -> Word:
        parts: list[Part] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in " \t\r\n;|&<>()":
                break
            if character == "'":
                end = self._closing("'")
                parts.append(Part(PartKind.TEXT, self._taken(end), quoted=True))
                self.at = end + 1
            elif character == '"':
                self.at += 1
                parts.append(Part(PartKind.TEXT, "", quoted=True))
                self._quoted(parts)
            elif character == "\\":
                escaped = self.text[self.at + 1 : self.at + 2]
                self.at += 2
                if escaped == "\n":
                    self.line += 1
                else:
                    parts.append(Part(PartKind.TEXT, escaped, quoted=True))
            else:
                parts.append(self._unquoted())
        return tuple(parts)

    def _closing(self, mark: str) -> int:
        end = self.text.find(mark, self.at + 1)
        return len(self.text) if end < 0 else end

    def _taken(self, end: int) -> str:
        text = self.text[self.at + 1 : end]
        self.line += text.count("\n")
        return text

    def _unquoted(self) -> Part:
        if self.text[self.at] in "$`":
            return self._expansion(quoted=False)
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in " \t\r\n;|&<>()'\"\\$`":
            self.at += 1
        return Part(PartKind.TEXT, self.text[start : self.at])

    def _quoted(self, parts: list[Part]) -> None:
        while self.at < len(self.text) and self.text[self.at] != '"':
            character = self.text[self.at]
            if character in "$`":
                parts.append(self._expansion(quoted=True))
            elif character == "\\" and self.text[self.at + 1 : self.at + 2] in ("$", '"', "\\", "`", "\n"):
                escaped = self.text[self.at + 1]
                self.at += 2
                self.line += escaped == "\n"
                parts.append(Part(PartKind.TEXT, "" if escaped == "\n" else escaped, quoted=True))
            else:
                self.line += character == "\n"
                self.at += 1
                parts.append(Part(PartKind.TEXT, character, quoted=True))
        self.at += 1

    def _expansion(self, *, quoted: bool) -> Part:
        if self.text[self.at] == "`":
            end = self._closing("`")
            command = self._taken(end)
            self.at = end + 1
            return Part(PartKind.COMMAND, command, quoted=quoted)
        if self.text.startswith("$(", self.at):
            end = self._closing_parenthesis(self.at + 1)
            command = self.text[self.at + 2 : end]
            self.line += command.count("\n")
            self.at = end + 1
            return Part(PartKind.COMMAND, command, quoted=quoted)
        braced = _BRACED.match(self.text, self.at + 1)
        name = braced or _NAME.match(self.text, self.at + 1)
        if name is None:
            return self._not_understood(quoted=quoted)
        self.at = name.end()
        if braced is not None:
            return Part(PartKind.VARIABLE, braced[1], braced[2], quoted)
        return Part(PartKind.VARIABLE, name[0], None, quoted)

    def _not_understood(self, *, quoted: bool) -> Part:
        if self.text.startswith("${", self.at):
            return Part(PartKind.COMMAND, self._kept("}"), quoted=quoted)
        self.at += 1
        if not quoted and self.text.startswith("'", self.at):  # bash's, with escapes such as \t
            return Part(PartKind.COMMAND, f"${self._kept(chr(39))}", quoted=True)
        return Part(PartKind.TEXT, "$", quoted=quoted)

    def _kept(self, mark: str) -> str:
        """Take what is not understood, up to a closing mark, as it stands."""
        end = self._closing(mark)
        text = self.text[self.at : end + 1]
        self._taken(end)
        self.at = end + 1
        return text

    def _closing_parenthesis(self, opening: int) -> int:
        depth = 0
        for position in range(opening, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[position], 0)
            if depth == 0:
                return position
        return len(self.text)
