"""Command sets."""

from __future__ import annotations

import struct

import pytest

from peers import wire
from runner.association.command import (
    CommandSetError,
    cancel_request,
    decode_response,
    echo_request,
    find_request,
)


def test_find_request() -> None:
    command = find_request(wire.STUDY_ROOT, 7)
    values = wire.read_elements(command)
    assert list(values) == [0x0000, 0x0002, 0x0100, 0x0110, 0x0700, 0x0800]
    assert values[0x0000] == struct.pack("<L", len(command) - 12)
    assert values[0x0002] == wire.STUDY_ROOT.encode() + b"\0"
    assert values[0x0100] == b"\x20\x00"
    assert values[0x0110] == b"\x07\x00"
    assert values[0x0800] != struct.pack("<H", wire.NO_DATA_SET)


def test_echo_and_cancel_requests() -> None:
    echo = wire.read_elements(echo_request(wire.VERIFICATION, 1))
    assert (echo[0x0100], echo[0x0110], echo[0x0800]) == (b"\x30\x00", b"\x01\x00", b"\x01\x01")
    cancel = wire.read_elements(cancel_request(521))
    assert cancel[0x0100] == b"\xff\x0f"
    assert cancel[0x0120] == b"\x09\x02"
    assert cancel[0x0800] == b"\x01\x01"
    assert 0x0110 not in cancel


def test_response() -> None:
    command = decode_response(wire.response(0xFF00, 65535, data_set=True))
    assert command.field == 0x8020
    assert command.message_id == 65535
    assert command.has_data_set
    assert command.detail.status == 0xFF00
    assert command.detail.elements == b""


@pytest.mark.parametrize("message_id", [521, 0x0900, 0x0120])
def test_a_message_id_that_looks_like_a_tag(message_id: int) -> None:
    assert decode_response(wire.response(0xA700, message_id)).message_id == message_id
    assert decode_response(wire.response(0xA700, message_id)).detail.status == 0xA700


def test_status_detail() -> None:
    more = (
        wire.element(0x0901, struct.pack("<HHHH", 0x0010, 0x0020, 0x0008, 0x0052)),
        wire.element(0x0902, b"not \x1b[31mthat\x9b one "),
        wire.us(0x0903, 4711),
    )
    detail = decode_response(wire.response(0xA900, 1, *more)).detail
    assert detail.offending_elements == (0x00100020, 0x00080052)
    assert detail.error_comment == "not \ufffd[31mthat\ufffd one"
    assert detail.error_id == 4711
    assert detail.elements == b"".join(more)


@pytest.mark.parametrize("status", [0x0000, 0xFF00, 0xA900])
def test_all_that_not_each_response_has_is_detail_in_order_of_tags(status: int) -> None:
    private = wire.element(0x0010, b"ME", group=0x0009)
    comment, second = wire.element(0x0902, b"no"), wire.element(0x0902, b"oh")
    instance, unknown, number = wire.element(0x1000, b"1.2\0"), wire.us(0x0904, 1), wire.us(0x0110, 7)
    more = (private, comment, second, instance, unknown, number)
    detail = decode_response(wire.response(status, 1, *more)).detail
    assert detail.elements == number + comment + unknown + instance + private


@pytest.mark.parametrize(
    "more",
    [
        wire.element(0x0901, b"abc"),
        wire.element(0x0902, b""),
        wire.element(0x0903, b"x"),
        wire.element(0x0010, b"odd", group=0x0009),
    ],
)
def test_a_broken_explanation_is_no_error(more: bytes) -> None:
    detail = decode_response(wire.response(0xC000, 1, more)).detail
    assert (detail.status, detail.offending_elements, detail.error_comment, detail.error_id) == (
        0xC000,
        (),
        "",
        None,
    )


def test_order_and_doubles_do_not_matter() -> None:
    command = decode_response(
        wire.us(0x0900, 0)
        + wire.us(0x0900, 0xA700)
        + wire.us(0x0800, 0x0101)
        + wire.us(0x0120, 3)
        + wire.us(0x0100, 0x8020)
    )
    assert (command.detail.status, command.message_id, command.has_data_set) == (0, 3, False)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no Command Field"),
        (b"\0" * 7, "7 stray bytes"),
        (wire.response(0)[:-1], "says that it is 2 bytes long, but 1 follow"),
        (struct.pack("<HHL", 0, 2, 0xFFFFFFFF), "says that it is 4294967295 bytes long"),
        (wire.command_set(wire.us(0x0100, 0x8020), wire.us(0x0120, 1), wire.us(0x0800, 1)), "no Status"),
        (wire.command_set(wire.us(0x0100, 0x8020), wire.us(0x0800, 1)), "no Message ID Being"),
        (wire.command_set(wire.us(0x0100, 0x8020), wire.us(0x0120, 1)), "no Command Data Set Type"),
        (wire.command_set(wire.element(0x0100, b"\x20\x80\0\0")), "has 4 bytes in place of 2"),
    ],
)
def test_what_cannot_be_read(data: bytes, why: str) -> None:
    with pytest.raises(CommandSetError, match=why):
        decode_response(data)
