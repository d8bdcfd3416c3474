"""`cfind serve`: an archive folder as a C-FIND SCP, for trying jobs without a PACS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.archive.serve import serve
from runner.cli.arguments import ArgumentParser, port
from runner.cli.interruption import SignalledStop
from runner.cli.messages import complain, flush_output, say
from runner.errors import ExitStatus, InvalidJobError
from runner.transport.stop_signal import StopSignal


def parser() -> ArgumentParser:
    """Return the command's command line."""
    made = ArgumentParser("serve", "Serve a folder of DICOM files as a C-FIND SCP until interrupted.")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="DICOM or DICOM JSON files")
    made.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    made.add_argument(
        "--port",
        type=port,
        default=0,
        metavar="N",
        help="the port to listen on (default: 0, the system chooses)",
    )
    made.add_argument("--ae-title", help="the called AE title that is accepted (default: any)")
    return made


def execute(argv: Sequence[str]) -> ExitStatus:
    """Run the command."""
    options = parser().parse_args(argv)
    if not options.folder.is_dir():
        raise InvalidJobError("there is no such folder", "name a folder of DICOM files", str(options.folder))
    stop = StopSignal()
    with SignalledStop(stop) as signalled:
        serve(options.folder, options.host, options.port, options.ae_title, stop, _announce, complain)
        return signalled() or ExitStatus.SUCCESS


def _announce(line: str) -> None:
    say(line + "\n")
    flush_output()
