"""What findscu prints about itself, made from the table of options."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from runner import __version__
from runner.findscu.command_line import Action, CommandLine
from runner.findscu.options import OPTIONS, Option
from runner.model import SecurityProfile

_NAMES_WIDTH = 36
_WIDTH = 110

_INTRODUCTION = """\
usage: cfind findscu [options] peer port [dcmfile-in...]

Run a command line of DCMTK's findscu: the same on the wire, on stdout and in files; our own exit statuses.

parameters:
  peer         name or address of the peer
  port         its TCP port
  dcmfile-in   query files: DICOM with or without meta header, DICOM JSON, or the text that dump2dcm reads

Options may stand anywhere; of those that exclude each other the rightmost counts. @FILE stands for the
words in FILE. DCMDICTPATH names data dictionaries in DCMTK's format, with colons between them.
"""


def answer(command_line: CommandLine) -> str:
    """Return what a command line prints that asks for a text.

    Raises:
        ValueError: if it asks for none.
    """
    match command_line.action:
        case Action.HELP:
            return help_text()
        case Action.VERSION:
            return f"cfind findscu {__version__}, a drop-in for findscu of DCMTK 3.5.4 and later\n"
        case Action.LIST_CIPHERS:
            return "".join(f"{name}\n" for name in _ciphers())
        case Action.LIST_PROFILES:
            return "".join(f"{profile.value}\n" for profile in SecurityProfile)
        case Action.RUN:
            raise ValueError("the command line asks for no text")


def help_text() -> str:
    """Return the help: all options by section, with the version of findscu that brought them."""
    lines = [_INTRODUCTION]
    for section, options in groupby(OPTIONS, key=lambda option: option.section):
        lines.append(f"{section}:")
        for option in options:
            lines.extend(_lines(option))
        lines.append("")
    return "\n".join(lines)


def arguments_text(command_line: CommandLine) -> str:
    """Return the line that --arguments prints: every word as it is understood, passwords left out."""
    words = []
    for argument in command_line.arguments:
        if argument.option is not None:
            words.append(argument.option.long)
        elif not argument.values:
            continue
        secret = argument.role == "--use-passwd"
        words.extend("***" if secret else value for value in argument.values)
    shown = " ".join(f"'{word}'" for word in words)
    return f"findscu is called with {len(words)} arguments: {shown}"


def _lines(option: Option) -> Iterator[str]:
    values = " ".join(f"<{value.name}>" for value in option.values)
    names = f"  {option.short:<5} {option.long} {values}".rstrip()
    mark = " (default)" if option.default else ""
    era = "" if option.era.value in ("3.5.4", "cfind") else f" [{option.era.value}]"
    summary = textwrap.wrap(f"{option.summary}{mark}{era}", _WIDTH - _NAMES_WIDTH)
    if len(names) >= _NAMES_WIDTH:
        yield names
    else:
        yield f"{names:<{_NAMES_WIDTH}}{summary.pop(0)}"
    for line in summary:
        yield " " * _NAMES_WIDTH + line


def _ciphers() -> Iterator[str]:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for cipher in context.get_ciphers():
        yield cipher["name"]
