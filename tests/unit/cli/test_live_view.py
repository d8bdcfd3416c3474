"""What the live view draws, and that lines stand above it."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from runner.cli import messages
from runner.cli.live_view import LiveView, can_be_shown, drawn
from runner.cli.tally import PeerSnapshot, Snapshot, Tally
from runner.model import CsvSink, InformationModel, Job, Peer, Query, Request, StdoutSink

JOB = Job(
    "night",
    (Peer("main", "pacs", 104),),
    (Query("q", ("main",), InformationModel.STUDY_ROOT, (Request(()),), repeat=4),),
    sinks=(),
)
SEEN = Snapshot(
    "night",
    62.0,
    130.0,
    (PeerSnapshot("main", 200, 50, 2, 1, 1234, 41.26), PeerSnapshot("odd\x1b[2J", None, 7, 0, 0, 9, 0.25)),
)


class Far:
    def planned(self, peer: str) -> int:
        return 4

    def received(self, peer: str) -> int:
        return 25


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _console(width: int = 100, **more: bool) -> Console:
    return Console(
        file=Terminal(),
        width=width,
        height=20,
        force_terminal=True,
        color_system="standard",
        _environ={},
        **more,
    )


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def test_each_peer_has_its_numbers() -> None:
    console = _console()
    console.print(drawn(SEEN))
    lines = [line.split() for line in _plain(_shown(console)).splitlines()]
    assert lines[0] == ["night:", "1", "min", "02", "s,", "about", "2", "min", "10", "s", "left"]
    assert lines[1] == ["peer", "done", "left", "failed", "incomplete", "responses", "a", "second"]
    assert lines[2] == ["main", "50", "150", "2", "1", "1234", "41"]
    assert lines[3] == ["odd\\x1b[2J", "7", "?", "0", "0", "9", "0.2"]


def test_a_bar_stands_where_the_end_is_known() -> None:
    console = _console(80)
    console.print(drawn(replace(SEEN, peers=SEEN.peers[:1])))
    title, bar, *_ = _plain(_shown(console)).splitlines()
    assert title.startswith("night")
    assert set(bar.rstrip()) <= set("━╸╺")
    assert len(bar.rstrip()) == 76


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    console = _console(width)
    console.print(drawn(SEEN))
    assert all(len(line) <= width for line in _plain(_shown(console)).splitlines())


def test_lines_stand_above_and_the_drawing_goes() -> None:
    console = _console()
    tally = Tally()
    view = LiveView(tally, console)
    view.tick()
    assert _shown(console) == "", "nothing has begun"
    tally.run_begun(JOB, Far())
    with messages.spoken_through(view):
        view.tick()
        messages.complain("x" * 150 + " [bold]no markup[/bold] \x1b[2J")
        view.soon("cfind: a signal")
        assert "a signal" not in _shown(console)
        view.tick()
    view.soon("cfind: at the end")
    view.end()
    shown = _shown(console)
    assert "x" * 150 + " [bold]no markup[/bold] \\x1b[2J\n" in shown, "a line is not broken"
    assert shown.index("xxx") < shown.index("a signal") < shown.rindex("night:")
    assert shown.rindex("\x1b[2K") > shown.rindex("night:"), "what was drawn is erased"
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is there"
    assert messages._voice.outlet is None


def test_a_run_that_ends_before_the_first_look_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console = _console()
    view = LiveView(Tally(), console)
    view.line("cfind: a failure")
    view.soon("cfind: a signal")
    view.end()
    assert _shown(console) == ""
    assert capsys.readouterr().err == "cfind: a failure\ncfind: a signal\n"


def test_a_terminal_that_is_gone_is_no_failure() -> None:
    class Gone(Terminal):
        broken = False

        def write(self, text: str) -> int:
            if self.broken:
                raise OSError
            return super().write(text)

    terminal = Gone()
    tally = Tally()
    tally.run_begun(JOB, Far())
    view = LiveView(tally, Console(file=terminal, force_terminal=True, width=80, _environ={}))
    view.tick()
    terminal.broken = True
    view.line("cfind: a failure")
    view.end()


@pytest.mark.parametrize(
    ("term", "stderr", "stdout", "sink", "shown"),
    [
        ("xterm", Terminal(), io.StringIO(), StdoutSink(), True),
        ("xterm", Terminal(), Terminal(), StdoutSink(), False),
        ("xterm", Terminal(), Terminal(), CsvSink("a.csv"), True),
        ("xterm", io.StringIO(), Terminal(), CsvSink("a.csv"), False),
        ("xterm", None, None, CsvSink("a.csv"), False),
        ("dumb", Terminal(), io.StringIO(), StdoutSink(), False),
        ("", Terminal(), io.StringIO(), StdoutSink(), False),
    ],
)
def test_where_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
    term: str,
    stderr: io.StringIO | None,
    stdout: io.StringIO | None,
    sink: StdoutSink | CsvSink,
    shown: bool,
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert can_be_shown(Job("job", (), (), sinks=(sink,))) is shown


def test_it_is_not_shown_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not can_be_shown(JOB)
