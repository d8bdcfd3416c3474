"""The command for the tests that drive it."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.command import Cfind


@pytest.fixture
def cfind(tmp_path: Path) -> Cfind:
    """The installed command, with a current folder of its own."""
    return Cfind(tmp_path)
