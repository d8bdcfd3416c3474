"""DCMTK's findscu, the reference client."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.process import HOST, program

MODEL_OPTIONS = {"patient-root": "-P", "study-root": "-S", "patient-study-only": "-O", "worklist": "-W"}


@dataclass(frozen=True, slots=True)
class Response:
    """An extracted response: the transfer syntax of its meta information, and the data set's bytes."""

    transfer_syntax: str
    data_set: bytes


def findscu() -> str:
    """The path of DCMTK's findscu."""
    return program("findscu")


def extract(
    folder: Path, port: int, ae_title: str, model: str, keys: Sequence[str], options: Sequence[str] = ()
) -> list[Response]:
    """Run `findscu -X` with keys such as `PatientID=1` and read the files that it wrote to the folder."""
    arguments = [argument for key in keys for argument in ("-k", key)]
    subprocess.run(
        [findscu(), MODEL_OPTIONS[model], "-X", "-aec", ae_title, *options, *arguments, HOST, str(port)],
        cwd=folder,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return responses(folder)


def responses(folder: Path) -> list[Response]:
    """Read rsp0001.dcm and so on, in their order."""
    return [part10(path.read_bytes()) for path in sorted(folder.glob("rsp*.dcm"))]


def part10(file: bytes) -> Response:
    """Split a DICOM file behind its meta information (PS3.10 7.1)."""
    assert file[128:132] == b"DICM", "not a DICOM file"
    assert file[132:140] == b"\x02\x00\x00\x00UL\x04\x00", "no group length of the meta information"
    end = 144 + int.from_bytes(file[140:144], "little")
    offset, transfer_syntax = 144, ""
    while offset < end:
        tag, vr = file[offset : offset + 4], file[offset + 4 : offset + 6]
        long_form = vr in {b"OB", b"OW", b"UN", b"SQ", b"UT"}
        start = offset + (12 if long_form else 8)
        length = int.from_bytes(file[start - 4 if long_form else start - 2 : start], "little")
        if tag == b"\x02\x00\x10\x00":
            transfer_syntax = file[start : start + length].rstrip(b"\0").decode("ascii")
        offset = start + length
    assert offset == end, "the group length of the meta information is wrong"
    return Response(transfer_syntax, file[end:])
