"""The process: starts lean and ends at once."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn

#: How the descriptors 0 to 2 are opened where they are closed: what reads gets nothing, what prints on
#: standard output fails and is told so, and what complains is not heard.
_CLOSED = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)


def cfind() -> NoReturn:
    """Run the command line and leave the process with its exit status."""
    # Imports make many objects and no garbage: collecting meanwhile costs a tenth of the start.
    gc.disable()
    try:
        _open_closed_streams()
        from runner.cli.main import main

        for stream in (sys.stdout, sys.stderr):
            # What is printed is UTF-8 whatever the locale says; what cannot be encoded is shown, not fatal.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        status = main(sys.argv[1:])
    except KeyboardInterrupt:  # before or after all that main guards
        status = 130
    # What could not be printed was seen and reported by whoever printed it.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # Taking the interpreter down module by module takes longer than many a query.
    os._exit(status)


def _open_closed_streams() -> None:
    """Occupy the standard descriptors: a socket or an output that gets one of them would be written to."""
    for descriptor, flags in enumerate(_CLOSED):
        opened = os.open(os.devnull, flags)  # takes the lowest that is free
        if opened > descriptor:
            os.close(opened)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
