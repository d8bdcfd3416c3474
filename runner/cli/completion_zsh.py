"""Completion for zsh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from runner.cli.command_words import TOP_OPTIONS, CommandWords, Kind, Word

_HEAD = """\
#compdef cfind
# Completion of cfind for zsh: eval "$(cfind completion zsh)" behind compinit

_cfind() {
    local command=$words[2] previous=$words[CURRENT-1]
    local -a described
    if ((CURRENT == 2)); then
"""
_TAIL = """\
}

if [[ $funcstack[1] == _cfind ]]; then
    _cfind "$@"
else
    compdef _cfind cfind
fi
"""


def script(commands: Sequence[CommandWords]) -> str:
    """Return the script."""
    return _HEAD + "\n".join(_body(commands)) + "\n" + _TAIL


def _body(commands: Sequence[CommandWords]) -> Iterator[str]:
    listed = [_described(command.name, command.summary) for command in commands]
    yield f"        described=({' '.join(listed)})"
    yield "        _describe -t commands command described"
    yield f"        [[ $PREFIX == -* ]] && compadd -- {' '.join(TOP_OPTIONS)}"
    yield "        return"
    yield "    fi"
    yield "    if [[ $command == translate ]] && ((${words[(I)--]} > 0 && ${words[(I)--]} < CURRENT)); then"
    yield "        command=findscu"
    yield "    fi"
    yield "    if [[ $PREFIX == --*=* ]]; then"
    yield "        previous=${PREFIX%%=*}"
    yield "        compset -P '*='"
    yield "    fi"
    yield '    case "$command $previous" in'
    for command in commands:
        for option in command.options:
            if option.value.kind is not Kind.NOTHING:
                names = "|".join(f'"{command.name} {name}"' for name in option.names)
                yield f"        ({names})"
                yield f"            {_completing(option.value)}"
                yield "            return ;;"
    yield "    esac"
    yield "    case $command in"
    for command in commands:
        options = " ".join(
            _described(name, option.help) for option in command.options for name in option.names
        )
        yield f"        ({command.name})"
        yield "            if [[ $PREFIX == [-+]* ]]; then"
        yield f"                described=({options})"
        yield "                _describe -o -t options option described"
        yield "            else"
        yield from (f"                {_completing(word)}" for word in command.operands or (Word(Kind.TEXT),))
        yield "            fi ;;"
    yield "    esac"


def _described(word: str, text: str) -> str:
    return quote(word.replace(":", "\\:") + ":" + text)


def _completing(word: Word) -> str:
    """Return the command that adds what the word may be."""
    if word.kind is Kind.CHOICE:
        return f"compadd -- {' '.join(map(quote, word.choices))}"
    return {
        Kind.FILE: "_files",
        Kind.FOLDER: "_files -/",
        Kind.JOB: "_files -g '*.(yaml|yml)(-.)'",
    }.get(word.kind, "_message value")
