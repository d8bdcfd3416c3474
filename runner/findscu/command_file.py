"""Command files: `@file` on a command line stands for the words in the file."""

from __future__ import annotations

import os

from runner.errors import UsageError


def words_of(path: str) -> list[str]:
    """Read the words of a command file, separated by white space.

    White space between two quotation marks, single or double, belongs to the word; the marks do not. Bytes
    that are not UTF-8 are kept as lone surrogates, as they are in argv.

    Raises:
        UsageError: if the file cannot be read or a quotation mark is never closed.
    """
    token = f"@{path}"
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the file
            text = os.fsdecode(file.read())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{token}: the command file cannot be read: {reason}") from error
    return _split(text, token)


def _split(text: str, token: str) -> list[str]:
    words: list[str] = []
    word: list[str] | None = None
    mark = ""
    for character in text:
        if mark:
            if character == mark:
                mark = ""
            elif word is not None:
                word.append(character)
        elif character in " \t\r\n\v\f":
            if word is not None:
                words.append("".join(word))
            word = None
        else:
            word = [] if word is None else word
            if character in "\"'":
                mark = character
            else:
                word.append(character)
    if mark:
        raise UsageError(f"{token}: a quotation mark ({mark}) is never closed", "close it, or leave it out")
    if word is not None:
        words.append("".join(word))
    return words
