"""A command line of findscu as the text of a job file, and a report of what became of each word."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.findscu.command_line import CommandLine
from runner.findscu.fidelity import Fate, Fates, Outcome, without_secret
from runner.findscu.job import peer_of, sinks_of
from runner.findscu.peer_yaml import name_of, peer_block, with_files_in
from runner.findscu.query_yaml import query_block
from runner.findscu.sinks_yaml import sinks_block
from runner.findscu.yaml_text import Block, Scalar, write


@dataclass(frozen=True, slots=True)
class Translation:
    """A job file's text and what became of the command line.

    Attributes:
        text: YAML.
        fates: in the order of the command line.
    """

    text: str
    fates: tuple[Fate, ...]

    @property
    def whole(self) -> bool:
        """Whether all could be carried over."""
        return all(fate.outcome is not Outcome.LOST for fate in self.fates)


def translate(command_line: CommandLine, folder: Path | None = None) -> Translation:
    """Write a job file that does the same as a command line. Query files are not read.

    Args:
        command_line: one that is to be run.
        folder: where the command would be run, if files are to be named by absolute paths; None to name them
            as they are, for a job file in that folder.

    Raises:
        UsageError: if a key is wrong.
        InvalidJobError: if no dictionary of DCMDICTPATH can be loaded.
    """
    fates = Fates(command_line)
    peer = peer_of(command_line)
    query = query_block(command_line, fates, folder)
    document = Block()
    document.put("version", Scalar("1"))
    document.put("name", "findscu")
    peers, queries = Block(), Block()
    peers.put(name_of(peer), peer_block(peer if folder is None else with_files_in(peer, folder)))
    queries.put("query", query)
    document.put("peers", peers)
    document.put("queries", queries)
    document.put("sinks", sinks_block(sinks_of(command_line)))
    head = f"# From: findscu {shown(command_line)}"
    return Translation("\n".join([head, *spaced(write(document))]) + "\n", fates.all())


def shown(command_line: CommandLine) -> str:
    """Return a command line on one line as it could be typed, passwords left out."""
    words = (without_secret(argument) for argument in command_line.arguments if not argument.origin)
    text = " ".join(shlex.quote(word) for tokens in words for word in tokens)
    legible = text.encode("utf-8", "backslashreplace").decode()
    return "".join(character if character.isprintable() else "?" for character in legible)


def spaced(lines: Sequence[str]) -> list[str]:
    """Put an empty line before each section but the first ones."""
    spaced: list[str] = []
    for line in lines:
        if line in ("peers:", "queries:", "sinks:", "vars:") or line.startswith("sinks: "):
            spaced.append("")
        spaced.append(line)
    return spaced
