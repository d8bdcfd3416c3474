"""Each option that can be seen on the wire, beside DCMTK's findscu: both send the same to the same peer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from golden.recordings import essence
from peers.dataset_notation import EXPLICIT, part10
from peers.findscu import findscu
from peers.scripted_scp import ScriptedSCP

ROOT = Path(__file__).parents[2]
KEYS = ["-k", "0008,0052=STUDY", "-k", "0010,0010=A*", "-k", "StudyDate"]
FOUND = [{"identifier": [["0010,0010", "PN", f"P^{n}"], ["0010,0020", "LO", f"ID{n}"]]} for n in range(1, 4)]
SCENARIO: dict[str, Any] = {"finds": [{"responses": FOUND}]}
CANCELLED: dict[str, Any] = {"finds": [{"responses": FOUND, "await_cancel": 2}]}

COMMAND_LINES = [
    ["-S"],
    ["-P"],
    ["-O"],
    ["-W"],
    ["--study"],
    ["--patient"],
    ["--psonly"],
    ["--worklist"],
    ["-S", "-P", "-O"],
    ["-aet", "ME", "-aec", "YOU"],
    ["--aetitle", "MY TITLE", "--call", "1234567890123456"],
    ["-x="],
    ["-xe"],
    ["-xb"],
    ["-xi"],
    ["-xi", "--propose-little"],
    ["--propose-big"],
    ["--propose-implicit"],
    ["--propose-uncompr"],
    ["-pdu", "4096"],
    ["--max-pdu", "131072"],
    ["-pdu", "5001"],
    ["--repeat", "3"],
    ["--abort"],
    ["--cancel", "0"],
    ["-u", "-k", "0040,a160=text"],
    ["--disable-new-vr", "+u", "-k", "0040,a160=text"],
    ["-to", "5", "-ta", "6", "-td", "7"],
    ["--timeout", "5", "--acse-timeout", "6", "--dimse-timeout", "7", "-ts", "8"],
    ["-tls"],
    ["--disable-tls"],
    ["-v"],
    ["-d"],
    ["-q"],
    ["-ll", "warn"],
    ["+dc"],
    ["-dc"],
    ["+sr"],
    ["-sr"],
    ["-X"],
    ["-Xx", "-Xlo", "2"],
    ["-Xs", "all.xml"],
    ["--extract", "--output-directory", "."],
    ["--arguments"],
    ["q.dcm"],
    ["q.dcm", "q.dcm", "--repeat", "2", "-k", "PatientID=7"],
    ["-W", "-k", "(0040,0100)[0].Modality=CT", "-k", "(0040,0100)[0].(0040,0001)=AE"],
    ["-W", "-k", "(0040,0100)[1].ScheduledProtocolCodeSequence[0].CodeValue=X"],
    ["-k", "0028,0010=1\\2", "-k", "0018,9087=1.5", "-k", "0028,0009=(0018,1063)"],
    ["-k", "0028,3006=1\\2", "-k", "7fe0,0010=01\\02", "-k", "6002,3000=1", "-k", "5400,1010=01\\02"],
    ["-k", "0008,0016==CTImageStorage", "-k", "0028,0106=5", "-k", "0028,1200=1"],
    ["-k", "0028,1201=0001\\12ab", "-k", "PatientComments=a=b", "-k", "10,40= F "],
    ["-k", "0008,0005=ISO_IR 192", "-k", "0010,0010=Müller"],
    ["@words.txt"],
]


def sent(folder: Path, scenario: dict[str, Any], *argv: str) -> list[dict[str, Any]]:
    (folder / "q.dcm").write_bytes(part10([["0008,0052", "CS", "STUDY"], ["0010,0020", "LO", "1"]], EXPLICIT))
    (folder / "words.txt").write_text('-S -k "0010,0010=A  B"\n -aet FILE')
    files = [word for word in argv if word.endswith("q.dcm")]
    options = [word for word in argv if word not in files]
    with ScriptedSCP(scenario) as scp:
        subprocess.run(
            [*options, *KEYS, "127.0.0.1", str(scp.port), *files],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=60,
            check=True,
        )
    return [essence(association) for association in scp.associations]


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_both_send_the_same(words: list[str], tmp_path: Path) -> None:
    reference = sent(tmp_path, SCENARIO, findscu(), *words)
    assert reference
    assert sent(tmp_path, SCENARIO, sys.executable, "-m", "runner", "findscu", *words) == reference


def test_both_cancel(tmp_path: Path) -> None:
    reference = sent(tmp_path, CANCELLED, findscu(), "--cancel", "2")
    assert sent(tmp_path, CANCELLED, sys.executable, "-m", "runner", "findscu", "--cancel", "2") == reference
    assert reference[0]["finds"][0][3] == [2]


#: Tags whose VR is a choice, and some that look so.
CHOICES = [
    "0014,3050",
    "0018,9810",
    "0022,1452",
    "0028,0010",
    "0028,0071",
    "0028,0104",
    "0028,0106",
    "0028,0120",
    "0028,1100",
    "0028,1101",
    "0028,1111",
    "0028,1200",
    "0028,1201",
    "0028,3002",
    "0028,3006",
    "0040,9211",
    "0060,3004",
    "5000,200c",
    "5002,3000",
    "5400,0110",
    "5400,1010",
    "6000,3000",
    "60fe,3000",
    "7f00,0010",
    "7fe0,0010",
]


def dumped(folder: Path, data_set: list[Any], *argv: str) -> list[str]:
    """Return the lines of a response in implicit VR, up to the attribute's name: those differ."""
    scenario = {"accept": "implicit", "finds": [{"responses": [{"identifier": data_set}]}]}
    with ScriptedSCP(scenario) as scp:
        run = subprocess.run(
            [*argv, *KEYS, "127.0.0.1", str(scp.port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=True,
        )
    lines = run.stdout.decode("latin-1").splitlines()
    tags = {f"({tag})" for tag, *_ in data_set}

    return [text.rpartition(" ")[0] for line in lines if (text := line.removeprefix("I: "))[:11] in tags]


@pytest.mark.parametrize("value", [[1, 65535], None], ids=["value", "empty"])
def test_both_print_choices_of_vrs_alike(value: list[int] | None, tmp_path: Path) -> None:
    data_set = [[tag, "US", value] for tag in CHOICES]
    reference = dumped(tmp_path, data_set, findscu(), "-S")
    assert len(reference) == len(CHOICES)
    assert dumped(tmp_path, data_set, sys.executable, "-m", "runner", "findscu", "-S") == reference
