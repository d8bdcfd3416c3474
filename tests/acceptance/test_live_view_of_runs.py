"""The live view, on a pseudo-terminal: `cfind run` draws, obeys signals and leaves the terminal clean."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from acceptance.command import ROOT, Cfind

END = 30.0


def _job(cfind: Cfind) -> Path:
    """A job that goes on until a signal ends it."""
    query = {"model": "study-root", "level": "STUDY", "keys": {"StudyDate": "20240101-", "PatientID": None}}
    return cfind.job_file(
        {
            "version": 1,
            "name": "endless",
            "peers": {"demo": {"archive": str(ROOT / "jobs" / "demo-archive")}},
            "queries": {"q": {**query, "repeat": 1_000_000}},
            "sinks": [],
        }
    )


def _shown(
    cfind: Cfind, until: bytes, *options: str, resize: bool = False, **environment: str
) -> tuple[int, str]:
    """Run until something is shown, then interrupt; return the exit status and all that the terminal got."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [cfind.command, "run", _job(cfind), *options],
        cwd=cfind.folder,
        env={**variables, "TERM": "xterm-256color", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=side,
    ) as process:
        os.close(side)
        shown = b""
        deadline = time.monotonic() + END
        try:
            while True:
                ready, _, _ = select.select([main], [], [], max(0.0, deadline - time.monotonic()))
                assert ready, shown
                try:
                    piece = os.read(main, 65536)
                except OSError:  # the other side is closed
                    break
                if not piece:
                    break
                seen = until in shown
                shown += piece
                if until in shown and not seen:
                    if resize:
                        fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
                    process.send_signal(signal.SIGINT)
        finally:
            process.kill()
            os.close(main)
    return process.returncode, shown.decode("utf-8")


@pytest.mark.parametrize("resize", [False, True])
def test_it_is_drawn_and_goes(cfind: Cfind, resize: bool) -> None:
    status, shown = _shown(cfind, b"a second", resize=resize)
    assert status == 130, shown
    assert "endless: 1 s, about" in shown
    assert re.search(
        r"demo .* \d+ +9\d\d\d\d\d +0 +0 +\d+ +\d+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    )
    assert "\x1b[3" in shown, "it has colours"
    told = shown.index("cfind: interrupted: ending in order")
    summary = shown.index("cfind: endless: incomplete, interrupted:")
    assert told < summary
    assert "a second" not in shown[summary:]
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is there"
    assert shown.rindex("\x1b[2K") < summary


def test_no_colours_where_none_are_wanted(cfind: Cfind) -> None:
    status, shown = _shown(cfind, b"a second", NO_COLOR="1")
    assert status == 130
    assert not re.search(r"\x1b\[([0-9]+;)*(3|4|9)[0-9]", shown)


def test_a_terminal_that_can_do_nothing_gets_lines(cfind: Cfind) -> None:
    status, shown = _shown(cfind, b"sending C-FIND-RQ 1", "--debug", TERM="dumb")
    assert status == 130
    assert "\x1b" not in shown


def test_debug_prints_lines_and_draws_nothing(cfind: Cfind) -> None:
    status, shown = _shown(cfind, b"sending C-FIND-RQ 300", "--debug")
    assert status == 130
    assert "\x1b" not in shown
