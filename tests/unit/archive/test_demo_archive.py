"""The demo archive in the repo is what its generator makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    path = ROOT / "tests" / "tools" / "make_demo_archive.py"
    spec = importlib.util.spec_from_file_location("make_demo_archive", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_folder_is_what_the_generator_makes(generator: ModuleType) -> None:
    folder = ROOT / "jobs" / "demo-archive"
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    made = generator.files()
    assert sorted(found) == sorted(made)
    assert [path for path in made if made[path] != found[path]] == []


def test_generator_writes_what_it_says(generator: ModuleType, tmp_path: Path) -> None:
    generator.main(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(generator.files())


def test_archive_is_small(generator: ModuleType) -> None:
    assert sum(map(len, generator.files().values())) < 300_000
