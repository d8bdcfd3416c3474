"""Recorded command lines make jobs whose identifiers have the recorded bytes; no connection is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.recordings import Recording, recordings
from peers.dataset_notation import read
from runner.dicom.encoding import encode
from runner.dicom.transfer_syntax import TransferSyntax
from runner.findscu.command_line import parse
from runner.findscu.job import job_of
from runner.plan import operations

SENDING = [recording for recording in recordings() if recording.expected["sent"]]


def test_that_there_are_recordings() -> None:
    assert len(SENDING) == 40


@pytest.mark.parametrize("recording", SENDING, ids=lambda recording: str(recording.data["id"]))
def test_job_of_recorded_command_line(
    recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recording.write_files(tmp_path)

    warnings: list[str] = []
    job = job_of(parse(recording.argv("127.0.0.1", 104), recording.environment), warnings.append)

    assert not warnings
    assert not recording.expected["sent"][1:]
    (peer,) = job.peers
    identifiers = [operation.identifier for operation in operations(job)]
    alternatives = []
    for (association,) in recording.sent():
        finds = association["finds"]
        got = [
            read(encode(identifier, TransferSyntax(find["transfer_syntax"])), find["transfer_syntax"])
            for identifier, find in zip(identifiers, finds, strict=False)
        ]
        want = [read(bytes.fromhex(find["identifier"]), find["transfer_syntax"]) for find in finds]
        alternatives.append((got, want, len(finds)))
        assert f"{peer.ae_title:<16}" == association["called"]
        assert f"{peer.calling_ae_title:<16}" == association["calling"]
        assert peer.max_pdu == association["max_pdu"]
        (context,) = association["contexts"]
        assert job.queries[0].model.sop_class_uid == context["abstract"]
        assert [syntax.uid for syntax in peer.transfer_syntaxes] == context["transfer"]
    assert any(got == want for got, want, _ in alternatives), alternatives
    if association["finds"]:
        assert len(identifiers) == alternatives[0][2]
