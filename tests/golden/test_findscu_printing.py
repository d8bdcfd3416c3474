"""The findscu format and the rsp files agree with the recordings, response by response, without a socket."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from golden.recordings import Recording, recordings
from peers.dataset_notation import SYNTAXES, read, split_part10, write
from runner.dicom.dictionary import STANDARD
from runner.dicom.transfer_syntax import TransferSyntax
from runner.findscu.command_line import parse
from runner.findscu.job import job_of
from runner.findscu.names import entry_of
from runner.model import Job, RspSink, StdoutFormat, StdoutSink
from runner.plan import operations
from runner.sinks.base import Batch, Find, Sink, SinkState
from runner.sinks.registry import make_sinks
from runner.status import StatusDetail

_NAMED_LINE = re.compile(r"(.*#\s+(?:\d+|u/l),\s*\d+ )(\S+)")
ANSWERED = [
    recording
    for recording in recordings()
    if any(
        find.get("responses") or find.get("final")
        for find in recording.data.get("scenario", {}).get("finds", ())
    )
]


def with_todays_names(line: str) -> str:
    match = _NAMED_LINE.fullmatch(line)
    entry = entry_of(match[2], STANDARD) if match is not None else None
    return f"{match[1]}{entry.keyword}" if match is not None and entry is not None else line


def play(recording: Recording, job: Job, sinks: list[Sink]) -> None:
    """Hand the sinks what the SCP of the recording sent."""
    scenario = recording.data["scenario"]
    finds = scenario["finds"]

    syntax = TransferSyntax(recording.expected["sent"][0]["finds"][0]["transfer_syntax"])
    for operation in operations(job):
        script = finds[min(operation.number, len(finds)) - 1]
        find = Find(operation, syntax)
        responses = script.get("responses", [])[: script.get("await_cancel")]
        for number, response in enumerate(responses, 1):
            data = write(response["identifier"], syntax.uid)
            batch = Batch(find, number, int(response.get("status", "ff00"), 16), (data,), {})
            for sink in sinks:
                sink.write(batch)
        final = script.get("final", {})
        cancelled = "await_cancel" in script and script.get("on_cancel") != "ignore"
        status = int(final.get("status", "fe00" if cancelled else "0000"), 16)
        detail = StatusDetail(status, elements=write(final.get("elements") or [], SYNTAXES["implicit"]))
        for sink in sinks:
            sink.finish(find, detail)


@pytest.mark.parametrize("recording", ANSWERED, ids=lambda recording: str(recording.data["id"]))
def test_recorded_output(recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recording.write_files(tmp_path)
    job = job_of(parse(recording.argv("127.0.0.1", 104), recording.environment), pytest.fail)
    stdout = io.BytesIO()
    sinks = [sink for _, sink in make_sinks(job, tmp_path, stdout)]
    before = {path.name for path in tmp_path.iterdir()}
    for sink in sinks:
        sink.open()
    play(recording, job, sinks)
    assert {sink.close(whole=True) for sink in sinks} == {SinkState.COMMITTED}

    printed = stdout.getvalue().decode("utf-8", "surrogateescape").split("\n")
    expected: Any = recording.expected["stdout"]
    if not recording.environment:
        printed, expected = list(map(with_todays_names, printed)), list(map(with_todays_names, expected))
    assert printed == expected
    written = {
        path.name: split_part10(path.read_bytes()) for path in tmp_path.iterdir() if path.name not in before
    }
    for name, file in recording.expected["written"].items():
        syntax, data = written[name]
        assert syntax == file["transfer_syntax"]
        if recording.data["id"] != "extract-repeat":  # there 3.5.4 wrote over its first two files
            assert read(data, syntax) == read(bytes.fromhex(file["dataset"]), syntax)
    if recording.data["id"] == "extract-repeat":
        assert len(written) == 4


def test_that_there_are_recordings() -> None:
    assert len(ANSWERED) > 25


def test_a_great_many_alike_responses_are_printed_as_one_by_one(tmp_path: Path) -> None:
    """What is remembered of earlier responses changes nothing."""
    job = job_of(parse(["-S", "-k", "0010,0010", "127.0.0.1", "104"], {}), pytest.fail)
    find = Find(next(operations(job)), TransferSyntax.EXPLICIT_LITTLE)
    identifiers = [
        write(response["identifier"], SYNTAXES["explicit"])
        for recording in ANSWERED
        for script in recording.data["scenario"]["finds"]
        for response in script.get("responses", ())
    ]
    mixed = [identifiers[(7 * index + index // 90) % len(identifiers)] for index in range(3000)]

    def printed(size: int, output_format: StdoutFormat) -> bytes:
        stdout = io.BytesIO()
        declared = Job("job", job.peers, job.queries, (StdoutSink(output_format),))
        ((_, sink),) = make_sinks(declared, tmp_path, stdout)
        for at in range(0, len(mixed), size):
            if size == 1:
                ((_, fresh),) = make_sinks(declared, tmp_path, stdout)
                sink = fresh
            sink.write(Batch(find, at + 1, 0xFF00, mixed[at : at + size], {}))
        return stdout.getvalue()

    for output_format in (StdoutFormat.FINDSCU, StdoutFormat.DUMP, StdoutFormat.JSON):
        assert printed(100, output_format) == printed(1, output_format)


def test_disabled_new_vr_reaches_nested_elements(tmp_path: Path) -> None:
    data = write(
        [
            ["0008,1140", "SQ", [[["0040,a160", "UT", "text UN"]]], "items"],
            ["0009,1001", "UN", {"hex": "554e5554"}],
        ],
        SYNTAXES["explicit"],
    )
    job = job_of(parse(["-S", "-k", "0010,0010", "127.0.0.1", "104"], {}), pytest.fail)
    declared = Job("job", job.peers, job.queries, (RspSink("rsp", disable_new_vr=True),))
    ((_, sink),) = make_sinks(declared, tmp_path, io.BytesIO())
    sink.open()
    sink.write(Batch(Find(next(operations(job)), TransferSyntax.EXPLICIT_LITTLE), 1, 0xFF00, (data,), {}))
    sink.close(whole=True)
    _, written = split_part10((tmp_path / "rsp" / "rsp0001.dcm").read_bytes())
    assert read(written, SYNTAXES["explicit"]) == [
        ["0008,1140", "SQ", [[["0040,a160", "OB", b"text UN ".hex()]]]],
        ["0009,1001", "OB", "554e5554"],
    ]
    assert len(written) == len(data)
    assert struct.unpack_from("<HH", written) == (0x0008, 0x1140)
