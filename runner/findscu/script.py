"""The findscu calls of a shell script as one job: a query for each, shell variables as job variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import dropwhile, takewhile
from pathlib import Path

from runner.errors import CfindError
from runner.findscu.command_line import Action, CommandLine, parse
from runner.findscu.dcmtk_dictionary import dictionary_of
from runner.findscu.fidelity import Fate, Fates, Outcome
from runner.findscu.job import peer_of, sinks_of
from runner.findscu.key import parse_key
from runner.findscu.options import BY_NAME, Kind
from runner.findscu.peer_yaml import name_of, peer_block
from runner.findscu.query_yaml import MARKERS, query_block
from runner.findscu.shell import Command, Part, PartKind, Word, commands, plain, shown
from runner.findscu.sinks_yaml import sinks_block
from runner.findscu.translate import spaced
from runner.findscu.yaml_text import Block, Scalar, flow_list, write
from runner.model import Peer, SinkDeclaration

_KEYWORDS = frozenset(
    ("if", "then", "elif", "else", "while", "until", "do", "!", "{", "}", "time", "fi", "done")
)
#: What names findscu without calling it; `command` goes before its -v.
_MENTIONING = frozenset(
    (
        "echo",
        "printf",
        "logger",
        "which",
        "type",
        "hash",
        "-v",
        "-V",
        "[",
        "[[",
        "test",
        "pgrep",
        "pkill",
        "killall",
    )
)
_WRAPPERS = frozenset(("exec", "command", "nohup", "sudo", "env", "nice", "stdbuf"))
_DOLLAR_BEFORE = re.compile(rf"\$[{chr(MARKERS.start)}-{chr(MARKERS.stop - 1)}]")

#: Keys that cannot come from a row: the level and the character set.
_WRITTEN_OUT = (0x00080052, 0x00080005)

#: How many values a loop may have whose variable stands for a host, a file or a title.
MAX_UNROLLED = 100

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
#: What date(1) of GNU and of BSD take for a time: `-d '7 days ago'`, `--date=-1month`, `-v-7d`.
_RELATIVE = re.compile(r"(?P<sign>[-+]?)\s*(?P<number>[0-9]{1,6})\s*(?P<unit>[a-z]+?)s?(?P<ago>\s+ago)?")
_ADJUSTED = re.compile(r"(?P<sign>[-+])(?P<number>[0-9]{1,6})(?P<unit>[ymwdHM])")
_GNU_UNITS = {
    "year": "y",
    "month": "mo",
    "week": "w",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "min": "min",
}
_BSD_UNITS = {"y": "y", "m": "mo", "w": "w", "d": "d", "H": "h", "M": "min"}
_WORDS = {"": "", "today": "", "now": "", "yesterday": "-1d", "tomorrow": "+1d"}
#: Formats of date(1) that a job has too.
_DATE_FORMAT = re.compile(r"\+((?:%[YymdHMSju]|[-0-9A-Za-z_./:])+)")
#: Commands that print where findscu is.
_WHERE = re.compile(r"\s*(?:which|command\s+-v|type\s+-P)\s+findscu\s*")
_PASSWORD = re.compile(r"((?:\+pw|--use-passwd)\s+)(?:\"[^\"]*\"?|'[^']*'?|\S+)")
_BRACES = re.compile(
    r"(?P<before>[^{}\s]*)\{(?:(?P<first>[0-9]+)\.\.(?P<last>[0-9]+)|(?P<choices>[^{},\s]*(?:,[^{},\s]*)+))\}"
    r"(?P<behind>[^{}\s]*)"
)
_LOOSE_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_DECLARING = frozenset(("export", "readonly", "local", "declare", "typeset"))


@dataclass(frozen=True, slots=True)
class Look:
    """A line of the script that a person must look at, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Call:
    """A findscu call that is translated.

    Attributes:
        line: of the script.
        query: its name in the job.
        fates: what became of each word.
    """

    line: int
    query: str
    fates: tuple[Fate, ...]


@dataclass(frozen=True, slots=True)
class ScriptTranslation:
    """The job of a script.

    Attributes:
        text: YAML; "" where there is no call that could be translated.
        calls: those translated, in order.
        looks: lines that a person must look at, in order.
        lost: how many calls could not be translated.
    """

    text: str
    calls: tuple[Call, ...]
    looks: tuple[Look, ...]
    lost: int


@dataclass(slots=True)
class _Loop:
    name: str
    values: Sequence[str] | None


@dataclass(slots=True)
class _Found:
    """A call with its loops, before it is written."""

    line: int
    command_line: CommandLine
    loops: dict[str, Sequence[str]]


@dataclass(slots=True)
class _Marks:
    """Job references in place of which single characters stand while a command line is read."""

    references: list[str] = field(default_factory=list)

    def mark(self, reference: str) -> str:
        """Return the character for a reference."""
        if reference not in self.references:
            self.references.append(reference)
        return chr(MARKERS.start + self.references.index(reference))

    def put_back(self, text: str) -> str:
        """Return the text with the references in place of their characters."""
        for index, reference in enumerate(self.references):
            text = text.replace(chr(MARKERS.start + index), reference)
        return text


def translate_script(
    text: str, environment: Mapping[str, str], read: Callable[[str], str | None], name: str = "script"
) -> ScriptTranslation:
    """Translate all findscu calls of a shell script into one job.

    Args:
        text: of the script.
        environment: for DCMDICTPATH.
        read: returns the text of a file that a loop reads, None where it cannot be read.
        name: of the job.
    """
    reader = _Script(environment, read)
    reader.walk(commands(text))
    return reader.result(name)


class _Script:
    def __init__(self, environment: Mapping[str, str], read: Callable[[str], str | None]) -> None:
        self.environment = environment
        self.read = read
        self.variables: dict[str, str | None] = {}
        self.references: dict[str, str] = {}
        self.used: dict[str, str | None] = {}
        self.loops: list[_Loop] = []
        self.unrolled: set[str] = set()
        self.outputs: dict[int, list[str]] = {}
        self.marks = _Marks()
        self.found: list[_Found] = []
        self.looks: list[Look] = []
        self.lost = 0

    # --- walking through the script -----------------------------------------------------------------

    def walk(self, script: Sequence[Command]) -> None:
        """Take commands in order; a loop that computes what a call is given is taken once for each value."""
        at = 0
        while at < len(script):
            if (end := self._written_out(script, at)) is not None:
                at = end
            else:
                self.take(script[at])
                at += 1

    def _written_out(self, script: Sequence[Command], at: int) -> int | None:
        """Take a loop from `at` value by value and return where it ends, None where that is not needed."""
        words = _without_keywords(script[at].words)
        name = plain(words[1]) if len(words) > 3 and plain(words[0]) == "for" else None
        end = _end_of_loop(script, at) if name else None
        if name is None or end is None or not self._computes(script[at + 1 : end], name):
            return None
        values = [self._loop_values(word) for word in words[3:]]
        known = [text for texts in values if texts is not None for text in texts]
        if None in values or not 0 < len(known) <= MAX_UNROLLED:
            return None
        before = self.variables.get(name)
        self.unrolled.add(name)
        for value in known:
            self.variables[name] = value
            self.walk(script[at + 1 : end])
        self.unrolled.discard(name)
        self.variables[name] = before
        return end

    def _computes(self, body: Sequence[Command], name: str) -> bool:
        """Return whether a call in a loop gets what is made of the loop's variable, such as a date."""
        made: set[str] = set()
        for command in body:
            words = _without_keywords(command.words)
            for word in words:
                match = _ASSIGNMENT.match(word[0].text) if word[0].kind is PartKind.TEXT else None
                if match is not None and any(_mentions(part, name) for part in word[1:]):
                    made.add(match[1])
                elif plain(word) not in _DECLARING:
                    break
            if any(map(self._is_findscu, words)) and any(
                part.text in made if part.kind is PartKind.VARIABLE else _mentions(part, name)
                for word in words
                for part in word
            ):
                return True
        return False

    def take(self, command: Command) -> None:
        words = list(command.words)
        tested = ""
        while words and (keyword := plain(words[0])) in _KEYWORDS:
            if keyword == "done" and self.loops:
                self.loops.pop()
                self._note_outputs(command)
            if keyword in ("if", "elif", "while", "until", "!"):
                tested = keyword or ""
            if keyword in ("while", "until"):
                self.loops.append(_Loop("", None))
            words.pop(0)
        if words and plain(words[0]) == "for":
            self._begin_loop(command, words)
            return
        if words and plain(words[0]) == "read" and tested and self.loops:
            self.loops[-1].name = (plain(words[-1]) or "") if len(words) > 1 else "REPLY"
            return
        words = self._program_split(words)
        while words and (self._assign(command, words[0]) or plain(words[0]) in _WRAPPERS | _DECLARING):
            words = self._program_split(words[1:])
        if words and plain(words[0]) == "timeout":
            words = words[next((i for i, word in enumerate(words) if self._is_findscu(word)), 0) :]
        if words and self._is_findscu(words[0]):
            self._take_call(command, words[1:], tested)
        else:
            self._look_inside(command, words)

    def _look_inside(self, command: Command, words: Sequence[Word]) -> None:
        """Note a call that hides in another command."""
        if not words or plain(words[0]) in _MENTIONING:
            return
        for word in words:
            if "findscu" in shown(word).lower():
                self.look(command.line, f"findscu is called in a way that is not followed: {shown(word)}")
                self.lost += 1
                return

    def _program_split(self, words: list[Word]) -> list[Word]:
        """Split the first word as the shell does, if it is a variable with a program and its options."""
        constant = self._constant(words[0]) if words and words[0] else None
        if constant is None or any(part.kind is PartKind.TEXT or part.quoted for part in words[0]):
            return words
        return [(Part(PartKind.TEXT, text, quoted=True),) for text in constant.split()] + words[1:]

    def _is_findscu(self, word: Word) -> bool:
        text = self._constant(word)
        if text is None:  # a folder may be left open: "$DCMTK/bin/findscu"
            text = "".join(part.text if part.kind is PartKind.TEXT else "$" for part in word)
        return text.partition(" ")[0].rpartition("/")[2] == "findscu"

    def _assign(self, command: Command, word: Word) -> bool:
        if not word or word[0].kind is not PartKind.TEXT or word[0].quoted:
            return False
        match = _ASSIGNMENT.fullmatch(word[0].text)
        if match is None:
            return False
        value = (Part(PartKind.TEXT, match[2]), *word[1:])
        self._note_arguments(command.line, value)
        name = match[1]
        constant = self._constant(value)
        reference = None if constant is not None else self._date(command.line, value)
        if constant is None and reference is None and name in self.used:
            self.look(command.line, f"{name} changes here; the job has one value for it")
        self.variables[name] = constant
        self.references.pop(name, None)
        if reference is not None:
            self.references[name] = reference
        for part in value:
            if constant is None and part.kind is PartKind.COMMAND and "findscu" in part.text:
                self.look(command.line, f"findscu's output is kept in {name}, a job has sinks")
                for inner in commands(part.text):
                    inner.line += command.line - 1
                    self.take(inner)
        return True

    def _note_arguments(self, line: int, word: Word) -> None:
        """Note arguments of the script that have defaults, which the job has then."""
        for part in word:
            if part.kind is PartKind.VARIABLE and part.default is not None and part.text.isdigit():
                self.look(line, f"${part.text} is an argument of the script; the job has its default")

    def _constant(self, word: Word) -> str | None:
        """Return the text of a word if all its variables are known."""
        texts: list[str] = []
        for part in word:
            if part.kind is PartKind.TEXT:
                texts.append(part.text)
            elif part.kind is PartKind.VARIABLE:
                value = self.variables.get(part.text)
                value = part.default if value is None and part.text not in self.references else value
                if value is None or self._loop_of(part.text) is not None:
                    return None
                texts.append(value)
            elif _WHERE.fullmatch(part.text):
                texts.append("findscu")
            else:
                return None
        return "".join(texts)

    def _date(self, line: int, word: Word) -> str | None:
        """Return the job's reference for a date that the shell asks date(1) for."""
        parts = [part for part in word if part.text or part.kind is not PartKind.TEXT]
        if len(parts) != 1 or parts[0].kind is not PartKind.COMMAND:
            return None
        found = commands(parts[0].text)
        # a variable whose value is not known, or a command within, may be any number of days
        known = [self._constant(word) for word in found[0].words] if len(found) == 1 else []
        words = [word for word in known if word is not None]
        if len(words) != len(known) or not words or words.pop(0).rpartition("/")[2] != "date":
            return None
        formats = [word for word in words if word.startswith("+%")] or words[-1:]
        form = _DATE_FORMAT.fullmatch(formats[0]) if len(formats) == 1 else None
        if form is None:
            return None
        words.remove(form[0])
        terms = _terms(words)
        if terms is None:
            return None
        if re.search("[0-9](?:mo|y)", terms):
            self.look(
                line, "of a day that a month does not have, date makes the next month's, a job the last"
            )
        has_time = bool(re.search("%[HMS]", form[1])) or re.search("h|min", terms) is not None
        moment = f"now{terms}" if has_time else "yesterday" if terms == "-1d" else f"today{terms}"
        return f"${{{moment}}}" if form[1] == "%Y%m%d" and not has_time else f"${{{moment}:{form[1]}}}"

    def _begin_loop(self, command: Command, words: Sequence[Word]) -> None:
        name = (plain(words[1]) or "") if len(words) > 1 else ""
        values: list[str] = []
        known = len(words) > 2 and plain(words[2]) == "in"
        for word in words[3:]:
            texts = self._loop_values(word)
            if texts is None:
                known = False
                self.look(command.line, f"the loop over {shown(word)} cannot be followed; list its values")
                break
            values += texts
        self.loops.append(_Loop(name, values if known else None))

    def _loop_values(self, word: Word) -> list[str] | None:
        constant = self._constant(word)
        if constant is not None:
            if any(part.quoted for part in word):
                return [constant]
            if any(mark in constant for mark in "*?["):
                return None
            return _expanded(constant) if "{" in constant else constant.split()
        if len(word) == 1 and word[0].kind is PartKind.COMMAND:
            found = commands(word[0].text)
            inner = found[0] if len(found) == 1 else Command(0)
            words = [self._constant(inner_word) for inner_word in inner.words]
            if len(words) == 2 and words[0] == "cat" and words[1]:
                text = self.read(words[1])
            elif not words and inner.redirections and inner.redirections[0][0] == "<":
                text = self.read(self._constant(inner.redirections[0][1]) or "")
            elif words and words[0] == "seq" and all(word and word.isdigit() for word in words[1:]):
                text = _sequence([int(word or 0) for word in words[1:]])
            else:
                text = None
            return None if text is None else text.split()
        return None

    def _loop_of(self, name: str) -> _Loop | None:
        return next((loop for loop in reversed(self.loops) if loop.name == name), None)

    def look(self, line: int, why: str) -> None:
        """Note a line for a person, without passwords."""
        self.looks.append(Look(line, _PASSWORD.sub(r"\1***", why)))

    # --- a call -----------------------------------------------------------------------------------------

    def _take_call(self, command: Command, words: Sequence[Word], tested: str) -> None:
        loops: dict[str, Sequence[str]] = {}
        try:
            try:
                command_line = self._understood(command.line, words, loops, free=True)
            except CfindError:  # a variable stands where only its value will do
                loops.clear()
                command_line = self._understood(command.line, words, loops, free=False)
        except CfindError as error:
            if self._unrolled(command, words, tested, loops):
                return
            self._note_surroundings(command, tested)
            self.lost += 1
            self.look(command.line, f"not translated: {self.marks.put_back(str(error))}")
            return
        if command_line.action is not Action.RUN:
            self.look(command.line, f"asks for {command_line.action.value}, there is no query in it")
            return
        outside = self._outside_keys(command_line, loops)
        if outside and self._unrolled(command, words, tested, outside):
            return
        self._note_surroundings(command, tested)
        if outside:
            self.lost += 1
            self.look(command.line, f"not translated: the loop over {', '.join(outside)} has too many values")
            return
        if any(loop.name not in loops and loop.values != [] for loop in self.loops):
            self.look(command.line, "a loop repeats this call; the job has it once")
        self.found.append(_Found(command.line, command_line, loops))

    def _outside_keys(
        self, command_line: CommandLine, loops: dict[str, Sequence[str]]
    ) -> dict[str, Sequence[str]]:
        """Return the loops whose variables stand where a job takes no row: everywhere but in most keys."""
        dictionary = dictionary_of(command_line.dictionaries, lambda _: None)
        keys = tuple(
            text for text in command_line.keys if parse_key(text, dictionary).path[-1] in _WRITTEN_OUT
        )
        texts = (peer_of(command_line), command_line.files, sinks_of(command_line), keys)
        found = self.marks.put_back(_written(texts))
        return {name: values for name, values in loops.items() if f"${{row.{name}}}" in found}

    def _unrolled(
        self, command: Command, words: Sequence[Word], tested: str, loops: dict[str, Sequence[str]]
    ) -> bool:
        """Take a call once for each value of a loop, with the value in the variable's place."""
        loop = next((loop for loop in self.loops if loop.name in loops), None)
        if loop is None or loop.values is None or len(loop.values) > MAX_UNROLLED:
            return False
        at, before = self.loops.index(loop), self.variables.get(loop.name)
        del self.loops[at]
        self.unrolled.add(loop.name)
        for value in loop.values:
            self.variables[loop.name] = value
            self._take_call(command, words, tested)
        self.unrolled.remove(loop.name)
        self.loops.insert(at, loop)
        self.variables[loop.name] = before
        return True

    def _note_surroundings(self, command: Command, tested: str) -> None:
        """Note what the script does with the output and the exit status."""
        if tested:
            self.look(command.line, "the exit status decides here: findscu ends with 0 even after failures")
        if command.after in ("&&", "||"):
            self.look(command.line, f"{command.after} behind findscu: its exit status means more now")
        if command.after == "|":
            self.look(command.line, "findscu's output goes to another program; a sink may do the same")
        if command.after == "&":
            self.look(command.line, "findscu runs in the background; a job asks its peers side by side")
        self._note_outputs(command)

    def _note_outputs(self, command: Command) -> None:
        for operator, target in command.redirections:
            text = shown(target)
            if ">" in operator and text not in ("/dev/null", "1", "2"):
                self.look(command.line, f"{operator} {text}: redirect the output of cfind run, or add a sink")

    def _understood(
        self, line: int, words: Sequence[Word], loops: dict[str, Sequence[str]], *, free: bool
    ) -> CommandLine:
        """Read the call; `free` leaves variables in texts, else the values that are known stand there."""
        command_line = parse(self._argv(line, words, loops, free=free), self.environment)
        if command_line.action is Action.RUN:
            query_block(command_line, Fates(command_line))
        return command_line

    def _argv(
        self, line: int, words: Sequence[Word], loops: dict[str, Sequence[str]], *, free: bool
    ) -> list[str]:
        argv: list[str] = []
        kinds: list[Kind] = []
        for word in words:
            constant = self._constant(word)
            kind = kinds.pop(0) if kinds else None
            variable = kind is Kind.TEXT
            if kind is Kind.SECRET:  # the job does not have it, and no message may
                argv.append("***" if constant != "" else "")
                continue
            if not variable and constant in BY_NAME:
                kinds = [value.kind for value in BY_NAME[constant].values]
                argv.append(constant)
                continue
            self._note_arguments(line, word)
            if _LOOSE_BRACES.search("".join(part.text for part in word if not part.quoted)):
                self.look(line, f"{shown(word)} is several words for bash; the job has it as one")
            if constant is not None and (not free or not variable):
                argv += [constant] if variable else self._split(word, constant)
                continue
            argv.append(self._marked(line, word, loops))
        return argv

    @staticmethod
    def _split(word: Word, constant: str) -> list[str]:
        """Split what comes from variables without quotation marks into words, as the shell does."""
        loose = any(part.kind is PartKind.VARIABLE and not part.quoted for part in word)
        return constant.split() if loose else [constant]

    def _marked(self, line: int, word: Word, loops: dict[str, Sequence[str]]) -> str:
        """Return a word with characters that stand for job references in place of variables."""
        texts: list[str] = []
        for part in word:
            if part.kind is PartKind.TEXT:
                texts.append(part.text)
                continue
            if part.kind is PartKind.VARIABLE and part.text in self.unrolled:
                texts.append(self.variables[part.text] or "")
                continue
            texts.append(self.marks.mark(self._reference(line, part, loops)))
        text = "".join(texts)
        if _DOLLAR_BEFORE.search(text):
            self.look(line, "a $ stands before a variable; take it into the variable's value")
        name, equals, _ = text.partition("=")
        if equals and any(ord(character) in MARKERS for character in name):
            known = self._constant(word)
            return known if known is not None else text
        return text

    def _reference(self, line: int, part: Part, loops: dict[str, Sequence[str]]) -> str:
        if part.kind is PartKind.COMMAND:
            date = self._date(line, (part,))
            if date is None:
                self.look(line, f"{shown((part,))} is not run by a job; give its output as a variable")
                others = self.outputs.setdefault(line, [])
                if part.text not in others:
                    others.append(part.text)
                number = others.index(part.text) + 1
                return self._variable(f"LINE_{line}" if number == 1 else f"LINE_{line}_{number}", None)
            return date
        name = part.text
        loop = self._loop_of(name)
        if loop is not None and loop.values is not None:
            loops[name] = loop.values
            return f"${{row.{name}}}"
        if loop is not None:
            self.look(line, f"the values of {name} come from a loop that is not followed")
            return self._variable(name, None)
        return self.references.get(name) or self._global(line, part)

    def _global(self, line: int, part: Part) -> str:
        name = part.text
        value = self.variables.get(name)
        value = part.default if value is None else value
        if name.isdigit() or name in "@*#":
            self.look(line, f"${name} is an argument of the script; give it with --var")
            return self._variable(f"ARG{name}" if name.isdigit() else "ARGS", value)
        if value is None and name not in self.variables:
            return f"${{env:{name}}}"
        if value is None:
            self.look(line, f"the value of {name} is found by the script; give it with --var")
        return self._variable(name, value)

    def _variable(self, name: str, value: str | None) -> str:
        """Return the reference to a variable of the job; a later value has a name of its own."""
        chosen, number = name, 1
        while self.used.setdefault(chosen, value) != value:
            number += 1
            chosen = f"{name}_{number}"
        return f"${{var:{chosen}}}"

    # --- the job ----------------------------------------------------------------------------------------

    def result(self, name: str) -> ScriptTranslation:
        calls: list[Call] = []
        peers: dict[Peer, str] = {}
        queries, sinks = Block(), []
        for number, found in enumerate(self.found, 1):
            fates = Fates(found.command_line)
            query = f"line-{found.line}" if self._alone(found) else f"line-{found.line}-{number}"
            peer = self._peer_name(peers, peer_of(found.command_line))
            block = Block()
            block.put("peer", peer)
            block.lines += query_block(found.command_line, fates).lines
            if found.loops:
                values = Block()
                for variable, texts in found.loops.items():
                    values.put(variable, flow_list(texts))
                each = Block()
                each.put("values", values)
                block.put("foreach", each)
            queries.put(query, block)
            sinks.append(sinks_of(found.command_line))
            calls.append(Call(found.line, query, tuple(self._legible(fate) for fate in fates.all())))
        looks = self._sorted_looks(sinks)
        if not calls:
            return ScriptTranslation("", (), looks, self.lost)
        text = self.marks.put_back(self._document(name, peers, queries, sinks))
        return ScriptTranslation(text, tuple(calls), looks, self.lost)

    def _alone(self, found: _Found) -> bool:
        return sum(other.line == found.line for other in self.found) == 1

    @staticmethod
    def _peer_name(peers: dict[Peer, str], peer: Peer) -> str:
        plain_peer = replace(peer, name="")
        if plain_peer not in peers:
            wanted = name_of(peer)
            taken = set(peers.values())
            number = 2
            chosen = wanted
            while chosen in taken:
                chosen = f"{wanted}-{number}"
                number += 1
            peers[plain_peer] = chosen
        return peers[plain_peer]

    def _document(
        self,
        name: str,
        peers: Mapping[Peer, str],
        queries: Block,
        sinks: Sequence[tuple[SinkDeclaration, ...]],
    ) -> str:
        document = Block()
        document.put("version", Scalar("1"))
        document.put("name", name)
        if self.used:
            variables = Block()
            for variable, value in self.used.items():
                if value is None:
                    variables.put(variable, Scalar(""), "to be given with --var")
                else:
                    variables.put(variable, value)
            document.put("vars", variables)
        all_peers = Block()
        for peer, peer_name in peers.items():
            all_peers.put(peer_name, peer_block(peer))
        document.put("peers", all_peers)
        document.put("queries", queries)
        document.put("sinks", sinks_block(tuple(dict.fromkeys(sink for some in sinks for sink in some))))
        return "\n".join(["# From a shell script", *spaced(write(document))]) + "\n"

    def _legible(self, fate: Fate) -> Fate:
        tokens = tuple(self.marks.put_back(token) for token in fate.tokens)
        return Fate(tokens, fate.outcome, fate.became, fate.note)

    def _sorted_looks(self, sinks: Sequence[tuple[SinkDeclaration, ...]]) -> tuple[Look, ...]:
        if len({frozenset(some) for some in sinks}) > 1:
            self.look(
                self.found[0].line,
                "the calls have different outputs; a job has the same sinks for all queries",
            )
        unique = dict.fromkeys(self.looks)
        return tuple(sorted(unique, key=lambda look: look.line))


def _without_keywords(words: Sequence[Word]) -> Sequence[Word]:
    return list(dropwhile(lambda word: plain(word) in _KEYWORDS, words))


def _end_of_loop(script: Sequence[Command], at: int) -> int | None:
    """Return the index of the `done` that ends the loop which begins at an index, None without one."""
    depth = 0
    for index in range(at, len(script)):
        keywords = [
            plain(word) for word in takewhile(lambda word: plain(word) in _KEYWORDS, script[index].words)
        ]
        words = script[index].words[len(keywords) :]
        depth += (
            keywords.count("while") + keywords.count("until") + (bool(words) and plain(words[0]) == "for")
        )
        depth -= keywords.count("done")
        if depth == 0:
            return index
    return None


def _mentions(part: Part, name: str) -> bool:
    """Return whether a part of a word is a variable, or a command that is given it."""
    if part.kind is PartKind.VARIABLE:
        return part.text == name
    return part.kind is PartKind.COMMAND and re.search(rf"\$\{{?{name}\b", part.text) is not None


def _sequence(numbers: Sequence[int]) -> str | None:
    """Return what seq(1) prints for its arguments, in one line."""
    if not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and not numbers[1]):
        return None
    start, step = numbers[0] if len(numbers) > 1 else 1, numbers[1] if len(numbers) == 3 else 1
    return " ".join(map(str, range(start, min(numbers[-1], start + 9999 * step) + 1, step)))


def _expanded(text: str) -> list[str] | None:
    """Return a word with one {1..9} or {a,b} as the words that it stands for, None where that is open."""
    match = _BRACES.fullmatch(text)
    if match is None:
        return None
    if match["choices"] is not None:
        return [f"{match['before']}{choice}{match['behind']}" for choice in match["choices"].split(",")]
    first, last = match["first"], match["last"]
    start, stop = int(first), int(last)
    digits = max(len(first), len(last)) if any(len(end) > 1 and end[0] == "0" for end in (first, last)) else 0
    step = 1 if start <= stop else -1
    if abs(stop - start) > 9999:
        return None
    return [
        f"{match['before']}{number:0{digits}}{match['behind']}" for number in range(start, stop + step, step)
    ]


def _terms(words: Sequence[str]) -> str | None:
    """Return how far from now the arguments of date(1) lead, as a job says it; None where that is open."""
    if words and words[0].startswith("-v"):
        matches = [_ADJUSTED.fullmatch(word.removeprefix("-v")) for word in words]
        units = _BSD_UNITS
    else:
        said = re.sub(r"^(?:-d|--date)(?:=|\s)?\s*", "", " ".join(words)).strip()
        if said in _WORDS:
            return _WORDS[said]
        said = re.sub("^(last|next) ", lambda match: "-1 " if match[1] == "last" else "1 ", said)
        matches, units = [_RELATIVE.fullmatch(said)], _GNU_UNITS
    terms = ""
    for match in matches:
        if match is None or match["unit"] not in units:
            return None
        back = (match["sign"] == "-") != bool(match.groupdict().get("ago"))
        terms += f"{'-' if back else '+'}{int(match['number'])}{units[match['unit']]}"
    return terms


def _written(value: object) -> str:
    """Return all texts that a part of the model holds."""
    if isinstance(value, (str, Path)):
        return str(value)
    if isinstance(value, tuple):
        return "".join(map(_written, value))
    parts = fields(value) if is_dataclass(value) else ()
    return "".join(_written(getattr(value, part.name)) for part in parts)


def report_lines(translation: ScriptTranslation) -> Iterator[str]:
    """Yield the report's lines: each call, then what a person must look at."""
    for call in translation.calls:
        worst = [fate for fate in call.fates if fate.outcome in (Outcome.ATTENTION, Outcome.LOST)]
        yield f"  line {call.line}: the query {call.query}"
        for fate in worst:
            mark = "X" if fate.outcome is Outcome.LOST else "!"
            yield f"{mark} line {call.line}: {' '.join(fate.tokens)}: {fate.note or fate.became}"
    for look in translation.looks:
        yield f"! line {look.line}: {look.why}"


def report_data(translation: ScriptTranslation) -> dict[str, object]:
    """Return the report as data for JSON."""
    from runner.findscu.fidelity import report_data as fates_data

    return {
        "calls": [
            {"line": call.line, "query": call.query, "tokens": fates_data(call.fates)}
            for call in translation.calls
        ],
        "look_at": [{"line": look.line, "why": look.why} for look in translation.looks],
        "not_translated": translation.lost,
    }


def reader_of(folder: Path) -> Callable[[str], str | None]:
    """Return what reads the files of a script's loops, relative to a folder, up to 1 MB each."""

    def read(name: str) -> str | None:
        path = folder / name
        try:
            if path.stat().st_size > 1_000_000:
                return None
            return path.read_text("utf-8")
        except (OSError, ValueError):
            return None

    return read
