"""The installed command, as its users have it: a process with arguments, files and an exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from peers.findscu import Response, responses
from peers.process import HOST, Server

ROOT = Path(__file__).resolve().parent.parent.parent
Job = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of `cfind run`: the exit status, the streams, the report and the output folder."""

    status: int
    stdout: bytes
    stderr: str
    report: dict[str, Any]
    output: Path

    @property
    def operations(self) -> list[dict[str, Any]]:
        operations: list[dict[str, Any]] = self.report["operations"]
        return operations

    @cached_property
    def json_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.decode("utf-8").splitlines()]

    def rsp(self, directory: str = "rsp") -> list[Response]:
        return responses(self.output / directory)


class Cfind:
    """Runs the command `cfind` of the environment that the tests run in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = Path(sysconfig.get_path("scripts")) / "cfind"
        assert self.command.exists(), f"cfind is not installed in this environment ({self.command})"

    def start(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONWARNINGS": "error", "NO_COLOR": "1"}
        return subprocess.Popen(
            [self.command, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def __call__(self, *arguments: str | Path, timeout: float = 60) -> tuple[int, bytes, str]:
        """Return exit status, stdout and stderr. A traceback fails the test, whatever it is about."""
        with self.start(*arguments) as process:
            try:
                stdout, stderr = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        text = stderr.decode("utf-8")
        assert "Traceback" not in text, text
        return process.returncode, stdout, text

    def job_file(self, job: Job, name: str = "job.yaml") -> Path:
        """Write a job as a file: JSON is YAML."""
        path = self.folder / name
        path.write_text(json.dumps(job, ensure_ascii=False, indent=1), "utf-8")
        return path

    def run(self, job: Job, *options: str, timeout: float = 60) -> Outcome:
        """Run a job that is valid, and read its report."""
        output = self.folder / "output"
        output.mkdir(exist_ok=True)
        report = self.folder / "report.json"
        status, stdout, stderr = self(
            "run", self.job_file(job), "--output-dir", output, "--report", report, *options, timeout=timeout
        )
        assert report.exists(), stderr
        return Outcome(status, stdout, stderr, self.checked_report(report), output)

    @staticmethod
    def checked_report(path: Path) -> dict[str, Any]:
        """Read a run report and check it against its schema."""
        import jsonschema

        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        schema = json.loads((ROOT / "schemas" / "report.schema.json").read_text("utf-8"))
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.Draft7Validator(schema).validate(document)
        return document


def peer(server: Server, ae_title: str, **more: Any) -> Job:
    """A peer of a job."""
    return {"host": HOST, "port": server.port, "ae_title": ae_title, **more}


def query(model: str, level: str | None, keys: Mapping[str, Any], **more: Any) -> Job:
    """A query of a job; no level for the worklist."""
    return {"model": model, **({"level": level} if level else {}), "keys": dict(keys), **more}


def job(peers: Mapping[str, Job], queries: Mapping[str, Job], sinks: Sequence[Job] = ()) -> Job:
    """A job; without sinks it only counts."""
    return {
        "version": 1,
        "name": "test",
        "peers": dict(peers),
        "queries": dict(queries),
        "sinks": list(sinks),
    }
