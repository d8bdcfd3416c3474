"""What is shown to people cannot steer their terminal."""

from __future__ import annotations

from runner.cli.messages import printable


def test_plain_text_stays() -> None:
    assert printable("peer main: Müller, 山田") == "peer main: Müller, 山田"


def test_escapes_line_ends_and_bidi_controls_are_shown() -> None:
    assert printable("a\x1b[31mb\r\nc\x9b1m\u202ed\udcff") == "a\\x1b[31mb\\r\\nc\\x9b1m\\u202ed\\udcff"
