"""The help has every option."""

from __future__ import annotations

import pytest

from runner.findscu.command_line import parse
from runner.findscu.help_text import answer, arguments_text, help_text
from runner.findscu.options import BY_NAME, OPTIONS


def test_help_has_every_option() -> None:
    words = help_text().split()
    for option in OPTIONS:
        assert set(option.names) <= set(words), option.long
        assert option.becomes, option.long


def test_names_are_unique() -> None:
    assert len(BY_NAME) == sum(len(option.names) for option in OPTIONS)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("-h", "usage: cfind findscu"), ("--version", "3.5.4"), ("+cc", "TLS_"), ("+ph", "bcp195-rfc8996\n")],
)
def test_texts_that_are_asked_for(word: str, expected: str) -> None:
    assert expected in answer(parse([word], {}))


def test_command_lines_that_run_ask_for_no_text() -> None:
    with pytest.raises(ValueError, match="no text"):
        answer(parse(["-k", "0010,0010", "pacs", "104"], {}))


def test_arguments_are_shown_without_the_password() -> None:
    text = arguments_text(parse(["+tls", "k", "c", "+pw", "sesame", "-k", "0010,0010", "pacs", "104"], {}))
    assert "9 arguments" in text
    assert "'--enable-tls' 'k' 'c' '--use-passwd' '***' '--key' '0010,0010' 'pacs' '104'" in text
    assert "sesame" not in text
