"""The recordings of findscu 3.5.4: what it was given, and what it sent, printed and wrote."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from peers.dataset_notation import SYNTAXES, part10, read, write

FOLDER = Path(__file__).with_name("findscu")


@dataclass(frozen=True)
class Recording:
    path: Path

    @cached_property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.path.read_text("utf-8"))
        return data

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.data["expected"]
        return expected

    @property
    def environment(self) -> dict[str, str]:
        environment: dict[str, str] = self.data.get("env", {})
        return environment

    def argv(self, host: str, port: int) -> list[str]:
        return [word.replace("{host}", host).replace("{port}", str(port)) for word in self.data["argv"]]

    def write_files(self, folder: Path) -> None:
        for name, content in self.data.get("files", {}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_content(content))

    def sent(self) -> list[list[dict[str, Any]]]:
        """What may be sent: associations as 3.5.4 made them, or as good as that."""
        return [self.expected[key] for key in ("sent", "or_sent") if key in self.expected]


def _content(content: dict[str, Any]) -> bytes:
    if "text" in content:
        return os.fsencode(content["text"])
    if "hex" in content:
        return bytes.fromhex(content["hex"])
    syntax = SYNTAXES[content["syntax"]]
    return (
        write(content["dataset"], syntax)
        if content.get("meta") is False
        else part10(content["dataset"], syntax)
    )


def recordings() -> list[Recording]:
    return [Recording(path) for path in sorted(FOLDER.glob("*.json"))]


def essence(association: dict[str, Any]) -> dict[str, Any]:
    """What of an association must be the same; sequences by content, not by the form of their lengths."""
    return {
        "called": association["called"],
        "calling": association["calling"],
        "application context": association["application_context"],
        "max_pdu": association["max_pdu"],
        "contexts": [(context["abstract"], context["transfer"]) for context in association["contexts"]],
        "finds": [
            (
                find.get("abstract") or find["command"]["0000,0002"],
                find["transfer_syntax"],
                read(bytes.fromhex(find["identifier"]), find["transfer_syntax"]),
                find["cancelled_after"],
            )
            for find in association["finds"]
        ],
        "end": association["end"],
    }
