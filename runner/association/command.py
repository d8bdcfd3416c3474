"""Command sets (PS3.7 6.3): always in implicit VR little endian."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from runner.status import StatusDetail

AFFECTED_SOP_CLASS_UID = 0x0002
COMMAND_FIELD = 0x0100
MESSAGE_ID = 0x0110
MESSAGE_ID_BEING_RESPONDED_TO = 0x0120
PRIORITY = 0x0700
COMMAND_DATA_SET_TYPE = 0x0800
STATUS = 0x0900
OFFENDING_ELEMENT = 0x0901
ERROR_COMMENT = 0x0902
ERROR_ID = 0x0903

#: What each response has; all else is the detail of its status (findscu prints it so).
_UNDERSTOOD = frozenset(
    (
        0x0000,
        AFFECTED_SOP_CLASS_UID,
        COMMAND_FIELD,
        MESSAGE_ID_BEING_RESPONDED_TO,
        COMMAND_DATA_SET_TYPE,
        STATUS,
    )
)

C_FIND_RQ = 0x0020
C_FIND_RSP = 0x8020
C_ECHO_RQ = 0x0030
C_ECHO_RSP = 0x8030
C_CANCEL_RQ = 0x0FFF

NO_DATA_SET = 0x0101
_DATA_SET = 0x0001
_MEDIUM_PRIORITY = 0x0000

#: Group and element as two numbers, and the value's length.
_ELEMENT = Struct("<HHL")
_US = Struct("<H")
_GROUP_LENGTH = Struct("<HHLL")


class CommandSetError(ValueError):
    """A command set cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a response says, as far as it concerns its receiver.

    Attributes:
        field: the Command Field.
        message_id: the Message ID Being Responded To.
        has_data_set: whether a data set is announced.
        detail: the status and what came with it.
    """

    field: int
    message_id: int
    has_data_set: bool
    detail: StatusDetail


def find_request(sop_class_uid: str, message_id: int) -> bytes:
    """Return the command set of a C-FIND-RQ (PS3.7 9.3.2.1)."""
    return _encode(
        (AFFECTED_SOP_CLASS_UID, _uid(sop_class_uid)),
        (COMMAND_FIELD, _US.pack(C_FIND_RQ)),
        (MESSAGE_ID, _US.pack(message_id)),
        (PRIORITY, _US.pack(_MEDIUM_PRIORITY)),
        (COMMAND_DATA_SET_TYPE, _US.pack(_DATA_SET)),
    )


def echo_request(sop_class_uid: str, message_id: int) -> bytes:
    """Return the command set of a C-ECHO-RQ (PS3.7 9.3.5.1)."""
    return _encode(
        (AFFECTED_SOP_CLASS_UID, _uid(sop_class_uid)),
        (COMMAND_FIELD, _US.pack(C_ECHO_RQ)),
        (MESSAGE_ID, _US.pack(message_id)),
        (COMMAND_DATA_SET_TYPE, _US.pack(NO_DATA_SET)),
    )


def cancel_request(message_id: int) -> bytes:
    """Return the command set of a C-CANCEL-RQ for the request with that Message ID (PS3.7 9.3.2.3)."""
    return _encode(
        (COMMAND_FIELD, _US.pack(C_CANCEL_RQ)),
        (MESSAGE_ID_BEING_RESPONDED_TO, _US.pack(message_id)),
        (COMMAND_DATA_SET_TYPE, _US.pack(NO_DATA_SET)),
    )


def decode_response(data: bytes) -> Command:
    """Read a response's command set, element by element.

    Elements may stand in any order and odd lengths are taken; of an element that comes twice, the first
    counts.

    Raises:
        CommandSetError: if a length runs beyond the end, or a number has not the length of its VR, or
            an element is missing that every response has.
    """
    values: dict[int, bytes] = {}
    explaining: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while at < end:
        if end - at < _ELEMENT.size:
            raise CommandSetError(f"{end - at} stray bytes at its end")
        group, element, length = _ELEMENT.unpack_from(data, at)
        start = at + _ELEMENT.size
        at = start + length
        if at > end:
            raise CommandSetError(
                f"element ({group:04x},{element:04x}) says that it is {length} bytes long,"
                f" but {end - start} follow"
            )
        if group == 0 and element not in values:
            values[element] = data[start:at]
        if group or element not in _UNDERSTOOD:
            explaining.append((group << 16 | element, data[start - _ELEMENT.size : at]))
    return Command(
        _number(values, COMMAND_FIELD, "Command Field"),
        _number(values, MESSAGE_ID_BEING_RESPONDED_TO, "Message ID Being Responded To"),
        _number(values, COMMAND_DATA_SET_TYPE, "Command Data Set Type") != NO_DATA_SET,
        _detail(_number(values, STATUS, "Status"), values, _in_order(explaining)),
    )


def _in_order(elements: list[tuple[int, bytes]]) -> bytes:
    """Return elements in ascending order of tags, the first one of a tag."""
    first: dict[int, bytes] = {}
    for tag, data in elements:
        first.setdefault(tag, data)
    return b"".join(first[tag] for tag in sorted(first))


def _detail(status: int, values: dict[int, bytes], elements: bytes) -> StatusDetail:
    """Read what explains a status; it is never worth an error."""
    tags = values.get(OFFENDING_ELEMENT, b"")
    error_id = values.get(ERROR_ID, b"")
    comment = values.get(ERROR_COMMENT, b"").decode("latin-1").strip(" \0")
    return StatusDetail(
        status,
        tuple(
            (int.from_bytes(tags[i : i + 2], "little") << 16) | int.from_bytes(tags[i + 2 : i + 4], "little")
            for i in range(0, len(tags) - 3, 4)
        ),
        # It goes to terminals and logs: no control characters, those of C1 neither.
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in comment),
        _US.unpack(error_id)[0] if len(error_id) == _US.size else None,
        elements,
    )


def _number(values: dict[int, bytes], element: int, name: str) -> int:
    value = values.get(element)
    if value is None:
        raise CommandSetError(f"it has no {name}")
    if len(value) != _US.size:
        raise CommandSetError(f"its {name} has {len(value)} bytes in place of {_US.size}")
    number: int = _US.unpack(value)[0]
    return number


def _uid(uid: str) -> bytes:
    value = uid.encode("ascii")
    return value + b"\0" if len(value) % 2 else value


def _encode(*elements: tuple[int, bytes]) -> bytes:
    encoded = b"".join(_ELEMENT.pack(0, element, len(value)) + value for element, value in elements)
    return _GROUP_LENGTH.pack(0, 0, 4, len(encoded)) + encoded
