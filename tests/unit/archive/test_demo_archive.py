"""The demo archive in the repo is what its generator makes."""

from __future__ import annotations

from pathlib import Path

from runner.archive.catalogue import read_catalogue
from tools import make_demo_archive


def _content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_folder_is_what_the_generator_makes() -> None:
    found, made = _content(make_demo_archive.FOLDER), make_demo_archive.files()
    assert sorted(found) == sorted(made)
    assert [path for path in made if made[path] != found[path]] == []


def test_generator_writes_what_it_says(tmp_path: Path) -> None:
    make_demo_archive.main(tmp_path)
    assert _content(tmp_path) == make_demo_archive.files()


def test_archive_is_small() -> None:
    assert sum(map(len, make_demo_archive.files().values())) < 300_000


def test_all_of_it_is_served() -> None:
    catalogue = read_catalogue(make_demo_archive.FOLDER)
    assert (len(catalogue.instances), len(catalogue.worklist), catalogue.skipped) == (33, 6, ())
