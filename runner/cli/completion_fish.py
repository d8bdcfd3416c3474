"""Completion for fish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.cli.command_words import CommandWords, Kind, Option, Word

_HEAD = """\
# Completion of cfind for fish: cfind completion fish > ~/.config/fish/completions/cfind.fish
complete -c cfind -f
complete -c cfind -n __fish_use_subcommand -l help -d 'what cfind can do'
complete -c cfind -n __fish_use_subcommand -l version -d 'which cfind this is'
"""


def script(commands: Sequence[CommandWords]) -> str:
    """Return the script."""
    return _HEAD + "\n".join(_body(commands)) + "\n"


def _body(commands: Sequence[CommandWords]) -> Iterator[str]:
    for command in commands:
        yield f"complete -c cfind -n __fish_use_subcommand -a {command.name} -d {_quoted(command.summary)}"
    for command in commands:
        of = f"complete -c cfind -n {_quoted(f'__fish_seen_subcommand_from {command.name}')}"
        for option in command.options:
            yield from (f"{of} {words}" for words in _option(option))
        for word in command.operands:
            if words := _operand(word):
                yield f"{of} {words}"


def _option(option: Option) -> Iterator[str]:
    """Yield the arguments of `complete` for an option; names of no form that fish knows are mere words."""
    described = f"-d {_quoted(option.help)}"
    dashed = [name for name in option.names if name.startswith("-")]
    if dashed:
        value = f" {_value(option.value)}" if option.value.kind is not Kind.NOTHING else ""
        yield f"{' '.join(map(_form, dashed))}{value} {described}"
    for name in option.names:
        if name not in dashed:
            yield f"-a {_quoted(name)} {described}"


def _form(name: str) -> str:
    if name.startswith("--"):
        return f"-l {name[2:]}"
    return f"-s {name[1:]}" if len(name) == 2 else f"-o {_quoted(name[1:])}"


def _value(word: Word) -> str:
    """Return what stands behind an option."""
    if word.kind is Kind.CHOICE:
        return f"-x -a {_quoted(' '.join(word.choices))}"
    return "-x" if word.kind is Kind.TEXT else f"-r {_operand(word)}"


def _operand(word: Word) -> str:
    if word.kind is Kind.CHOICE:
        return f"-a {_quoted(' '.join(word.choices))}"
    return {
        Kind.FILE: "-F",
        Kind.FOLDER: "-a '(__fish_complete_directories)'",
        Kind.JOB: "-k -a '(__fish_complete_suffix .yaml; __fish_complete_suffix .yml)'",
    }.get(word.kind, "")


def _quoted(text: str) -> str:
    """Quote for fish, where a backslash in single quotes escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
