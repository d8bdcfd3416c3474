"""Completion for bash, from version 3.2 on, which is what macOS has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from runner.cli.command_words import TOP_OPTIONS, CommandWords, Kind, Word

_HEAD = """\
# Completion of cfind for bash: eval "$(cfind completion bash)"

# Of the words given, those that the current one begins.
_cfind_words() {
    local word
    for word in "$@"; do
        [[ $word == "$current"* ]] && COMPREPLY+=("$word")
    done
}

# Paths: jobs are files *.yaml and *.yml, and folders.
_cfind_paths() {
    local path
    compopt -o filenames 2>/dev/null
    while IFS= read -r path; do
        case $1 in
            folder) [[ -d ${path/#\\~/$HOME} ]] || continue ;;
            job) [[ $path == *.yaml || $path == *.yml || -d ${path/#\\~/$HOME} ]] || continue ;;
        esac
        COMPREPLY+=("$path")
    done < <(compgen -f -- "$current")
}

_cfind() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local command=${COMP_WORDS[1]} index
    COMPREPLY=()
    # bash takes --option=value for three words.
    if [[ $current == "=" ]]; then
        current=
    elif [[ $previous == "=" ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
"""
_TAIL = """\
}

complete -F _cfind cfind
"""


def script(commands: Sequence[CommandWords]) -> str:
    """Return the script."""
    return _HEAD + "\n".join(_body(commands)) + "\n" + _TAIL


def _body(commands: Sequence[CommandWords]) -> Iterator[str]:
    yield "    if ((COMP_CWORD == 1)); then"
    yield f"        _cfind_words {_quoted((*(command.name for command in commands), *TOP_OPTIONS))}"
    yield "        return"
    yield "    fi"
    yield "    if [[ $command == translate ]]; then"
    yield "        for ((index = 2; index < COMP_CWORD; index++)); do"
    yield "            [[ ${COMP_WORDS[index]} == -- ]] && command=findscu"
    yield "        done"
    yield "    fi"
    yield '    case "$command $previous" in'
    for command in commands:
        for option in command.options:
            if option.value.kind is not Kind.NOTHING:
                names = " | ".join(f'"{command.name} {name}"' for name in option.names)
                yield f"        {names}) {_completing(option.value) or ':'}; return ;;"
    yield "    esac"
    yield "    case $command in"
    for command in commands:
        options = _quoted(name for option in command.options for name in option.names)
        operands = "; ".join(filter(None, map(_completing, command.operands)))
        yield f"        {command.name})"
        yield f"            if [[ $current == [-+]* ]]; then _cfind_words {options}"
        yield f"            else {operands or ':'}"
        yield "            fi ;;"
    yield "    esac"


def _completing(word: Word) -> str:
    """Return the shell command that adds what the word may be; nothing where nobody knows."""
    if word.kind is Kind.CHOICE:
        return f"_cfind_words {_quoted(word.choices)}"
    if word.kind in (Kind.FILE, Kind.FOLDER, Kind.JOB):
        return f"_cfind_paths {word.kind.name.lower()}"
    return ""


def _quoted(words: Iterable[str]) -> str:
    from shlex import quote

    return " ".join(map(quote, words))
