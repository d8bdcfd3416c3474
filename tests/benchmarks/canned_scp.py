"""A C-FIND SCP that streams canned study-level responses as fast as the socket takes them.

It measures clients, so it does next to nothing itself: all responses are encoded once and sent in large
pieces. The called AE title says how many there are: `N100000`. It is not a validating SCP.

    python canned_scp.py 100000     # encodes so many at most, prints the port, serves until it is ended
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator

A_ASSOCIATE_RQ, A_ASSOCIATE_AC, P_DATA_TF, A_RELEASE_RQ, A_RELEASE_RP = 1, 2, 4, 5, 6
PENDING, SUCCESS = 0xFF00, 0x0000
IMPLEMENTATION_CLASS_UID = b"1.2.826.0.1.3680043.10.1111.1"


def _explicit(tag: int, vr: bytes, value: bytes) -> bytes:
    """An element in explicit VR little endian, with a short length."""
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def identifier(number: int) -> bytes:
    """A response of about 400 bytes with 17 attributes, some of which differ from response to response."""
    return b"".join(
        (
            _explicit(0x00080005, b"CS", b"ISO_IR 100"),
            _explicit(0x00080020, b"DA", b"2024%02d%02d" % (1 + number % 12, 1 + number % 28)),
            _explicit(0x00080030, b"TM", b"%02d1112" % (number % 24)),
            _explicit(0x00080050, b"SH", b"A%07d" % number),
            _explicit(0x00080052, b"CS", b"STUDY"),
            _explicit(0x00080054, b"AE", b"CANNED"),
            _explicit(0x00080061, b"CS", b"CT\\SR" if number % 3 else b"MR"),
            _explicit(0x00080090, b"PN", b"REFERRING^DOCTOR"),
            _explicit(0x00081030, b"LO", b"CT THORAX ABDOMEN %d" % (number % 50)),
            _explicit(0x00100010, b"PN", b"DOE^JOHN^%07d" % number),
            _explicit(0x00100020, b"LO", b"PID%07d" % number),
            _explicit(0x00100030, b"DA", b"19%02d0101" % (number % 100)),
            _explicit(0x00100040, b"CS", b"MF"[number % 2 : number % 2 + 1]),
            _explicit(0x0020000D, b"UI", b"1.2.826.0.1.3680043.8.498.1234567890.%d" % number),
            _explicit(0x00200010, b"SH", b"S%d" % number),
            _explicit(0x00201206, b"IS", b"%d" % (1 + number % 9)),
            _explicit(0x00201208, b"IS", b"%d" % (1 + number % 900)),
        )
    )


def _pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxL", kind, len(body)) + body


def _pdv(context: int, header: int, fragment: bytes) -> bytes:
    return struct.pack(">LBB", len(fragment) + 2, context, header) + fragment


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def command_set(sop_class: bytes, message_id: int, status: int) -> bytes:
    """The command set of a C-FIND-RSP (PS3.7 9.3.2.2)."""
    uid = sop_class + b"\0" * (len(sop_class) % 2)
    elements = b"".join(
        struct.pack("<HHL", 0, element, len(value)) + value
        for element, value in (
            (0x0002, uid),
            (0x0100, struct.pack("<H", 0x8020)),
            (0x0120, struct.pack("<H", message_id)),
            (0x0800, struct.pack("<H", 0x0000 if status == PENDING else 0x0101)),
            (0x0900, struct.pack("<H", status)),
        )
    )
    return struct.pack("<HHLL", 0, 0, 4, len(elements)) + elements


class Canned:
    """The responses, encoded once for each presentation context, SOP class and message ID that is asked."""

    def __init__(self, most: int) -> None:
        self.identifiers = [identifier(number) for number in range(most)]
        self._lock = threading.Lock()
        self._streams: dict[tuple[int, bytes, int], tuple[bytes, list[int]]] = {}

    def pieces(
        self, context: int, sop_class: bytes, message_id: int, count: int
    ) -> Iterator[memoryview | bytes]:
        """The PDUs of `count` pending responses and of the final one."""
        with self._lock:
            key = (context, sop_class, message_id)
            if key not in self._streams:
                if len(self._streams) > 3:  # each client uses one message ID nearly always
                    self._streams.clear()
                self._streams[key] = self._encode(*key)
            stream, ends = self._streams[key]
        while count:
            part = min(count, len(self.identifiers))
            yield memoryview(stream)[: ends[part - 1]]
            count -= part
        yield _pdu(P_DATA_TF, _pdv(context, 3, command_set(sop_class, message_id, SUCCESS)))

    def _encode(self, context: int, sop_class: bytes, message_id: int) -> tuple[bytes, list[int]]:
        command = _pdu(P_DATA_TF, _pdv(context, 3, command_set(sop_class, message_id, PENDING)))
        responses = [command + _pdu(P_DATA_TF, _pdv(context, 2, data)) for data in self.identifiers]
        ends, end = [], 0
        for response in responses:
            end += len(response)
            ends.append(end)
        return b"".join(responses), ends


class Association:
    """One client."""

    def __init__(self, connection: socket.socket, canned: Canned) -> None:
        self._socket = connection
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._canned = canned
        self._sop_classes: dict[int, bytes] = {}
        self._count = 0

    def serve(self) -> None:
        """Answer until the client releases or goes away."""
        try:
            self._accept()
            while self._answer():
                pass
        except (EOFError, OSError):
            pass  # a client may do that
        finally:
            self._socket.close()

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _read_pdu(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxL", self._read(6))
        return kind, self._read(length)

    def _accept(self) -> None:
        kind, request = self._read_pdu()
        if kind != A_ASSOCIATE_RQ:
            raise EOFError
        self._count = int(request[4:20].strip().removeprefix(b"N"))
        answers = []
        for item, body in _items(request[68:]):
            if item != 0x20:
                continue
            subitems = list(_items(body[4:]))
            self._sop_classes[body[0]] = next(value for sub, value in subitems if sub == 0x30)
            syntaxes = [value for sub, value in subitems if sub == 0x40]
            taken = b"1.2.840.10008.1.2.1" if b"1.2.840.10008.1.2.1" in syntaxes else syntaxes[0]
            answers.append(_item(0x21, bytes([body[0], 0, 0, 0]) + _item(0x40, taken)))
        user = _item(0x51, struct.pack(">L", 16384)) + _item(0x52, IMPLEMENTATION_CLASS_UID)
        body = request[:68] + _item(0x10, b"1.2.840.10008.3.1.1.1") + b"".join(answers) + _item(0x50, user)
        self._socket.sendall(_pdu(A_ASSOCIATE_AC, body))

    def _answer(self) -> bool:
        command = b""
        while True:
            kind, body = self._read_pdu()
            if kind == A_RELEASE_RQ:
                self._socket.sendall(_pdu(A_RELEASE_RP, bytes(4)))
            if kind != P_DATA_TF:
                return False
            for context, header, fragment in _pdvs(body):
                if header & 1:
                    command += fragment
                elif header == 2:
                    message_id = _message_id(command)
                    for piece in self._canned.pieces(
                        context, self._sop_classes[context], message_id, self._count
                    ):
                        self._socket.sendall(piece)
                    return True


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(data):
        kind, length = struct.unpack_from(">BxH", data, offset)
        yield kind, data[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _pdvs(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    offset = 0
    while offset < len(data):
        length, context, header = struct.unpack_from(">LBB", data, offset)
        yield context, header, data[offset + 6 : offset + 4 + length]
        offset += 4 + length


def _message_id(command: bytes) -> int:
    offset = 0
    while offset < len(command):
        element, length = struct.unpack_from("<2xHL", command, offset)
        if element == 0x0110:
            return int.from_bytes(command[offset + 8 : offset + 8 + length], "little")
        offset += 8 + length
    raise EOFError


def main() -> None:
    """Serve until the process is ended."""
    canned = Canned(int(sys.argv[1]))
    secured = None
    if len(sys.argv) > 4:
        secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secured.load_cert_chain(sys.argv[3], sys.argv[4])
    with socket.create_server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection, canned, secured), daemon=True).start()


def serve(connection: socket.socket, canned: Canned, secured: ssl.SSLContext | None) -> None:
    """Serve one client, over TLS where there are settings for it."""
    if secured is not None:
        try:
            connection = secured.wrap_socket(connection, server_side=True)
        except OSError:
            return
    Association(connection, canned).serve()


if __name__ == "__main__":
    main()
