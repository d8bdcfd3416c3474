"""What may stand on the command line of each command, taken from the commands' own parsers."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from runner.cli.main import COMMANDS


class Kind(Enum):
    """What a word is, as far as completion can help with it."""

    NOTHING = "no word: a switch"
    TEXT = "a text that only its author knows"
    CHOICE = "one of a few words"
    FILE = "a file"
    FOLDER = "a folder"
    JOB = "a job file, or a folder of them"


@dataclass(frozen=True, slots=True)
class Word:
    """A value of an option, or an operand.

    Attributes:
        kind: what it is.
        choices: of a choice.
    """

    kind: Kind = Kind.NOTHING
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """An option.

    Attributes:
        names: with their dashes.
        help: one line.
        value: what stands behind it.
    """

    names: tuple[str, ...]
    help: str
    value: Word


@dataclass(frozen=True, slots=True)
class CommandWords:
    """The command line of one command.

    Attributes:
        name: of the command.
        summary: one line.
        options: all of them.
        operands: what stands on it besides.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    operands: tuple[Word, ...]


#: What may stand in place of a command.
TOP_OPTIONS = ("--help", "--version")

#: What paths are, by what their metavar calls them.
_PATHS = {"JOB": Kind.JOB, "PATH": Kind.JOB, "FOLDER": Kind.FOLDER}


def all_commands() -> tuple[CommandWords, ...]:
    """Return the command lines of all commands, in the order of the help. Imports every command."""
    return tuple(_words(name) for name in COMMANDS)


def _words(name: str) -> CommandWords:
    summary = COMMANDS[name].summary
    if name == "findscu":  # which argparse could not read
        return CommandWords(name, summary, tuple(_findscu_options()), (Word(Kind.FILE),))
    actions = importlib.import_module(COMMANDS[name].module).parser().actions()
    options = tuple(
        Option(tuple(action.option_strings), action.help or "", _word(action))
        for action in actions
        if action.option_strings
    )
    return CommandWords(
        name, summary, options, tuple(_word(action) for action in actions if not action.option_strings)
    )


def _word(action: argparse.Action) -> Word:
    if action.nargs == 0:
        return Word()
    if action.choices is not None:
        return Word(Kind.CHOICE, tuple(str(choice) for choice in action.choices))
    if action.type is Path:
        return Word(_PATHS.get(str(action.metavar), Kind.FILE))
    return Word(Kind.TEXT)


def _findscu_options() -> Iterator[Option]:
    from runner.findscu.options import OPTIONS

    for option in OPTIONS:
        value = Word()
        if option.values:
            first = option.values[0]
            value = Word(Kind.CHOICE, first.choices) if first.choices else Word(Kind.TEXT)
            if "file" in first.name or first.name == "folder":
                value = Word(Kind.FOLDER if first.name == "folder" else Kind.FILE)
        yield Option(tuple(reversed(option.names)), option.summary, value)
