"""Every example job runs: as it stands with its own archive, else with a real peer in its peers’ place."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from acceptance.command import ROOT, Cfind
from peers.certificates import PASSWORD, Certificates
from peers.process import HOST, Server
from peers.tls_terminator import TlsTerminator, server_context

JOBS = sorted((ROOT / "jobs").glob("*.yaml"))
MODELS = {"patient-root", "study-root", "patient-study-only", "worklist"}
#: What can serve a job that asks for these models: the fixture and its AE title.
PEERS = [
    ({"patient-root", "study-root", "patient-study-only"}, "dcmqrscp_peer", "QR"),
    ({"worklist"}, "wlmscpfs_peer", "WLA"),
    ({"patient-root", "study-root", "worklist"}, "orthanc_peer", "ORTHANC"),
]


def _models(text: str) -> set[str]:
    return {model for model in MODELS if re.search(rf"\bmodel: {model}\b", text)}


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_example_job(
    cfind: Cfind, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    with ExitStack() as stack:
        _run_example(cfind, request, monkeypatch, path, stack)


def _run_example(
    cfind: Cfind,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    stack: ExitStack,
) -> None:
    monkeypatch.setenv("CFIND_PASSCODE", "sesame")
    text = path.read_text("utf-8")
    folder = cfind.folder / "jobs"
    shutil.copytree(ROOT / "jobs", folder)
    if re.search(r"\bhost:", text):
        name, ae_title = next((name, title) for models, name, title in PEERS if _models(text) <= models)
        server: Server = request.getfixturevalue(name)
        text = re.sub(r"\bhost: *[^\s,}]+", f"host: {HOST}", text)
        port = server.port
        if re.search(r"\btls:", text):
            certificates: Certificates = request.getfixturevalue("certificates")
            for name, source in (
                ("ca.pem", "ca.pem"),
                ("client.pem", "client.pem"),
                ("client.key", "encrypted.key"),
            ):
                (folder / name).write_bytes(certificates[source].read_bytes())
            monkeypatch.setenv("CFIND_KEY_PASSWORD", PASSWORD)
            context = server_context(
                certificates["server.pem"], certificates["server.key"], client_ca=certificates["ca.pem"]
            )
            port = stack.enter_context(TlsTerminator(port, context)).port
        text = re.sub(r"\bport: *\d+", f"port: {port}", text)
        text = re.sub(r"(?<!_)\bae_title: *[^\s,}]+", f"ae_title: {ae_title}", text)
        text = re.sub(r"\bip: *6\b", "ip: 4", text)
        (folder / path.name).write_text(text, "utf-8")
    report = cfind.folder / "report.json"
    output = cfind.folder / "output"
    output.mkdir()
    status, _, stderr = cfind("run", folder / path.name, "--output-dir", output, "--report", report)
    assert status == 0, stderr
    document = Cfind.checked_report(report)
    assert document["verdict"] == "complete"
    assert all(sink["state"] == "committed" or sink["path"] is None for sink in document["sinks"])


def test_there_is_an_example_for_each_model_and_each_sink() -> None:
    texts = [path.read_text("utf-8") for path in JOBS]
    assert set().union(*map(_models, texts)) == MODELS
    for sink in ("stdout", "rsp", "csv"):
        assert any(re.search(rf"\btype: {sink}\b", text) for text in texts), sink
