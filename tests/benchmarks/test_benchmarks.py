"""The benchmarks work: small numbers, and nothing asserted of times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(300)
def test_quick_benchmarks_fill_the_table(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    script = Path(__file__).with_name("run.py")
    done = subprocess.run(
        [sys.executable, script, "--quick", "--output", page],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 17
    assert all(len(row.split("|")) == 8 for row in rows)
    for what in (
        "count",
        "text dump",
        "`cfind findscu`",
        "CSV",
        "rsp files",
        "over TLS",
        "Orthanc",
        "dcmqrscp",
        "--help",
        "memory",
    ):
        assert any(what in row for row in rows), what
