"""`cfind init` writes jobs that are valid as they are, and nothing over anything."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from runner.cli.main import main
from runner.cli.starter_jobs import STARTERS
from runner.jobfile.load import load_job
from runner.jobfile.schema import schema_text

NAMES = sorted(STARTERS)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_each_job_is_valid_and_planned(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", f"--{name}", "my-job.yaml"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("cfind: my-job.yaml is written\n")
    job, problems = load_job(here / "my-job.yaml")
    assert problems == []
    assert job is not None
    assert job.name == "my-job"
    assert main(["validate", "my-job.yaml"]) == 0
    capsys.readouterr()
    assert main(["plan", "my-job.yaml", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["operations"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"cohort"}))
def test_on_standard_output_it_is_the_same(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", f"--{name}"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert main(["init", f"--{name}", "-"]) == 0
    assert capsys.readouterr().out == printed.out
    assert content(here) == {}
    assert main(["init", f"--{name}", f"{STARTERS[name].name}.yaml"]) == 0
    assert content(here) == {f"{STARTERS[name].name}.yaml": printed.out}


def test_what_is_given_for_the_peer(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--host", "2001:db8::1", "--port", "104", "--ae-title", "073000", "--calling-ae-title", "A B"]
    assert main(["init", "job.yaml", *given]) == 0
    job, problems = load_job(here / "job.yaml")
    assert job is not None, problems
    [peer] = job.peers
    assert (peer.host, peer.port, peer.ae_title, peer.calling_ae_title) == (
        *("2001:db8::1", 104, "073000", "A B"),
    )
    assert "study" in (here / "job.yaml").read_text("utf-8").lower()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--host", ""], "peers.main.host: "),
        (["--host", "a\nport: 1"], "peers.main.host: "),
        (["--host", "\udcff"], "cannot be written"),
        (["--port", "0"], "peers.main.port: "),
        (["--port", "http"], "argument --port"),
        (["--ae-title", "ABCDEFGHIJKLMNOPQ"], "peers.main.ae_title: "),
        (["--calling-ae-title", "a\\b"], "peers.main.calling_ae_title: "),
        (["--study", "--worklist"], "not allowed with"),
    ],
)
def test_what_is_no_peer_is_a_wrong_command_line(
    argv: list[str], words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "job.yaml", *argv]) == 2
    assert words in capsys.readouterr().err
    assert content(here) == {}


def test_references_in_what_is_given_are_texts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--ae-title", "${env:HOME}"]) == 0
    assert "ae_title: '$${env:HOME}'" in capsys.readouterr().out


@pytest.mark.parametrize("there", ["job.yaml", "job-patients.csv"])
def test_nothing_is_overwritten_and_nothing_left_over(
    there: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / there).write_text("mine", "utf-8")
    assert main(["init", "--cohort", "--schema", "job.yaml"]) == 2
    assert f"{there} is there already, and nothing is overwritten" in capsys.readouterr().err
    assert content(here) == {there: "mine"}


@pytest.mark.parametrize("option", ["--cohort", "--schema"])
def test_two_files_want_a_name(option: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", option]) == 2
    assert f"{option} writes a second file; name a FILE" in capsys.readouterr().err
    assert content(here) == {}


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "no/job.yaml"]) == 8
    assert "no/job.yaml cannot be written: No such file" in capsys.readouterr().err


def modeline(path: Path) -> str | None:
    found = re.match(r"# yaml-language-server: \$schema=(.*)\n", path.read_text("utf-8"))
    return found[1] if found else None


def test_the_schema_is_written_beside(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "plain.yaml"]) == 0
    assert modeline(here / "plain.yaml") is None
    assert main(["init", "--schema", "one.yaml"]) == 0
    assert modeline(here / "one.yaml") == "job.schema.json"
    assert (here / "job.schema.json").read_text("utf-8") == schema_text()
    assert load_job(here / "one.yaml")[1] == []


def test_a_schema_that_is_there_is_named_and_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "schemas").mkdir()
    (here / "schemas" / "job.schema.json").write_text("{}", "utf-8")
    (here / "jobs" / "deep").mkdir(parents=True)
    for place, expected in (("a", "schemas"), ("jobs/a", "../schemas"), ("jobs/deep/a", "../../schemas")):
        assert main(["init", f"{place}.yaml"]) == 0
        assert modeline(here / f"{place}.yaml") == f"{expected}/job.schema.json"
    assert main(["init", "--schema", "b.yaml"]) == 0
    assert "is there already and kept" in capsys.readouterr().err
    assert modeline(here / "b.yaml") == "schemas/job.schema.json"
    assert (here / "schemas" / "job.schema.json").read_text("utf-8") == "{}"
    assert main(["init", "--schema", "jobs/b.yaml"]) == 0
    assert modeline(here / "jobs" / "b.yaml") == "job.schema.json"
    assert (here / "jobs" / "job.schema.json").read_text("utf-8") == schema_text()
