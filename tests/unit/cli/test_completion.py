"""Completion knows what the commands' own parsers know; bash is asked itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.cli.command_words import CommandWords, Kind, Option, Word, all_commands
from runner.cli.completion_fish import script as fish_script
from runner.cli.completion_zsh import script as zsh_script
from runner.cli.main import COMMANDS, main
from runner.findscu.options import BY_NAME

Shell = Callable[..., set[str]]


@pytest.fixture
def bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Asks bash what it offers for the last of the words, in a folder with files."""
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "cfind.bash"
    script.write_text(capsys.readouterr().out, "utf-8")
    folder = tmp_path / "here"
    (folder / "sub folder").mkdir(parents=True)
    for name in ("a.yaml", "b.yml", "two words.yaml", "notes.txt", "$(touch run)", "x*.yaml"):
        (folder / name).touch()
    asking = (
        'source "$0"; complete -p cfind >/dev/null || exit 3;'
        ' COMP_WORDS=(cfind "$@"); COMP_CWORD=$#; _cfind; printf "%s\\n" "${COMPREPLY[@]}"'
    )

    def ask(*words: str) -> set[str]:
        done = subprocess.run(
            ["bash", "--norc", "-c", asking, str(script), *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        assert not (folder / "run").exists()
        return set(done.stdout.splitlines()) - {""}

    return ask


JOBS = {"a.yaml", "b.yml", "two words.yaml", "x*.yaml", "sub folder"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ([""], {*COMMANDS, "--help", "--version"}),
        (["ru"], {"run"}),
        (["nonsense", ""], set()),
        (["run", ""], JOBS),
        (["run", "a.yaml", "tw"], {"two words.yaml"}),
        (["run", "--rep"], {"--report"}),
        (["run", "--report", "n"], {"notes.txt"}),
        (["run", "--output-dir", ""], {"sub folder"}),
        (["run", "--report", "x.json", "b"], {"b.yml"}),
        (["run", "--var", ""], set()),
        (["plan", "--format", ""], {"text", "json"}),
        (["plan", "--format", "="], {"text", "json"}),  # as bash takes --format=
        (["plan", "--format", "=", "j"], {"json"}),
        (["serve", ""], {"sub folder"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["findscu", "-ll", "w"], {"warn"}),
        (["findscu", "--abo"], {"--abort"}),
        (["findscu", "+crl", "no"], {"notes.txt"}),
        (["translate", "+c"], set()),
        (["translate", "--", "--abo"], {"--abort"}),
        (["run", "$("], set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bash(bash: Shell, words: list[str], offered: set[str]) -> None:
    assert bash(*words) == offered


def test_bash_offers_every_option_of_every_command(bash: Shell) -> None:
    for command in all_commands():
        names = {name for option in command.options for name in option.names}
        assert names >= {"--help"}
        assert bash(command.name, "-") == {name for name in names if name.startswith("-")}
    assert bash("findscu", "+") == {name for name in BY_NAME if name.startswith("+")}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_others_know_the_same(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    for command in all_commands():
        assert command.summary in text.replace("\\'", "'").replace("'\"'\"'", "'")
        for option in command.options:
            for name in option.names:
                shown = name.lstrip("-") if shell == "fish" else name
                assert shown in text, f"{command.name} {name}"
            for choice in option.value.choices:
                assert choice in text, f"{command.name} {option.names[-1]} {choice}"


def test_help_texts_are_shown_as_they_are() -> None:
    """Argparse would put values in place of %(…)s, the scripts would not."""
    for command in all_commands():
        for option in command.options:
            assert "%" not in option.help, f"{command.name} {option.names[0]}"
            assert option.help, f"{command.name} {option.names[0]}"


ODD = CommandWords(
    "odd",
    "it's `odd` $(touch run) [a:b] \\",
    (Option(("--it", "-x="), "it's $HOME: \\ [1]", Word(Kind.CHOICE, ("a b", "it's"))),),
    (Word(Kind.JOB),),
)


def test_texts_are_quoted_for_zsh() -> None:
    text = zsh_script([ODD])
    assert "'odd:it'\"'\"'s `odd` $(touch run) [a:b] \\'" in text
    assert "compadd -- 'a b' 'it'\"'\"'s'" in text


def test_texts_are_quoted_for_fish() -> None:
    text = fish_script([ODD])
    assert "-a odd -d 'it\\'s `odd` $(touch run) [a:b] \\\\'" in text
    assert "-l it -o 'x=' -x -a 'a b it\\'s' -d 'it\\'s $HOME: \\\\ [1]'" in text


def test_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "choose from" in capsys.readouterr().err
