import subprocess
import sys

import pytest
from pydicom.datadict import DicomDictionary, RepeatersDictionary

from runner.dicom.dictionary import STANDARD, Entry, Parity


def test_every_entry_of_pydicom_is_found_by_tag_and_by_keyword():
    for tag, (vr, vm, name, _, keyword) in DicomDictionary.items():
        entry = STANDARD.by_tag(tag)
        assert entry is not None
        assert (entry.tag, entry.vm, entry.name, entry.keyword) == (tag, vm, name, keyword)
        assert vr == "NONE" or entry.vr in vr.split(" or ")
        assert bool(entry.choice) == (" or " in vr and tag != 0x7FE00010) or entry.choice == "up"
        if keyword:
            assert STANDARD.by_keyword(keyword) == entry


def test_every_repeating_group_is_found():
    for pattern, row in RepeatersDictionary.items():
        entry = STANDARD.by_tag(int(pattern.replace("x", "2"), 16))
        assert entry is not None
        assert entry.keyword == row[4]


@pytest.mark.parametrize(
    ("tag", "vr", "choice"),
    [
        (0x00280106, "US", "xs"),
        (0x00283002, "US", "xs"),
        (0x00281100, "US", "xs"),
        (0x00283006, "OW", "lt"),
        (0x00281200, "OW", "lt"),
        (0x54001010, "OB", "ox"),
        (0x00143050, "OB", "ox"),
        (0x5002200C, "OB", "ox"),
        (0x7F020010, "OB", "ox"),
        (0x7FE00010, "OW", ""),
        (0x60003000, "OW", ""),
        (0x60FE3000, "OW", ""),
        (0x50023000, "OB", ""),
        (0x00041200, "UL", "up"),
        (0x00280010, "US", ""),
    ],
)
def test_where_the_standard_leaves_a_choice_of_vrs(tag, vr, choice):
    entry = STANDARD.by_tag(tag)
    assert entry is not None
    assert (entry.vr, entry.choice) == (vr, choice)


def test_what_no_dictionary_has():
    assert STANDARD.by_tag(0x00080001 + 0x6000) is None
    assert STANDARD.by_tag(0x00191001) is None
    assert STANDARD.by_keyword("patientname") is None
    assert STANDARD.by_private(0x00191001, "NOBODY") is None


def test_group_lengths_and_private_creators_have_vrs():
    group_length, creator = STANDARD.by_tag(0x00190000), STANDARD.by_tag(0x00190010)
    assert group_length is not None
    assert group_length.vr == "UL"
    assert creator is not None
    assert creator.vr == "LO"


@pytest.mark.parametrize("block", [0x10, 0x11, 0xFF])
def test_private_entries_count_in_any_block(block):
    tag = 0x0019_000A | block << 8
    entry = STANDARD.by_private(tag, "SIEMENS MR HEADER")
    assert entry is not None
    assert (entry.tag, entry.vr, entry.creator) == (tag, "US", "SIEMENS MR HEADER")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("StudyDat", "StudyDate"),
        ("PatientsName", "PatientName"),
        ("patientname", "PatientName"),
        ("Patient Name", "PatientName"),
        ("AcessionNumber", "AccessionNumber"),
    ],
)
def test_the_keyword_that_was_meant_comes_first(name, meant):
    suggestions = STANDARD.suggest(name)
    assert suggestions[0] == meant
    assert len(suggestions) <= 3


def test_nothing_is_suggested_for_nonsense():
    assert STANDARD.suggest("qqqqzzzz") == ()


def test_an_extension_comes_before_what_it_extends():
    dictionary = STANDARD.extended(
        [
            Entry(0x00100010, "PN", "1", "Name", "PatName"),
            Entry(0x00110001, "DS", "1-n", "Dose", "AcmeDose", creator="ACME 2"),
            Entry(0x00210010, "US", "1", "Local", "Local", last=0x0025FFFF, groups=Parity.ODD),
        ]
    )
    renamed = dictionary.by_tag(0x00100010)
    assert renamed is not None
    assert renamed.keyword == "PatName"
    assert dictionary.by_keyword("PatName") == renamed
    assert dictionary.by_keyword("PatientID") == STANDARD.by_keyword("PatientID")
    dose = dictionary.by_private(0x00111201, "ACME 2")
    assert dose is not None
    assert (dose.tag, dose.keyword) == (0x00111201, "AcmeDose")
    assert dictionary.by_private(0x00111201, "ACME 3") is None
    in_range = dictionary.by_tag(0x00231234)
    assert in_range is not None
    assert in_range.keyword == "Local"
    assert dictionary.by_tag(0x00221234) is None
    assert "PatName" in dictionary.keywords()
    assert STANDARD.by_tag(0x00100010) != renamed


def test_names_are_looked_up_without_importing_pydicom():
    code = (
        "import sys; from runner.dicom.dictionary import STANDARD; assert STANDARD.by_keyword('PatientName');"
        "assert STANDARD.by_private(0x0019100A, 'SIEMENS MR HEADER'); print('pydicom' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
