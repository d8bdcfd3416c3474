"""DCMTK's dcmqrscp: patient root, study root and patient/study only."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from peers.process import Server, program, serve

AE_TITLE = "QR"

_CONFIGURATION = """\
NetworkTCPPort = {port}
MaxPDUSize = 131072
MaxAssociations = 32
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{ae_title} {database} RW (5000, 1024mb) ANY
AETable END
"""


@contextmanager
def dcmqrscp(folder: Path, files: Sequence[Path], options: Sequence[str] = ()) -> Iterator[Server]:
    """Serve copies of the files under the called AE title `QR`; another title is rejected."""
    database = folder / "database"
    database.mkdir()
    names = [shutil.copy(file, database / file.name).name for file in files]
    subprocess.run(
        [program("dcmqridx"), str(database), *names],
        cwd=database,
        check=True,
        capture_output=True,
        timeout=120,
    )

    def command(ports: Sequence[int]) -> list[str]:
        configuration = folder / "dcmqrscp.cfg"
        configuration.write_text(
            _CONFIGURATION.format(port=ports[0], ae_title=AE_TITLE, database=database), "utf-8"
        )
        return [program("dcmqrscp"), *options, "-c", str(configuration)]

    with serve(command, folder) as server:
        yield server
