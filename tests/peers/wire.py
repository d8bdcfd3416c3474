"""Bytes that an SCP sends, right ones and wrong ones, made without the code under test."""

from __future__ import annotations

import struct

STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
PATIENT_ROOT = "1.2.840.10008.5.1.4.1.2.1.1"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
C_FIND_RQ, C_FIND_RSP, C_ECHO_RQ, C_ECHO_RSP, C_CANCEL_RQ = 0x0020, 0x8020, 0x0030, 0x8030, 0x0FFF
NO_DATA_SET = 0x0101


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    """Return a PDU, with a length that lies if asked to."""
    return struct.pack(">BxL", kind, len(body) if length is None else length) + body


def pdv(control: int, value: bytes, context: int = 1, length: int | None = None) -> bytes:
    """Return a PDV; control is 1 for a command set, 0 for a data set, plus 2 for the last fragment."""
    return struct.pack(">LBB", len(value) + 2 if length is None else length, context, control) + value


def data(*pdvs: bytes) -> bytes:
    """Return a P-DATA-TF."""
    return pdu(P_DATA, b"".join(pdvs))


def element(number: int, value: bytes, group: int = 0) -> bytes:
    """Return an element of a command set."""
    return struct.pack("<HHL", group, number, len(value)) + value


def us(number: int, value: int) -> bytes:
    """Return an element with a 16 bit number."""
    return element(number, struct.pack("<H", value))


def command_set(*elements: bytes) -> bytes:
    """Return a command set with its group length."""
    body = b"".join(elements)
    return struct.pack("<HHLL", 0, 0, 4, len(body)) + body


def response(
    status: int,
    message_id: int = 1,
    *more: bytes,
    data_set: bool = False,
    field: int = C_FIND_RSP,
    sop_class: str = STUDY_ROOT,
) -> bytes:
    """Return the command set of a response."""
    uid = sop_class.encode()
    return command_set(
        element(0x0002, uid + b"\0" * (len(uid) % 2)),
        us(0x0100, field),
        us(0x0120, message_id),
        us(0x0800, 1 if data_set else NO_DATA_SET),
        us(0x0900, status),
        *more,
    )


def pending(identifier: bytes, message_id: int = 1, status: int = 0xFF00, context: int = 1) -> bytes:
    """Return a pending response as DCMTK sends it: two P-DATA-TF."""
    command = response(status, message_id, data_set=True)
    return data(pdv(3, command, context)) + data(pdv(2, identifier, context))


def pending_shared(identifier: bytes, message_id: int = 1, status: int = 0xFF00) -> bytes:
    """Return a pending response as dcm4che sends it: one P-DATA-TF."""
    return data(pdv(3, response(status, message_id, data_set=True)), pdv(2, identifier))


def final(status: int = 0, message_id: int = 1, *more: bytes, data_set: bool = False) -> bytes:
    """Return a final response."""
    return data(pdv(3, response(status, message_id, *more, data_set=data_set)))


def item(kind: int, value: bytes, length: int | None = None) -> bytes:
    """Return an item of an association PDU."""
    return struct.pack(">BxH", kind, len(value) if length is None else length) + value


def accepted_context(context: int, syntax: str = EXPLICIT, result: int = 0) -> bytes:
    """Return an answer to a presentation context."""
    return item(0x21, bytes((context, 0, result, 0)) + item(0x40, syntax.encode()))


def user_information(max_pdu: int = 16384, *more: bytes) -> bytes:
    """Return the user information of an A-ASSOCIATE-AC."""
    return item(0x50, item(0x51, struct.pack(">L", max_pdu)) + item(0x52, b"1.2.3.4") + b"".join(more))


def accept(*items: bytes, titles: bytes = b"ANY-SCP".ljust(16) + b"CFIND".ljust(16)) -> bytes:
    """Return an A-ASSOCIATE-AC; without items the first context is accepted in explicit VR little endian."""
    chosen = items or (accepted_context(1), user_information())
    fixed = struct.pack(">HH", 1, 0) + titles + bytes(32)
    return pdu(ASSOCIATE_AC, fixed + item(0x10, APPLICATION_CONTEXT.encode()) + b"".join(chosen))


def reject(result: int, source: int, reason: int) -> bytes:
    """Return an A-ASSOCIATE-RJ."""
    return pdu(ASSOCIATE_RJ, bytes((0, result, source, reason)))


def abort(source: int = 2, reason: int = 0) -> bytes:
    """Return an A-ABORT."""
    return pdu(ABORT, bytes((0, 0, source, reason)))


RELEASE = pdu(RELEASE_RQ, bytes(4))
RELEASED = pdu(RELEASE_RP, bytes(4))


def read_elements(command: bytes) -> dict[int, bytes]:
    """Return the elements of a command set."""
    values, at = {}, 0
    while at < len(command):
        _, number, length = struct.unpack_from("<HHL", command, at)
        values[number] = command[at + 8 : at + 8 + length]
        at += 8 + length
    return values


def read_pdus(stream: bytes) -> list[tuple[int, bytes]]:
    """Return types and bodies of the PDUs in a stream that ends with one."""
    pdus, at = [], 0
    while at < len(stream):
        kind, length = struct.unpack_from(">BxL", stream, at)
        body = stream[at + 6 : at + 6 + length]
        assert len(body) == length
        pdus.append((kind, body))
        at += 6 + length
    return pdus


def read_pdvs(body: bytes) -> list[tuple[int, int, bytes]]:
    """Return context, control header and value of the PDVs in a P-DATA-TF's body."""
    pdvs, at = [], 0
    while at < len(body):
        length, context, control = struct.unpack_from(">LBB", body, at)
        pdvs.append((context, control, body[at + 6 : at + 4 + length]))
        at += 4 + length
    return pdvs
