import pytest

from runner.dicom.tags import (
    format_tag,
    is_group_length,
    is_private,
    is_private_creator,
    parse_tag,
    private_creator_of,
)


@pytest.mark.parametrize("text", ["(0008,005A)", "0008,005a", "0008005A", "(0008,005a)"])
def test_each_way_of_writing_a_tag(text):
    assert parse_tag(text) == 0x0008005A


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0008",
        "(0008,005A",
        "0008,005A)",
        "(0008005A)",
        "0008,05A",
        "000G,005A",
        "0008, 005A",
        "0008005A\n",
    ],
)
def test_other_texts_are_no_tags(text):
    assert parse_tag(text) is None


def test_a_tag_is_written_in_lower_case():
    assert format_tag(0x7FE0001A) == "(7fe0,001a)"


def test_private_tags_and_their_creators():
    assert is_private(0x00191001)
    assert not is_private(0x00181001)
    assert private_creator_of(0x00191001) == 0x00190010
    assert private_creator_of(0x00190010) is None
    assert private_creator_of(0x00181001) is None
    assert is_private_creator(0x00190010)
    assert not is_private_creator(0x0019000F)
    assert not is_private_creator(0x00191001)
    assert is_group_length(0x00080000)
    assert not is_group_length(0x00080001)
