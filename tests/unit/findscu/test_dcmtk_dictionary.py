"""Data dictionaries in DCMTK's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.dicom.dictionary import STANDARD
from runner.errors import ExitStatus, InvalidJobError
from runner.findscu.dcmtk_dictionary import dictionary_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_path_it_is_the_standards() -> None:
    warnings: list[str] = []
    assert dictionary_of("", warnings.append) is STANDARD
    assert dictionary_of("::", warnings.append) is STANDARD
    assert not warnings


def test_entries_extend_and_rename(folder: Path) -> None:
    (folder / "a.dic").write_text(
        "# comment\n\n"
        "(0010,0010)\tPN\tPatName\t1\tDICOM\n"
        "(0021,1001)\tUS\tLocalNumber\t1-n\n"
        '(0011,"ACME 2",01)\tDS\tAcmeDose\t1-n\tPrivate\n'
        "(6000-60FF,0010)\tUS\tRowsOfOverlay\t1\tDICOM\n"
        "(0031-o-0035,1010)\tLO\tOddOnes\t1\tLocal\n"
        "(7FE0,0010)\tox\tPixels\t1\n"
        "(0051,1001)\txs\tEither\t1\n"
        "(0051,1002)\tlt\tTable\t1\n"
        '(0011,"ACME 2",02)\tox\tAcmeBytes\t1\tPrivate\n'
    )
    (folder / "b.dic").write_text("(0010,0010)\tPN\tName\t1\tDICOM\r\n")
    warnings: list[str] = []
    dictionary = dictionary_of("a.dic::b.dic", warnings.append)

    def keyword(tag: int) -> str | None:
        entry = dictionary.by_tag(tag)
        return None if entry is None else entry.keyword

    assert not warnings
    assert keyword(0x00100010) == "Name"
    assert keyword(0x00211001) == "LocalNumber"
    assert keyword(0x60020010) == "RowsOfOverlay"
    assert keyword(0x00331010) == "OddOnes"
    assert keyword(0x00341010) is None
    assert keyword(0x00100020) == "PatientID"
    pixels = dictionary.by_tag(0x7FE00010)
    assert pixels is not None
    assert (pixels.vr, pixels.choice) == ("OW", "")
    either, table = dictionary.by_tag(0x00511001), dictionary.by_tag(0x00511002)
    assert either is not None
    assert table is not None
    assert (either.vr, either.choice, table.vr, table.choice) == ("US", "xs", "OW", "lt")
    some_bytes = dictionary.by_private(0x00111102, "ACME 2")
    assert some_bytes is not None
    assert (some_bytes.vr, some_bytes.choice) == ("OB", "ox")
    private = dictionary.by_private(0x00111101, "ACME 2")
    assert private is not None
    assert (private.vr, private.keyword) == ("DS", "AcmeDose")
    by_name = dictionary.by_keyword("PatName")
    assert by_name is not None
    assert by_name.tag == 0x00100010


def test_one_that_cannot_be_read_is_a_warning(folder: Path) -> None:
    (folder / "a.dic").write_text("(0010,0010)\tPN\tPatName\t1\tDICOM\nrubbish\n(0010,0020) LO PatID 1\n")
    warnings: list[str] = []
    dictionary_of("missing.dic:a.dic", warnings.append)
    assert [warning.split(":")[1].strip() for warning in warnings] == [
        "missing.dic cannot be read",
        "a.dic, line 2",
        "a.dic, line 3",
    ]


@pytest.mark.parametrize("path_list", ["missing.dic", "missing.dic:other.dic", ".", "binary.dic"])
def test_none_loadable_is_an_error(folder: Path, path_list: str) -> None:
    (folder / "binary.dic").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InvalidJobError) as caught:
        dictionary_of(path_list, lambda _: None)
    assert caught.value.status is ExitStatus.INVALID_JOB
    assert "DCMDICTPATH" in str(caught.value)
    assert path_list in str(caught.value)


def test_dcmtks_own_dictionaries_load_whole() -> None:
    folders = (Path("/usr/share"), Path("/usr/local/share"))
    paths = [str(path) for folder in folders for path in sorted(folder.glob("*dcmtk*/*.dic"))]
    assert len(paths) >= 2
    warnings: list[str] = []
    dictionary = dictionary_of(":".join(paths), warnings.append)
    assert not warnings
    entry = dictionary.by_private(0x00191012, "1.2.840.113681")
    assert entry is not None
    assert entry.keyword == "CRImageIPParamsLeft"
