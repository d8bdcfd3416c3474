"""Shell scripts with findscu calls, translated, get the same responses from dcmqrscp."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from peers.findscu import findscu
from peers.process import HOST, Server

ROOT = Path(__file__).parents[2]
LEVELS = {
    "-S": ("STUDY", "0020,000d"),
    "-P": ("PATIENT", "0010,0020"),
    "-O": ("PATIENT", "PatientID"),
}
VALUES = (
    "PatientName",
    "PatientName=A*",
    "PatientName=*",
    "StudyDate=20200101-",
    "PatientID=NOBODY",
    "PatientSex=F",
)
_ELEMENT = re.compile(rb"^(?:I: )?( *\([0-9a-f]{4},[0-9a-f]{4}\).*)$", re.MULTILINE)


def script(port: int) -> str:
    lines = ["#!/bin/sh", f"FINDSCU={findscu()}", f"PORT={port}"]
    for model, (level, unique) in LEVELS.items():
        for value in VALUES:
            lines += [
                f"$FINDSCU {model} -aec QR -k 0008,0052={level} \\",
                f"    -k {unique} -k '{value}' {HOST} $PORT",
            ]
    for modality in ("CT", "MR"):
        lines.append(
            f'"$FINDSCU" -S -aec QR -k QueryRetrieveLevel=SERIES -k "Modality={modality}"'
            f" -k 0020,000d=1.2.3 -k 0020,000e {HOST} $PORT"
        )
    return "\n".join(lines) + "\n"


def elements(output: bytes) -> list[bytes]:
    """The lines of elements in what findscu prints, whichever version, without the padding of UIDs."""
    return [re.sub(rb"\0?\] +#", b"] #", line) for line in _ELEMENT.findall(output)]


def loops(port: int) -> str:
    """A script with variables, a loop over a list, and one over the words of a file."""
    return f"""#!/bin/sh
FINDSCU={findscu()}
HOST={HOST}
SEX='F'
NAME=A
"$FINDSCU" -P -aec QR -k 0008,0052=PATIENT -k "PatientSex=$SEX" -k "PatientName=$NAME*" $HOST {port}
for name in '*' B C "NOBODY"; do
    for date in 20200101- -20191231; do
        "$FINDSCU" -S -aec QR -k 0008,0052=STUDY -k "PatientName=$name*" -k StudyDate=$date \\
            -k 0020,000d $HOST {port}
    done
done
for id in $(cat ids.txt); do
    "$FINDSCU" -P -aec QR -k 0008,0052=PATIENT -k "0010,0020=${{id}}*" -k 0010,0010 $HOST {port}
done
for level in PATIENT STUDY; do
    "$FINDSCU" -P -aec QR -k 0008,0052=$level -k PatientID="*" -k PatientName "$HOST" {port}
done
"""


@pytest.mark.parametrize(("text", "calls"), [(script, 20), (loops, 5)])
def test_same_responses(
    tmp_path: Path, dcmqrscp_peer: Server, text: Callable[[int], str], calls: int
) -> None:
    path = tmp_path / "script.sh"
    path.write_text(text(dcmqrscp_peer.port))
    (tmp_path / "ids.txt").write_text("D P\n1\nNOBODY\n")
    original = subprocess.run(["sh", path.name], cwd=tmp_path, capture_output=True, timeout=100, check=True)

    cfind = [sys.executable, "-m", "runner"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    translation = subprocess.run(
        [*cfind, "translate", "--script", path.name],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert translation.stderr.count(b": the query ") == calls
    assert b"\n!" not in translation.stderr
    job = tmp_path / "script.yaml"
    job.write_bytes(translation.stdout)
    run = subprocess.run([*cfind, "run", str(job)], env=environment, capture_output=True, check=False)

    assert run.returncode == 0, run.stderr.decode()
    expected = elements(original.stdout + original.stderr)
    assert len(expected) > 100
    assert elements(run.stdout) == expected
