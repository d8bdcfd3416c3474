"""DCMTK's wlmscpfs: the modality worklist, from files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from peers.process import Server, program, serve


@contextmanager
def wlmscpfs(folder: Path, worklists: Path, options: Sequence[str] = ("-csk",)) -> Iterator[Server]:
    """Serve a folder that has one folder of worklist items for each called AE title.

    By default the items' own character sets are kept.
    """

    def command(ports: Sequence[int]) -> list[str]:
        return [program("wlmscpfs"), *options, "-dfp", str(worklists), str(ports[0])]

    with serve(command, folder) as server:
        yield server
