"""How far a run is, drawn on the terminal below what is told: `rich` (the extra `live`) draws it."""

from __future__ import annotations

import os
import sys
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.cli.messages import printable
from runner.cli.progress_text import duration_text, speed_text
from runner.model import Job, StdoutSink

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from runner.cli.tally import PeerSnapshot, Snapshot, Tally

#: Seconds between two looks at the run, and until the first: most runs have ended by then.
INTERVAL = 0.25
FIRST = 1.0
#: The longest bar, and the longest name of a peer, in columns of the terminal; all fits into 80.
_BAR = 76
_NAME = 20


def can_be_shown(job: Job) -> bool:
    """Return whether the run of a job can be drawn: stderr is a terminal for it, and rich is installed.

    Where the responses go to a terminal themselves, the two would be mixed.
    """
    if not _is_terminal(sys.stderr) or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    if any(isinstance(sink, StdoutSink) for sink in job.sinks) and _is_terminal(sys.stdout):
        return False
    from importlib.util import find_spec

    return find_spec("rich") is not None


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]  # a text stream
    except ValueError:  # it is closed
        return False


class LiveView:
    """Draws what a tally has counted, as often as `tick` is called; an outlet for lines, which stand above.

    Args:
        tally: what is drawn.
        console: where; None for stderr.
    """

    def __init__(self, tally: Tally, console: Console | None = None) -> None:
        self._tally = tally
        self._console = console
        self._live: Live | None = None
        self._waiting: deque[str] = deque()

    def tick(self) -> None:
        """Draw how far the run is now."""
        snapshot = self._tally.snapshot()
        if snapshot is None:
            return
        if self._live is None:
            self._live = self._begun()
        self._print_waiting()
        self._live.update(drawn(snapshot), refresh=True)

    def _begun(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        console = self._console or Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        self._console = console
        live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        live.start()
        # a second signal ends the process at once, and must not leave the terminal without a cursor
        console.show_cursor(True)
        return live

    def line(self, text: str) -> None:
        """Print a line above; a terminal that is gone is no failure."""
        if self._live is None or self._console is None:
            with suppress(OSError, ValueError):
                sys.stderr.write(f"{text}\n")
                sys.stderr.flush()
            return
        from rich.text import Text

        with suppress(OSError, ValueError):
            self._console.print(Text(text), soft_wrap=True)

    def soon(self, text: str) -> None:
        """Print a line above at the next tick; may be called by signal handlers."""
        self._waiting.append(text)

    def end(self) -> None:
        """Take the drawing away, and print what waits."""
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()
            self._live = None
        self._print_waiting()

    def _print_waiting(self) -> None:
        while self._waiting:
            self.line(self._waiting.popleft())


def drawn(snapshot: Snapshot) -> RenderableType:
    """Return what is drawn: a line on the whole, and one for each peer."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    left = snapshot.seconds_left
    head = f"{printable(snapshot.job)}: {duration_text(snapshot.seconds)}"
    if left is not None:
        head += f", about {duration_text(left)} left"
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("peer", overflow="ellipsis", no_wrap=True, max_width=_NAME)
    for name in ("done", "left", "failed", "incomplete", "responses", "a second"):
        table.add_column(name, justify="right", no_wrap=True)
    for peer in snapshot.peers:
        table.add_row(*_cells(peer))
    title = Text(head, style="bold", no_wrap=True, overflow="ellipsis")
    planned = snapshot.planned
    if planned is None:
        return Group(title, table)
    bar = Table.grid()  # a bar alone does not end its line
    bar.add_row(ProgressBar(total=max(1, planned), completed=min(snapshot.done, planned), width=_BAR))
    return Group(title, bar, table)


def _cells(peer: PeerSnapshot) -> list[RenderableType]:
    from rich.text import Text

    return [
        Text(printable(peer.name)),
        Text(str(peer.done)),
        Text("?" if peer.left is None else str(peer.left)),
        Text(str(peer.failed), style="red" if peer.failed else ""),
        Text(str(peer.doubtful), style="yellow" if peer.doubtful else ""),
        Text(str(peer.responses)),
        Text(speed_text(peer.responses_per_second)),
    ]
