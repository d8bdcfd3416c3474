"""From the commands that a job asks for after its run to the model."""

from __future__ import annotations

import os

from runner.jobfile.section import Section


def read_command(section: Section) -> tuple[str, ...]:
    """Return a program and its arguments; complain where the program cannot be run.

    A program with a slash in its name is relative to the file that it is written in, any other is looked for
    in PATH when it is run.
    """
    words = tuple(item.text() for item in section.items())
    if not words:
        return ()
    program = next(section.items())
    if not words[0].strip():
        program.problem("the program has no name", "the first item names it, the others are its arguments")
        return ()
    if "/" not in words[0]:
        return words
    # absolute, since one in the current folder would be looked for in PATH
    path = os.path.abspath(program.beside(words[0]))  # noqa: PTH100 - links stay as they are named
    if not os.path.isfile(path):  # noqa: PTH113 - which is false for a name that is too long
        program.problem("there is no such program", "check the path; it is relative to this file")
    elif not os.access(path, os.X_OK):
        program.problem("the file cannot be executed", f"allow it: chmod +x {words[0]}")
    return (path, *words[1:])
