"""`cfind completion`: a script that completes commands, options and job files in a shell."""

from __future__ import annotations

from collections.abc import Sequence

from runner.cli import completion_bash, completion_fish, completion_zsh
from runner.cli.arguments import ArgumentParser
from runner.cli.messages import say
from runner.errors import ExitStatus

#: A shell, and what makes its script of all command lines.
_SHELLS = {
    "bash": completion_bash.script,
    "zsh": completion_zsh.script,
    "fish": completion_fish.script,
}


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser(
        "completion",
        "Print a script that completes commands, options and job files. It is for the shell's start-up file: "
        'eval "$(cfind completion bash)" in .bashrc, eval "$(cfind completion zsh)" behind compinit in '
        ".zshrc, or cfind completion fish > ~/.config/fish/completions/cfind.fish once.",
    )
    made.add_argument("shell", choices=tuple(_SHELLS), help="whose script")
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    from runner.cli.command_words import all_commands

    say(_SHELLS[options.shell](all_commands()))
    return ExitStatus.SUCCESS
