"""`cfind findscu` sends, prints and writes what findscu 3.5.4 did, each recorded run as a process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from golden.recordings import Recording, essence, recordings
from peers.dataset_notation import read, split_part10
from peers.scripted_scp import ScriptedSCP
from runner.dicom.dictionary import STANDARD
from runner.findscu.names import entry_of

_NAMED_LINE = re.compile(r"(.*#\s+(?:\d+|u/l),\s*\d+ )(\S+)")


def with_todays_names(line: str) -> str:
    """Take today's keyword for the name at the end of a line, where 3.5.4 had another."""
    match = _NAMED_LINE.fullmatch(line)
    entry = entry_of(match[2], STANDARD) if match is not None else None
    return f"{match[1]}{entry.keyword}" if match is not None and entry is not None else line


@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: str(recording.data["id"]))
def test_recorded_run(recording: Recording, tmp_path: Path) -> None:
    recording.write_files(tmp_path)
    given = {path.name for path in tmp_path.iterdir()}
    with ScriptedSCP(recording.data.get("scenario")) as scp:
        argv = [os.fsencode(word) for word in recording.argv("127.0.0.1", scp.port)]
        environment = {k: v for k, v in os.environ.items() if k != "DCMDICTPATH"} | recording.environment
        run = subprocess.run(
            [sys.executable, "-m", "runner", "findscu", *argv],
            cwd=tmp_path,
            env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            timeout=60,
            check=False,
        )
    expected = recording.expected
    assert run.returncode in expected["exit"], run.stderr.decode(errors="replace")
    got = [essence(association) for association in scp.associations]
    assert got in [[essence(association) for association in sent] for sent in recording.sent()]
    printed = os.fsdecode(run.stdout).split("\n")
    if recording.environment:
        assert printed == expected["stdout"]
    else:
        assert list(map(with_todays_names, printed)) == list(map(with_todays_names, expected["stdout"]))
    written = {
        name: split_part10((tmp_path / name).read_bytes())
        for name in sorted(path.name for path in tmp_path.iterdir())
        if name not in given
    }
    check_files(written, expected["written"], scp.answered if expected["written"] else [])


def check_files(written: dict[str, Any], expected: dict[str, Any], answered: list[tuple[str, bytes]]) -> None:
    """Check the files' contents; where 3.5.4 overwrote some, all responses must be there."""
    if len(expected) < len(answered):
        contents = [(syntax, read(data, syntax)) for syntax, data in answered]
        assert [(syntax, read(data, syntax)) for syntax, data in written.values()] == contents
        return
    assert list(written) == sorted(expected)
    for name, (syntax, data) in written.items():
        assert syntax == expected[name]["transfer_syntax"]
        assert read(data, syntax) == read(bytes.fromhex(expected[name]["dataset"]), syntax)
