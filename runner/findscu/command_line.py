"""A command line of findscu, read: every word of it is accounted for.

Rules of the manual: options stand anywhere; of exclusive ones the rightmost counts; `@file` stands for the
words in the file; what goes only with another option is refused without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from runner.errors import UsageError
from runner.findscu.command_file import words_of
from runner.findscu.options import BY_NAME, OPTIONS, Era, Kind, Option, Value

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
#: What is taken, so that scripts run, but not done.
_NOT_DONE = {
    "--log-config": "the configuration is not used, messages go to standard error",
    "--enable-correction": "responses are not corrected, they are kept as they came",
}
_ADVICE = "cfind findscu --help lists the options"


class Action(Enum):
    """What is to be done."""

    RUN = "run"
    HELP = "help"
    VERSION = "version"
    LIST_CIPHERS = "list ciphers"
    LIST_PROFILES = "list profiles"


_ACTIONS = {
    "--help": Action.HELP,
    "--version": Action.VERSION,
    "--list-ciphers": Action.LIST_CIPHERS,
    "--list-profiles": Action.LIST_PROFILES,
}


class Verbosity(IntEnum):
    """How much is said on stderr; each level includes those below."""

    FATAL = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4
    TRACE = 5


_LEVELS = {
    "fatal": Verbosity.FATAL,
    "error": Verbosity.ERROR,
    "warn": Verbosity.WARNING,
    "info": Verbosity.INFO,
    "debug": Verbosity.DEBUG,
    "trace": Verbosity.TRACE,
}


class Effect(Enum):
    """What became of a part of the command line."""

    COUNTS = "counts"
    OVERRIDDEN = "overridden"
    EXPANDED = "expanded"
    NO_EFFECT = "no effect"


@dataclass(frozen=True, slots=True)
class Argument:
    """An option with its values, a parameter, or a command file.

    Attributes:
        tokens: as typed, the values included.
        option: None for a parameter or a command file.
        values: of the option; of a parameter itself.
        origin: the command file that it stands in, "" for argv.
        effect: whether it counts.
        role: of a parameter what it is: `peer`, `port`, `query file`; `command file`; of an option its
            long name.
        note: why it does not count, "" where it does.
    """

    tokens: tuple[str, ...]
    option: Option | None
    values: tuple[str, ...]
    origin: str = ""
    effect: Effect = Effect.COUNTS
    role: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line that can be run, or asks for a text.

    Attributes:
        arguments: all of it, in order; what command files stand for comes behind them.
        action: what is to be done; host, port and files are those given, checked for `RUN` only.
        host: of the peer.
        port: of the peer.
        files: query files.
        dictionaries: the value of DCMDICTPATH, "" where it is not set.
        warnings: what is allowed but has no effect or is not what was typed.
    """

    arguments: tuple[Argument, ...]
    action: Action = Action.RUN
    host: str = ""
    port: int = 0
    files: tuple[str, ...] = ()
    dictionaries: str = ""
    warnings: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the option (long name) is given and counts."""
        return any(True for _ in self._counting(name))

    def values(self, name: str) -> tuple[str, ...]:
        """Return the first value of each occurrence that counts."""
        return tuple(argument.values[0] for argument in self._counting(name))

    def value(self, name: str) -> str | None:
        """Return the value of the occurrence that counts, None where there is none."""
        values = self.values(name)
        return values[-1] if values else None

    def both_values(self, name: str) -> tuple[str, str] | None:
        """Return the values of an option that has two."""
        for argument in self._counting(name):
            return argument.values[0], argument.values[1]
        return None

    def number(self, name: str) -> int | None:
        """Return the value of an integer option."""
        value = self.value(name)
        return None if value is None else int(value)

    def chosen(self, group: str) -> str | None:
        """Return the long name of the option of an exclusive group that counts, None where none is given."""
        for argument in self.arguments:
            option = argument.option
            if option is not None and option.group == group and argument.effect is Effect.COUNTS:
                return option.long
        return None

    @property
    def keys(self) -> tuple[str, ...]:
        """The values of -k, in order."""
        return self.values("--key")

    @property
    def newer_style(self) -> bool:
        """Whether it is to behave as findscu 3.6 where that differs."""
        return self.value("--style") == "3.6"

    @property
    def verbosity(self) -> Verbosity:
        """How much is to be said on stderr: of -q and the others the later counts, -d includes -v."""
        level = Verbosity.WARNING
        for argument in self.arguments:
            if argument.option is None:
                continue
            match argument.option.long:
                case "--quiet":
                    level = Verbosity.FATAL
                case "--verbose":
                    level = max(level, Verbosity.INFO)
                case "--debug":
                    level = max(level, Verbosity.DEBUG)
                case "--log-level":
                    level = _LEVELS[argument.values[0]]
        return level

    @property
    def expanded(self) -> tuple[str, ...]:
        """The words of the command line with command files put in and options by their long names."""
        words: list[str] = []
        for argument in self.arguments:
            if argument.effect is Effect.EXPANDED:
                continue
            if argument.option is not None:
                words.append(argument.option.long)
            words.extend(argument.values)
        return tuple(words)

    def _counting(self, name: str) -> Iterator[Argument]:
        for argument in self.arguments:
            option = argument.option
            if option is not None and option.long == name and argument.effect is not Effect.OVERRIDDEN:
                yield argument


def parse(argv: Sequence[str], environment: Mapping[str, str]) -> CommandLine:
    """Read a command line, without the program's name.

    Args:
        argv: the words; bytes that are not UTF-8 are lone surrogates.
        environment: of the process; DCMDICTPATH counts.

    Raises:
        UsageError: if it is not one of findscu's; the message names the word.
    """
    arguments = list(_arguments(argv))
    action = _action(arguments)
    if action is not Action.RUN:
        return CommandLine(tuple(arguments), action)
    _note_overridden(arguments)
    newer = any(a.option is BY_NAME["--style"] and a.values == ("3.6",) for a in arguments)
    warnings = _check_company(arguments, newer=newer)
    warnings += _round_down_pdu(arguments)
    warnings += [f"{a.tokens[0]}: {_NOT_DONE[a.role]}" for a in arguments if a.role in _NOT_DONE]
    host, port, files = _take_parameters(arguments)
    if not files and not any(a.option is BY_NAME["--key"] for a in arguments):
        raise UsageError(
            "there is nothing to ask for: neither a query file nor a key",
            'give a file, or -k gggg,eeee="text"',
        )
    return CommandLine(
        tuple(arguments), action, host, port, files, environment.get("DCMDICTPATH", ""), tuple(warnings)
    )


def _arguments(argv: Sequence[str]) -> Iterator[Argument]:
    words = list(_words(argv))
    position = 0
    while position < len(words):
        word, origin, is_file = words[position]
        position += 1
        if is_file:
            yield Argument((word,), None, (), "", Effect.EXPANDED, "command file")
            continue
        if not _looks_like_option(word):
            yield Argument((word,), None, (word,), origin)
            continue
        option = BY_NAME.get(word)
        if option is None:
            raise _unknown(word)
        tokens = [word]
        for value in option.values:
            while position < len(words) and words[position][2]:
                name = words[position][0]
                yield Argument((name,), None, (), "", Effect.EXPANDED, "command file")
                position += 1
            if position >= len(words):
                raise UsageError(f"{word} lacks its value ({value.name})", _ADVICE)
            text = words[position][0]
            if text in BY_NAME and value.kind is not Kind.SECRET:
                raise UsageError(
                    f"{word} lacks its value ({value.name}): the next word is the option {text}", _ADVICE
                )
            _check_value(word, value, text)
            tokens.append(text)
            position += 1
        yield Argument(tuple(tokens), option, tuple(tokens[1:]), origin, role=option.long)


def _words(argv: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Yield each word, the command file that it comes from, and whether it is the name of one."""
    for word in argv:
        if not word.startswith("@") or word == "@":
            yield word, "", False
            continue
        yield word, "", True
        for inner in words_of(word[1:]):
            if inner.startswith("@") and inner != "@":
                raise UsageError(f"{word}: a command file cannot contain another command file ({inner})")
            yield inner, word[1:], False


def _looks_like_option(word: str) -> bool:
    return len(word) > 1 and word[0] in "+-" and not word[1].isdigit()


def _unknown(word: str) -> UsageError:
    from difflib import get_close_matches

    if word.startswith("--") and "=" in word and word.partition("=")[0] in BY_NAME:
        name = word.partition("=")[0]
        return UsageError(f"unknown option {word}", f"the value of {name} is a word of its own")
    close = get_close_matches(word, BY_NAME, 1, 0.75)
    return UsageError(f"unknown option {word}", f"did you mean {close[0]}?" if close else _ADVICE)


def _check_value(word: str, value: Value, text: str) -> None:
    if value.kind is Kind.INTEGER:
        if not _INTEGER.fullmatch(text):
            raise UsageError(f"{word} {text}: the value ({value.name}) must be a whole number")
        number = int(text)
        if number < value.minimum or (value.maximum is not None and number > value.maximum):
            limits = (
                f"{value.minimum} or more" if value.maximum is None else f"{value.minimum} to {value.maximum}"
            )
            raise UsageError(f"{word} {text}: the value ({value.name}) must be {limits}")
    elif value.kind is Kind.CHOICE:
        if text not in value.choices:
            raise UsageError(
                f"{word} {text}: the value ({value.name}) must be one of {', '.join(value.choices)}"
            )
    elif value.kind is Kind.AE_TITLE:
        _check_ae_title(word, text)
    elif value.kind is Kind.TEXT and not text:
        raise UsageError(f"{word} has an empty value ({value.name})")


def _check_ae_title(word: str, text: str) -> None:
    """Check an AE title by PS3.5 6.2: 16 characters of the default repertoire, not only spaces."""
    if not text.strip(" "):
        raise UsageError(f"{word} “{text}”: an AE title cannot be empty")
    if len(text) > 16:
        raise UsageError(
            f"{word} {text}: an AE title has no more than 16 characters, this one has {len(text)}"
        )
    if not all(" " <= character <= "~" and character != "\\" for character in text):
        raise UsageError(f"{word}: an AE title has ASCII characters only, and no backslash")


def _action(arguments: Sequence[Argument]) -> Action:
    for argument in arguments:
        if argument.option is not None and argument.option.long in _ACTIONS:
            return _ACTIONS[argument.option.long]
    return Action.RUN


def _note_overridden(arguments: list[Argument]) -> None:
    last: dict[str, Argument] = {}
    for index in range(len(arguments) - 1, -1, -1):
        argument = arguments[index]
        option = argument.option
        if option is None or not option.group:
            continue
        winner = last.setdefault(option.group, argument)
        if winner is not argument:
            note = f"a later {winner.tokens[0]} counts in its place"
            arguments[index] = _with(argument, Effect.OVERRIDDEN, note)


def _with(argument: Argument, effect: Effect, note: str) -> Argument:
    return Argument(
        argument.tokens, argument.option, argument.values, argument.origin, effect, argument.role, note
    )


def _check_company(arguments: list[Argument], *, newer: bool) -> list[str]:
    """Refuse options without those that they need; warn of those that do nothing without them."""
    in_effect = {a.option.long for a in arguments if a.option is not None and a.effect is Effect.COUNTS}
    warnings: list[str] = []
    for index, argument in enumerate(arguments):
        option = argument.option
        if option is None or argument.effect is not Effect.COUNTS:
            continue
        word = argument.tokens[0]
        needed = option.requires if not newer or not option.newer_requires else option.newer_requires
        for names in dict.fromkeys((option.requires, needed)):
            if names and in_effect.isdisjoint(names):
                raise UsageError(f"{word} goes only with {_either(names)}", _why_missing(arguments, names))
        for name in option.refuses:
            if name in in_effect:
                raise UsageError(f"{word} does not go with {_either((name,))}")
        if option.newer_requires and in_effect.isdisjoint(option.newer_requires):
            note = f"it has no effect without {_either(option.newer_requires)}"
            arguments[index] = _with(argument, Effect.NO_EFFECT, note)
            warnings.append(f"{word}: {note}; the connection is not encrypted")
    return warnings


def _why_missing(arguments: Sequence[Argument], names: Sequence[str]) -> str:
    """Say so where a needed option is there, but overridden."""
    for argument in arguments:
        if argument.option is not None and argument.option.long in names and argument.note:
            return f"{argument.tokens[0]} is there, but {argument.note}"
    return ""


def _either(names: Sequence[str]) -> str:
    options = [BY_NAME[name] for name in names]
    texts = [f"{o.long} ({o.short})" if o.short else o.long for o in options]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _round_down_pdu(arguments: list[Argument]) -> list[str]:
    """Make an odd maximum PDU even, as findscu does: fragments have even lengths (PS3.8 9.3.1)."""
    for index, argument in enumerate(arguments):
        if argument.role == "--max-pdu" and argument.effect is Effect.COUNTS and int(argument.values[0]) % 2:
            even = str(int(argument.values[0]) - 1)
            note = f"{even} is used, since the number must be even"
            arguments[index] = Argument(
                argument.tokens, argument.option, (even,), argument.origin, Effect.COUNTS, argument.role, note
            )
            return [f"{argument.tokens[0]} {argument.values[0]}: {note}"]
    return []


def _take_parameters(arguments: list[Argument]) -> tuple[str, int, tuple[str, ...]]:
    places = [index for index, a in enumerate(arguments) if a.option is None and a.effect is Effect.COUNTS]
    if not places:
        raise UsageError(
            "the peer and its port are missing", "cfind findscu [options] peer port [dcmfile-in...]"
        )
    texts = [arguments[index].values[0] for index in places]
    if len(places) < 2:
        raise UsageError(
            f"the port is missing behind the peer {texts[0]}",
            "cfind findscu [options] peer port [dcmfile-in...]",
        )
    for index, role in zip(places, ("peer", "port"), strict=False):
        arguments[index] = _as(arguments[index], role)
    for index in places[2:]:
        arguments[index] = _as(arguments[index], "query file")
    host, port, *files = texts
    if not host.strip():
        raise UsageError("the peer's name is empty")
    if not _INTEGER.fullmatch(port) or not 1 <= int(port) <= 65535:
        raise UsageError(
            f"{port} is not a port: a whole number from 1 to 65535 stands behind the peer {host}"
        )
    for file in files:
        if not file:
            raise UsageError("the name of a query file is empty")
    return host, int(port), tuple(files)


def _as(argument: Argument, role: str) -> Argument:
    return Argument(
        argument.tokens, None, argument.values, argument.origin, argument.effect, role, argument.note
    )


def options_of(era: Era) -> tuple[Option, ...]:
    """Return the options that came with an era."""
    return tuple(option for option in OPTIONS if option.era is era)
