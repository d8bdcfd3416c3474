"""What became of each word of a command line in a translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from runner.findscu.command_line import Argument, CommandLine, Effect

#: What stands in a job file for a password on a command line.
SECRET = "${env:FINDSCU_KEY_PASSWORD}"  # noqa: S105 - a reference


class Outcome(str, Enum):
    """What became of it, from the best to the worst."""

    CARRIED = "carried over"
    BY_DEFAULT = "holds without saying"
    OVERRIDDEN = "overridden"
    ELSEWHERE = "not part of a job"
    ATTENTION = "needs a person"
    LOST = "cannot be carried over"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an option with its values, or of a parameter.

    Attributes:
        tokens: as typed, passwords left out.
        outcome: in one word.
        became: the place in the job file, or in words.
        note: what a person should know, "" for nothing.
    """

    tokens: tuple[str, ...]
    outcome: Outcome
    became: str = ""
    note: str = ""


#: Options that say how a command is run, and what does the same for a job.
_OF_THE_COMMAND = {
    "--verbose": "cfind run --verbose",
    "--debug": "cfind run --debug",
    "--quiet": "2>/dev/null hides messages",
    "--log-level": "cfind run --verbose, --debug",
    "--arguments": "cfind plan shows what will be sent",
    "--help": "cfind --help",
    "--version": "cfind --version",
    "--style": "the format of the stdout sink",
}
_FOR_A_PERSON = {
    "--log-config": ("", "cfind has no logger to configure"),
    "--enable-correction": ("", ""),
    "--ignore-peer-cert": (
        "",
        "anyone can pretend to be the peer; trust its certificate by ca_files instead",
    ),
    "--use-passwd": (
        f"peers.*.tls.password: {SECRET}",
        "the password was readable by all users of the machine: choose another, and set the variable",
    ),
}
_UNCOUNTED = {
    Effect.OVERRIDDEN: (Outcome.OVERRIDDEN, ""),
    Effect.NO_EFFECT: (Outcome.ATTENTION, "nothing"),
    Effect.EXPANDED: (Outcome.CARRIED, "the words in it follow"),
}
_PARAMETERS = {"peer": "peers.*.host", "port": "peers.*.port", "query file": "queries.*.files"}


def without_secret(argument: Argument) -> tuple[str, ...]:
    """Return an argument's words, a password left out."""
    return (argument.tokens[0], "***") if argument.role == "--use-passwd" else argument.tokens


class Fates:
    """Collects what becomes of the arguments of a command line; each begins with what the table says."""

    def __init__(self, command_line: CommandLine) -> None:
        self._arguments = command_line.arguments
        self._fates = [_first_fate(argument) for argument in self._arguments]
        self._more: list[Fate] = []
        if command_line.dictionaries:
            note = "names and VRs of requests are carried over, but responses are shown with today's names"
            tokens = (f"DCMDICTPATH={command_line.dictionaries}",)
            self._more.append(Fate(tokens, Outcome.ATTENTION, "tags and VRs of keys", note))

    def note(self, role: str, outcome: Outcome, became: str = "", note: str = "", value: str = "") -> None:
        """Say what became of the arguments of a role that count (those with `value`, if given)."""
        for index, argument in enumerate(self._arguments):
            if argument.role != role or argument.effect is not Effect.COUNTS:
                continue
            if value and value not in argument.values:
                continue
            old = self._fates[index]
            self._fates[index] = Fate(old.tokens, outcome, became or old.became, note)

    def add(self, fate: Fate) -> None:
        """Say what becomes of something that is no argument."""
        self._more.append(fate)

    def all(self) -> tuple[Fate, ...]:
        """Return all."""
        return (*self._fates, *self._more)


def _first_fate(argument: Argument) -> Fate:
    tokens = without_secret(argument)
    option = argument.option
    if argument.effect is not Effect.COUNTS:
        outcome, became = _UNCOUNTED[argument.effect]
        return Fate(tokens, outcome, became, argument.note)
    if option is None:
        return Fate(tokens, Outcome.CARRIED, _PARAMETERS.get(argument.role, ""))
    if option.long in _OF_THE_COMMAND:
        return Fate(tokens, Outcome.ELSEWHERE, _OF_THE_COMMAND[option.long])
    if option.long in _FOR_A_PERSON:
        became, note = _FOR_A_PERSON[option.long]
        return Fate(tokens, Outcome.ATTENTION, became or option.becomes, note)
    outcome = Outcome.BY_DEFAULT if option.default and not option.values else Outcome.CARRIED
    return Fate(tokens, outcome, option.becomes, argument.note)


def report_text(fates: Sequence[Fate]) -> str:
    """Return the report, a line for each fate."""
    if not fates:
        return ""
    words = [_shown(fate.tokens) for fate in fates]
    width = min(32, max(map(len, words)))
    lines = []
    for word, fate in zip(words, fates, strict=True):
        mark = {Outcome.ATTENTION: "! ", Outcome.LOST: "X "}.get(fate.outcome, "  ")
        note = f"; {fate.note}" if fate.note else ""
        became = f": {fate.became}" if fate.became else ""
        lines.append(f"{mark}{word:<{width}}  {fate.outcome.value}{became}{note}")
    return "\n".join(lines) + "\n"


def report_data(fates: Sequence[Fate]) -> list[dict[str, Any]]:
    """Return the report as data for JSON."""
    return [
        {
            "tokens": [_legible(token) for token in fate.tokens],
            "outcome": fate.outcome.name.lower().replace("_", "-"),
            "became": fate.became,
            "note": fate.note,
        }
        for fate in fates
    ]


def _shown(tokens: Sequence[str]) -> str:
    return " ".join(_legible(token) for token in tokens)


def _legible(token: str) -> str:
    return token.encode("utf-8", "backslashreplace").decode()
