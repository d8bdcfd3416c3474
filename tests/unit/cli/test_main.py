"""One place makes messages and exit statuses of whatever happens."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner import __version__
from runner.cli import main as cli
from runner.errors import ConnectError, ExitStatus


def _command(monkeypatch: pytest.MonkeyPatch, execute: Any) -> None:
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: SimpleNamespace(execute=execute))


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in cli.COMMANDS)


def test_no_command_at_all_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage: cfind COMMAND" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"cfind {__version__}\n"


@pytest.mark.parametrize(
    ("word", "advice"), [("rnu", "did you mean run?"), ("zzzz", "cfind --help lists them")]
)
def test_an_unknown_command(word: str, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([word]) == 2
    assert capsys.readouterr().err == f"cfind: there is no command “{word}”; {advice}\n"


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name not in {"findscu", "translate"}])
def test_help_and_wrong_options_of_each_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([command, "--help"]) == 0
    assert f"usage: cfind {command}" in capsys.readouterr().out
    assert cli.main([command, "--no-such-option"]) == 2
    assert f"see cfind {command} --help" in capsys.readouterr().err


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name != "findscu"])
def test_each_command_tells_its_command_line(command: str) -> None:
    parser = import_module(cli.COMMANDS[command].module).parser()
    assert parser.prog == f"cfind {command}"
    assert {"--help", "--debug"} <= {word for action in parser.actions() for word in action.option_strings}


@pytest.mark.parametrize("debug", [False, True])
def test_a_defect_shows_its_place_and_only_with_debug_more(
    debug: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def execute(argv: Any) -> None:
        raise ValueError("SECRET\x1b[2J")

    _command(monkeypatch, execute)
    assert cli.main(["run", *(["--debug"] if debug else [])]) == 1
    shown = capsys.readouterr().err
    assert "this is a defect of cfind" in shown
    assert "ValueError in execute, line" in shown
    assert "test_main.py" in shown
    assert ("SECRET" in shown) is debug
    assert ("Traceback" in shown) is debug
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (ConnectError("refused", "look"), 4, "refused; look"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 8, "standard output was closed"),
        (SystemExit(2), 2, ""),
        (SystemExit("text"), 2, ""),
    ],
)
def test_what_a_command_raises(
    raised: BaseException,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def execute(argv: Any) -> None:
        raise raised

    _command(monkeypatch, execute)
    assert cli.main(["run"]) == status
    assert capsys.readouterr().err == (
        f"cfind: {words}" + " before all was printed" * (status == 8) + "\n" if words else ""
    )


@pytest.mark.parametrize("method", ["write", "flush"])
def test_output_that_is_lost_is_no_success(
    method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    stdout = io.StringIO()
    monkeypatch.setattr(stdout, method, full, raising=True)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert cli.main(["--help"]) == 8
    assert "cannot print on standard output: No space left on device" in capsys.readouterr().err


def _process(redirection: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with standard streams that the shell has closed."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "runner", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "arguments", "status"),
    [
        (">&-", ["--help"], 8),
        (">&-", ["run", "--help"], 8),
        (">/dev/full", ["schema"], 8),
        ("2>&-", ["--help"], 0),
        ("2>&-", ["nonsense"], 2),
        ("2>/dev/full", ["nonsense"], 2),
        ("<&- >&- 2>&-", ["nonsense"], 2),
    ],
)
def test_streams_that_are_closed(redirection: str, arguments: list[str], status: int) -> None:
    done = _process(redirection, *arguments)
    assert done.returncode == status, done.stderr
    assert b"Traceback" not in done.stderr
    if status == 8:
        assert b"cannot print on standard output" in done.stderr


@pytest.mark.parametrize("locale", ["C", "en_US.ISO-8859-1"])
def test_a_locale_without_utf_8(locale: str, tmp_path: Path) -> None:
    """What is printed is UTF-8 all the same, and a name that no file can have is told."""
    job = tmp_path / "job.yaml"
    job.write_text(
        JOB.replace("A*", '"M\u00fc*"').replace(
            "STUDY, keys: {", "STUDY, keys: {SpecificCharacterSet: ISO_IR 192, "
        ),
        "utf-8",
    )
    plain = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = _process("", "plan", str(job), **plain)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "[Mü*]" in done.stdout.decode("utf-8")
    job.write_text(JOB.replace("sinks: []", "sinks: [{type: csv, path: \u7814.csv}]"), "utf-8")
    done = _process("", "run", str(job), **plain)
    assert done.returncode == 8, done.stderr
    assert b"cannot be a file name in " in done.stderr


def test_a_stderr_that_is_gone_changes_no_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(["nonsense"]) == ExitStatus.USAGE
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    assert cli.main(["nonsense"]) == ExitStatus.USAGE


JOB = """\
version: 1
name: plan
peers: {main: {host: pacs.example.org, port: 11112, ae_title: PACS}}
queries:
  studies: {model: study-root, level: STUDY, keys: {PatientName: A*, StudyDate: }, repeat: 2}
sinks: []
"""
TEXT = """\
operation 1: query studies, repetition 1 of 2
  peer      main: pacs.example.org:11112, called PACS, calling CFIND
  model     Study Root (1.2.840.10008.5.1.4.1.2.2.1)
  level     STUDY
  proposes  explicit little endian, then explicit big endian, then implicit little endian
  identifier
"""


def test_plan_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "job.yaml").write_text(JOB, "utf-8")
    assert cli.main(["plan", str(tmp_path / "job.yaml")]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith(TEXT)
    lines = first.removeprefix(TEXT).splitlines()
    assert [line.split()[0] for line in lines] == ["(0008,0020)", "(0008,0052)", "(0010,0010)"]
    assert "[A*]" in lines[2]
    assert second.rstrip("\n") == first.replace("operation 1", "operation 2").replace(
        "repetition 1", "repetition 2"
    )


def test_plan_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "job.yaml").write_text(JOB, "utf-8")
    assert cli.main(["plan", str(tmp_path / "job.yaml"), "--format", "json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["operations"]
    assert first["identifier"] == {
        "00080020": {"vr": "DA"},
        "00080052": {"vr": "CS", "Value": ["STUDY"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A*"}]},
    }
    assert (first["query"], first["peer"], first["model"], first["level"]) == (
        "studies",
        "main",
        "study-root",
        "STUDY",
    )
    assert second == {**first, "number": 2, "repetition": 2}
