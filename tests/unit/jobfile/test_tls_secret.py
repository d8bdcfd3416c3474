"""The password of a key is no part of the job, whatever the environment holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.jobfile.load import load_job
from runner.model import SecretSource


def test_a_reference_for_a_password_is_not_resolved_when_the_job_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACS_KEY_PASSWORD", "hunter2")
    path = tmp_path / "job.yaml"
    path.write_text(
        "version: 1\n"
        "vars: {folder: keys}\n"
        "peers:\n"
        "  main:\n"
        "    host: pacs.example.org\n"
        "    port: 2762\n"
        "    tls:\n"
        "      key: ${var:folder}/key.pem\n"
        "      certificate: ${var:folder}/certificate.pem\n"
        "      password: ${env:PACS_KEY_PASSWORD}\n"
        "queries:\n"
        "  studies: {model: study-root, level: STUDY, keys: {StudyDate: 20240101}}\n",
        encoding="utf-8",
    )
    job, problems = load_job(path)
    assert problems == []
    assert job is not None
    tls = job.peers[0].tls
    assert tls is not None
    assert tls.key == tmp_path / "keys/key.pem"
    assert tls.password.source is SecretSource.ENVIRONMENT
    assert "hunter2" not in repr(job)
