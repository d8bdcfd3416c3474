"""Orthanc: patient root and study root, and the worklist by its plug-in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from peers.process import HOST, PeerError, Server, program, serve

AE_TITLE = "ORTHANC"
_WORKLIST_PLUGIN = "/usr/share/orthanc/plugins/libModalityWorklists.so"


@contextmanager
def orthanc(
    folder: Path,
    files: Sequence[Path],
    worklist: Path | None = None,
    configuration: Mapping[str, object] | None = None,
) -> Iterator[Server]:
    """Serve the files.

    Args:
        folder: where it keeps its database.
        files: the DICOM files that are loaded before the server is handed out.
        worklist: a folder of worklist items.
        configuration: overrides of the settings below; a key that is None is left out.
    """

    def command(ports: Sequence[int]) -> list[str]:
        settings: dict[str, object] = {
            "StorageDirectory": "db",
            "IndexDirectory": "db",
            "SyncStorageArea": False,
            "HttpPort": ports[1],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAet": AE_TITLE,
            "DicomPort": ports[0],
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowFindWorklist": True,
            "DefaultEncoding": "Utf8",
            "LimitFindResults": 0,
        }
        if worklist is not None:
            settings["Plugins"] = [_WORKLIST_PLUGIN]
            settings["Worklists"] = {"Enable": True, "Database": str(worklist)}
        settings.update(configuration or {})
        path = folder / "orthanc.json"
        path.write_text(json.dumps({k: v for k, v in settings.items() if v is not None}), "utf-8")
        return [program("Orthanc"), str(path)]

    with serve(command, folder, ports=2) as server:
        _load(server.ports[1], files)
        yield server


def _load(port: int, files: Sequence[Path]) -> None:
    connection = HTTPConnection(HOST, port, timeout=60)
    try:
        for file in files:
            connection.request("POST", "/instances", file.read_bytes(), {"Content-Type": "application/dicom"})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise PeerError(f"Orthanc refused {file.name}: {response.status} {body[:200]!r}")
    finally:
        connection.close()
