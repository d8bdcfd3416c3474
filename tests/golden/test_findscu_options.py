"""Options of newer findscus, and what no recording has, as a process of its own on a scripted peer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from peers.dataset_notation import read, split_part10
from peers.scripted_scp import ScriptedSCP

ROOT = Path(__file__).parents[2]
KEYS = ("-S", "-k", "0008,0052=STUDY", "-k", "0010,0010")
FOUND = [
    {"identifier": [["0010,0010", "PN", f"P^{number}"], ["0010,0020", "LO", f"ID{number}"]]}
    for number in range(1, 5)
]
FOUR: dict[str, Any] = {"finds": [{"responses": FOUND}]}


def findscu(
    folder: Path, scenario: dict[str, Any], *words: str, keys: Sequence[str] = KEYS, **environment: str
) -> tuple[subprocess.CompletedProcess[str], ScriptedSCP]:
    with ScriptedSCP(scenario) as scp:
        run = subprocess.run(
            [sys.executable, "-m", "runner", "findscu", *keys, *words, "127.0.0.1", str(scp.port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return run, scp


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_paths_make_nested_keys(tmp_path: Path) -> None:
    keys = ("-W", "-k", "(0040,0100)[0].Modality=CT", "-k", "(0040,0100)[0].(0040,0001)=AE1")
    run, scp = findscu(tmp_path, {}, keys=keys)
    assert run.returncode == 0, run.stderr
    (find,) = scp.associations[0]["finds"]
    assert find["elements"] == [
        ["0040,0100", "SQ", [[["0008,0060", "CS", "4354"], ["0040,0001", "AE", "41453120"]]]]
    ]


def test_deflated_is_proposed_first_and_spoken_if_accepted(tmp_path: Path) -> None:
    run, scp = findscu(tmp_path, {"accept": "explicit"}, "-xd", "+cl", "9")
    assert run.returncode == 0, run.stderr
    (context,) = scp.associations[0]["contexts"]
    assert [uid.removeprefix("1.2.840.10008.1.2") for uid in context["transfer"]] == [".1.99", ".1", ".2", ""]


def test_limit_of_files(tmp_path: Path) -> None:
    run, _ = findscu(tmp_path, FOUR, "-X", "-Xlo", "3")
    assert run.returncode == 0, run.stderr
    assert names(tmp_path) == ["rsp0001.dcm", "rsp0002.dcm", "rsp0003.dcm"]
    assert run.stdout.count("RESPONSE") == 4


def test_output_directory(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run, _ = findscu(tmp_path, FOUR, "-X", "-od", "out")
    assert run.returncode == 0, run.stderr
    files = names(tmp_path / "out")
    assert files == [f"rsp000{number}.dcm" for number in range(1, 5)]
    syntax, data = split_part10((tmp_path / "out" / files[3]).read_bytes())
    assert read(data, syntax)[0] == ["0010,0010", "PN", b"P^4 ".hex()]


@pytest.mark.parametrize("words", [("-sr",), ("-q",), ("-ll", "error"), ("--style", "3.6", "-X")])
def test_hidden_responses(tmp_path: Path, words: tuple[str, ...]) -> None:
    run, scp = findscu(tmp_path, FOUR, *words)
    assert run.returncode == 0, run.stderr
    assert not run.stdout
    assert len(scp.answered) == 4


@pytest.mark.parametrize("words", [("-q", "+sr"), ("-sr", "+sr"), ("--style", "3.6", "-X", "+sr"), ("-X",)])
def test_shown_responses(tmp_path: Path, words: tuple[str, ...]) -> None:
    run, _ = findscu(tmp_path, FOUR, *words)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("(Pending)") == 4


def test_silence_in_the_middle_of_a_message(tmp_path: Path) -> None:
    stalled = {"finds": [{"responses": FOUND, "final": {"action": "stall"}}]}
    run, scp = findscu(tmp_path, stalled, "-ts", "1")
    assert run.returncode == 5
    assert "silent for 1 s" in run.stderr
    assert run.stdout.count("(Pending)") == 4
    assert scp.associations[0]["end"] in ("abort", "close")


def test_waiting_between_messages_is_not_silence(tmp_path: Path) -> None:
    run, _ = findscu(tmp_path, {"finds": [{"final": {"action": "silence"}}]}, "-ts", "1", "-td", "2")
    assert run.returncode == 5
    assert "within 2 s" in run.stderr


def test_tls_is_never_plain_tcp(tmp_path: Path) -> None:
    run, scp = findscu(tmp_path, FOUR, "+tla", "-to", "1")
    assert run.returncode == 4
    assert "did not end the TLS handshake within 1 s" in run.stderr
    assert not any(association.get("called") for association in scp.associations)


def test_no_dictionary_can_be_loaded(tmp_path: Path) -> None:
    run, scp = findscu(tmp_path, FOUR, DCMDICTPATH="missing.dic")
    assert run.returncode == 3
    assert "DCMDICTPATH" in run.stderr
    assert not scp.associations


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--foo",), "--foo"), (("-k",), "-k"), (("-pdu", "1"), "-pdu"), (("-k", "Nonsense=1"), "Nonsense")],
)
def test_wrong_command_lines(tmp_path: Path, words: tuple[str, ...], named: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "runner", "findscu", "127.0.0.1", "1", *KEYS, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert named in run.stderr
    assert "Traceback" not in run.stderr
    assert not run.stdout


def test_arguments_are_printed_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("-aet FILE")
    run, scp = findscu(tmp_path, {}, "--arguments", "@words.txt")
    assert run.returncode == 0
    assert "'--study' '--key' '0008,0052=STUDY'" in run.stderr
    assert "'--aetitle' 'FILE'" in run.stderr
    assert not run.stdout
    assert scp.associations[0]["calling"] == "FILE            "
