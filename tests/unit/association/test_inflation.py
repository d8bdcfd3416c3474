"""Identifiers of the deflated transfer syntax."""

from __future__ import annotations

import zlib

import pytest

from runner.association import inflation
from runner.association.inflation import inflate
from runner.errors import UndecodableIdentifierError


def _deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def test_padding_is_passed_over() -> None:
    assert inflate(_deflated(b"identifier") + b"\0") == b"identifier"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "truncated"),
        (_deflated(bytes(range(256)))[:50], "truncated"),
        (b"\xff" * 20, "cannot be inflated"),
        (b"(0008,0052)", "inflated|truncated"),
    ],
)
def test_what_cannot_be_inflated(data: bytes, why: str) -> None:
    with pytest.raises(UndecodableIdentifierError, match=why):
        inflate(data)


def test_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflation, "MAX_INFLATED", 100_000)
    assert len(inflate(_deflated(bytes(100_000)))) == 100_000
    with pytest.raises(UndecodableIdentifierError, match="more than 100000 bytes"):
        inflate(_deflated(bytes(100_001)))
