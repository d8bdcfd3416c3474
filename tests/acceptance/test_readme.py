"""The README's job, output, messages and tables are what cfind does."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runner.cli.exit_statuses import MEANINGS
from runner.cli.main import COMMANDS
from runner.dicom.dictionary import STANDARD
from runner.errors import ExitStatus
from runner.model import RowState

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def block(kind: str, number: int = 0) -> str:
    return [text for name, text in BLOCKS if name == kind][number]


def cfind(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The README's job as a file beside the folder that has its archive, as in the checkout."""
    (tmp_path / "jobs").symlink_to(ROOT / "jobs")
    path = tmp_path / "ct-of-spring.yaml"
    path.write_text(block("yaml"), encoding="utf-8")
    return path


def test_the_job_prints_what_is_shown(job: Path) -> None:
    done = cfind("run", job.name, cwd=job.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, block("csv"), block("text"))


def test_the_mistake_gets_the_message_that_is_shown(job: Path) -> None:
    job.write_text(block("yaml").replace("StudyDescription", "StudyDescripton"), encoding="utf-8")
    done = cfind("validate", job.name, cwd=job.parent)
    assert (done.returncode, done.stdout) == (3, block("text", 1))


def test_the_dates_are_what_is_shown(tmp_path: Path) -> None:
    keys = block("yaml", 1)
    expected = dict(re.findall(r"^(\w+): .*  # (.*)$", keys, re.MULTILINE))
    assert len(expected) == len(keys.splitlines())
    path = tmp_path / "dates.yaml"
    head = "version: 1\npeers: {p: {host: localhost, port: 104}}\nqueries:\n  q:\n    model: worklist\n"
    path.write_text(
        "timezone: UTC\n" + head + "    keys:\n" + textwrap.indent(keys, "      "), encoding="utf-8"
    )
    done = cfind("plan", "--format", "json", "--now", "2024-03-10T14:30:00Z", str(path))
    [operation] = json.loads(done.stdout)["operations"]
    sent = {tag: element["Value"] for tag, element in operation["identifier"].items()}
    tags = {name: entry.tag for name in expected if (entry := STANDARD.by_keyword(name))}
    assert sent == {f"{tags[name]:08X}": [value] for name, value in expected.items()}


def test_every_command_is_named_and_every_named_one_exists() -> None:
    named = set(re.findall(r"^\| `cfind (\w+)\b", README, re.MULTILINE))
    assert named == set(COMMANDS)


def test_the_exit_statuses_are_those_of_the_code() -> None:
    section = README.split("## Exit statuses")[1].split("\n## ")[0]
    numbers = {
        int(number)
        for row in re.findall(r"^\| ([\d, ]+) \|", section, re.MULTILINE)
        for number in row.split(",")
    }
    assert numbers >= {int(status) for status in ExitStatus}


def test_the_exit_statuses_mean_what_explain_says() -> None:
    section = README.split("## Exit statuses")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\d, ]+) \| (.*) \|$", section, re.MULTILINE))
    for status, (meaning, advice) in MEANINGS.items():
        assert advice.endswith(".")
        if status < 130:
            assert rows[str(int(status))].split(" (jobs")[0].split(" (not told")[0] == meaning


def test_the_files_that_it_links_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_both_commands_name_files_that_are_there() -> None:
    commands = [line for text in (block("sh"), block("sh", 1)) for line in text.splitlines()]
    assert len(commands) == 2
    for command in commands:
        paths = [word for word in shlex.split(command) if word.endswith((".yaml", ".py"))]
        assert paths
        for path in paths:
            assert (ROOT / path).is_file()


def test_the_job_to_begin_with_is_valid(tmp_path: Path) -> None:
    words = shlex.split(block("sh", 2))
    assert words[:2] == ["cfind", "init"]
    done = cfind(*words[1:-1], str(tmp_path / words[-1]))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {words[-1], "job.schema.json"}
    assert cfind("validate", str(tmp_path)).stdout == "1 job file: valid\n"


def test_the_results_of_rows_are_those_of_the_code() -> None:
    section = README.split("## What became of each row")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([a-z ]+)` \|", section, re.MULTILINE)
    assert named == [state.value for state in RowState]
    for state in RowState:
        assert f"`result.{state.value.replace(' ', '-')}.csv`" in section
