"""What docs/tls.md shows is what happens."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from pathlib import Path

from acceptance.command import ROOT, Cfind
from peers.process import program
from runner.transport.tls import VERDICTS

PAGE = (ROOT / "docs" / "tls.md").read_text("utf-8")


def block(kind: str) -> str:
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def test_the_trial(cfind: Cfind) -> None:
    making, serving = block("sh").replace("\\\n", "").splitlines()
    words = shlex.split(making)
    subprocess.run([program(words[0]), *words[1:]], cwd=cfind.folder, check=True, capture_output=True)
    (cfind.folder / "jobs").symlink_to(ROOT / "jobs")
    command = [word if word != "2762" else "0" for word in shlex.split(serving)[1:]]
    with cfind.start(*command) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().decode().strip().rpartition(":")[2]
            (cfind.folder / "secured.yaml").write_text(block("yaml").replace("2762", port))
            status, printed, stderr = cfind("echo", "secured.yaml")
            assert (status, stderr) == (0, "")
            shown = re.sub(r"SHA-256 [0-9A-F:]{95};", "SHA-256 …;", printed.decode()).replace(port, "2762")
            assert re.sub(r"in \d+ ms", "in … ms", shown) == block("text")
            status, printed, stderr = cfind("run", "secured.yaml")
            assert status == 0, stderr
            assert printed
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def test_the_failures_are_those_of_the_code() -> None:
    table = PAGE.split("| the peer's certificate was not accepted: |")[1].split("\n\n")[0]
    named = re.findall(r"^\| ([^|]+) \| ", table, re.MULTILINE)
    said = {what.partition(":")[0] for what, _ in VERDICTS.values()}
    assert len(named) > 8
    assert set(named) - said == {"no CA is trusted, so no certificate can be"}


def test_the_files_that_it_links_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)", PAGE):
        assert Path(ROOT, "docs", target).exists(), target
