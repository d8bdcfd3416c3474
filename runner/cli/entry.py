"""The process: starts lean and ends at once."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import suppress
from typing import NoReturn


def cfind() -> NoReturn:
    """Run the command line and leave the process with its exit status."""
    # Imports make many objects and no garbage: collecting meanwhile costs a tenth of the start.
    gc.disable()
    from runner.cli.main import main

    for stream in (sys.stdout, sys.stderr):
        # What is printed is UTF-8 whatever the locale says; what cannot be encoded is shown, not fatal.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    status = main(sys.argv[1:])
    # What could not be printed was seen and reported by whoever printed it.
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    # Taking the interpreter down module by module takes longer than many a query.
    os._exit(status)
